//===- Attention.cpp - causal attention over the paged cache --------------===//
//
// One workgroup is one token and one KV head; the query heads that share the KV head go through a
// page together. Softmax is online (Milakov and Gimelshein, arXiv 1805.02867): a running maximum
// and sum per query head, results rescaled when the maximum grows. Pages go in order, so a token's
// result does not depend on what else is in the step.
//
//===----------------------------------------------------------------------===//

#include "codegen/Buffers.h"
#include "codegen/cpu/Cache.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

namespace {
struct AttentionSpec {
  explicit AttentionSpec(AttentionOp op)
      : cache(op, op.getCache().getType()), headDim(cache.type.getHeadDim()),
        kvHeads(cache.type.getHeads()), features(columns(op.getQuery())),
        group(features / headDim / kvHeads), pageTokens(cache.type.getPageTokens()) {
    auto buffers = listBuffers(op);
    query = findBuffer(buffers, op.getQuery());
    result = findBuffer(buffers, op.getResult());
  }
  CacheBuffers cache;
  int64_t headDim, kvHeads, features;
  int64_t group; ///< query heads of a KV head
  int64_t pageTokens;
  unsigned query, result;
};

/// State of one workgroup. `scores` [group, page_tokens], `sums` [group, head_dim] (weighted values
/// so far), `maxima` and `weights` [group] (of the online softmax), all f32 on the stack.
struct State {
  Value scores, sums, maxima, weights;
};
} // namespace

static void reset(KernelBuilder &b, const AttentionSpec &spec, const State &state) {
  b.loop(b.index(0), b.index(spec.group), 1, [&](Value g) {
    b.store(b.f32(-INFINITY), state.maxima, g);
    b.store(b.f32(0), state.weights, g);
    b.vectors(spec.headDim, [&](Value i, int64_t lanes) {
      b.store(b.f32(0, lanes), state.sums, {g, i});
    });
  });
}

/// scores[g][0..page] = q . K / sqrt(head_dim); -inf from `count` on.
static void emitScores(KernelBuilder &b, const AttentionSpec &spec, const State &state,
                       const CachePage &page, Value query, Value token, Value head, Value count) {
  int64_t lanes = b.lanes(), chains = std::min<int64_t>(4, spec.pageTokens / lanes);
  double scale = 1.0 / std::sqrt(double(spec.headDim));
  b.loop(b.index(0), b.index(spec.group), 1, [&](Value g) {
    Value firstPair = b.mul(b.add(b.mul(head, spec.group), g), spec.headDim / 2);
    b.loop(b.index(0), b.index(spec.pageTokens), chains * lanes, [&](Value slot) {
      Values zeros(chains, b.f32(0, lanes));
      Values dots =
          b.loop(b.index(0), b.index(spec.headDim / 2), 1, zeros, [&](Value i, ValueRange in) {
            Values acc(in);
            Value q = b.splat(b.load(query, {token, b.add(firstPair, i)}), lanes);
            for (int64_t c = 0; c != chains; ++c)
              acc[c] =
                  b.dot(acc[c], q, b.load(page.keys, {head, i, b.add(slot, c * lanes)}, lanes));
            return acc;
          });
      for (int64_t c = 0; c != chains; ++c) {
        Value at = b.add(slot, c * lanes);
        Value visible = b.mask(b.sub(count, at));
        Value scaled = b.mulf(dots[c], b.f32(scale, lanes));
        b.store(b.selectLanes(visible, scaled, b.f32(-INFINITY, lanes)), state.scores, {g, at});
      }
    });
  });
}

/// Turns scores into weights relative to the new maximum and rescales what was summed before.
static void emitSoftmax(KernelBuilder &b, const AttentionSpec &spec, const State &state) {
  int64_t lanes = b.lanes();
  b.loop(b.index(0), b.index(spec.group), 1, [&](Value g) {
    Value zero = b.index(0), end = b.index(spec.pageTokens);
    Values highest =
        b.loop(zero, end, lanes, {b.f32(-INFINITY, lanes)}, [&](Value s, ValueRange m) {
          return Values{b.maxf(m[0], b.load(state.scores, {g, s}, lanes))};
        });
    Value before = b.load(state.maxima, g);
    Value maximum = b.maxf(before, b.maximum(highest[0]));
    Value maxima = b.splat(maximum, lanes);
    Values total = b.loop(zero, end, lanes, {b.f32(0, lanes)}, [&](Value s, ValueRange sum) {
      Value score = b.load(state.scores, {g, s}, lanes);
      Value weight = b.exp(b.subf(score, maxima));
      // exp stops at e^-87; a hidden token weighs nothing at all.
      Value hidden =
          arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, score, b.f32(-INFINITY, lanes));
      weight = b.selectLanes(hidden, b.f32(0, lanes), weight);
      b.store(weight, state.scores, {g, s});
      return Values{b.addf(sum[0], weight)};
    });
    Value decay = vector::ExtractOp::create(b, b.exp(b.splat(b.subf(before, maximum), 1)), 0);
    b.store(maximum, state.maxima, g);
    b.store(b.addf(b.mulf(b.load(state.weights, g), decay), b.sum(total[0])), state.weights, g);
    b.vectors(spec.headDim, [&](Value i, int64_t n) {
      Value sum = b.load(state.sums, {g, i}, n);
      b.store(b.mulf(sum, b.splat(decay, n)), state.sums, {g, i});
    });
  });
}

