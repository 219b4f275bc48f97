//===- RowProduct.cpp - rows of a weight times a few tokens ---------------===//
//
// A row of a weight, or two, is multiplied with all tokens at a time, vectors of neighbouring
// features with each other, so that weights are read about as they lie. Memory is at its fastest
// only if so many lines are on their way that the core can keep track of no others: those that come
// next are fetched ahead, in order, and the input must be found in the first-level cache. Where it
// is too much for that, all rows of a unit are multiplied with a block of columns before the next.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/RowProduct.h"

#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Vectors of pairs of an input row, the last perhaps partial, of each token in turn:
/// [vectors][tokens][lanes()], as numbers of bf16 [vectors][tokens][2 * lanes()]. For one token
/// these are the rows of any input.
static Value rowVectors(KernelBuilder &b, Value buffer, const LinearSpec &spec, bool asPairs,
                        Value tokens) {
  Type element = asPairs ? b.getI32Type() : b.getI16Type();
  int64_t vectors = llvm::divideCeil(spec.pairs(), b.lanes());
  int64_t width = asPairs ? b.lanes() : 2 * b.lanes();
  return b.view(buffer, element, {vectors, ShapedType::kDynamic, width}, tokens);
}

/// Rows [first, end) of the input, of each its share: store(row, vector, pairs, mask).
static void forEachInputVector(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, Value first, Value end,
    const PackShare &share,
    llvm::function_ref<void(Value row, Value vector, Value pairs, Value mask)> store) {
  Value input = inputPairs(b, args, spec);
  std::optional<NormParameters> norm = normOf(b, args, spec);
  b.loop(first, end, 1, [&](Value row) {
    Value from = inputRow(b, args, spec, row);
    RowStatistics statistics;
    if (norm)
      statistics = rowStatistics(b, input, from, spec.inFeatures, norm->eps);
    b.vectorsBetween(spec.pairs(), share.begin, share.end, [&](Value pair, int64_t lanes) {
      Value mask = lanes == b.lanes() ? Value() : b.mask(lanes);
      Value values = b.loadPairs(input, {from, pair}, mask);
      if (norm)
        values = normalizePairs(b, values, pair, mask, *norm, statistics);
      store(row, b.div(pair, b.lanes()), values, mask);
    });
  });
}

void strata::cpu::emitInputRows(KernelBuilder &b, const KernelArguments &args,
                                const LinearSpec &spec, Value first, Value end,
                                const PackShare &share) {
  Value output =
      rowVectors(b, args.buffers[*spec.workspace], spec, /*asPairs=*/true, productRows(spec, args));
  forEachInputVector(b, args, spec, first, end, share,
                     [&](Value row, Value vector, Value pairs, Value mask) {
                       b.storeMasked(pairs, output, {vector, row, b.index(0)}, mask);
                     });
}

void strata::cpu::emitInputGroups(KernelBuilder &b, const KernelArguments &args,
                                  const LinearSpec &spec, int64_t groupTokens,
                                  const PackShare &share) {
  int64_t vectors = llvm::divideCeil(spec.pairs(), b.lanes());
  Value rows = productRows(spec, args);
  Value output =
      b.view(args.buffers[*spec.workspace], b.getI32Type(),
             {ShapedType::kDynamic, vectors, groupTokens, b.lanes()}, b.ceilDiv(rows, groupTokens));
  Value first = b.mul(share.group, kPackVector);
  forEachInputVector(
      b, args, spec, first, b.min(b.add(first, kPackVector), rows), share,
      [&](Value row, Value vector, Value pairs, Value mask) {
        b.storeMasked(pairs, output,
                      {b.div(row, groupTokens), vector, b.rem(row, groupTokens), b.index(0)}, mask);
      });
}

namespace {
/// Where a tile begins: its first row and column.
struct Corner {
  Value row, column;
};

/// Rows [first, end) of a unit, which are multiplied with so many columns before the next.
struct RowBlock {
  Value first, end;
  int64_t columns;
};
} // namespace

/// Adds the products of a vector from `column` on to sums[row][token]; rows as they are stored.
static void addVector(KernelBuilder &b, const RowStep &step, ValueRange rows, Value column,
                      Value mask, llvm::MutableArrayRef<Value> sums) {
  int64_t width = cast<MemRefType>(step.input.getType()).getDimSize(2);
  Value vector = b.div(column, width), first = b.rem(column, width);
  Values w;
  for (Value row : rows)
    w.push_back(b.loadMasked(step.weight, {row, column}, mask));
  for (int64_t t = 0; t != step.tokens; ++t) {
    Value x = b.loadMasked(step.input, {vector, b.index(t), first}, mask);
    for (size_t r = 0; r != rows.size(); ++r)
      sums[r * step.tokens + t] = b.dot(sums[r * step.tokens + t], w[r], x);
  }
}

