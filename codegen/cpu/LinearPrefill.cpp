//===- LinearPrefill.cpp - many tokens: the dot product unit decides ------===//
//
// The input is packed once into P[block][pair][64 tokens]; a pair of a weight row is broadcast and
// multiplied with vectors of tokens. Weights are read as they lie in the checkpoint.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Linear.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Pairs of a register tile's rows between prefetches, and pairs of a cache line.
static constexpr int64_t kPairsAhead = 4, kLinePairs = 16;

/// Packed activations of `rows` rows: [blocks][pairs][kPackTokens].
static Value packedView(KernelBuilder &b, Value buffer, Value rows, int64_t pairs) {
  return b.view(buffer, b.getI32Type(), {ShapedType::kDynamic, pairs, kPackTokens},
                b.ceilDiv(rows, kPackTokens));
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

static PackedRows describeRows(KernelBuilder &b, const KernelArguments &args,
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
    RowStatistics statistics = rowStatistics(b, input, from, spec.pairs(), norm->eps);
    b.store(statistics.mean, rows.means, i);
    b.store(statistics.scale, rows.scales, i);
  });
  return rows;
}

/// Transposes `count` pairs from `pair` on of all rows; rows beyond the step become zeros.
static void packVector(KernelBuilder &b, Value input, Value packed, const PackedRows &rows,
                       Value block, Value token, Value pair, int64_t count,
                       const std::optional<NormParameters> &norm) {
  Value partial = count == b.lanes() ? Value() : b.mask(count);
  Values lines;
  for (int64_t i = 0; i != b.lanes(); ++i) {
    Value at = b.index(i), inside = b.mask(b.load(rows.lanes, at));
    Value mask = partial ? arith::AndIOp::create(b, inside, partial) : inside;
    Value values = b.loadMasked(input, {b.load(rows.from, at), pair}, mask);
    if (norm) {
      RowStatistics statistics{b.load(rows.means, at), b.load(rows.scales, at)};
      values = normalizePairs(b, values, pair, partial, *norm, statistics);
      values = b.selectLanes(inside, values, b.i32(0, b.lanes()));
    }
    lines.push_back(values);
  }
  Values columns = b.transpose(lines);
  for (int64_t i = 0; i != count; ++i)
    b.store(columns[i], packed, {block, b.add(pair, i), token});
}

