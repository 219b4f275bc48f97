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

LinearSpec::AroundRope LinearSpec::Part::aroundRope() const {
  const Step *rope =
      llvm::find_if(epilogue, [](const Step &s) { return s.kind == EpilogueStep::Kind::rope; });
  if (rope == epilogue.end())
    return {{}, nullptr, epilogue};
  return {{epilogue.begin(), rope}, rope, {rope + 1, epilogue.end()}};
}

bool LinearSpec::isInPairs(const Part &part) const {
  return part.element.isBF16() && inFeatures % 2 == 0 && rowElements(part.box, inFeatures) % 2 == 0;
}

static void describeNorm(NormOpInterface op, ArrayRef<BufferRef> buffers, LinearSpec &spec) {
  spec.gamma = findBuffer(buffers, op.getGamma());
  spec.beta = findBuffer(buffers, op.getBeta());
  spec.gammaElement = elementType(op.getGamma());
  spec.betaElement = elementType(op.getBeta());
  spec.gammaIncludesOne = op.getGammaIncludesOne();
  spec.eps = op.getEpsAttr().getValueAsDouble();
}

static LinearSpec describeInput(ProductOpInterface op, ArrayRef<BufferRef> buffers) {
  LinearSpec spec;
  spec.inFeatures = columnsOf(op.getInput());
  spec.input = findBuffer(buffers, op.getInput());
  if (op.getGamma())
    describeNorm(op, buffers, spec);
  spec.rounding = op.getRoundingAttr();
  if (op.getWorkspaceAttr())
    spec.workspace = findBuffer(buffers, BufferRole::Workspace);
  if (op.getAxis() == Axis::Outputs)
    spec.outputRows = findBuffer(buffers, BufferRole::OutputRows);
  return spec;
}

static LinearSpec::Step describeStep(ArrayRef<BufferRef> buffers, const EpilogueStep &step) {
  if (!step.operand)
    return {step.kind, step.activation, 0, {}};
  return {step.kind, step.activation, findBuffer(buffers, step.operand), elementType(step.operand)};
}

/// Where the product of weight `i` goes.
static LinearSpec::Sink sinkOf(ProductOpInterface op, unsigned i) {
  using Sink = LinearSpec::Sink;
  if (op.getProduct(i))
    return op.getAxis() == Axis::Outputs ? Sink::Logits : Sink::Result;
  return i + 1 == op.getWeights().size() ? Sink::Value : Sink::Key;
}

static LinearSpec::Part describePart(ProductOpInterface op, ArrayRef<BufferRef> buffers,
                                     unsigned i) {
  Value weight = op.getWeights()[i], result = op.getProduct(i);
  LinearSpec::Part part{rowsOf(weight),
                        findBuffer(buffers, weight),
                        result ? findBuffer(buffers, result) : 0,
                        sinkOf(op, i),
                        {},
                        elementType(weight),
                        getBox(weight)};
  for (const EpilogueStep &step : op.getEpilogue(i))
    part.epilogue.push_back(describeStep(buffers, step));
  part.quantized = getQuantized(weight);
  if (hasScales(weight))
    part.scales = findScales(buffers, weight);
  return part;
}

/// What has to stay together: heads that are rotated, or become keys and values.
static void describeHeads(ProductOpInterface op, LinearSpec &spec) {
  for (unsigned i = 0; i != op.getWeights().size(); ++i)
    for (const EpilogueStep &step : op.getEpilogue(i))
      if (step.kind == EpilogueStep::Kind::rope) {
        spec.rotaryDims = columnsOf(step.operand);
        spec.headDim = step.headDim;
      }
  auto writer = dyn_cast<CacheWriterOpInterface>(op.getOperation());
  if (!writer || !writer.getWrittenCache())
    return;
  auto cache = cast<KVCacheType>(writer.getWrittenCache().getType());
  spec.cache.emplace(op, cache);
  spec.headDim = cache.getHeadDim();
}

LinearSpec strata::describeOperands(ProductOpInterface op) {
  auto buffers = listBuffers(op);
  LinearSpec spec = describeInput(op, buffers);
  for (unsigned i = 0; i != op.getWeights().size(); ++i)
    spec.parts.push_back(describePart(op, buffers, i));
  describeHeads(op, spec);
  return spec;
}

LinearSpec strata::describeOperands(LayerNormOp op) {
  auto buffers = listBuffers(op);
  LinearSpec spec;
  spec.inFeatures = columnsOf(op.getInput());
  spec.input = findBuffer(buffers, op.getInput());
  describeNorm(op, buffers, spec);
  spec.workspace = findBuffer(buffers, op.getResult());
  return spec;
}