/// What is prefetched while the tile at `at` is computed: the row, as it is stored, and from which
/// of the elements behind its start on. Tiles of whole rows lie one behind the other, and
/// kBytesAhead are between. Blocks of columns do not, so all of a unit are fetched before it
/// begins, front to back, while the unit before it is computed.
static Corner nextTile(KernelBuilder &b, const RowStep &step, const RowBlock &block,
                       RegisterTile tile, const Corner &at) {
  int64_t bits = cast<MemRefType>(step.weight.getType()).getElementTypeBitWidth();
  if (block.columns == step.columns) {
    int64_t tiles = llvm::divideCeil(kBytesAhead, tile.rows * block.columns * bits / 8);
    return {storedRow(b, step.box, b.add(at.row, tiles * tile.rows)), b.index(0)};
  }
  Value earlierColumns = b.mul(at.column, b.sub(block.end, block.first));
  Value earlierRows = b.mul(b.sub(at.row, block.first), block.columns);
  return {storedRow(b, step.box, block.end), b.add(earlierColumns, earlierRows)};
}

/// Products of the tile at `at`, a vector [row][tokenLanes()].
static Value emitTile(KernelBuilder &b, const RowStep &step, const RowBlock &block,
                      RegisterTile tile, const Corner &at) {
  int64_t lanes = b.lanes(), stride = tile.accumulators * lanes, count = tile.rows * step.tokens;
  int64_t full = block.columns / stride * stride;
  Corner next = nextTile(b, step, block, tile, at);
  Values rows;
  for (int64_t r = 0; r != tile.rows; ++r)
    rows.push_back(storedRow(b, step.box, b.add(at.row, r)));
  auto addTo = [&](Values &sums, Value column, Value mask, int64_t accumulator) {
    addVector(b, step, rows, b.add(at.column, column), mask,
              MutableArrayRef(sums).slice(accumulator * count, count));
  };
  Values sums(tile.accumulators * count, b.f32(0, lanes));
  if (full)
    sums = b.loop(b.index(0), b.index(full), stride, sums, [&](Value column, ValueRange carried) {
      Values acc(carried);
      prefetchRows(b, step.weight, step.columns, next.row,
                   b.add(next.column, b.mul(column, tile.rows)), stride * tile.rows);
      for (int64_t accumulator = 0; accumulator != tile.accumulators; ++accumulator)
        addTo(acc, b.add(column, accumulator * lanes), Value(), accumulator);
      return acc;
    });
  for (int64_t column = full, accumulator = 0; column < block.columns;
       column += lanes, ++accumulator)
    addTo(sums, b.index(column),
          column + lanes <= block.columns ? Value() : b.mask(block.columns - column), accumulator);
  Values totals;
  for (int64_t i = 0; i != tile.rows * step.tokenLanes(); ++i) {
    int64_t row = i / step.tokenLanes(), token = i % step.tokenLanes();
    totals.push_back(sums[row * step.tokens + std::min(token, step.tokens - 1)]);
    for (int64_t accumulator = 1; accumulator != tile.accumulators && token < step.tokens;
         ++accumulator)
      totals.back() = b.addf(totals.back(), sums[accumulator * count + row * step.tokens + token]);
  }
  return b.sums(totals);
}

/// Products of whole rows, as they are stored, with all tokens of a group: [row][token], as many
/// lanes as there are. The chains of emitTile for one token, one after the other, so that the sums
/// of many fit into registers. `next`: where the rows behind them begin.
static Value emitChains(KernelBuilder &b, const RowStep &step, ValueRange rows, Value next) {
  int64_t lanes = b.lanes(), chains = b.level.rowTiles.front().accumulators;
  int64_t stride = chains * lanes, whole = step.columns / lanes * lanes;
  int64_t ahead = int64_t(rows.size()) * lanes; // elements to be fetched for each vector of a row
  Values zeros(rows.size() * step.tokens, b.f32(0, lanes));
  Values totals =
      b.loop(b.index(0), b.index(chains), 1, zeros, [&](Value chain, ValueRange before) {
        Value first = b.mul(chain, lanes);
        Values sums =
            b.loop(first, b.index(whole), stride, zeros, [&](Value column, ValueRange in) {
              Values acc(in);
              Value from = b.add(b.mul(chain, step.columns / stride * ahead),
                                 b.mul(b.div(column, stride), ahead));
              prefetchRows(b, step.weight, step.columns, next, from, ahead);
              addVector(b, step, rows, column, Value(), acc);
              return acc;
            });
        if (int64_t left = step.columns - whole) {
          Value own = b.equal(chain, b.index(whole / lanes % chains));
          Value mask = b.mask(b.select(own, b.index(left), b.index(0)));
          addVector(b, step, rows, b.index(whole), mask, sums);
        }
        Values added;
        for (auto [total, sum] : llvm::zip_equal(before, sums))
          added.push_back(b.addf(total, sum));
        return added;
      });
  return b.sums(totals);
}

