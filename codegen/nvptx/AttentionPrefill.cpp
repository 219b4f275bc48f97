//===- AttentionPrefill.cpp - attention of many tokens, on tensor cores ---===//
//
// FlashAttention-2 (arXiv 2307.08691) over the paged cache: a block takes the query heads of one KV
// head of some tokens as the rows of a tile and goes through the pages once. A warp holds 16 rows;
// scores, weights and sums stay in its registers. Steps are ragged: the tokens of a block may
// belong to several sequences, whose pages are visited one sequence after another, with the rows of
// the others hidden.
//
// Fragments of mma.m16n8k16, lane l: rows l/4 and l/4 + 8, columns 2(l%4) and the next. The scores'
// accumulators are, rounded to bf16, the left operand of the product with the values.
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

/// Rows of queries in a block; slots of a page that are visited at a time (a whole page would need
/// more registers than there are); bf16 of a 16-byte chunk.
static constexpr int64_t kRows = 64, kSlots = 32, kChunk = 8;

namespace {
struct PrefillSpec : AttentionSpec {
  explicit PrefillSpec(const AttentionSpec &spec)
      : AttentionSpec(spec), width(llvm::alignTo(headDim, 16)), chunks(width / kChunk),
        blockTokens(std::max<int64_t>(kRows / group, 1)) {
    swizzle = 8;
    while (chunks % swizzle)
      swizzle /= 2;
  }
  int64_t width;       ///< features of a row in shared memory, whole steps of 16
  int64_t chunks;      ///< of such a row
  int64_t swizzle;     ///< rows after which the pattern of chunks repeats
  int64_t blockTokens; ///< tokens of a block: blockTokens * group rows of the tile

  int64_t bytes(int64_t rows) const { return 2 * rows * width; }
};

/// The three tiles in shared memory: bf16 [rows / 16, 16, width], swizzled. The first index is a
/// constant wherever fragments are read, so that their addresses differ by immediates.
struct Tiles {
  Value queries, keys, values;
  Value zero; ///< i32 [1]: see loadZero
};

/// One of the two rows that a lane holds.
struct Row {
  Value token, head; ///< head: of the group
  Value valid;       ///< i1: the row is a token of the step
  Value position, sequence;
};

/// What a warp carries from page to page: sums [width / 8][4], then for both rows the maximum and
/// the weight so far.
struct State {
  Values sums, maxima, weights;

  Values flat() const {
    Values all(sums);
    llvm::append_range(all, maxima);
    llvm::append_range(all, weights);
    return all;
  }
  static State of(ValueRange all) {
    size_t sums = all.size() - 4;
    return {Values(all.take_front(sums)), Values(all.slice(sums, 2)), Values(all.take_back(2))};
  }
};
} // namespace

static Value swizzled(KernelBuilder &b, const PrefillSpec &spec, Value row, Value chunk) {
  return b.mul(arith::XOrIOp::create(b, chunk, b.rem(row, spec.swizzle)), kChunk);
}

/// An index that is 0, which no compiler knows. Added to an address inside the loop over the pages,
/// it keeps the many addresses of a page from being computed ahead of the loop, where they would
/// take more registers than there are.
static Value loadZero(KernelBuilder &b, const Tiles &tiles) {
  return b.toIndex(b.load(tiles.zero, b.index(0)));
}

