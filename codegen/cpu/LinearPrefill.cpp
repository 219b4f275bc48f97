//===- LinearPrefill.cpp - many tokens: the dot product unit decides ------===//
//
// The input is packed once into P[block][pair][tokens]; a pair of a weight row is broadcast and
// multiplied with vectors of tokens. Weights are read as they lie in the checkpoint: pairs of bf16
// go to the dot product, f32 is multiplied as it is, and f16 is widened first, a stretch of a few
// rows at a time, because a single number costs as much to widen as a vector.
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
  RowGroupsAttr groups; ///< of the weight's rows
  Value widened;        ///< for f16: f32 [tile rows, kWidenedFeatures] on the stack; else null
};

/// Rows that are multiplied: pairs of bf16, or numbers of f32.
struct FactorRows {
  Value memory;
  Values rows;
  Value firstPair; ///< that they begin with; null: 0
  bool inPairs() const { return cast<MemRefType>(memory.getType()).getElementType().isInteger(); }
};
} // namespace

/// Adds the products of pair `pair` of the rows to sums[row][vector].
static void addPair(KernelBuilder &b, const TokenBlock &block, const FactorRows &weights,
                    Value token, Value pair, int64_t width, llvm::MutableArrayRef<Value> sums) {
  Value packedPair = weights.firstPair ? b.add(weights.firstPair, pair) : pair;
  Values x, odds;
  for (int64_t v = 0; v != width; ++v)
    x.push_back(
        b.load(block.packed, {block.block, packedPair, b.add(token, v * b.lanes())}, b.lanes()));
  auto multiply = [&](Value column, ValueRange tokens) {
    for (auto [r, row] : llvm::enumerate(weights.rows)) {
      Value w = b.splat(b.load(weights.memory, {row, column}), b.lanes());
      for (int64_t v = 0; v != width; ++v)
        sums[r * width + v] = b.dot(sums[r * width + v], w, tokens[v]);
    }
  };
  if (weights.inPairs())
    return multiply(pair, x);
  for (Value &pairs : x) {
    odds.push_back(b.odds(pairs));
    pairs = b.evens(pairs);
  }
  multiply(b.mul(pair, 2), x);
  multiply(b.add(b.mul(pair, 2), 1), odds);
}

namespace {
/// A register tile at work: `width` vectors of tokens.
struct TileWork {
  const TokenBlock &block;
  Value row, token;
  int64_t width;
  RegisterTile tile;
  Value next; ///< the row behind it, as it is stored
};
} // namespace

/// Asks for the part of the next tile that lies as far from its beginning as `pairs` pairs of each
/// row of this one, and so many more.
static void prefetchNext(KernelBuilder &b, const TileWork &work, Value pair, int64_t pairs) {
  Value weight = work.block.weight;
  int64_t columns = cast<MemRefType>(weight.getType()).getDimSize(1) / work.block.pairs;
  int64_t ofAllRows = work.tile.rows * columns; // of a pair: elements
  prefetchRows(b, weight, work.next, b.mul(pair, ofAllRows), pairs * ofAllRows);
}

/// Adds the products of the first `count` pairs of the rows to sums[chain][row][vector].
static Values addPairs(KernelBuilder &b, const TileWork &work, const FactorRows &weights,
                       int64_t count, Values sums) {
  int64_t size = work.tile.rows * work.width, unrolled = count / kPairsAhead * kPairsAhead;
  auto addTo = [&](Values &sums, Value pair, int64_t chain) {
    addPair(b, work.block, weights, work.token, pair, work.width,
            MutableArrayRef(sums).slice(chain * size, size));
  };
  sums = b.loop(b.index(0), b.index(unrolled), kPairsAhead, sums, [&](Value pair, ValueRange in) {
    Values acc(in);
    if (!weights.firstPair)
      prefetchNext(b, work, pair, kPairsAhead);
    for (int64_t p = 0; p != kPairsAhead; ++p)
      addTo(acc, b.add(pair, p), p % work.tile.chains);
    return acc;
  });
  for (int64_t pair = unrolled; pair != count; ++pair)
    addTo(sums, b.index(pair), 0);
  return sums;
}

