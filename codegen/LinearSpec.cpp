//===- LinearSpec.cpp - linear and logits, as kernels need them -----------===//

#include "codegen/LinearSpec.h"

using namespace mlir;
using namespace strata;

static Type elementType(Value value) { return cast<ShapedType>(value.getType()).getElementType(); }

Value strata::storedRow(BodyBuilder &b, BoxAttr box, Value row) {
  if (!box || !box.getGroupRows())
    return row;
  return b.add(b.mul(b.div(row, box.getGroupRows()), box.getGroupStride()),
               b.rem(row, box.getGroupRows()));
}

template <typename OpT>
static void describeNorm(OpT op, ArrayRef<BufferRef> buffers, const APFloat &eps,
                         LinearSpec &spec) {
  spec.gamma = findBuffer(buffers, op.getGamma());
  spec.beta = findBuffer(buffers, op.getBeta());
  spec.gammaElement = elementType(op.getGamma());
  spec.betaElement = elementType(op.getBeta());
  spec.gammaIncludesOne = op.getGammaIncludesOne();
  spec.eps = eps.convertToDouble();
}

template <typename OpT>
static LinearSpec describeInput(OpT op, ArrayRef<BufferRef> buffers) {
  LinearSpec spec;
  spec.inFeatures = columns(op.getInput());
  spec.input = findBuffer(buffers, op.getInput());
  if (op.getGamma())
    describeNorm(op, buffers, *op.getEps(), spec);
  spec.rounding = op.getRoundingAttr();
  if (op.getWorkspace())
    spec.workspace = findBuffer(buffers, BufferRole::Workspace);
  return spec;
}

static LinearSpec::Part describePart(ArrayRef<BufferRef> buffers, Value weight,
                                     LinearSpec::Sink sink, Value result, bool roped) {
  LinearSpec::Part part{rows(weight),
                        findBuffer(buffers, weight),
                        result ? findBuffer(buffers, result) : 0,
                        sink,
                        roped,
                        elementType(weight),
                        getBox(weight)};
  part.quantized = getQuantized(weight);
  if (part.quantized)
    part.scales = findScales(buffers, weight);
  return part;
}

LinearSpec strata::describeOperands(LinearOp op) {
  auto buffers = listBuffers(op);
  LinearSpec spec = describeInput(op, buffers);
  unsigned products = op.getNumProducts();
  for (auto [i, weight] : llvm::enumerate(op.getWeights())) {
    using Sink = LinearSpec::Sink;
    Sink sink = i < products ? Sink::Result : i == products ? Sink::Key : Sink::Value;
    Value result = i < products ? op->getResult(i) : Value();
    spec.parts.push_back(describePart(buffers, weight, sink, result, op.isRoped(i)));
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

LinearSpec strata::describeOperands(LogitsOp op) {
  auto buffers = listBuffers(op);
  LinearSpec spec = describeInput(op, buffers);
  spec.outputRows = findBuffer(buffers, BufferRole::OutputRows);
  spec.parts.push_back(describePart(buffers, op.getWeight(), LinearSpec::Sink::Logits,
                                    op.getResult(), /*roped=*/false));
  return spec;
}

LinearSpec strata::describeOperands(LayerNormOp op) {
  auto buffers = listBuffers(op);
  LinearSpec spec;
  spec.inFeatures = columns(op.getInput());
  spec.input = findBuffer(buffers, op.getInput());
  describeNorm(op, buffers, op.getEps(), spec);
  spec.workspace = findBuffer(buffers, op.getResult());
  return spec;
}
