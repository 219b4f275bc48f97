//===- Attention.cpp - attention of few tokens over the paged cache -------===//
//
// One block is one token, one KV head and one part of the context; the query heads that share the
// KV head share its loads. Softmax is online (Milakov and Gimelshein,
// arXiv 1805.02867). Parts are combined by a second phase, in order, so results do not depend on
// scheduling.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/Attention.h"
#include "codegen/nvptx/Cache.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

AttentionSpec::AttentionSpec(AttentionOp op)
    : cache(op, op.getCache().getType()), headDim(cache.type.getHeadDim()),
      kvHeads(cache.type.getHeads()), features(columns(op.getQuery())),
      group(features / headDim / kvHeads), pageTokens(cache.type.getPageTokens()) {
  auto buffers = listBuffers(op);
  query = findBuffer(buffers, op.getQuery());
  result = findBuffer(buffers, op.getResult());
  workspace = findBuffer(buffers, BufferRole::Workspace);
}

namespace {
/// What a block shares: `queries` [group, head_dim] and `scores` [group, page_tokens]; `maxima`,
/// `weights` and `decays` [group] of the online softmax. All f32.
struct Shared {
  Shared(KernelBuilder &b, const AttentionSpec &spec) {
    int64_t offset = 0;
    auto array = [&](ArrayRef<int64_t> shape) {
      Value memory = b.shared(b.getF32Type(), shape, offset);
      offset += 4 * spec.group * (shape.size() == 2 ? shape[1] : 1);
      return memory;
    };
    queries = array({spec.group, spec.headDim});
    scores = array({spec.group, spec.pageTokens});
    maxima = array({spec.group});
    weights = array({spec.group});
    decays = array({spec.group});
  }
  static int64_t bytes(const AttentionSpec &spec) {
    return 4 * spec.group * (spec.headDim + spec.pageTokens + 3);
  }
  Value queries, scores, maxima, weights, decays;
};

/// Where a block works.
struct Place {
  Value token, head, part, sequence, context;
};
} // namespace

/// scores[g][slot] of the page's first `count` tokens; a warp takes every fourth token.
static void emitScores(KernelBuilder &b, const AttentionSpec &spec, const Shared &shared,
                       const CachePage &page, Value head, Value count) {
  Value scale = b.f32(1.0 / std::sqrt(double(spec.headDim)));
  b.loop(b.warp, count, b.threads / kWarp, [&](Value slot) {
    Values zeros(spec.group, b.f32(0));
    Values sums = b.loop(b.lane, b.index(spec.headDim), kWarp, zeros, [&](Value i, ValueRange in) {
      Values acc(in);
      Value key = b.toF32(b.load(page.keys, {head, slot, i}));
      for (int64_t g = 0; g != spec.group; ++g)
        acc[g] = b.fma(b.load(shared.queries, {b.index(g), i}), key, acc[g]);
      return acc;
    });
    for (int64_t g = 0; g != spec.group; ++g) {
      Value score = b.mulf(b.warpSum(sums[g]), scale);
      b.ifThen(b.equal(b.lane, b.index(0)), [&] {
        b.store(score, shared.scores, {b.index(g), slot});
      });
    }
  });
}

/// Scores become weights relative to the new maximum; a warp takes every fourth query head.
static void emitSoftmax(KernelBuilder &b, const AttentionSpec &spec, const Shared &shared,
                        Value count) {
  b.loop(b.warp, b.index(spec.group), b.threads / kWarp, [&](Value g) {
    Values highest = b.loop(b.lane, count, kWarp, {b.f32(-INFINITY)}, [&](Value s, ValueRange m) {
      return Values{b.maxf(m[0], b.load(shared.scores, {g, s}))};
    });
    Value before = b.load(shared.maxima, g);
    Value maximum = b.maxf(before, b.warpMax(highest[0]));
    Values total = b.loop(b.lane, count, kWarp, {b.f32(0)}, [&](Value s, ValueRange sum) {
      Value weight = b.exp(b.subf(b.load(shared.scores, {g, s}), maximum));
      b.store(weight, shared.scores, {g, s});
      return Values{b.addf(sum[0], weight)};
    });
    Value sum = b.warpSum(total[0]), decay = b.exp(b.subf(before, maximum));
    Value weight = b.fma(b.load(shared.weights, g), decay, sum);
    b.warpBarrier(); // every lane has read what lane 0 replaces
    b.ifThen(b.equal(b.lane, b.index(0)), [&] {
      b.store(maximum, shared.maxima, g);
      b.store(weight, shared.weights, g);
      b.store(decay, shared.decays, g);
    });
  });
}

