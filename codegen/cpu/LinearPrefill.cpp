//===- LinearPrefill.cpp - many tokens: the dot product unit decides ------===//
//
// The input is packed once into P[block][pair][tokens]; a pair of a weight row is broadcast and
// multiplied with vectors of tokens. Weights are read as they lie in the checkpoint: pairs of bf16
// go to the dot product, f32 is multiplied as it is, and f16 is widened first, a stretch of a few
// rows at a time, because a single number costs as much to widen as a vector; so are rows of bf16
// that are no whole pairs.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/PrefillFrame.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Pairs of a register tile's rows between prefetches.
static constexpr int64_t kPairsAhead = 4;

/// So many of four pairs of a row are spread in registers, where loads decide: measured, best of 0
/// to 4.
static constexpr int64_t kSpreadPairs = 2;

/// `blocks` of packed activations: [blocks][pairs][tokens].
static Value packedView(KernelBuilder &b, Value buffer, Value blocks, int64_t pairs, Value tokens) {
  return b.view(buffer, b.getI32Type(), {ShapedType::kDynamic, pairs, ShapedType::kDynamic},
                {blocks, tokens});
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

namespace {
/// What packing keeps of the lanes() rows that it transposes at a time, on the stack: the row of
/// the input (0 for rows beyond the step), how many lanes of it count (all or none), its
/// statistics.
struct PackedRows {
  Value from, lanes, means, scales;
};
} // namespace

static PackedRows describePackedRows(KernelBuilder &b, const KernelArguments &args,
                                     const LinearSpec &spec, Value input, Value first,
                                     const std::optional<NormParameters> &norm) {
  Type f32 = b.getF32Type(), index = b.getIndexType();
  PackedRows rows{b.stack(index, {b.lanes()}), b.stack(index, {b.lanes()}),
                  b.stack(f32, {b.lanes()}), b.stack(f32, {b.lanes()})};
  b.loop(b.index(0), b.index(b.lanes()), 1, [&](Value i) {
    Value row = b.add(first, i), inside = b.less(row, productRows(spec, args));
    Value from = inputRow(b, args, spec, b.select(inside, row, b.index(0)));
    b.store(from, rows.from, i);
    b.store(b.select(inside, b.index(b.lanes()), b.index(0)), rows.lanes, i);
    if (!norm)
      return;
    RowStatistics statistics = rowStatistics(b, input, from, spec.inFeatures, norm->eps);
    b.store(statistics.mean, rows.means, i);
    b.store(statistics.scale, rows.scales, i);
  });
  return rows;
}

/// Transposes `count` pairs from `pair` on of all rows; rows beyond the step become zeros, and so
/// do pairs beyond them that `packed` has room for.
static void packVector(KernelBuilder &b, Value input, Value packed, const PackedRows &rows,
                       Value block, Value token, Value pair, int64_t count,
                       const std::optional<NormParameters> &norm) {
  Value partial = count == b.lanes() ? Value() : b.mask(count);
  Values lines;
  for (int64_t i = 0; i != b.lanes(); ++i) {
    Value at = b.index(i), inside = b.mask(b.load(rows.lanes, at));
    Value mask = partial ? arith::AndIOp::create(b, inside, partial) : inside;
    Value values = b.loadPairs(input, {b.load(rows.from, at), pair}, mask);
    if (norm) {
      RowStatistics statistics{b.load(rows.means, at), b.load(rows.scales, at)};
      values = normalizePairs(b, values, pair, partial, *norm, statistics);
      values = b.selectLanes(mask, values, b.i32(0, b.lanes()));
    }
    lines.push_back(values);
  }
  Values columns = b.transpose(lines);
  bool padded = cast<MemRefType>(packed.getType()).getDimSize(1) % b.lanes() == 0;
  for (int64_t i = 0; i != (padded ? b.lanes() : count); ++i)
    b.store(columns[i], packed, {block, b.add(pair, i), token});
}

/// Transposes a share of kPackVector tokens: one transpose of vectors of 16, two of vectors of 8.
/// `packed` has blocks of up to `most` tokens.
static void packBlocks(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                       const PackShare &share, Value packed, int64_t most) {
  Value input = inputPairs(b, args, spec);
  std::optional<NormParameters> norm = normOf(b, args, spec);
  Value first = b.mul(share.group, kPackVector);
  b.loop(first, b.add(first, kPackVector), b.lanes(), [&](Value first) {
    Value block = b.div(first, most), token = b.rem(first, most);
    PackedRows lines = describePackedRows(b, args, spec, input, first, norm);
    b.vectorsBetween(spec.pairs(), share.begin, share.end, [&](Value pair, int64_t lanes) {
      packVector(b, input, packed, lines, block, token, pair, lanes, norm);
    });
  });
}

void strata::cpu::emitPack(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  Value rows = productRows(spec, args);
  Value packed = packedView(b, args.buffers[*spec.workspace], b.ceilDiv(rows, kPackTokens),
                            spec.pairs(), blockTokens(b, rows, kPackTokens));
  forEachPackShare(b, args, spec.pairs(), [&](const PackShare &share) {
    packBlocks(b, args, spec, share, packed, kPackTokens);
  });
}

void strata::cpu::emitPackTiles(KernelBuilder &b, const KernelArguments &args,
                                const LinearSpec &spec) {
  Value packed = tileView(b, args.buffers[*spec.workspace], spec);
  forEachPackShare(b, args, spec.pairs(), [&](const PackShare &share) {
    packBlocks(b, args, spec, share, packed, kTileRows);
  });
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

namespace {
/// A block of tokens and the rows of a weight, as pairs or numbers; `count` of their pairs from
/// `first` on are multiplied: all of them, or some before the others.
struct TokenBlock {
  Value weight, packed;
  PrefillBlock place;
  int64_t pairs;
  bool inParts; ///< `count` may be less than `pairs`; both are multiples of kPairsAhead
  Value count, first;
  bool endsWithHalf; ///< the last pair is one number
  BoxAttr box;       ///< of the weight
  Value widened; ///< for numbers of 16 bits: f32 [tile rows, kWidenedFeatures] on the stack; else
                 ///< null
};

/// Rows that are multiplied from pair `firstPair` of the input on: pairs of bf16, or numbers of
/// f32.
struct FactorRows {
  Value memory;
  Values rows;
  Value firstPair;
  bool widened; ///< `memory` begins with `firstPair`; else it has whole rows
  bool inPairs() const { return cast<MemRefType>(memory.getType()).getElementType().isInteger(32); }
};

/// A register tile at work.
struct TileWork : TilePlace {
  const TokenBlock &block;
  Value next; ///< the row behind it, as it is stored
};
} // namespace

/// Adds the products of pair `pair` of the rows to sums[row][vector], or of its first number alone.
/// `weightOf` loads a number or a pair of a row into all lanes.
static void addPair(KernelBuilder &b, const TileWork &work, const FactorRows &weights, Value pair,
                    bool half, llvm::MutableArrayRef<Value> sums,
                    llvm::function_ref<Value(size_t row, Value column)> weightOf) {
  Value packedPair = b.add(weights.firstPair, pair), column = weights.widened ? pair : packedPair;
  Values x, odds;
  for (int64_t v = 0; v != work.width; ++v)
    x.push_back(b.load(work.block.packed,
                       {work.block.place.block, packedPair, b.add(work.token, v * b.lanes())},
                       b.lanes()));
  auto multiply = [&](Value column, ValueRange tokens) {
    for (size_t r = 0; r != weights.rows.size(); ++r) {
      Value w = weightOf(r, column);
      for (int64_t v = 0; v != work.width; ++v)
        sums[r * work.width + v] = b.dot(sums[r * work.width + v], w, tokens[v]);
    }
  };
  if (weights.inPairs())
    return multiply(column, x);
  for (Value &pairs : x) {
    odds.push_back(b.odds(pairs));
    pairs = b.evens(pairs);
  }
  multiply(b.mul(column, 2), x);
  if (half)
    return;
  multiply(b.add(b.mul(column, 2), 1), odds);
}

/// Asks for the part of the next tile that lies as far from its beginning as `pairs` pairs of each
/// row of this one, and so many more.
static void prefetchNext(KernelBuilder &b, const TileWork &work, Value pair, int64_t pairs) {
  const TokenBlock &block = work.block;
  bool inPairs = cast<MemRefType>(block.weight.getType()).getElementType().isInteger(32);
  int64_t columns = inPairs ? 1 : 2;            // of a pair: elements
  int64_t ofAllRows = work.tile.rows * columns; // of a pair
  Value row = work.next, from = b.mul(pair, ofAllRows);
  if (block.inParts) {
    Value length = b.mul(block.count, columns);
    row = b.add(row, b.div(from, length));
    from = b.add(b.mul(block.first, columns), b.rem(from, length));
  }
  prefetchRows(b, block.weight, block.pairs * columns, row, from, pairs * ofAllRows);
}

/// Pairs that are multiplied kPairsAhead at a time; `half`: the last is one number.
static int64_t wholeSteps(int64_t pairs, bool half) {
  return (pairs - half) / kPairsAhead * kPairsAhead;
}

/// Adds the products of the first pairs of the rows to sums[accumulator][row][vector]: of
/// `unrolled`, a multiple of kPairsAhead, and `others` behind them. `endsWithHalf`: of the last of
/// those, the first number alone.
static Values addPairs(KernelBuilder &b, const TileWork &work, const FactorRows &weights,
                       Value unrolled, int64_t others, bool endsWithHalf, Values sums) {
  int64_t size = work.tile.rows * work.width;
  auto weightOf = [&](size_t row, Value column) {
    return b.splat(b.load(weights.memory, {weights.rows[row], column}), b.lanes());
  };
  // One vector of tokens takes a load of a weight for each product, more than a core has. Some of
  // the weights are spread in registers instead.
  bool spread = work.width == 1 && weights.inPairs() && b.level.bf16Dot;
  auto addTo = [&](Values &sums, Value pair, bool half, int64_t accumulator,
                   llvm::function_ref<Value(size_t, Value)> weightOf) {
    addPair(b, work, weights, pair, half, MutableArrayRef(sums).slice(accumulator * size, size),
            weightOf);
  };
  sums = b.loop(b.index(0), unrolled, kPairsAhead, sums, [&](Value pair, ValueRange in) {
    Values acc(in);
    if (!weights.widened)
      prefetchNext(b, work, pair, kPairsAhead);
    Values fours;
    for (Value row : weights.rows)
      fours.push_back(spread ? b.loadFour(weights.memory, {row, b.add(weights.firstPair, pair)})
                             : Value());
    for (int64_t p = 0; p != kPairsAhead; ++p)
      addTo(acc, b.add(pair, p), false, p % work.tile.accumulators, [&](size_t row, Value column) {
        return spread && p < kSpreadPairs ? b.spreadOne(fours[row], p) : weightOf(row, column);
      });
    return acc;
  });
  for (int64_t pair = 0; pair != others; ++pair)
    addTo(sums, b.add(unrolled, pair), endsWithHalf && pair + 1 == others, 0, weightOf);
  return sums;
}

/// The same for all pairs of rows of 16 bits a number, a stretch at a time.
static Values addWidened(KernelBuilder &b, const TileWork &work, ValueRange rows, Values sums) {
  const bool half = work.block.endsWithHalf;
  int64_t stretch = kWidenedFeatures / 2, full = (work.block.pairs - half) / stretch * stretch;
  FactorRows wide{work.block.widened, {}, {}, /*widened=*/true};
  for (size_t r = 0; r != rows.size(); ++r)
    wide.rows.push_back(b.index(int64_t(r)));
  auto add = [&](Value first, int64_t pairs, bool half, Values acc) {
    prefetchNext(b, work, first, pairs);
    for (auto [row, target] : llvm::zip(rows, wide.rows))
      b.vectors(2 * pairs - half, [&](Value i, int64_t lanes) {
        Value w = b.loadMasked(work.block.weight, {row, b.add(b.mul(first, 2), i)}, Value(), lanes);
        b.store(b.toF32(w), wide.memory, {target, i});
      });
    wide.firstPair = first;
    int64_t whole = wholeSteps(pairs, half);
    return addPairs(b, work, wide, b.index(whole), pairs - whole, half, acc);
  };
  if (full)
    sums = b.loop(b.index(0), b.index(full), stretch, sums, [&](Value first, ValueRange in) {
      return add(first, stretch, false, Values(in));
    });
  if (full == work.block.pairs)
    return sums;
  return add(b.index(full), work.block.pairs - full, half, sums);
}

/// products[row ..][token ..] for a register tile. A tile reads its rows side by side, which memory
/// is slow at; so while it is computed, the next one is fetched into the second-level cache, front
/// to back.
static void emitRegisterTile(KernelBuilder &b, const TokenBlock &block, const TilePlace &place) {
  int64_t count = place.tile.rows * place.width, accumulators = place.tile.accumulators;
  auto stored = [&](int64_t ahead) { return storedRow(b, block.box, b.add(place.row, ahead)); };
  TileWork work{place, block, stored(place.tile.rows)};
  Values rows;
  for (int64_t r = 0; r != place.tile.rows; ++r)
    rows.push_back(stored(r));
  Values sums(accumulators * count, b.f32(0, b.lanes()));
  FactorRows direct{block.weight, rows, block.first, /*widened=*/false};
  int64_t whole = wholeSteps(block.pairs, block.endsWithHalf);
  Value unrolled = block.inParts ? block.count : b.index(whole);
  sums = block.widened
             ? addWidened(b, work, rows, sums)
             : addPairs(b, work, direct, unrolled, block.pairs - whole, block.endsWithHalf, sums);
  for (int64_t i = 0; i != count; ++i)
    for (int64_t accumulator = 1; accumulator != accumulators; ++accumulator)
      sums[i] = b.addf(sums[i], sums[accumulator * count + i]);
  storeProducts(b, block.place, place, ValueRange(sums).take_front(count),
                /*added=*/block.inParts);
}

/// The level's tiles. Products in f32 keep the even and the odd features of the tokens in registers
/// beside the sums, which leaves room for fewer of those.
static SmallVector<RegisterTile> tilesOf(const Level &level, const TokenBlock &block) {
  SmallVector<RegisterTile> tiles(level.tiles);
  if (!cast<MemRefType>(block.weight.getType()).getElementType().isInteger(32))
    for (auto [i, tile] : llvm::enumerate(tiles))
      tile = {std::min(tile.rows, kWideRows), i > 1 ? 1 : tile.accumulators};
  return tiles;
}

/// Parts of a row, equal ones, of which many tokens are multiplied with each before the next, so
/// that what they have of the input stays in the second-level cache.
static int64_t countParts(const LinearSpec &spec, const LinearSpec::Part &part) {
  int64_t pairs = spec.pairs(), parts = llvm::divideCeil(pairs, kBlockPairs);
  while (parts < pairs && pairs % (parts * kPairsAhead))
    ++parts;
  return spec.isInPairs(part) && pairs / parts >= kBlockPairs / 2 ? parts : 1;
}

/// products[row][token] of a packed block. Fewer tokens than a whole block stay in the cache as
/// they are, and rows are better read in one go.
static void multiplyPacked(KernelBuilder &b, const RowFactors &factors, const LinearSpec &spec,
                           const LinearSpec::Part &part, const PrefillBlock &place) {
  int64_t pairs = spec.pairs(), most = countParts(spec, part);
  Value packed = packedView(b, factors.input, b.add(place.block, 1), pairs, place.width);
  Value weight = weightRows(b, factors.weight, spec, part, place.endRow);
  bool widens = !spec.isInPairs(part) && !part.element.isF32();
  Value widened = widens ? b.stack(b.getF32Type(), {kWideRows, kWidenedFeatures}) : Value();
  Value parts = b.index(1), count = b.index(pairs);
  if (most != 1) {
    Value narrow = b.less(place.width, b.index(kPackTokens));
    parts = b.select(narrow, parts, b.index(most));
    count = b.select(narrow, count, b.index(pairs / most));
    clearProducts(b, place);
  }
  const bool half = spec.inFeatures % 2 != 0;
  b.loop(b.index(0), parts, 1, [&](Value index) {
    TokenBlock work{weight, packed,   place,  pairs, most != 1, count, b.mul(index, count),
                    half,   part.box, widened};
    forEachRegisterTile(b, place, tilesOf(b.level, work),
                        [&](const TilePlace &tile) { emitRegisterTile(b, work, tile); });
  });
}

void strata::cpu::emitPrefill(KernelBuilder &b, const KernelArguments &args,
                              const LinearSpec &spec) {
  forEachPrefillBlock(b, args, spec, kPackTokens,
                      [&](const LinearSpec::Part &part, const PrefillBlock &block) {
                        callSharedProduct(b, args, spec, part, block, "product",
                                          [&](KernelBuilder &b, const RowFactors &factors,
                                              const PrefillBlock &place) {
                                            multiplyPacked(b, factors, spec, part, place);
                                          });
                      });
}
