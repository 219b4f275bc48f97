//===- Attention.cpp - attention token by token over the paged cache ------===//
//
// One block is one token, one KV head and one part of the context; the query heads that share the
// KV head share its loads. It goes through its part in tiles of some slots, keys and values of the
// next one being copied to shared memory meanwhile. Softmax is online (Milakov and Gimelshein,
// arXiv 1805.02867). Parts are combined by a second phase, in order, so results do not depend on
// scheduling.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/Attention.h"
#include "codegen/nvptx/Cache.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

AttentionSpec::AttentionSpec(AttentionOp op)
    : cache(op, op.getCache().getType()), headDim(cache.type.getHeadDim()),
      kvHeads(cache.type.getHeads()), features(columnsOf(op.getQuery())),
      group(features / headDim / kvHeads), pageTokens(cache.type.getPageTokens()) {
  auto buffers = listBuffers(op);
  query = findBuffer(buffers, op.getQuery());
  result = findBuffer(buffers, op.getResult());
  workspace = findBuffer(buffers, BufferRole::Workspace);
}

/// Stages of the ring of tiles, and bytes that it may take.
static constexpr int64_t kRing = 2, kRingBytes = 80 << 10;

/// Features, as bf16, and pairs of them in a 16-byte chunk.
static constexpr int64_t kChunk = 8, kChunkPairs = 4;

namespace {
/// How a block goes through its part of the context.
struct TileForm {
  explicit TileForm(const AttentionSpec &spec) : slots(spec.pageTokens), headDim(spec.headDim) {
    // 8 threads that read a chunk each, of 4 neighbouring slots, meet no bank twice.
    keyPairs = (llvm::alignTo(2 * headDim, 128) + 32) / 4;
    while (ringBytes() > kRingBytes && slots > 16)
      slots /= 2;
  }
  int64_t slots; ///< of a tile
  int64_t headDim;
  int64_t keyPairs; ///< of a row of keys in shared memory

  int64_t chunks() const { return headDim / kChunk; }
  int64_t keyBytes() const { return kRing * slots * keyPairs * 4; }
  int64_t ringBytes() const { return keyBytes() + kRing * slots * headDim * 2; }
};

/// What a block shares: the ring, `keys` as pairs [kRing, slots, keyPairs], `values` as bf16
/// [kRing, slots, head_dim]; f32 `queries` [group, head_dim] and `scores` [group, slots]; `maxima`,
/// `weights` and `decays` [group] of the online softmax.
struct Shared {
  Shared(KernelBuilder &b, const AttentionSpec &spec) : form(spec) {
    keys = b.shared(b.getI32Type(), {kRing, form.slots, form.keyPairs}, 0);
    values = b.shared(b.getBF16Type(), {kRing, form.slots, spec.headDim}, form.keyBytes());
    int64_t offset = form.ringBytes();
    auto array = [&](ArrayRef<int64_t> shape) {
      Value memory = b.shared(b.getF32Type(), shape, offset);
      offset += 4 * spec.group * (shape.size() == 2 ? shape[1] : 1);
      return memory;
    };
    queries = array({spec.group, spec.headDim});
    scores = array({spec.group, form.slots});
    maxima = array({spec.group});
    weights = array({spec.group});
    decays = array({spec.group});
  }
  static int64_t bytes(const AttentionSpec &spec) {
    TileForm form(spec);
    return form.ringBytes() + 4 * spec.group * (spec.headDim + form.slots + 3);
  }
  TileForm form;
  Value keys, values, queries, scores, maxima, weights, decays;
};

/// Where a block works.
struct Place {
  Value token, head, part, sequence, context;
};
} // namespace

/// Tokens of a tile, from its first slot on.
static Value tileTokens(KernelBuilder &b, const TileForm &form, const Place &place, Value tile) {
  return b.min(b.sub(place.context, b.mul(tile, form.slots)), b.index(form.slots));
}