/// Starts copying a tile: at(row, column) gives the indices of a chunk in `source` and, last,
/// whether it exists; what does not becomes zeros.
static void copyTile(KernelBuilder &b, const PrefillSpec &spec, Value tile, Value zero,
                     Value source, int64_t rows, llvm::function_ref<Values(Value, Value)> at) {
  auto copy = [&](Value piece, Value row, Value chunk) {
    Value column = b.mul(chunk, kChunk);
    Values from = at(b.add(row, b.mul(piece, 16)), column);
    Value inside = b.both(from.pop_back_val(), b.less(column, b.index(spec.headDim)));
    b.copyAsync(tile, {piece, row, swizzled(b, spec, row, chunk)}, source, from,
                b.select(inside, b.i32(16), b.i32(0)));
  };
  // Where a pass of the block is whole rows, a thread stays in its column and goes down, and its
  // addresses differ by immediates; else a loop, which keeps one address.
  int64_t passRows = b.threads / spec.chunks;
  if (b.threads % spec.chunks || 16 % passRows || passRows % spec.swizzle) {
    b.loop(b.thread, b.index(rows * spec.chunks), b.threads, [&](Value flat) {
      Value row = b.div(flat, spec.chunks);
      copy(b.div(row, 16), b.rem(row, 16), b.rem(flat, spec.chunks));
    });
    return;
  }
  Value row = b.add(b.div(b.thread, spec.chunks), zero), chunk = b.rem(b.thread, spec.chunks);
  for (int64_t i = 0; i != rows; i += passRows)
    copy(b.index(i / 16), b.add(row, i % 16), chunk);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// First token and KV head of the block.
struct BlockPlace {
  Value firstToken, head;
};

static Row describeRow(KernelBuilder &b, const KernelArguments &args, const PrefillSpec &spec,
                       const BlockPlace &place, Value tileRow) {
  Row row;
  Value token = b.add(place.firstToken, b.div(tileRow, spec.group));
  row.head = b.rem(tileRow, spec.group);
  row.valid =
      b.both(b.less(tileRow, b.index(spec.blockTokens * spec.group)), b.less(token, args.tokens));
  row.token = b.select(row.valid, token, b.index(0));
  row.position = b.loadIndex(args.buffers[spec.cache.positions], row.token);
  row.sequence = b.loadIndex(args.buffers[spec.cache.sequences], row.token);
  return row;
}

/// Column of the query and the result where a row's head begins.
static Value headColumn(KernelBuilder &b, const PrefillSpec &spec, Value kvHead, Value head) {
  return b.mul(b.add(b.mul(kvHead, spec.group), head), spec.headDim);
}

static void copyQueries(KernelBuilder &b, const KernelArguments &args, const PrefillSpec &spec,
                        const BlockPlace &place, Value tile) {
  Value query = b.view(args.buffers[spec.query], b.getBF16Type(),
                       {ShapedType::kDynamic, spec.features}, args.tokens);
  copyTile(b, spec, tile, b.index(0), query, kRows, [&](Value tileRow, Value column) {
    Row row = describeRow(b, args, spec, place, tileRow);
    Value first = headColumn(b, spec, place.head, row.head);
    return Values{row.token, b.add(first, column), row.valid};
  });
}

//===----------------------------------------------------------------------===//
// One page
//===----------------------------------------------------------------------===//

/// Scores of the warp's 16 rows with the page's slots: [kSlots / 8][4], not scaled. Queries are
/// read from shared memory for each page: kept, they would cost as many registers as the scores.
static Values emitScores(KernelBuilder &b, const PrefillSpec &spec, const Tiles &tiles,
                         Value zero) {
  Values scores(kSlots / 8 * 4, b.f32(0));
  Value row = b.add(b.rem(b.lane, 16), zero);
  Value slotInPair = b.add(b.add(b.rem(b.lane, 8), zero), b.mul(b.div(b.lane, 16), 8));
  for (int64_t k = 0; k != spec.width / 16; ++k) {
    Value chunk = b.add(b.div(b.lane, 16), 2 * k);
    Values query = b.loadMatrices(tiles.queries, {b.warp, row, swizzled(b, spec, row, chunk)});
    Value keyChunk = b.add(b.rem(b.div(b.lane, 8), 2), 2 * k);
    Value column = swizzled(b, spec, slotInPair, keyChunk);
    for (int64_t n = 0; n != kSlots / 16; ++n) {
      Values w = b.loadMatrices(tiles.keys, {b.index(n), slotInPair, column});
      for (int64_t i = 0; i != 2; ++i) {
        auto *piece = scores.begin() + 4 * (2 * n + i);
        Values sum = b.mma(ValueRange(ArrayRef<Value>(piece, 4)), query, w[2 * i], w[2 * i + 1]);
        llvm::copy(sum, piece);
      }
    }
  }
  return scores;
}

/// The four lanes of a row agree on their sum or maximum.
static Value acrossRow(KernelBuilder &b, Value value,
                       llvm::function_ref<Value(Value, Value)> join) {
  for (int64_t mask : {1, 2})
    value = join(value, b.shuffleXor(value, mask));
  return value;
}

/// Scores become weights, in place; returns the decay of what was summed before, for both rows.
/// `limits` are the last visible slot of each row, -1 for none.
static Values emitSoftmax(KernelBuilder &b, const PrefillSpec &spec, Values &scores,
                          ValueRange limits, State &state) {
  Value scale = b.f32(1.0 / std::sqrt(double(spec.headDim))), column = b.mul(b.rem(b.lane, 4), 2);
  Values decays;
  for (int64_t r = 0; r != 2; ++r) {
    Value highest = b.f32(-INFINITY);
    SmallVector<Value> visible;
    for (int64_t n = 0; n != kSlots / 8; ++n)
      for (int64_t i = 0; i != 2; ++i) {
        Value &score = scores[4 * n + 2 * r + i];
        Value slot = b.add(column, 8 * n + i);
        visible.push_back(arith::CmpIOp::create(b, arith::CmpIPredicate::sle, slot, limits[r]));
        score = b.select(visible.back(), b.mulf(score, scale), b.f32(-INFINITY));
        highest = b.maxf(highest, score);
      }
    highest = acrossRow(b, highest, [&](Value x, Value y) { return b.maxf(x, y); });
    Value maximum = b.maxf(state.maxima[r], highest), total = b.f32(0);
    for (int64_t n = 0; n != kSlots / 8; ++n)
      for (int64_t i = 0; i != 2; ++i) {
        Value &score = scores[4 * n + 2 * r + i];
        // Hidden slots weigh exactly nothing, also in rows that have seen no slot yet.
        score = b.select(visible[2 * n + i], b.exp(b.subf(score, maximum)), b.f32(0));
        total = b.addf(total, score);
      }
    total = acrossRow(b, total, [&](Value x, Value y) { return b.addf(x, y); });
    decays.push_back(b.exp(b.subf(state.maxima[r], maximum)));
    state.weights[r] = b.fma(state.weights[r], decays[r], total);
    state.maxima[r] = maximum;
  }
  return decays;
}

/// sums = sums * decay + weights . V
static void emitValues(KernelBuilder &b, const PrefillSpec &spec, Value values, Value zero,
                       ValueRange weights, ValueRange decays, Values &sums) {
  for (auto [i, sum] : llvm::enumerate(sums))
    sum = b.mulf(sum, decays[i / 2 % 2]);
  for (int64_t k = 0; k != kSlots / 16; ++k) {
    auto pair = [&](int64_t n, int64_t r) {
      Value evens = weights[4 * (2 * k + n) + 2 * r], odds = weights[4 * (2 * k + n) + 2 * r + 1];
      return b.pairs(evens, odds);
    };
    Values a = {pair(0, 0), pair(0, 1), pair(1, 0), pair(1, 1)};
    Value slot = b.add(b.rem(b.lane, 16), zero);
    for (int64_t n = 0; n != spec.width / 16; ++n) {
      Value chunk = b.add(b.div(b.lane, 16), 2 * n);
      Values w = b.loadMatrices(values, {b.index(k), slot, swizzled(b, spec, slot, chunk)},
                                /*transposed=*/true);
      for (int64_t i = 0; i != 2; ++i) {
        auto *piece = sums.begin() + 4 * (2 * n + i);
        Values sum = b.mma(ValueRange(ArrayRef<Value>(piece, 4)), a, w[2 * i], w[2 * i + 1]);
        llvm::copy(sum, piece);
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// All pages
//===----------------------------------------------------------------------===//

/// Cached tokens that the block's tokens of a sequence attend to at most.
static Value contextOf(KernelBuilder &b, const KernelArguments &args, const PrefillSpec &spec,
                       const BlockPlace &place, Value endToken, Value sequence) {
  Value none = b.index(0);
  return b.loop(place.firstToken, endToken, 1, none, [&](Value token, ValueRange most) {
    Value position = b.loadIndex(args.buffers[spec.cache.positions], token);
    Value same = b.equal(b.loadIndex(args.buffers[spec.cache.sequences], token), sequence);
    return Values{b.max(most[0], b.select(same, b.add(position, 1), none))};
  })[0];
}

static State emitPage(KernelBuilder &b, const KernelArguments &args, const PrefillSpec &spec,
                      const Tiles &tiles, const BlockPlace &place, ArrayRef<Row> rows,
                      Value sequence, Value context, Value piece, State state) {
  CachePage page =
      cachePageAt(b, args, spec.cache, sequence, b.div(piece, spec.pageTokens / kSlots));
  Value seen = b.mul(piece, kSlots), count = b.sub(context, seen);
  Value firstSlot = b.rem(seen, spec.pageTokens);
  Value zero = loadZero(b, tiles);
  b.barrier(); // the tiles of the page before are read
  for (auto [tile, source] : {std::pair{tiles.keys, page.keys}, {tiles.values, page.values}})
    copyTile(b, spec, tile, zero, source, kSlots, [&](Value slot, Value column) {
      return Values{place.head, b.add(firstSlot, slot), column, b.less(slot, count)};
    });
  b.commitCopies();
  b.waitCopies(0);
  b.barrier();
  Values limits;
  for (const Row &row : rows) {
    Value mine = b.both(row.valid, b.equal(row.sequence, sequence));
    limits.push_back(b.select(mine, b.sub(row.position, seen), b.index(-1)));
  }
  Values scores = emitScores(b, spec, tiles, zero);
  Values decays = emitSoftmax(b, spec, scores, limits, state);
  emitValues(b, spec, tiles.values, zero, scores, decays, state.sums);
  return state;
}

static void emitResult(KernelBuilder &b, const KernelArguments &args, const PrefillSpec &spec,
                       const BlockPlace &place, ArrayRef<Row> rows, const State &state) {
  Value result = b.view(args.buffers[spec.result], b.getBF16Type(),
                        {ShapedType::kDynamic, spec.features}, args.tokens);
  Value column = b.mul(b.rem(b.lane, 4), 2);
  for (auto [r, row] : llvm::enumerate(rows))
    b.ifThen(row.valid, [&, r = r, &row = row] {
      Value first = headColumn(b, spec, place.head, row.head);
      Value inverse = b.divf(b.f32(1), state.weights[r]);
      for (int64_t n = 0; n != spec.headDim / 8; ++n)
        for (int64_t i = 0; i != 2; ++i)
          b.store(b.toBf16(b.mulf(state.sums[4 * n + 2 * r + i], inverse)), result,
                  {row.token, b.add(first, b.add(column, 8 * n + i))});
    });
}

static void emitPrefill(KernelBuilder &b, const KernelArguments &args, const PrefillSpec &spec) {
  BlockPlace place{b.mul(b.div(b.block, spec.kvHeads), spec.blockTokens),
                   b.rem(b.block, spec.kvHeads)};
  int64_t offset = 0;
  auto tile = [&](int64_t rows) {
    Value memory = b.shared(b.getBF16Type(), {rows / 16, 16, spec.width}, offset);
    offset += spec.bytes(rows);
    return memory;
  };
  Tiles tiles;
  tiles.queries = tile(kRows);
  tiles.keys = tile(kSlots);
  tiles.values = tile(kSlots);
  tiles.zero = b.shared(b.getI32Type(), {1}, offset);
  b.ifThen(b.equal(b.thread, b.index(0)), [&] { b.store(b.i32(0), tiles.zero, b.index(0)); });
  copyQueries(b, args, spec, place, tiles.queries);
  b.commitCopies();
  b.waitCopies(0);
  b.barrier();
  Value tileRow = b.add(b.mul(b.warp, 16), b.div(b.lane, 4));
  Row rows[] = {describeRow(b, args, spec, place, tileRow),
                describeRow(b, args, spec, place, b.add(tileRow, 8))};

  State start{Values(spec.width / 8 * 4, b.f32(0)), Values(2, b.f32(kLeastMaximum)),
              Values(2, b.f32(0))};
  Value endToken = b.min(b.add(place.firstToken, spec.blockTokens), args.tokens);
  auto sequenceOf = [&](Value token) {
    return b.loadIndex(args.buffers[spec.cache.sequences], token);
  };
  Value first = sequenceOf(place.firstToken);
  Value end = b.add(sequenceOf(b.sub(endToken, b.index(1))), 1);
  Values last = b.loop(first, end, 1, start.flat(), [&](Value sequence, ValueRange carried) {
    Value context = contextOf(b, args, spec, place, endToken, sequence);
    return b.loop(b.index(0), b.ceilDiv(context, kSlots), 1, carried,
                  [&](Value piece, ValueRange in) {
                    return emitPage(b, args, spec, tiles, place, rows, sequence, context, piece,
                                    State::of(in))
                        .flat();
                  });
  });
  emitResult(b, args, spec, place, rows, State::of(last));
}

PhaseSpec strata::nvptx::describePrefillAttention(const AttentionSpec &attention) {
  PrefillSpec spec(attention);
  return {"prefill",
          Axis::Tokens,
          spec.blockTokens,
          spec.kvHeads,
          [spec](KernelBuilder &b, const KernelArguments &args) { emitPrefill(b, args, spec); },
          block(spec.bytes(kRows + 2 * kSlots) + 4)};
}
