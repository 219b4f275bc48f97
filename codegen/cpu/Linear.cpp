//===- Linear.cpp - linear and logits on a CPU: facts and phases ----------===//

#include "codegen/cpu/Linear.h"
#include "codegen/Buffers.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

int64_t LinearSpec::unitRows() const { return headDim ? headDim : kUnitRows; }

Value LinearSpec::inputPairs(KernelBuilder &b, const KernelArguments &args) const {
  return b.view(args.buffers[input], b.getI32Type(), {ShapedType::kDynamic, pairs()}, args.tokens);
}

Value LinearSpec::inputRow(KernelBuilder &b, const KernelArguments &args, Value row) const {
  return outputRows ? b.loadIndex(args.buffers[*outputRows], row) : row;
}

std::optional<NormParameters> LinearSpec::norm(KernelBuilder &b,
                                               const KernelArguments &args) const {
  if (!gamma)
    return std::nullopt;
  auto vector = [&](unsigned buffer) {
    return b.view(args.buffers[buffer], b.getI32Type(), {pairs()});
  };
  return NormParameters{vector(*gamma), vector(*beta), eps};
}

Value LinearSpec::weightPairs(KernelBuilder &b, const KernelArguments &args,
                              const Part &part) const {
  return b.view(args.buffers[part.weight], b.getI32Type(), {part.rows, pairs()});
}

void strata::cpu::forEachPart(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
    llvm::function_ref<void(const LinearSpec::Part &, Value, Value)> body) {
  int64_t first = 0; // unit of the part's first row
  for (const LinearSpec::Part &part : spec.parts) {
    int64_t units = spec.units(part);
    auto rowOf = [&](Value unit) {
      Value local = b.max(b.min(b.sub(unit, b.index(first)), b.index(units)), b.index(0));
      return b.min(b.mul(local, spec.unitRows()), b.index(part.rows));
    };
    body(part, rowOf(args.begin), rowOf(args.end));
    first += units;
  }
}

//===----------------------------------------------------------------------===//
// From the ops
//===----------------------------------------------------------------------===//

template <typename OpT>
static LinearSpec describeInput(OpT op, ArrayRef<BufferRef> buffers) {
  LinearSpec spec;
  spec.inFeatures = columns(op.getInput());
  spec.input = findBuffer(buffers, op.getInput());
  if (op.getGamma()) {
    spec.gamma = findBuffer(buffers, op.getGamma());
    spec.beta = findBuffer(buffers, op.getBeta());
    spec.eps = op.getEps()->convertToDouble();
  }
  if (op.getWorkspace())
    spec.workspace = findBuffer(buffers, BufferRole::Workspace);
  return spec;
}

static LinearSpec describe(LinearOp op) {
  auto buffers = listBuffers(op);
  LinearSpec spec = describeInput(op, buffers);
  unsigned products = op.getNumProducts();
  for (auto [i, weight] : llvm::enumerate(op.getWeights())) {
    using Sink = LinearSpec::Sink;
    Sink sink = i < products ? Sink::Result : i == products ? Sink::Key : Sink::Value;
    unsigned result = i < products ? findBuffer(buffers, op->getResult(i)) : 0;
    spec.parts.push_back({rows(weight), findBuffer(buffers, weight), result, sink, op.isRoped(i)});
  }
  spec.squaredRelu = op.getSquaredRelu();
  if (op.getResidual())
    spec.residual = findBuffer(buffers, op.getResidual());
  if (op.getRotary()) {
    spec.rotary = findBuffer(buffers, op.getRotary());
    spec.rotaryDims = columns(op.getRotary());
    spec.headDim = *op.getHeadDim();
  }
  if (op.getCache()) {
    spec.cache.emplace(op, op.getCache().getType());
    spec.headDim = op.getCache().getType().getHeadDim();
  }
  return spec;
}

static LinearSpec describe(LogitsOp op) {
  auto buffers = listBuffers(op);
  LinearSpec spec = describeInput(op, buffers);
  spec.outputRows = findBuffer(buffers, BufferRole::OutputRows);
  spec.parts.push_back({rows(op.getWeight()), findBuffer(buffers, op.getWeight()),
                        findBuffer(buffers, op.getResult()), LinearSpec::Sink::Logits, false});
  return spec;
}

static KernelSpec describePhases(const LinearSpec &spec) {
  int64_t units = 0;
  for (const LinearSpec::Part &part : spec.parts)
    units += spec.units(part);
  auto bind = [spec](auto emit) {
    return [spec, emit](KernelBuilder &b, const KernelArguments &args) { emit(b, args, spec); };
  };
  VariantSpec decode{kDecodeRows, {}}, prefill{0, {}};
  if (spec.gamma || spec.outputRows)
    decode.phases.push_back({"rows", spec.axis(), 1, 1, bind(emitNormalizeRows)});
  decode.phases.push_back({"decode", Axis::One, 1, units, bind(emitDecode)});
  prefill.phases.push_back({"pack", spec.axis(), 16, 1, bind(emitPack)});
  prefill.phases.push_back({"prefill", Axis::One, 1, units, bind(emitPrefill)});
  return {spec.axis(), {decode, prefill}};
}

KernelSpec strata::cpu::describeLinear(LinearOp op) { return describePhases(describe(op)); }
KernelSpec strata::cpu::describeLogits(LogitsOp op) { return describePhases(describe(op)); }
