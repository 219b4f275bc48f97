//===- Elementwise.cpp - kernels of the cheap ops on a GPU ----------------===//
//
// Fusion folds these into linear; unfused programs, to bisect a difference, run them here: one
// block is one token.
//
//===----------------------------------------------------------------------===//

#include "codegen/Rotary.h"
#include "codegen/nvptx/Cache.h"
#include "codegen/nvptx/Linear.h"
#include "codegen/nvptx/QuantizedRows.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

static KernelSpec perToken(std::string name, EmitBody emit) {
  return {Axis::Tokens, {{0, {{std::move(name), Axis::Tokens, 1, 1, std::move(emit), block()}}}}};
}

/// A buffer as activations [tokens, features] of bf16.
static Value activations(KernelBuilder &b, const KernelArguments &args, unsigned buffer,
                         int64_t features) {
  return b.view(args.buffers[buffer], b.getBF16Type(), {ShapedType::kDynamic, features},
                args.tokens);
}

/// body(i) for each of `count` features or other things of the block's token.
static void perFeature(KernelBuilder &b, int64_t count, llvm::function_ref<void(Value)> body) {
  b.perThread(b.index(count), body);
}

/// One block decodes the row of one token, 16 features a thread.
static KernelSpec describeBlocksEmbedding(EmbeddingOp op) {
  auto buffers = listBuffers(op);
  unsigned tokens = findBuffer(buffers, op.getTokens()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  QuantizedFormat format = getQuantized(op.getTable()).getFormat();
  int64_t rows = rowsOf(op.getTable()), features = columnsOf(op.getTable()),
          rowBytes = bytesOf(format, features);
  return perToken("embedding", [=](KernelBuilder &b, const KernelArguments &args) {
    Value from = b.view(args.buffers[table], b.getI8Type(), {rows * rowBytes});
    Value to = b.view(args.buffers[result], b.getI32Type(), {ShapedType::kDynamic, features / 2},
                      args.tokens);
    Value first = b.mul(b.loadIndex(args.buffers[tokens], b.block), rowBytes);
    perFeature(b, features / kPiece, [&](Value piece) {
      Values pairs = loadPiece(b, format, from, first, piece).pairs(b);
      Value column = b.mul(piece, kPiece / 2);
      for (auto [i, pair] : llvm::enumerate(pairs))
        b.store(pair, to, {b.block, b.add(column, i)});
    });
  });
}

/// One block copies the row of one token.
KernelSpec strata::nvptx::describeEmbedding(EmbeddingOp op) {
  if (strata::isInBlocks(op.getTable()))
    return describeBlocksEmbedding(op);
  auto buffers = listBuffers(op);
  unsigned tokens = findBuffer(buffers, op.getTokens()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  BoxAttr box = getBox(op.getTable());
  Type element = cast<ShapedType>(op.getTable().getType()).getElementType();
  int64_t features = columnsOf(op.getTable()), pairs = features / 2;
  int64_t storedElements = rowElements(box, features);
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    Value id = b.loadIndex(args.buffers[tokens], b.block), row = storedRow(b, box, id);
    Value stored = b.add(row, 1);
    if (features % 2 || storedElements % 2) {
      Value from =
          b.view(args.buffers[table], element, {ShapedType::kDynamic, storedElements}, stored);
      Value to = activations(b, args, result, features);
      perFeature(b, features, [&](Value i) {
        Value x = b.load(from, {row, i});
        b.store(element.isBF16() ? x : b.toBf16(b.toF32(x)), to, {b.block, i});
      });
      return;
    }
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
  return {Axis::Tokens, {{0, {{"embedding", Axis::Tokens, 1, 1, emit, block()}}}}};
}

KernelSpec strata::nvptx::describeLayerNorm(LayerNormOp op) {
  KernelSpec kernel{Axis::Tokens, {{0, {describePreparation(describeOperands(op))}}}};
  kernel.variants[0].phases[0].name = "layer_norm";
  return kernel;
}

KernelSpec strata::nvptx::describeRope(RopeOp op) {
  auto buffers = listBuffers(op);
  unsigned input = findBuffer(buffers, op.getInput()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getInput());
  LinearSpec heads;
  heads.headDim = op.getHeadDim();
  heads.rotaryDims = columnsOf(op.getTable());
  return perToken("rope", [=](KernelBuilder &b, const KernelArguments &args) {
    Value from = activations(b, args, input, features), to = activations(b, args, result, features);
    Value angles = b.view(args.buffers[table], b.getF32Type(),
                          {ShapedType::kDynamic, heads.rotaryDims}, args.tokens);
    int64_t half = heads.rotaryDims / 2;
    perFeature(b, features / 2, [&](Value pair) {
      Value low = rowAt(b, heads, RowOrder::Paired, b.mul(pair, 2));
      Value high = rowAt(b, heads, RowOrder::Paired, b.add(b.mul(pair, 2), 1));
      Value angle = b.rem(low, heads.headDim), turned = b.less(angle, b.index(half));
      Value x = b.load(from, {b.block, low}), y = b.load(from, {b.block, high});
      Value column = b.select(turned, angle, b.index(0));
      Value cos = b.load(angles, {b.block, column});
      Value sin = b.load(angles, {b.block, b.add(column, half)});
      auto [first, second] = rotate(b, b.toF32(x), b.toF32(y), cos, sin);
      b.store(b.select(turned, b.toBf16(first), x), to, {b.block, low});
      b.store(b.select(turned, b.toBf16(second), y), to, {b.block, high});
    });
  });
}

KernelSpec strata::nvptx::describeCacheAppend(CacheAppendOp op) {
  auto buffers = listBuffers(op);
  unsigned keys = findBuffer(buffers, op.getKeys()), values = findBuffer(buffers, op.getValues());
  CacheBuffers cache(op, op.getCache().getType());
  return perToken("cache_append", [=](KernelBuilder &b, const KernelArguments &args) {
    int64_t headDim = cache.type.getHeadDim(), features = cache.type.getHeads() * headDim;
    CacheSlot slot = cacheSlot(b, args, cache, b.block);
    Value key = activations(b, args, keys, features),
          value = activations(b, args, values, features);
    perFeature(b, features, [&](Value i) {
      Value at[] = {b.div(i, headDim), slot.slot, b.rem(i, headDim)};
      b.store(b.load(key, {b.block, i}), slot.page.keys, at);
      b.store(b.load(value, {b.block, i}), slot.page.values, at);
    });
  });
}

KernelSpec strata::nvptx::describeActivation(ActivationOp op) {
  auto buffers = listBuffers(op);
  unsigned input = findBuffer(buffers, op.getInput()), result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getInput());
  Activation kind = op.getActivation();
  return perToken(stringifyActivation(kind).str(), [=](KernelBuilder &b,
                                                       const KernelArguments &args) {
    Value from = activations(b, args, input, features), to = activations(b, args, result, features);
    perFeature(b, features, [&](Value i) {
      Value x = b.toF32(b.load(from, {b.block, i}));
      b.store(b.toBf16(activate(b, kind, x)), to, {b.block, i});
    });
  });
}

KernelSpec strata::nvptx::describeAdd(AddOp op) {
  auto buffers = listBuffers(op);
  unsigned lhs = findBuffer(buffers, op.getLhs()), rhs = findBuffer(buffers, op.getRhs()),
           result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getLhs());
  return perToken("add", [=](KernelBuilder &b, const KernelArguments &args) {
    Value x = activations(b, args, lhs, features), y = activations(b, args, rhs, features),
          to = activations(b, args, result, features);
    perFeature(b, features, [&](Value i) {
      Value sum = b.addf(b.toF32(b.load(x, {b.block, i})), b.toF32(b.load(y, {b.block, i})));
      b.store(b.toBf16(sum), to, {b.block, i});
    });
  });
}
