//===- Elementwise.cpp - kernels of the cheap ops -------------------------===//
//
// Fusion folds most of these into linear; what is left, or what a half-fused program needs, runs
// here: one workgroup is one token, or one head where tokens must come in order.
//
//===----------------------------------------------------------------------===//

#include "codegen/Buffers.h"
#include "codegen/cpu/Linear.h"
#include "codegen/cpu/QuantizedRows.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

using EmitToken = std::function<void(KernelBuilder &, const KernelArguments &, Value token)>;

/// A kernel whose workgroups are the tokens.
static KernelSpec perToken(std::string name, EmitToken emit) {
  auto phase = [emit](KernelBuilder &b, const KernelArguments &args) {
    b.loop(args.begin, args.end, 1, [&](Value token) { emit(b, args, token); });
  };
  return {Axis::Tokens, {{0, {{std::move(name), Axis::Tokens, 1, 1, phase}}}}};
}

/// A buffer as activations [tokens, features] of bf16.
static Value activations(KernelBuilder &b, const KernelArguments &args, unsigned buffer,
                         int64_t features) {
  return b.view(args.buffers[buffer], b.getBF16Type(), {ShapedType::kDynamic, features},
                args.tokens);
}

/// Row by row, as bf16.
static KernelSpec describeQuantizedEmbedding(EmbeddingOp op) {
  auto buffers = listBuffers(op);
  unsigned tokens = findBuffer(buffers, op.getTokens()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  QuantizedAttr quantized = getQuantized(op.getTable());
  int64_t vocabulary = rowsOf(op.getTable()), features = columnsOf(op.getTable());
  return perToken("embedding", [=](KernelBuilder &b, const KernelArguments &args, Value token) {
    QuantizedRows rows =
        viewQuantized(b, quantized, args.buffers[table], Value(), features, b.index(vocabulary));
    Value to = activations(b, args, result, features),
          id = b.loadIndex(args.buffers[tokens], token);
    forEachStretch(b, id, features / kInt8Group, [&](const Stretch &stretch) {
      Value feature = b.mul(stretch.first, kInt8Group);
      for (Value weights : loadWeights(b, rows, stretch)) {
        b.store(b.toBf16(weights), to, {token, feature});
        feature = b.add(feature, kInt8Group);
      }
    });
  });
}

KernelSpec strata::cpu::describeEmbedding(EmbeddingOp op) {
  if (getQuantized(op.getTable()))
    return describeQuantizedEmbedding(op);
  auto buffers = listBuffers(op);
  unsigned tokens = findBuffer(buffers, op.getTokens()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  BoxAttr box = getBox(op.getTable());
  int64_t vocabulary = rowsOf(op.getTable()), features = columnsOf(op.getTable());
  Type element = cast<ShapedType>(op.getTable().getType()).getElementType();
  return perToken("embedding", [=](KernelBuilder &b, const KernelArguments &args, Value token) {
    Value id = b.loadIndex(args.buffers[tokens], token);
    Value from =
        b.view(args.buffers[table], element,
               {box ? box.getStoredRows(vocabulary) : vocabulary, rowElements(box, features)});
    Value to = activations(b, args, result, features), row = storedRow(b, box, id);
    b.vectors(features, [&](Value i, int64_t lanes) {
      Value x = b.load(from, {row, i}, lanes);
      b.store(element.isBF16() ? x : b.toBf16(b.toF32(x)), to, {token, i});
    });
  });
}

KernelSpec strata::cpu::describeLayerNorm(LayerNormOp op) {
  auto buffers = listBuffers(op);
  unsigned input = findBuffer(buffers, op.getInput()), gamma = findBuffer(buffers, op.getGamma()),
           beta = findBuffer(buffers, op.getBeta()), result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getInput());
  double eps = op.getEps().convertToDouble();
  bool includesOne = op.getGammaIncludesOne();
  auto elementOf = [](Value value) { return cast<ShapedType>(value.getType()).getElementType(); };
  Type gammaElement = elementOf(op.getGamma()), betaElement = elementOf(op.getBeta());
  return perToken("layer_norm", [=](KernelBuilder &b, const KernelArguments &args, Value token) {
    auto view = [&](unsigned buffer) {
      return b.viewPairs(args.buffers[buffer], ShapedType::kDynamic, features, args.tokens);
    };
    Value from = view(input), to = view(result);
    NormParameters norm{normVector(b, args.buffers[gamma], gammaElement, features),
                        normVector(b, args.buffers[beta], betaElement, features), includesOne, eps};
    RowStatistics statistics = rowStatistics(b, from, token, features, eps);
    reducePairs(b, llvm::divideCeil(features, 2), {}, [&](Value pair, Value mask, ValueRange) {
      Value values = b.loadPairs(from, {token, pair}, mask);
      b.storePairs(normalizePairs(b, values, pair, mask, norm, statistics), to, {token, pair},
                   mask);
      return Values();
    });
  });
}

/// Copies head `head` of a token's features to the stack as f32.
static void loadHead(KernelBuilder &b, Value from, Value token, Value head, int64_t headDim,
                     Value scratch) {
  Value first = b.mul(head, headDim);
  b.vectors(headDim, [&](Value i, int64_t lanes) {
    b.store(b.toF32(b.load(from, {token, b.add(first, i)}, lanes)), scratch, {b.index(0), i});
  });
}

KernelSpec strata::cpu::describeRope(RopeOp op) {
  auto buffers = listBuffers(op);
  unsigned input = findBuffer(buffers, op.getInput()), table = findBuffer(buffers, op.getTable()),
           result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getInput()), headDim = op.getHeadDim(),
          dims = columnsOf(op.getTable());
  return perToken("rope", [=](KernelBuilder &b, const KernelArguments &args, Value token) {
    Value from = activations(b, args, input, features), to = activations(b, args, result, features);
    Value angles =
        b.view(args.buffers[table], b.getF32Type(), {ShapedType::kDynamic, dims}, args.tokens);
    Value scratch = b.stack(b.getF32Type(), {1, headDim});
    b.loop(b.index(0), b.index(features / headDim), 1, [&](Value head) {
      loadHead(b, from, token, head, headDim, scratch);
      emitRope(b, scratch, b.index(0), angles, token, dims);
      Value first = b.mul(head, headDim);
      b.vectors(headDim, [&](Value i, int64_t lanes) {
        b.store(b.toBf16(b.load(scratch, {b.index(0), i}, lanes)), to, {token, b.add(first, i)});
      });
    });
  });
}

