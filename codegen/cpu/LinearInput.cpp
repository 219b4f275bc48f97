//===- LinearInput.cpp - preparing inputs, once for all linears -----------===//
//
// The phases before a product know nothing of its weights. Linears with inputs of the same width,
// norm, gathering and rounding share the functions that prepare them.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Linear.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

namespace {
/// Of a product only what its input becomes, with the buffers that takes.
struct InputSpec {
  LinearSpec spec;                     ///< its buffers are numbers in `buffers`; no parts
  llvm::SmallVector<unsigned> buffers; ///< of the product

  explicit InputSpec(const LinearSpec &product) : spec(product) {
    spec.parts.clear();
    spec.cache.reset();
    take(spec.input);
    for (std::optional<unsigned> *buffer :
         {&spec.workspace, &spec.gamma, &spec.beta, &spec.outputRows})
      if (*buffer)
        take(**buffer);
  }

  /// "6144_norm_bf16_bf16_plus_one_0x1.4f8b58p-17_gathered_i8_g32": of these the code depends.
  std::string name() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << spec.inFeatures;
    if (spec.gamma)
      os << "_norm_" << spec.gammaElement << '_' << spec.betaElement
         << (spec.gammaIncludesOne ? "_" : "_plus_one_") << llvm::format("%a", spec.eps);
    if (spec.outputRows)
      os << "_gathered";
    if (spec.rounding)
      os << '_' << spec.rounding.getElement() << "_g" << spec.rounding.getGroup();
    return text;
  }

private:
  void take(unsigned &buffer) {
    buffers.push_back(buffer);
    buffer = buffers.size() - 1;
  }
};
} // namespace

EmitBody strata::cpu::sharedInputPhase(StringRef phase, const LinearSpec &product,
                                       EmitPhase *emit) {
  const InputSpec input(product);
  std::string name = (phase + "_" + input.name()).str();
  return [=](KernelBuilder &b, const KernelArguments &args) {
    Values arguments;
    for (unsigned buffer : input.buffers)
      arguments.push_back(args.buffers[buffer]);
    llvm::append_values(arguments, args.tokens, args.outputRows, args.begin, args.end);
    b.call(name, arguments, [&](KernelBuilder &b, ValueRange values) {
      ValueRange scalars = values.drop_front(input.buffers.size());
      emit(b, {values.drop_back(4), scalars[0], scalars[1], {}, {}, scalars[2], scalars[3]},
           input.spec);
    });
  };
}
