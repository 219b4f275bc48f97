//===- Int8Prefill.cpp - many tokens, quantized weights -------------------===//
//
// Four bytes of a weight row are broadcast and multiplied with vectors of tokens. A register tile
// has a sum of i32 of the group at work, and one of f32 of all groups before. Its rows are prepared
// a stretch at a time: whatever the format, bytes as the product takes them and scales in f32,
// because a single number costs as much to convert as a vector.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/PrefillFrame.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Fours of bytes of a stretch of a row, and scales, if groups are as short as they get.
static constexpr int64_t kStretchFours = kStretchGroups * kInt8Group / 4;
static constexpr int64_t kStretchScales = 2 * kStretchGroups;

namespace {
/// A block of tokens and the rows of a weight; of a tile's rows what is prepared, on the stack:
/// i32 [tile rows, kStretchFours], f32 [tile rows, kStretchScales]; and the sums in f32,
/// [chain][row and vector of the tile][lanes()].
struct Int8Block {
  QuantizedRows weight;
  Int8Input input;
  PrefillBlock place;
  int64_t groups;
  Value fours, scales, offsets, sums;

  /// Groups of the weight in one of the input, and fours of bytes of one.
  int64_t parts() const { return kInt8Group / weight.group(); }
  int64_t groupFours() const { return weight.group() / 4; }
  bool hasOffsets() const { return bool(offsets); }
};

/// Some groups of a tile's rows.
struct TileGroups {
  const TilePlace &tile;
  Value first;
  int64_t count;
};

/// Vectors of the tile's tokens for a group of the weight.
struct TokenVectors {
  Values scales, sums; ///< f32; i32, of the group's bytes
};
} // namespace

static void prepareRow(KernelBuilder &b, const Int8Block &block, const Stretch &stretch,
                       Value target) {
  Value column = b.index(0);
  for (Value fours : loadFours(b, block.weight, stretch)) {
    b.store(fours, block.fours, {target, column});
    column = b.add(column, b.lanes());
  }
  StretchScales scales = loadScales(b, block.weight, stretch);
  b.store(scales.scales, block.scales, {target, b.index(0)});
  if (scales.offsets)
    b.store(scales.offsets, block.offsets, {target, b.index(0)});
}

static void prepareRows(KernelBuilder &b, const Int8Block &block, const TileGroups &range) {
  b.loop(b.index(0), b.index(range.tile.tile.rows), 1, [&](Value r) {
    Value row = storedRow(b, block.weight.box(), b.add(range.tile.row, r));
    prepareRow(b, block, {row, range.first, range.count}, r);
  });
}

/// Vectors of the tile's tokens: of row `row` of the block in `memory`.
static Values loadTokens(KernelBuilder &b, const Int8Block &block, const TilePlace &tile,
                         Value memory, Value row) {
  Values vectors;
  for (int64_t v = 0; v != tile.width; ++v)
    vectors.push_back(
        b.load(memory, {block.place.block, row, b.add(tile.token, v * b.lanes())}, b.lanes()));
  return vectors;
}

/// The sum of the bytes of one of the groups that two sums belong to, times a factor.
static Value sumOf(KernelBuilder &b, const Int8Block &block, Value pairs, Value part,
                   int64_t factor) {
  if (block.parts() == 1)
    return b.sumPairs(pairs, factor);
  // The low half is shifted to where the high one is.
  Value none = b.i32(0), half = b.i32(16);
  Value shift = b.select(b.equal(part, b.index(0)), half, none);
  Value high = arith::ShLIOp::create(b, pairs, b.splat(shift, b.lanes()));
  Value sum = arith::ShRSIOp::create(b, high, b.i32(16, b.lanes()));
  return arith::MulIOp::create(b, sum, b.i32(factor, b.lanes()));
}

/// Of group number `at` of the weight among these.
static TokenVectors loadGroup(KernelBuilder &b, const Int8Block &block, const TileGroups &range,
                              Value at) {
  Value group = b.add(range.first, b.div(at, block.parts())), part = b.rem(at, block.parts());
  TokenVectors vectors{loadTokens(b, block, range.tile, block.input.scales, group), {}};
  int64_t factor = block.hasOffsets() ? 1 : -zeroOfDots(b, block.weight);
  if (factor)
    for (Value pairs : loadTokens(b, block, range.tile, block.input.sums, group))
      vectors.sums.push_back(sumOf(b, block, pairs, part, factor));
  return vectors;
}