void strata::cpu::emitPack(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  Value input = inputPairs(b, args, spec);
  Value packed =
      packedView(b, args.buffers[*spec.workspace], productRows(spec, args), spec.pairs());
  std::optional<NormParameters> norm = normOf(b, args, spec);
  int64_t lanes = b.lanes(), full = spec.pairs() / lanes * lanes;
  // A workgroup is 16 tokens: one transpose with 16 lanes, two with 8.
  b.loop(b.mul(args.begin, 16 / lanes), b.mul(args.end, 16 / lanes), 1, [&](Value group) {
    Value first = b.mul(group, lanes);
    Value block = b.div(first, kPackTokens), token = b.rem(first, kPackTokens);
    PackedRows rows = describeRows(b, args, spec, input, first, norm);
    if (full)
      b.loop(b.index(0), b.index(full), lanes, [&](Value pair) {
        packVector(b, input, packed, rows, block, token, pair, lanes, norm);
      });
    if (full != spec.pairs())
      packVector(b, input, packed, rows, block, token, b.index(full), spec.pairs() - full, norm);
  });
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

namespace {
/// One block of 64 tokens and a group of weight rows: products[row][token] before transposition.
struct TokenBlock {
  Value weight, packed, products;
  Value block, firstRow;
  int64_t pairs;
};
} // namespace

/// Adds the products of pair `pair` to a register tile's accumulators, row by row.
static void addPair(KernelBuilder &b, const TokenBlock &block, Value row, Value token, Value pair,
                    int64_t width, Values &acc) {
  Values x;
  for (int64_t v = 0; v != width; ++v)
    x.push_back(b.load(block.packed, {block.block, pair, b.add(token, v * b.lanes())}, b.lanes()));
  for (int64_t r = 0; r != int64_t(acc.size()) / width; ++r) {
    Value w = b.splat(b.load(block.weight, {b.add(row, r), pair}), b.lanes());
    for (int64_t v = 0; v != width; ++v)
      acc[r * width + v] = b.dot(acc[r * width + v], w, x[v]);
  }
}

/// products[row ..][token ..] for a register tile of `height` rows x `width` vectors of tokens. A
/// tile reads its rows side by side, which memory is slow at; so while it is computed, the next one
/// is fetched into the second-level cache, front to back.
static void emitRegisterTile(KernelBuilder &b, const TokenBlock &block, Value row, Value token,
                             int64_t height, int64_t width) {
  Values zeros(height * width, b.f32(0, b.lanes()));
  int64_t unrolled = block.pairs / kPairsAhead * kPairsAhead;
  Value next = b.add(row, height);
  Values sums = b.loop(b.index(0), b.index(unrolled), kPairsAhead, zeros,
                       [&](Value pair, ValueRange in) {
    Values acc(in);
    for (int64_t ahead = 0; ahead < kPairsAhead * height; ahead += kLinePairs)
      b.prefetch(block.weight, {next, b.add(b.mul(pair, height), ahead)});
    for (int64_t p = 0; p != kPairsAhead; ++p)
      addPair(b, block, row, token, b.add(pair, p), width, acc);
    return acc;
  });
  for (int64_t pair = unrolled; pair != block.pairs; ++pair)
    addPair(b, block, row, token, b.index(pair), width, sums);
  Value column = b.sub(row, block.firstRow);
  for (int64_t r = 0; r != height; ++r)
    for (int64_t v = 0; v != width; ++v)
      b.store(sums[r * width + v], block.products, {b.add(column, r), b.add(token, v * b.lanes())});
}

/// All rows [firstRow, endRow) with `width` vectors of tokens from `token` on.
static void emitRows(KernelBuilder &b, const TokenBlock &block, Value endRow, Value token,
                     int64_t width) {
  int64_t height = b.level.tileRows[width - 1];
  Value count = b.sub(endRow, block.firstRow);
  Value tiled = b.add(block.firstRow, b.mul(b.div(count, height), height));
  b.loop(block.firstRow, tiled, height,
         [&](Value row) { emitRegisterTile(b, block, row, token, height, width); });
  b.loop(tiled, endRow, 1, [&](Value row) { emitRegisterTile(b, block, row, token, 1, width); });
}

/// All tokens of the block: full register tiles, then a narrower one for what is left.
static void emitTokens(KernelBuilder &b, const TokenBlock &block, Value endRow, Value tokens) {
  int64_t width = b.level.tileVectors();
  Value vectors = b.ceilDiv(tokens, b.lanes());
  Value tiled = b.mul(b.div(vectors, width), width * b.lanes());
  b.loop(b.index(0), tiled, width * b.lanes(),
         [&](Value token) { emitRows(b, block, endRow, token, width); });
  Value left = b.rem(vectors, width);
  for (int64_t narrow = 1; narrow != width; ++narrow)
    b.ifThen(b.equal(left, b.index(narrow)), [&] { emitRows(b, block, endRow, tiled, narrow); });
}

/// tile[token][row] = products[row][token], a lanes() x lanes() square at a time. Columns of the
/// tile beyond the last row, and rows beyond the last token, receive values nobody reads.
static void emitTranspose(KernelBuilder &b, Value products, const Tile &tile) {
  int64_t lanes = b.lanes();
  b.loop(b.index(0), tile.rows, lanes, [&](Value row) {
    b.loop(b.index(0), tile.tokens, lanes, [&](Value token) {
      Values lines;
      for (int64_t i = 0; i != lanes; ++i)
        lines.push_back(b.load(products, {b.add(row, i), token}, lanes));
      Values columns = b.transpose(lines);
      for (int64_t i = 0; i != lanes; ++i)
        b.store(columns[i], tile.values, {b.add(token, i), row});
    });
  });
}

/// products[0..endRow - firstRow][0..tokens] of one block. The code depends on the input features
/// and the height of `products` only, so all linears of a kind share it.
static void callProduct(KernelBuilder &b, Value weight, Value packed, Value products, Value block,
                        Value firstRow, Value endRow, Value tokens, int64_t pairs) {
  int64_t height = cast<MemRefType>(products.getType()).getDimSize(0);
  std::string name = ("product_" + llvm::Twine(2 * pairs) + "x" + llvm::Twine(height)).str();
  b.call(name, {weight, packed, products, block, firstRow, endRow, tokens},
         [&](KernelBuilder &b, ValueRange args) {
           Value rows = args[5], blocks = b.mul(b.add(args[3], 1), kPackTokens);
           Value weights = b.view(args[0], b.getI32Type(), {ShapedType::kDynamic, pairs}, rows);
           TokenBlock work{
               weights, packedView(b, args[1], blocks, pairs), args[2], args[3], args[4], pairs};
           emitTokens(b, work, rows, args[6]);
         });
}

void strata::cpu::emitPrefill(KernelBuilder &b, const KernelArguments &args,
                              const LinearSpec &spec) {
  // Row groups are whole units; the arrays are padded to whole vectors of rows.
  int64_t groupRows = spec.headDim ? spec.headDim : kPrefillRows;
  int64_t padded = llvm::alignTo(groupRows, 16);
  Value products = b.stack(b.getF32Type(), {padded, kPackTokens});
  Value values = b.stack(b.getF32Type(), {kPackTokens, padded});
  Value rows = productRows(spec, args);
  forEachPart(b, args, spec, [&](const LinearSpec::Part &part, Value first, Value end) {
    b.loop(first, end, groupRows, [&](Value firstRow) {
      Value count = b.min(b.sub(end, firstRow), b.index(groupRows));
      b.loop(b.index(0), b.ceilDiv(rows, kPackTokens), 1, [&](Value block) {
        Value firstToken = b.mul(block, kPackTokens);
        Value tokens = b.min(b.sub(rows, firstToken), b.index(kPackTokens));
        callProduct(b, args.buffers[part.weight], args.buffers[*spec.workspace], products, block,
                    firstRow, b.add(firstRow, count), tokens, spec.pairs());
        Tile tile{values, firstToken, tokens, firstRow, count};
        emitTranspose(b, products, tile);
        emitEpilogue(b, args, spec, part, tile);
      });
    });
  });
}