/// Starts the copies of a tile into its stage of the ring; slots beyond the context become zero.
static void copyTile(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                     const Shared &shared, const Place &place, Value tile) {
  const TileForm &form = shared.form;
  Value token = b.mul(tile, form.slots), count = tileTokens(b, form, place, tile);
  CachePage page = cachePageAt(b, args, spec.cache, place.sequence, b.div(token, spec.pageTokens));
  Value firstSlot = b.rem(token, spec.pageTokens), stage = b.rem(tile, kRing);
  int64_t chunks = form.slots * form.chunks();
  b.loop(b.index(0), b.index(chunks), b.threads, [&](Value first) {
    Value flat = b.add(first, b.thread);
    auto copy = [&] {
      Value slot = b.div(flat, form.chunks()), chunk = b.rem(flat, form.chunks());
      Value feature = b.mul(chunk, kChunk);
      Value bytes = b.select(b.less(slot, count), b.i32(16), b.i32(0));
      Value from[] = {place.head, b.add(firstSlot, slot), feature};
      b.copyAsync(shared.keys, {stage, slot, b.mul(chunk, kChunkPairs)}, page.keys, from, bytes);
      b.copyAsync(shared.values, {stage, slot, feature}, page.values, from, bytes);
    };
    if (chunks % b.threads)
      b.ifThen(b.less(flat, b.index(chunks)), copy);
    else
      copy();
  });
}

/// acc[g] + query . key of a chunk of 8 features.
static Values multiplyChunk(KernelBuilder &b, const Shared &shared, Value key, Value chunk,
                            ValueRange acc) {
  Values sums(acc), parts = {b.evens(key), b.odds(key)};
  for (auto [g, sum] : llvm::enumerate(sums))
    for (int64_t half = 0; half != 2; ++half) {
      Value at = b.add(b.mul(chunk, kChunk), half * 4);
      Value query = b.load(shared.queries, {b.index(g), at}, 4, 16);
      for (int64_t i = 0; i != 4; ++i) {
        Value k = vector::ExtractOp::create(b, parts[i % 2], 2 * half + i / 2);
        sum = b.fma(vector::ExtractOp::create(b, query, i), k, sum);
      }
    }
  return sums;
}

/// scores[g][slot] of a tile, -infinity beyond its tokens. The threads of a slot take turns at its
/// chunks.
static void emitScores(KernelBuilder &b, const AttentionSpec &spec, const Shared &shared,
                       Value stage, Value count) {
  int64_t sharers = b.threads / shared.form.slots;
  Value slot = b.div(b.thread, sharers), share = b.rem(b.thread, sharers);
  Values zeros(spec.group, b.f32(0));
  Values sums = b.loop(
      share, b.index(shared.form.chunks()), sharers, zeros, [&](Value chunk, ValueRange acc) {
        Value key = b.load(shared.keys, {stage, slot, b.mul(chunk, kChunkPairs)}, kChunkPairs, 16);
        return multiplyChunk(b, shared, key, chunk, acc);
      });
  Value scale = b.f32(1.0 / std::sqrt(double(spec.headDim)));
  Value valid = b.less(slot, count);
  for (auto [g, sum] : llvm::enumerate(sums)) {
    for (int64_t mask = 1; mask != sharers; mask *= 2)
      sum = b.addf(sum, b.shuffleXor(sum, mask));
    sum = b.select(valid, b.mulf(sum, scale), b.f32(-INFINITY));
  }
  b.ifThen(b.equal(share, b.index(0)), [&] {
    for (auto [g, sum] : llvm::enumerate(sums))
      b.store(sum, shared.scores, {b.index(g), slot});
  });
}

/// Scores become weights relative to the new maximum; a warp takes every fourth query head.
static void emitSoftmax(KernelBuilder &b, const AttentionSpec &spec, const Shared &shared) {
  Value count = b.index(shared.form.slots);
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
                         Value stage, ValueRange sums) {
  Values scaled;
  for (auto [i, sum] : llvm::enumerate(sums))
    scaled.push_back(b.mulf(sum, b.load(shared.decays, b.index(i % spec.group))));
  Value end = b.index(shared.form.slots);
  return b.loop(b.index(0), end, 4, scaled, [&](Value slot, ValueRange in) {
    Values acc(in), weights;
    for (int64_t g = 0; g != spec.group; ++g)
      weights.push_back(b.load(shared.scores, {b.index(g), slot}, 4, 16));
    for (int64_t i = 0; i != 4; ++i)
      for (size_t j = 0; j != sums.size() / spec.group; ++j) {
        Value value =
            b.toF32(b.load(shared.values, {stage, b.add(slot, i), featureOf(b, spec, j)}));
        for (int64_t g = 0; g != spec.group; ++g) {
          Value &sum = acc[j * spec.group + g];
          sum = b.fma(vector::ExtractOp::create(b, weights[g], i), value, sum);
        }
      }
    return acc;
  });
}