/// The same for all pairs of rows of f16, a stretch at a time.
static Values addWidened(KernelBuilder &b, const TileWork &work, ValueRange rows, Values sums) {
  int64_t stretch = kWidenedFeatures / 2, full = work.block.pairs / stretch * stretch;
  FactorRows wide{work.block.widened, {}, {}};
  for (size_t r = 0; r != rows.size(); ++r)
    wide.rows.push_back(b.index(int64_t(r)));
  auto add = [&](Value first, int64_t pairs, Values acc) {
    prefetchNext(b, work, first, pairs);
    for (auto [row, target] : llvm::zip(rows, wide.rows))
      b.vectors(2 * pairs, [&](Value i, int64_t lanes) {
        Value w = b.load(work.block.weight, {row, b.add(b.mul(first, 2), i)}, lanes);
        b.store(b.toF32(w), wide.memory, {target, i});
      });
    wide.firstPair = first;
    return addPairs(b, work, wide, pairs, acc);
  };
  if (full)
    sums = b.loop(b.index(0), b.index(full), stretch, sums,
                  [&](Value first, ValueRange in) { return add(first, stretch, Values(in)); });
  if (full == work.block.pairs)
    return sums;
  return add(b.index(full), work.block.pairs - full, sums);
}

/// products[row ..][token ..] for a register tile and `width` vectors of tokens. A tile reads its
/// rows side by side, which memory is slow at; so while it is computed, the next one is fetched
/// into the second-level cache, front to back.
static void emitRegisterTile(KernelBuilder &b, const TokenBlock &block, Value row, Value token,
                             int64_t width, RegisterTile tile) {
  int64_t count = tile.rows * width;
  TileWork work{block, row, token, width, tile, storedRow(b, block.groups, b.add(row, tile.rows))};
  Values rows;
  for (int64_t r = 0; r != tile.rows; ++r)
    rows.push_back(storedRow(b, block.groups, b.add(row, r)));
  Values sums(tile.chains * count, b.f32(0, b.lanes()));
  sums = block.widened ? addWidened(b, work, rows, sums)
                       : addPairs(b, work, {block.weight, rows, {}}, block.pairs, sums);
  Value column = b.sub(row, block.firstRow);
  for (int64_t i = 0; i != count; ++i) {
    Value sum = sums[i];
    for (int64_t chain = 1; chain != tile.chains; ++chain)
      sum = b.addf(sum, sums[chain * count + i]);
    b.store(sum, block.products, {b.add(column, i / width), b.add(token, i % width * b.lanes())});
  }
}

/// The level's tile for so many vectors of tokens. Products in f32 keep the even and the odd
/// features of the tokens in registers beside the sums, which leaves room for fewer of those.
static RegisterTile tileOf(const Level &level, const TokenBlock &block, int64_t width) {
  RegisterTile tile = level.tiles[width - 1];
  if (cast<MemRefType>(block.weight.getType()).getElementType().isInteger())
    return tile;
  return {std::min(tile.rows, kWideRows), width > 2 ? 1 : tile.chains};
}

/// All rows [firstRow, endRow) with `width` vectors of tokens from `token` on: whole register
/// tiles, then what a whole group leaves of them, then single rows.
static void emitRows(KernelBuilder &b, const TokenBlock &block, Value endRow, Value token,
                     int64_t width) {
  RegisterTile tile = tileOf(b.level, block, width);
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

/// "product_6144x128", "product_6144x128_f16_768_1024": of these the code depends.
static std::string productName(const LinearSpec &spec, const LinearSpec::Part &part,
                               int64_t height) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "product_" << spec.inFeatures << 'x' << height;
  if (!part.element.isBF16())
    os << '_' << part.element;
  if (part.groups)
    os << '_' << part.groups.getRows() << '_' << part.groups.getStride();
  return name;
}

/// products[0..endRow - firstRow][0..tokens] of one block of `width` tokens, a function that all
/// linears of a kind share. Arguments: weight, packed, products, block, first row, end row, tokens,
/// width.
static void callProduct(KernelBuilder &b, const LinearSpec &spec, const LinearSpec::Part &part,
                        ValueRange arguments) {
  int64_t pairs = spec.pairs(), height = cast<MemRefType>(arguments[2].getType()).getDimSize(0);
  b.call(productName(spec, part, height), arguments, [&](KernelBuilder &b, ValueRange args) {
    Value rows = args[5], packed = packedView(b, args[1], b.add(args[3], 1), pairs, args[7]);
    Value weights = weightRows(b, args[0], part.element, rows, pairs);
    Value widened =
        part.element.isF16() ? b.stack(b.getF32Type(), {kWideRows, kWidenedFeatures}) : Value();
    TokenBlock work{weights, packed, args[2], args[3], args[4], pairs, part.groups, widened};
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
        callProduct(b, spec, part,
                    {args.buffers[part.weight], args.buffers[*spec.workspace], products, block,
                     firstRow, b.add(firstRow, count), tokens, blockTokens(b, rows)});
        Tile tile{values, firstToken, tokens, firstRow, count};
        emitTranspose(b, products, tile);
        emitEpilogue(b, args, spec, part, tile);
      });
    });
  });
}
