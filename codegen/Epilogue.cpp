//===- Epilogue.cpp - what is done to products, on every target -----------===//

#include "codegen/Epilogue.h"

using namespace mlir;
using namespace strata;

Value strata::activate(BodyBuilder &b, Activation a, Value x) {
  switch (a) {
  case Activation::SquaredRelu: {
    Value positive = b.maxf(b.f32(0, lanesOf(x)), x);
    return b.mulf(positive, positive);
  }
  }
  llvm_unreachable("an activation without an emission");
}

Value strata::productRows(const LinearSpec &spec, const KernelArguments &args) {
  return spec.outputRows ? args.outputRows : args.tokens;
}

/// The array that a step reads, null if there is none.
static Value viewOperand(BodyBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                         const LinearSpec::Part &part, const LinearSpec::Step &step) {
  using Kind = EpilogueStep::Kind;
  if (step.kind == Kind::activation)
    return {};
  Value buffer = args.buffers[step.operand];
  if (step.kind == Kind::bias)
    return b.view(buffer, step.element, {part.rows});
  return b.view(buffer, step.element, {ShapedType::kDynamic, part.rows}, productRows(spec, args));
}

StepsOnValues strata::prepareSteps(BodyBuilder &b, const KernelArguments &args,
                                   const LinearSpec &spec, const LinearSpec::Part &part,
                                   ArrayRef<LinearSpec::Step> steps) {
  SmallVector<std::pair<LinearSpec::Step, Value>> prepared;
  for (const LinearSpec::Step &step : steps)
    prepared.push_back({step, viewOperand(b, args, spec, part, step)});
  return [&b, prepared](Value y, Value token, Value row, int64_t lanes) {
    auto load = [&](Value memory, ValueRange at) {
      return b.toF32(lanes ? b.load(memory, at, lanes) : b.load(memory, at));
    };
    for (auto [step, operand] : prepared)
      switch (step.kind) {
      case EpilogueStep::Kind::bias:
        y = b.addf(y, load(operand, {row}));
        break;
      case EpilogueStep::Kind::activation:
        y = activate(b, step.activation, y);
        break;
      case EpilogueStep::Kind::residual:
        y = b.addf(load(operand, {token, row}), y);
        break;
      case EpilogueStep::Kind::rope:
        llvm_unreachable("turns two values together");
      }
    return y;
  };
}
