//===- LinearPrefill.cpp - many tokens: the dot product unit decides ------===//
//
// The input is packed once into P[block][pair][tokens]; a pair of a weight row is broadcast and
// multiplied with vectors of tokens. Weights are read as they lie in the checkpoint.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Linear.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Pairs of a register tile's rows between prefetches.
static constexpr int64_t kPairsAhead = 4;

/// Tokens of a block of packed activations.
static Value blockTokens(KernelBuilder &b, Value rows) {
  return b.min(b.mul(b.ceilDiv(rows, kPackVector), kPackVector), b.index(kPackTokens));
}

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
  Value rows = productRows(spec, args);
  Value packed = packedView(b, args.buffers[*spec.workspace], b.ceilDiv(rows, kPackTokens),
                            spec.pairs(), blockTokens(b, rows));
  std::optional<NormParameters> norm = normOf(b, args, spec);
  int64_t lanes = b.lanes(), full = spec.pairs() / lanes * lanes;
  // A workgroup is kPackVector tokens: one transpose with 16 lanes, two with 8.
  b.loop(b.mul(args.begin, kPackVector / lanes), b.mul(args.end, kPackVector / lanes), 1,
         [&](Value group) {
           Value first = b.mul(group, lanes);
           Value block = b.div(first, kPackTokens), token = b.rem(first, kPackTokens);
           PackedRows lines = describeRows(b, args, spec, input, first, norm);
           if (full)
             b.loop(b.index(0), b.index(full), lanes, [&](Value pair) {
               packVector(b, input, packed, lines, block, token, pair, lanes, norm);
             });
           if (full != spec.pairs())
             packVector(b, input, packed, lines, block, token, b.index(full), spec.pairs() - full,
                        norm);
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

/// Adds the products of pair `pair` to sums[row][vector].
static void addPair(KernelBuilder &b, const TokenBlock &block, Value row, Value token, Value pair,
                    int64_t width, llvm::MutableArrayRef<Value> sums) {
  Values x;
  for (int64_t v = 0; v != width; ++v)
    x.push_back(b.load(block.packed, {block.block, pair, b.add(token, v * b.lanes())}, b.lanes()));
  for (int64_t r = 0; r != int64_t(sums.size()) / width; ++r) {
    Value w = b.splat(b.load(block.weight, {b.add(row, r), pair}), b.lanes());
    for (int64_t v = 0; v != width; ++v)
      sums[r * width + v] = b.dot(sums[r * width + v], w, x[v]);
  }
}

/// products[row ..][token ..] for a register tile and `width` vectors of tokens. A tile reads its
/// rows side by side, which memory is slow at; so while it is computed, the next one is fetched
/// into the second-level cache, front to back.
static void emitRegisterTile(KernelBuilder &b, const TokenBlock &block, Value row, Value token,
                             int64_t width, RegisterTile tile) {
  int64_t count = tile.rows * width, unrolled = block.pairs / kPairsAhead * kPairsAhead;
  auto addTo = [&](Values &sums, Value pair, int64_t chain) {
    addPair(b, block, row, token, pair, width, MutableArrayRef(sums).slice(chain * count, count));
  };
  Value next = b.add(row, tile.rows);
  auto body = [&](Value pair, ValueRange carried) {
    Values sums(carried);
    for (int64_t ahead = 0; ahead < kPairsAhead * tile.rows; ahead += kLinePairs)
      b.prefetch(block.weight, {next, b.add(b.mul(pair, tile.rows), ahead)});
    for (int64_t p = 0; p != kPairsAhead; ++p)
      addTo(sums, b.add(pair, p), p % tile.chains);
    return sums;
  };
  Values zeros(tile.chains * count, b.f32(0, b.lanes()));
  Values sums = b.loop(b.index(0), b.index(unrolled), kPairsAhead, zeros, body);
  for (int64_t pair = unrolled; pair != block.pairs; ++pair)
    addTo(sums, b.index(pair), 0);
  Value column = b.sub(row, block.firstRow);
  for (int64_t i = 0; i != count; ++i) {
    Value sum = sums[i];
    for (int64_t chain = 1; chain != tile.chains; ++chain)
      sum = b.addf(sum, sums[chain * count + i]);
    b.store(sum, block.products, {b.add(column, i / width), b.add(token, i % width * b.lanes())});
  }
}

/// All rows [firstRow, endRow) with `width` vectors of tokens from `token` on: whole register
/// tiles, then what a whole group leaves of them, then single rows.
static void emitRows(KernelBuilder &b, const TokenBlock &block, Value endRow, Value token,
                     int64_t width) {
  RegisterTile tile = b.level.tiles[width - 1];
  int64_t groupRows = cast<MemRefType>(block.products.getType()).getDimSize(0);
  Value first = block.firstRow;
  for (int64_t height : {tile.rows, groupRows % tile.rows, int64_t(1)}) {
    if (height == 0)
      continue;
    Value end = b.add(first, b.mul(b.div(b.sub(endRow, first), height), height));
    b.loop(first, end, height, [&](Value row) {
      emitRegisterTile(b, block, row, token, width, {height, tile.chains});
    });
    first = end;
  }
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

/// products[0..endRow - firstRow][0..tokens] of one block of `width` tokens. The code depends on
/// the input features and the height of `products` only, so all linears of a kind share it.
static void callProduct(KernelBuilder &b, Value weight, Value packed, Value products, Value block,
                        Value firstRow, Value endRow, Value tokens, Value width, int64_t pairs) {
  int64_t height = cast<MemRefType>(products.getType()).getDimSize(0);
  std::string name = ("product_" + llvm::Twine(2 * pairs) + "x" + llvm::Twine(height)).str();
  b.call(name, {weight, packed, products, block, firstRow, endRow, tokens, width},
         [&](KernelBuilder &b, ValueRange args) {
           Value rows = args[5], packed = packedView(b, args[1], b.add(args[3], 1), pairs, args[7]);
           Value weights = b.view(args[0], b.getI32Type(), {ShapedType::kDynamic, pairs}, rows);
           TokenBlock work{weights, packed, args[2], args[3], args[4], pairs};
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
                    firstRow, b.add(firstRow, count), tokens, blockTokens(b, rows), spec.pairs());
        Tile tile{values, firstToken, tokens, firstRow, count};
        emitTranspose(b, products, tile);
        emitEpilogue(b, args, spec, part, tile);
      });
    });
  });
}