/// Sums of i32 of the products of group number `at` of these: [row][vector].
static Values multiplyGroup(KernelBuilder &b, const Int8Block &block, const TileGroups &range,
                            Value at, const TokenVectors &tokens) {
  const TilePlace &tile = range.tile;
  Values sums(tile.width, b.i32(0, b.lanes()));
  if (!block.hasOffsets() && !tokens.sums.empty())
    sums = tokens.sums;
  for (int64_t i = tile.width; i != tile.tile.rows * tile.width; ++i)
    sums.push_back(sums[i % tile.width]);
  Value first = b.mul(at, block.groupFours());
  for (int64_t i = 0; i != block.groupFours(); ++i) {
    Value column = b.add(b.add(b.mul(range.first, kInt8Group / 4), first), i);
    Values x = loadTokens(b, block, tile, block.input.fours, column);
    for (int64_t r = 0; r != tile.tile.rows; ++r) {
      Value four = b.load(block.fours, {b.index(r), b.add(first, i)});
      Value w = b.splat(four, b.lanes());
      for (int64_t v = 0; v != tile.width; ++v)
        sums[r * tile.width + v] = b.dotBytes(sums[r * tile.width + v], w, x[v],
                                              isSigned(block.weight.quantized.getFormat()));
    }
  }
  return sums;
}

/// Asks for a share of the next tile with each of these groups: so memory sees one stream.
static void prefetchNext(KernelBuilder &b, const Int8Block &block, const TileGroups &range,
                         Value at) {
  int64_t rows = range.tile.tile.rows, columns = block.weight.columns(block.groups);
  int64_t share =
      llvm::divideCeil(rows * block.weight.columns(kStretchGroups), kStretchGroups * block.parts());
  Value row = storedRow(b, block.weight.box(), b.add(range.tile.row, rows));
  Value from = b.mul(block.weight.columns(b, range.first), rows);
  prefetchRows(b, block.weight.elements, columns, row, b.add(from, b.mul(at, share)), share);
}

/// The same of its scales, as many.
static void prefetchNextScales(KernelBuilder &b, const Int8Block &block, const TileGroups &range) {
  if (!block.weight.scales)
    return;
  int64_t rows = range.tile.tile.rows;
  prefetchRows(b, block.weight.scales, block.weight.scaleColumns(block.groups),
               storedRow(b, block.weight.box(), b.add(range.tile.row, rows)),
               b.mul(block.weight.scaleColumn(b, range.first), rows),
               block.weight.scaleColumns(range.count) * rows);
}

/// Adds the products of group number `at` of these to the sums of its chain.
static void addGroup(KernelBuilder &b, const Int8Block &block, const TileGroups &range, Value at) {
  TokenVectors tokens = loadGroup(b, block, range, at);
  Values dots = multiplyGroup(b, block, range, at, tokens);
  Values sums; // of the input, in f32
  if (block.hasOffsets())
    for (auto [sum, scale] : llvm::zip(tokens.sums, tokens.scales))
      sums.push_back(b.mulf(scale, arith::SIToFPOp::create(b, b.f32Type(b.lanes()), sum)));
  Value chain = b.rem(at, kInt8Chains);
  for (auto [i, dot] : llvm::enumerate(dots)) {
    int64_t row = i / range.tile.width, vector = i % range.tile.width;
    auto ofRow = [&](Value memory) {
      return b.splat(b.load(memory, {b.index(row), at}), b.lanes());
    };
    Value product = arith::SIToFPOp::create(b, b.f32Type(b.lanes()), dot);
    Values place{chain, b.index(i), b.index(0)};
    Value sum = b.load(block.sums, place, b.lanes());
    sum = b.fma(product, b.mulf(ofRow(block.scales), tokens.scales[vector]), sum);
    if (block.hasOffsets())
      sum = b.fma(ofRow(block.offsets), sums[vector], sum);
    b.store(sum, block.sums, place);
  }
}

