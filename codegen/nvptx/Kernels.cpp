//===- Kernels.cpp - which kernel an op becomes on a GPU ------------------===//

#include "codegen/nvptx/Kernels.h"

#include "codegen/GenerateKernels.h"
#include "codegen/LinearSpec.h"
#include "codegen/Rotary.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// One block copies the row of one token.
KernelSpec strata::nvptx::describeEmbedding(EmbeddingOp op) {
  auto buffers = listBuffers(op);
  unsigned tokens = findBuffer(buffers, op.getTokens()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  BoxAttr box = getBox(op.getTable());
  Type element = cast<ShapedType>(op.getTable().getType()).getElementType();
  int64_t pairs = columns(op.getTable()) / 2, storedElements = rowElements(box, 2 * pairs);
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    Value id = b.loadIndex(args.buffers[tokens], b.block), row = storedRow(b, box, id);
    Value stored = b.add(row, 1);
    Value to =
        b.view(args.buffers[result], b.getI32Type(), {ShapedType::kDynamic, pairs}, args.tokens);
    if (element.isBF16()) {
      Value from = b.view(args.buffers[table], b.getI32Type(),
                          {ShapedType::kDynamic, storedElements / 2}, stored);
      b.perThread(b.index(pairs), [&](Value i) {
        b.store(b.load(from, {row, i}), to, {b.block, i});
      });
      return;
    }
    Value from =
        b.view(args.buffers[table], element, {ShapedType::kDynamic, storedElements}, stored);
    b.perThread(b.index(pairs), [&](Value i) {
      Value at = b.mul(i, 2);
      Value even = b.toF32(b.load(from, {row, at})),
            odd = b.toF32(b.load(from, {row, b.add(at, 1)}));
      b.store(b.pairs(even, odd), to, {b.block, i});
    });
  };
  return {Axis::Tokens, {{0, {{"embedding", Axis::Tokens, 1, 1, 0, emit}}}}};
}

/// One block computes the angles of one token. The frequencies are immediate operands of a chain of
/// selects: a GPU module keeps no tables.
KernelSpec strata::nvptx::describeRotaryTable(RotaryTableOp op) {
  auto buffers = listBuffers(op);
  unsigned positions = findBuffer(buffers, BufferRole::Positions),
           result = findBuffer(buffers, op.getResult());
  int64_t dims = columns(op.getResult()), half = dims / 2;
  SmallVector<float> frequencies = rotaryFrequencies(op);
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    Value array =
        b.view(args.buffers[positions], b.getI32Type(), {ShapedType::kDynamic}, args.tokens);
    Value position = arith::SIToFPOp::create(b, b.getF32Type(), b.load(array, b.block));
    Value to =
        b.view(args.buffers[result], b.getF32Type(), {ShapedType::kDynamic, dims}, args.tokens);
    b.perThread(b.index(half), [&](Value i) {
      Value frequency = b.f32(frequencies.front());
      for (int64_t j = 1; j != half; ++j)
        frequency = b.select(b.equal(i, b.index(j)), b.f32(frequencies[j]), frequency);
      auto [cos, sin] = emitCosSin(b, b.mulf(position, frequency));
      b.store(cos, to, {b.block, i});
      b.store(sin, to, {b.block, b.add(i, half)});
    });
  };
  return {Axis::Tokens, {{0, {{"rotary_table", Axis::Tokens, 1, 1, 0, emit}}}}};
}

/// Rows are copied and loaded 16 bytes at a time.
constexpr int64_t kLoadedTogether = 8;

static LogicalResult verifyPages(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<KVCacheType>(type); cache && cache.getPageTokens() != 64)
      return op->emitOpError() << "page_tokens is " << cache.getPageTokens()
                               << "; the cuda target needs 64";
  return success();
}

static SmallVector<Value> weightsOf(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return linear.getWeights();
  if (auto logits = dyn_cast<LogitsOp>(op))
    return {logits.getWeight()};
  return {};
}

/// The weights of a linear have rows of one stride and are of one type, bf16 or f16, which splits
/// into two bf16 for the tensor cores.
static LogicalResult verifyWeights(Operation *op) {
  Type first;
  int64_t firstElements = 0;
  for (Value weight : weightsOf(op)) {
    Type element = cast<ShapedType>(weight.getType()).getElementType();
    first = first ? first : element;
    if (QuantizedAttr quantized = getQuantized(weight))
      return op->emitOpError() << "has weights of "
                               << stringifyQuantizedFormat(quantized.getFormat())
                               << "; only the cpu target takes them";
    if (element.isF32())
      return op->emitOpError("has weights of f32; the cuda target needs bf16 or f16");
    if (element != first)
      return op->emitOpError() << "has weights of " << first << " and " << element
                               << "; the cuda target needs one type";
    int64_t elements = rowElements(getBox(weight), columns(weight));
    firstElements = firstElements ? firstElements : elements;
    if (elements != firstElements)
      return op->emitOpError() << "has weights whose rows are " << firstElements << " and "
                               << elements << " elements apart; the cuda target needs one stride";
  }
  return success();
}

FailureOr<KernelSpec> strata::nvptx::describeKernel(Operation *op, Generation generation) {
  if (failed(verifyPlanned(op, getWorkspaceBytes(op), "cuda")) || failed(verifyWeights(op)) ||
      failed(verifyFeatures(op, kLoadedTogether, "cuda")) || failed(verifyPages(op)))
    return failure();
  return llvm::TypeSwitch<Operation *, FailureOr<KernelSpec>>(op)
      .Case([&](LinearOp op) { return describeLinear(op, generation); })
      .Case([&](LogitsOp op) { return describeLogits(op, generation); })
      .Case([](AttentionOp op) { return describeAttention(op); })
      .Case([](RotaryTableOp op) { return describeRotaryTable(op); })
      .Case([](EmbeddingOp op) { return describeEmbedding(op); })
      .Case([](LayerNormOp op) { return describeLayerNorm(op); })
      .Case([](RopeOp op) { return describeRope(op); })
      .Case([](CacheAppendOp op) { return describeCacheAppend(op); })
      .Case([](SquaredReluOp op) { return describeSquaredRelu(op); })
      .Case([](AddOp op) { return describeAdd(op); })
      .Default([](Operation *op) -> FailureOr<KernelSpec> {
        return op->emitOpError("the cuda target has no kernel for this op");
      });
}

int64_t strata::nvptx::getWorkspaceBytes(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op)) // the normalized input
    return linear.getGamma() ? 2 * columns(linear.getInput()) : 0;
  if (auto logits = dyn_cast<LogitsOp>(op)) // the gathered input
    return 2 * columns(logits.getInput());
  auto attention = dyn_cast<AttentionOp>(op);
  if (!attention)
    return 0;
  // Partial results of up to kSplitRows tokens. The arena always holds kArenaTokenMultiple tokens.
  int64_t headDim = attention.getCache().getType().getHeadDim();
  int64_t heads = columns(attention.getQuery()) / headDim;
  int64_t bytes = kSplitRows * heads * kContextSplits * (headDim + 2) * 4;
  return llvm::divideCeil(bytes, kArenaTokenMultiple);
}