/// Index of the j-th feature of this thread; threads beyond head_dim repeat the last one.
static Value featureOf(KernelBuilder &b, const AttentionSpec &spec, int64_t j) {
  return b.min(b.add(b.thread, j * b.threads), b.index(spec.headDim - 1));
}

/// sums[j][g] * decay + weights . V, for this thread's features.
static Values emitValues(KernelBuilder &b, const AttentionSpec &spec, const Shared &shared,
                         const CachePage &page, Value head, Value count, ValueRange sums) {
  Values scaled;
  for (auto [i, sum] : llvm::enumerate(sums))
    scaled.push_back(b.mulf(sum, b.load(shared.decays, b.index(i % spec.group))));
  return b.loop(b.index(0), count, 1, scaled, [&](Value slot, ValueRange in) {
    Values acc(in);
    for (size_t j = 0; j != sums.size() / spec.group; ++j) {
      Value value = b.toF32(b.load(page.values, {head, slot, featureOf(b, spec, j)}));
      for (int64_t g = 0; g != spec.group; ++g) {
        Value &sum = acc[j * spec.group + g];
        sum = b.fma(b.load(shared.scores, {b.index(g), slot}), value, sum);
      }
    }
    return acc;
  });
}

/// The pages [first, end) of one token and KV head: unscaled sums of this thread's features, with
/// maxima and weights in shared memory.
static Values emitPages(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                        const Shared &shared, const Place &place, Value first, Value end) {
  Value query = b.view(args.buffers[spec.query], b.getBF16Type(),
                       {ShapedType::kDynamic, spec.features}, args.tokens);
  Value firstFeature = b.mul(place.head, spec.group * spec.headDim);
  b.perThread(b.index(spec.group * spec.headDim), [&](Value i) {
    Value q = b.toF32(b.load(query, {place.token, b.add(firstFeature, i)}));
    b.store(q, shared.queries, {b.div(i, spec.headDim), b.rem(i, spec.headDim)});
  });
  b.perThread(b.index(spec.group), [&](Value g) {
    b.store(b.f32(-INFINITY), shared.maxima, g);
    b.store(b.f32(0), shared.weights, g);
  });
  b.barrier();
  Values zeros(llvm::divideCeil(spec.headDim, b.threads) * spec.group, b.f32(0));
  return b.loop(first, end, 1, zeros, [&](Value pageIndex, ValueRange sums) {
    CachePage page = cachePageAt(b, args, spec.cache, place.sequence, pageIndex);
    Value seen = b.mul(pageIndex, spec.pageTokens);
    Value count = b.min(b.sub(place.context, seen), b.index(spec.pageTokens));
    emitScores(b, spec, shared, page, place.head, count);
    b.barrier();
    emitSoftmax(b, spec, shared, count);
    b.barrier();
    Values next = emitValues(b, spec, shared, page, place.head, count, sums);
    b.barrier(); // the next page's scores come where these weights are
    return next;
  });
}

/// store(g, feature, sum) for each of this thread's sums.
static void perSum(KernelBuilder &b, const AttentionSpec &spec, ValueRange sums,
                   llvm::function_ref<void(int64_t, Value, Value)> store) {
  for (size_t j = 0; j != sums.size() / spec.group; ++j) {
    Value inside = b.less(b.add(b.thread, j * b.threads), b.index(spec.headDim));
    b.ifThen(inside, [&] {
      for (int64_t g = 0; g != spec.group; ++g)
        store(g, featureOf(b, spec, j), sums[j * spec.group + g]);
    });
  }
}