KernelSpec strata::cpu::describeCacheAppend(CacheAppendOp op) {
  auto buffers = listBuffers(op);
  unsigned keys = findBuffer(buffers, op.getKeys()), values = findBuffer(buffers, op.getValues());
  CacheBuffers cache(op, op.getCache().getType());
  int64_t headDim = cache.type.getHeadDim(), heads = cache.type.getHeads();
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    Value scratch = b.stack(b.getF32Type(), {1, headDim}), zero = b.index(0);
    Value newKeys = activations(b, args, keys, heads * headDim);
    Value newValues = activations(b, args, values, heads * headDim);
    b.loop(args.begin, args.end, 1, [&](Value head) {
      b.loop(zero, args.tokens, 1, [&](Value token) {
        CacheSlot slot = cacheSlot(b, args, cache, token, head);
        loadHead(b, newKeys, token, head, headDim, scratch);
        storeKey(b, slot, scratch, zero, headDim);
        loadHead(b, newValues, token, head, headDim, scratch);
        storeValue(b, slot, scratch, zero, headDim);
      });
    });
  };
  return {Axis::Tokens, {{0, {{"cache_append", Axis::One, 1, heads, emit}}}}};
}

KernelSpec strata::cpu::describeActivation(ActivationOp op) {
  auto buffers = listBuffers(op);
  unsigned input = findBuffer(buffers, op.getInput()), result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getInput());
  Activation kind = op.getActivation();
  std::string name = stringifyActivation(kind).str();
  return perToken(name, [=](KernelBuilder &b, const KernelArguments &args, Value token) {
    Value from = activations(b, args, input, features), to = activations(b, args, result, features);
    b.vectors(features, [&](Value i, int64_t lanes) {
      Value x = b.toF32(b.load(from, {token, i}, lanes));
      b.store(b.toBf16(activate(b, kind, x)), to, {token, i});
    });
  });
}

KernelSpec strata::cpu::describeAdd(AddOp op) {
  auto buffers = listBuffers(op);
  unsigned lhs = findBuffer(buffers, op.getLhs()), rhs = findBuffer(buffers, op.getRhs()),
           result = findBuffer(buffers, op.getResult());
  int64_t features = columnsOf(op.getLhs());
  return perToken("add", [=](KernelBuilder &b, const KernelArguments &args, Value token) {
    Value x = activations(b, args, lhs, features), y = activations(b, args, rhs, features),
          to = activations(b, args, result, features);
    b.vectors(features, [&](Value i, int64_t lanes) {
      Value sum =
          b.addf(b.toF32(b.load(x, {token, i}, lanes)), b.toF32(b.load(y, {token, i}, lanes)));
      b.store(b.toBf16(sum), to, {token, i});
    });
  });
}