void strata::cpu::multiplyGroup(
    KernelBuilder &b, const RowStep &step, Value first, Value end,
    llvm::function_ref<void(Value row, int64_t token, Value product)> store) {
  constexpr int64_t kRows = 2; // share the loads of tokens
  b.loop(first, end, kRows, [&](Value row) {
    Values rows; // beyond the last: that again
    for (int64_t r = 0; r != kRows; ++r)
      rows.push_back(storedRow(b, step.box, b.min(b.add(row, r), b.add(end, -1))));
    Value dots = emitChains(b, step, rows, storedRow(b, step.box, b.add(row, kRows)));
    for (int64_t i = 0; i != kRows * step.tokens; ++i)
      store(b.add(row, i / step.tokens), i % step.tokens, vector::ExtractOp::create(b, dots, i));
  });
}

/// Products of the rows with the columns from `column` on; added to those of other columns.
static void emitColumns(KernelBuilder &b, const RowStep &step, const RowBlock &block, Value column,
                        Value products, PlaceOf placeOf) {
  int64_t lanes = step.tokenLanes();
  auto tiles = [&](Value begin, Value end, RegisterTile tile) {
    b.loop(begin, end, tile.rows, [&](Value row) {
      Value dots = emitTile(b, step, block, tile, {row, column});
      for (int64_t r = 0; r != tile.rows; ++r) {
        Values place = placeOf(b.add(row, r));
        Value sum = b.slice(dots, r * lanes, lanes);
        if (block.columns != step.columns)
          sum = b.addf(sum, b.load(products, place, lanes));
        b.store(sum, products, place);
      }
    });
  };
  RegisterTile tile = b.level.rowTiles[step.tokens - 1];
  Value whole = b.mul(b.div(b.sub(block.end, block.first), tile.rows), tile.rows);
  Value tiled = b.add(block.first, whole);
  tiles(block.first, tiled, tile);
  if (tile.rows > 1)
    tiles(tiled, block.end, {1, tile.accumulators});
}

/// All columns, if what the tokens have of them stays in the first-level cache while a tile passes;
/// else those of the tile's features, but no less than a kColumnBlocks-th.
static int64_t blockColumns(KernelBuilder &b, const RowStep &step) {
  int64_t bits = cast<MemRefType>(step.input.getType()).getElementTypeBitWidth();
  if (step.tokens == 1 || step.tokens * step.columns * bits <= 8 * kInputBytes)
    return step.columns;
  RowTile tile = b.level.rowTiles[step.tokens - 1];
  int64_t least = llvm::alignTo(step.columns / kColumnBlocks, tile.accumulators * b.lanes());
  return std::min(std::max(tile.leastFeatures * 16 / bits, least), step.columns);
}

/// Rows that are multiplied with a block of columns before the next: one unit, or two if they have
/// no more than kRowsBytes, since as many are fetched into the second-level cache meanwhile.
int64_t strata::cpu::rowsTogether(const RowStep &step) {
  int64_t bits = cast<MemRefType>(step.weight.getType()).getElementTypeBitWidth();
  int64_t units = kRowsBytes / (kUnitRows * step.columns * bits / 8);
  return std::clamp<int64_t>(units, 1, 2) * kUnitRows;
}

/// Products of the rows [first, end) of a unit with all tokens.
void strata::cpu::multiplyUnit(KernelBuilder &b, const RowStep &step, Value first, Value end,
                               Value products, PlaceOf placeOf) {
  int64_t block = blockColumns(b, step);
  int64_t full = step.columns / block * block, rest = step.columns - full;
  if (block != step.columns)
    b.loop(first, end, 1,
           [&](Value row) { b.store(b.f32(0, step.tokenLanes()), products, placeOf(row)); });
  b.loop(b.index(0), b.index(full), block, [&](Value column) {
    emitColumns(b, step, {first, end, block}, column, products, placeOf);
  });
  if (rest)
    emitColumns(b, step, {first, end, rest}, b.index(full), products, placeOf);
}

RowStep strata::cpu::describeStep(KernelBuilder &b, Value weight, Value input, Value rows,
                                  const LinearSpec &spec, const LinearSpec::Part &part,
                                  int64_t tokens) {
  bool asPairs = spec.isInPairs(part);
  return {weightRows(b, weight, spec, part, rows),
          rowVectors(b, input, spec, asPairs, b.index(tokens)), part.box,
          asPairs ? spec.pairs() : spec.inFeatures, tokens};
}