/// The tiles [first, end) of one token and KV head: unscaled sums of this thread's features, with
/// maxima and weights in shared memory.
static Values emitTiles(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                        const Shared &shared, const Place &place, Value first, Value end) {
  auto copy = [&](Value tile) {
    b.ifThen(b.less(tile, end), [&] { copyTile(b, args, spec, shared, place, tile); });
    b.commitCopies();
  };
  copy(first);
  Value query = b.view(args.buffers[spec.query], b.getBF16Type(),
                       {ShapedType::kDynamic, spec.features}, args.tokens);
  Value firstFeature = b.mul(place.head, spec.group * spec.headDim);
  b.perThread(b.index(spec.group * spec.headDim), [&](Value i) {
    Value q = b.toF32(b.load(query, {place.token, b.add(firstFeature, i)}));
    b.store(q, shared.queries, {b.div(i, spec.headDim), b.rem(i, spec.headDim)});
  });
  b.perThread(b.index(spec.group), [&](Value g) {
    b.store(b.f32(kLeastMaximum), shared.maxima, g);
    b.store(b.f32(0), shared.weights, g);
  });
  Values zeros(llvm::divideCeil(spec.headDim, b.threads) * spec.group, b.f32(0));
  Values sums = b.loop(first, end, 1, zeros, [&](Value tile, ValueRange sums) {
    copy(b.add(tile, 1));
    b.waitCopies(1);
    b.barrier();
    Value stage = b.rem(tile, kRing);
    emitScores(b, spec, shared, stage, tileTokens(b, shared.form, place, tile));
    b.barrier();
    emitSoftmax(b, spec, shared);
    b.barrier();
    Values next = emitValues(b, spec, shared, stage, sums);
    b.barrier(); // the tile after the next one comes where this one is, and its scores
    return next;
  });
  b.waitCopies(0);
  return sums;
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

static Place placeOf(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                     int64_t parts) {
  Place place;
  place.part = b.rem(b.block, parts);
  Value rest = b.div(b.block, parts);
  place.head = b.rem(rest, spec.kvHeads);
  place.token = b.div(rest, spec.kvHeads);
  place.sequence = b.loadIndex(args.buffers[spec.cache.sequences], place.token);
  place.context = b.add(b.loadIndex(args.buffers[spec.cache.positions], place.token), 1);
  return place;
}

/// Partial results [tokens, heads, parts, head_dim + 2].
static Value partialView(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                         int64_t parts) {
  return b.view(args.buffers[spec.workspace], b.getF32Type(),
                {ShapedType::kDynamic, spec.heads(), parts, spec.partialSize()}, args.tokens);
}

/// One part of the context: whole tiles, as many for each part.
static void emitPart(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                     int64_t parts) {
  Place place = placeOf(b, args, spec, parts);
  Shared shared(b, spec);
  Value tiles = b.ceilDiv(place.context, shared.form.slots);
  Value perPart = b.ceilDiv(tiles, parts);
  Value first = b.min(b.mul(place.part, perPart), tiles);
  Values sums = emitTiles(b, args, spec, shared, place, first, b.min(b.add(first, perPart), tiles));
  Value partial = partialView(b, args, spec, parts), firstHead = b.mul(place.head, spec.group);
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

/// Combines the parts of one token and query head. Parts without tiles weigh nothing.
static void emitCombine(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                        int64_t parts) {
  Value token = b.div(b.block, spec.heads()), head = b.rem(b.block, spec.heads());
  Value partial = partialView(b, args, spec, parts);
  auto at = [&](Value part, Value i) { return b.load(partial, {token, head, part, i}); };
  Value zero = b.index(0), end = b.index(parts), maximumAt = b.index(spec.headDim);
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

/// The two phases that split the context; `name` goes with those of their names.
static VariantSpec describeSplit(const AttentionSpec &spec, const std::string &name,
                                 int64_t parts) {
  auto bind = [=](auto emit) {
    return [=](KernelBuilder &b, const KernelArguments &args) { emit(b, args, spec, parts); };
  };
  return {0,
          {{"part" + name, Axis::Tokens, 1, spec.kvHeads * parts, bind(emitPart),
            block(Shared::bytes(spec))},
           {"combine" + name, Axis::Tokens, 1, spec.heads(), bind(emitCombine), block()}}};
}

KernelSpec strata::nvptx::describeAttention(AttentionOp op) {
  AttentionSpec spec(op);
  VariantSpec split = describeSplit(spec, "", kContextSplits);
  split.upTo = kSplitRows;
  split.mode = VariantMode::Usual; // the parts are added in another order
  VariantSpec sequences = describeSplit(spec, "_sequences", kSequenceSplits);
  sequences.upToRun = 1;
  sequences.mode = VariantMode::Usual;
  return {Axis::Tokens, {split, sequences, {0, {describePrefillAttention(spec)}}}};
}