static Place placeOf(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec) {
  Place place;
  place.part = b.rem(b.block, kContextSplits);
  Value rest = b.div(b.block, kContextSplits);
  place.head = b.rem(rest, spec.kvHeads);
  place.token = b.div(rest, spec.kvHeads);
  place.sequence = b.loadIndex(args.buffers[spec.cache.sequences], place.token);
  place.context = b.add(b.loadIndex(args.buffers[spec.cache.positions], place.token), 1);
  return place;
}

/// Partial results [tokens, heads, parts, head_dim + 2].
static Value partialView(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec) {
  return b.view(args.buffers[spec.workspace], b.getF32Type(),
                {ShapedType::kDynamic, spec.heads(), kContextSplits, spec.partialSize()},
                args.tokens);
}

/// One part of the context: whole pages, as many for each part.
static void emitPart(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec) {
  Place place = placeOf(b, args, spec);
  Shared shared(b, spec);
  Value pages = b.ceilDiv(place.context, spec.pageTokens);
  Value perPart = b.ceilDiv(pages, kContextSplits);
  Value first = b.min(b.mul(place.part, perPart), pages);
  Values sums = emitPages(b, args, spec, shared, place, first, b.min(b.add(first, perPart), pages));
  Value partial = partialView(b, args, spec), firstHead = b.mul(place.head, spec.group);
  perSum(b, spec, sums, [&](int64_t g, Value i, Value sum) {
    b.store(sum, partial, {place.token, b.add(firstHead, g), place.part, i});
  });
  b.perThread(b.index(spec.group), [&](Value g) {
    Value head = b.add(firstHead, g);
    auto store = [&](Value value, int64_t at) {
      b.store(value, partial, {place.token, head, place.part, b.index(spec.headDim + at)});
    };
    store(b.load(shared.maxima, g), 0);
    store(b.load(shared.weights, g), 1);
  });
}

/// Combines the parts of one token and query head. Parts without pages weigh nothing.
static void emitCombine(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec) {
  Value token = b.div(b.block, spec.heads()), head = b.rem(b.block, spec.heads());
  Value partial = partialView(b, args, spec);
  auto at = [&](Value part, Value i) { return b.load(partial, {token, head, part, i}); };
  Value zero = b.index(0), end = b.index(kContextSplits), maximumAt = b.index(spec.headDim);
  Values maximum = b.loop(zero, end, 1, {b.f32(-INFINITY)}, [&](Value p, ValueRange m) {
    return Values{b.maxf(m[0], at(p, maximumAt))};
  });
  Value result = b.view(args.buffers[spec.result], b.getBF16Type(),
                        {ShapedType::kDynamic, spec.features}, args.tokens);
  b.perThread(b.index(spec.headDim), [&](Value i) {
    Values sums = b.loop(zero, end, 1, {b.f32(0), b.f32(0)}, [&](Value p, ValueRange in) {
      Value weight = b.exp(b.subf(at(p, maximumAt), maximum[0]));
      return Values{b.fma(weight, at(p, i), in[0]),
                    b.fma(weight, at(p, b.index(spec.headDim + 1)), in[1])};
    });
    b.store(b.toBf16(b.divf(sums[0], sums[1])), result,
            {token, b.add(b.mul(head, spec.headDim), i)});
  });
}

KernelSpec strata::nvptx::describeAttention(AttentionOp op) {
  AttentionSpec spec(op);
  auto bind = [spec](auto emit) {
    return [spec, emit](KernelBuilder &b, const KernelArguments &args) { emit(b, args, spec); };
  };
  int64_t bytes = Shared::bytes(spec);
  VariantSpec few{kSplitRows,
                  {{"part", Axis::Tokens, 1, spec.kvHeads * kContextSplits, bytes, bind(emitPart)},
                   {"combine", Axis::Tokens, 1, spec.heads(), 0, bind(emitCombine)}}};
  VariantSpec many{0, {describePrefillAttention(spec)}};
  return {Axis::Tokens, {few, many}};
}
