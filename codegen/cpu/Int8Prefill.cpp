//===- Int8Prefill.cpp - many tokens, weights of i8 -----------------------===//
//
// Four bytes of a weight row are broadcast and multiplied with vectors of tokens. A register tile
// has a sum of i32 of the group at work, and one of f32 of all groups before. Its rows are prepared
// a stretch at a time: bytes as the product takes them, scales in f32, because a single number
// costs as much to convert as a vector.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/PrefillFrame.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Of a group: four bytes each.
static constexpr int64_t kGroupFours = kInt8Group / 4;

namespace {
/// A block of tokens and the rows of a weight; of a tile's rows what is prepared, on the stack:
/// i32 [tile rows, kInt8Chains * kGroupFours], f32 [tile rows, kInt8Chains]; and the sums
/// in f32, [chain][row and vector of the tile][lanes()].
struct Int8Block {
  Int8Weight weight;
  Int8Input input;
  PrefillBlock place;
  int64_t groups;
  Value fours, scales, sums;
};

/// Some groups of a tile's rows.
struct TileGroups {
  const TilePlace &tile;
  Value first;
  int64_t count;
};
} // namespace

static void prepareRows(KernelBuilder &b, const Int8Block &block, const TileGroups &range) {
  for (int64_t r = 0; r != range.tile.tile.rows; ++r) {
    Value row = storedRow(b, block.weight.box, b.add(range.tile.row, r)), target = b.index(r);
    b.vectors(range.count * kGroupFours, [&](Value i, int64_t lanes) {
      Value column = b.add(b.mul(range.first, kGroupFours), i);
      Value fours = b.load(block.weight.fours, {row, column}, lanes);
      b.store(b.offsetBytes(fours), block.fours, {target, i});
    });
    Value scales = b.load(block.weight.scales, {row, range.first}, range.count);
    b.store(b.toF32(scales), block.scales, {target, b.index(0)});
  }
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

/// Sums of i32 of the products of group number `at` of these: [row][vector].
static Values multiplyGroup(KernelBuilder &b, const Int8Block &block, const TileGroups &range,
                            Value at) {
  const TilePlace &tile = range.tile;
  Value group = b.add(range.first, at);
  Values sums(tile.width, b.i32(0, b.lanes()));
  if (b.byteOffset())
    sums = loadTokens(b, block, tile, block.input.initialSums, group);
  for (int64_t i = tile.width; i != tile.tile.rows * tile.width; ++i)
    sums.push_back(sums[i % tile.width]);
  for (int64_t i = 0; i != kGroupFours; ++i) {
    Value column = b.add(b.mul(group, kGroupFours), i);
    Values x = loadTokens(b, block, tile, block.input.fours, column);
    for (int64_t r = 0; r != tile.tile.rows; ++r) {
      Value four = b.load(block.fours, {b.index(r), b.add(b.mul(at, kGroupFours), i)});
      Value w = b.splat(four, b.lanes());
      for (int64_t v = 0; v != tile.width; ++v)
        sums[r * tile.width + v] = b.dotBytes(sums[r * tile.width + v], w, x[v]);
    }
  }
  return sums;
}

/// Asks for as many bytes of the next tile as a group of this one has.
static void prefetchNext(KernelBuilder &b, const Int8Block &block, const TileGroups &range,
                         Value at) {
  int64_t rows = range.tile.tile.rows, fours = rows * kGroupFours;
  prefetchRows(b, block.weight.fours, block.groups * kGroupFours,
               storedRow(b, block.weight.box, b.add(range.tile.row, rows)),
               b.mul(b.add(range.first, at), fours), fours);
}

/// The same of its scales, as many.
static void prefetchNextScales(KernelBuilder &b, const Int8Block &block, const TileGroups &range) {
  int64_t rows = range.tile.tile.rows;
  prefetchRows(b, block.weight.scales, block.groups,
               storedRow(b, block.weight.box, b.add(range.tile.row, rows)),
               b.mul(range.first, rows), range.count * rows);
}

/// Adds the products of these groups, the first of which is of chain 0, to the sums of their
/// chains.
static void addGroups(KernelBuilder &b, const Int8Block &block, const TileGroups &range) {
  prepareRows(b, block, range);
  prefetchNextScales(b, block, range);
  b.loop(b.index(0), b.index(range.count), 1, [&](Value at) {
    prefetchNext(b, block, range, at);
    Values dots = multiplyGroup(b, block, range, at);
    Values inputScales =
        loadTokens(b, block, range.tile, block.input.scales, b.add(range.first, at));
    for (auto [i, dot] : llvm::enumerate(dots)) {
      int64_t row = i / range.tile.width, vector = i % range.tile.width;
      Value scale = b.splat(b.load(block.scales, {b.index(row), at}), b.lanes());
      Value product = arith::SIToFPOp::create(b, b.f32Type(b.lanes()), dot);
      Values place{at, b.index(i), b.index(0)};
      Value sum = b.load(block.sums, place, b.lanes());
      b.store(b.fma(product, b.mulf(scale, inputScales[vector]), sum), block.sums, place);
    }
  });
}

static void emitRegisterTile(KernelBuilder &b, const Int8Block &block, const TilePlace &tile) {
  auto place = [&](int64_t chain, int64_t i) {
    return Values{b.index(chain), b.index(i), b.index(0)};
  };
  int64_t full = block.groups / kInt8Chains * kInt8Chains, sums = tile.tile.rows * tile.width;
  for (int64_t chain = 0; chain != kInt8Chains; ++chain)
    for (int64_t i = 0; i != sums; ++i)
      b.store(b.f32(0, b.lanes()), block.sums, place(chain, i));
  b.loop(b.index(0), b.index(full), kInt8Chains, [&](Value first) {
    addGroups(b, block, {tile, first, kInt8Chains});
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

/// "product_i8_6144x128_bf16": of these the code depends.
static std::string productName(const LinearSpec &spec, const LinearSpec::Part &part,
                               int64_t height) {
  std::string name;
  llvm::raw_string_ostream(name) << "product_i8_" << spec.inFeatures << 'x' << height << '_'
                                 << part.quantized.getScale() << boxName(part.box);
  return name;
}

/// Products of one block, by a function that all linears of a kind share.
static void callProduct(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const LinearSpec::Part &part, const PrefillBlock &block) {
  Values arguments{args.buffers[part.weight], args.buffers[part.scales],
                   args.buffers[*spec.workspace],
                   b.ceilDiv(productRows(spec, args), kInt8PackTokens)};
  llvm::append_range(arguments, block.arguments());
  std::string name = productName(spec, part, block.height());
  b.call(name, arguments, [&](KernelBuilder &b, ValueRange args) {
    PrefillBlock place = PrefillBlock::fromArguments(args.drop_front(4));
    int64_t rows = b.level.int8Tiles.front().rows, most = 0;
    for (auto [width, tile] : llvm::enumerate(b.level.int8Tiles))
      most = std::max(most, tile.rows * int64_t(width + 1));
    Int8Block work{int8Weight(b, args[0], args[1], spec, part, place.endRow),
                   int8Blocks(b, args[2], args[3], spec.inFeatures, place.width),
                   place,
                   int8Groups(spec),
                   b.stack(b.getI32Type(), {rows, kInt8Chains * kGroupFours}),
                   b.stack(b.getF32Type(), {rows, kInt8Chains}),
                   b.stack(b.getF32Type(), {kInt8Chains, most, b.lanes()})};
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