/// Adds the products of these groups, the first of which is of chain 0, to the sums of their
/// chains.
static void addGroups(KernelBuilder &b, const Int8Block &block, const TileGroups &range) {
  prepareRows(b, block, range);
  prefetchNextScales(b, block, range);
  b.loop(b.index(0), b.index(range.count * block.parts()), 1, [&](Value at) {
    prefetchNext(b, block, range, at);
    addGroup(b, block, range, at);
  });
}

static void emitRegisterTile(KernelBuilder &b, const Int8Block &block, const TilePlace &tile) {
  auto place = [&](int64_t chain, int64_t i) {
    return Values{b.index(chain), b.index(i), b.index(0)};
  };
  int64_t full = block.groups / kStretchGroups * kStretchGroups;
  int64_t sums = tile.tile.rows * tile.width;
  for (int64_t chain = 0; chain != kInt8Chains; ++chain)
    for (int64_t i = 0; i != sums; ++i)
      b.store(b.f32(0, b.lanes()), block.sums, place(chain, i));
  b.loop(b.index(0), b.index(full), kStretchGroups, [&](Value first) {
    addGroups(b, block, {tile, first, kStretchGroups});
  });
  if (full != block.groups)
    addGroups(b, block, {tile, b.index(full), block.groups - full});
  Values totals;
  for (int64_t i = 0; i != sums; ++i) {
    Values chains;
    for (int64_t chain = 0; chain != kInt8Chains; ++chain)
      chains.push_back(b.load(block.sums, place(chain, i), b.lanes()));
    totals.push_back(addChains(b, chains));
  }
  storeProducts(b, block.place, tile, totals);
}

/// "product_i8_g32_bf16_6144x128": of these the code depends.
static std::string productName(const LinearSpec &spec, const LinearSpec::Part &part,
                               int64_t height) {
  return ("product_" + formatName(part) + "_" + llvm::Twine(spec.inFeatures) + "x" +
          llvm::Twine(height) + boxName(part.box))
      .str();
}

/// Room for a tile's rows, those of the level's largest, and its sums.
static Int8Block describeBlock(KernelBuilder &b, const QuantizedRows &weight,
                               const Int8Input &input, const PrefillBlock &place, int64_t groups) {
  int64_t rows = b.level.int8Tiles.front().rows, most = 0;
  for (auto [width, tile] : llvm::enumerate(b.level.int8Tiles))
    most = std::max(most, tile.rows * int64_t(width + 1));
  auto scales = [&] { return b.stack(b.getF32Type(), {rows, kStretchScales}); };
  bool offsets = hasOffsets(weight.quantized.getFormat());
  return {weight,
          input,
          place,
          groups,
          b.stack(b.getI32Type(), {rows, kStretchFours}),
          scales(),
          offsets ? scales() : Value(),
          b.stack(b.getF32Type(), {kInt8Chains, most, b.lanes()})};
}

/// Products of one block, by a function that all linears of a kind share.
static void callProduct(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const LinearSpec::Part &part, const PrefillBlock &block) {
  Values arguments{args.buffers[*spec.workspace],
                   b.ceilDiv(productRows(spec, args), kInt8PackTokens)};
  Values buffers = quantizedBuffers(args, part);
  size_t first = arguments.size() + buffers.size();
  llvm::append_range(arguments, buffers);
  llvm::append_range(arguments, block.arguments());
  std::string name = productName(spec, part, block.height());
  b.call(name, arguments, [&](KernelBuilder &b, ValueRange args) {
    PrefillBlock place = PrefillBlock::fromArguments(args.drop_front(first));
    QuantizedRows weight = viewWeight(b, args.drop_front(2), spec, part, place.endRow);
    Int8Input input = int8Blocks(b, args[0], args[1], spec.inFeatures, place.width);
    Int8Block work = describeBlock(b, weight, input, place, int8Groups(spec));
    forEachRegisterTile(b, place, b.level.int8Tiles,
                        [&](const TilePlace &tile) { emitRegisterTile(b, work, tile); });
  });
}

void strata::cpu::emitInt8Prefill(KernelBuilder &b, const KernelArguments &args,
                                  const LinearSpec &spec) {
  forEachPrefillBlock(b, args, spec, kInt8PackTokens,
                      [&](const LinearSpec::Part &part, const PrefillBlock &block) {
                        callProduct(b, args, spec, part, block);
                      });
}