/// sums[g .. g + heads][i .. ] += weights . V for `width` vectors of `lanes` features.
static void emitValuesTile(KernelBuilder &b, const State &state, const CachePage &page, Value head,
                           Value count, Value g, int64_t heads, Value i, int64_t width,
                           int64_t lanes) {
  Values sums;
  for (int64_t h = 0; h != heads; ++h)
    for (int64_t v = 0; v != width; ++v)
      sums.push_back(b.load(state.sums, {b.add(g, h), b.add(i, v * lanes)}, lanes));
  sums = b.loop(b.index(0), count, 1, sums, [&](Value slot, ValueRange in) {
    Values acc(in), values;
    for (int64_t v = 0; v != width; ++v)
      values.push_back(b.toF32(b.load(page.values, {head, slot, b.add(i, v * lanes)}, lanes)));
    for (int64_t h = 0; h != heads; ++h) {
      Value weight = b.splat(b.load(state.scores, {b.add(g, h), slot}), lanes);
      for (int64_t v = 0; v != width; ++v)
        acc[h * width + v] = b.fma(weight, values[v], acc[h * width + v]);
    }
    return acc;
  });
  for (int64_t h = 0; h != heads; ++h)
    for (int64_t v = 0; v != width; ++v)
      b.store(sums[h * width + v], state.sums, {b.add(g, h), b.add(i, v * lanes)});
}

/// sums += weights . V over the first `count` tokens of the page, in tiles of query heads and
/// vectors of features that fit the registers.
static void emitValues(KernelBuilder &b, const AttentionSpec &spec, const State &state,
                       const CachePage &page, Value head, Value count) {
  int64_t width = b.level.tileVectors();
  int64_t tileHeads = std::min(b.level.tiles.back().rows, spec.group);
  int64_t wide = spec.headDim / (width * b.lanes()) * (width * b.lanes());
  auto heads = [&](int64_t first, int64_t end, int64_t step) {
    if (first == end)
      return;
    b.loop(b.index(first), b.index(end), step, [&](Value g) {
      if (wide)
        b.loop(b.index(0), b.index(wide), width * b.lanes(), [&](Value i) {
          emitValuesTile(b, state, page, head, count, g, step, i, width, b.lanes());
        });
      b.vectors(spec.headDim - wide, [&](Value i, int64_t lanes) {
        emitValuesTile(b, state, page, head, count, g, step, b.add(i, wide), 1, lanes);
      });
    });
  };
  int64_t tiled = spec.group / tileHeads * tileHeads;
  heads(0, tiled, tileHeads);
  heads(tiled, spec.group, 1);
}

static void emitResult(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                       const State &state, Value token, Value head) {
  Value result = b.view(args.buffers[spec.result], b.getBF16Type(),
                        {ShapedType::kDynamic, spec.features}, args.tokens);
  b.loop(b.index(0), b.index(spec.group), 1, [&](Value g) {
    Value first = b.mul(b.add(b.mul(head, spec.group), g), spec.headDim);
    Value inverse = b.divf(b.f32(1), b.load(state.weights, g));
    b.vectors(spec.headDim, [&](Value i, int64_t lanes) {
      Value sum = b.load(state.sums, {g, i}, lanes);
      b.store(b.toBf16(b.mulf(sum, b.splat(inverse, lanes))), result, {token, b.add(first, i)});
    });
  });
}

static void emitAttention(KernelBuilder &b, const KernelArguments &args,
                          const AttentionSpec &spec) {
  Type f32 = b.getF32Type();
  State state{b.stack(f32, {spec.group, spec.pageTokens}), b.stack(f32, {spec.group, spec.headDim}),
              b.stack(f32, {spec.group}), b.stack(f32, {spec.group})};
  Value query = b.view(args.buffers[spec.query], b.getI32Type(),
                       {ShapedType::kDynamic, spec.features / 2}, args.tokens);
  b.loop(args.begin, args.end, 1, [&](Value unit) {
    Value token = b.div(unit, spec.kvHeads), head = b.rem(unit, spec.kvHeads);
    Value position = b.loadIndex(args.buffers[spec.cache.positions], token);
    Value sequence = b.loadIndex(args.buffers[spec.cache.sequences], token);
    Value context = b.add(position, 1);
    reset(b, spec, state);
    b.loop(b.index(0), b.ceilDiv(context, spec.pageTokens), 1, [&](Value pageIndex) {
      CachePage page = cachePageAt(b, args, spec.cache, sequence, pageIndex);
      Value first = b.mul(pageIndex, spec.pageTokens);
      Value count = b.min(b.sub(context, first), b.index(spec.pageTokens));
      emitScores(b, spec, state, page, query, token, head, count);
      emitSoftmax(b, spec, state);
      emitValues(b, spec, state, page, head, count);
    });
    emitResult(b, args, spec, state, token, head);
  });
}

KernelSpec strata::cpu::describeAttention(AttentionOp op) {
  AttentionSpec spec(op);
  auto emit = [spec](KernelBuilder &b, const KernelArguments &args) {
    emitAttention(b, args, spec);
  };
  return {Axis::Tokens, {{0, {{"attention", Axis::Tokens, 1, spec.kvHeads, emit}}}}};
}
