//===- LinearTiles.cpp - many tokens, by matrix tiles ---------------------===//
//
// A tile of weights is 16 rows of 32 features, one of the input 16 pairs of features of 16 tokens;
// four sums of 16 rows x 16 tokens share the loads of two of each. Weights are read once, front to
// back: a panel of rows, some of their features at a time, is copied into whole tiles one behind
// the other, which stay in the second-level cache while all tokens pass. (Rows of a power of two
// bytes, as they lie, would fall into the same set of the first.) So do the sums. Quantized weights
// become bf16 on the way, each rounded once.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/PrefillFrame.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Tiles side by side, of rows and of tokens, that share loads.
static constexpr int64_t kSide = 2;

namespace {
/// Rows [firstRow, endRow) of a weight, `blocks` blocks of kTileRows tokens from `firstBlock` on.
/// `tiles` is room for [rows / 16][tiles of features] of weights, `sums` has
/// [block][row - firstRow][token] in f32. The weight is pairs of bf16, or `quantized`.
struct Panel {
  Value packed, firstRow, endRow, firstBlock, blocks, tiles, sums, weight, scales;
  std::optional<QuantizedRows> quantized = {};

  Values arguments() const {
    Values all{packed, firstRow, endRow, firstBlock, blocks, tiles, sums, weight};
    if (scales)
      all.push_back(scales);
    return all;
  }
  static Panel fromArguments(ValueRange values) {
    return {values[0], values[1], values[2],
            values[3], values[4], values[5],
            values[6], values[7], values.size() > 8 ? values[8] : Value()};
  }
  /// Pairs of features that there is room for.
  int64_t pairs() const { return cast<MemRefType>(tiles.getType()).getDimSize(1) * kTileRows; }
};

/// What of the features is multiplied: `tiles` tiles of pairs from `first` on.
struct PairRange {
  Value first, tiles;
};
} // namespace

Value strata::cpu::tileView(KernelBuilder &b, Value buffer, const LinearSpec &spec) {
  int64_t pairs = llvm::alignTo(spec.pairs(), kTileRows);
  return b.view(buffer, b.getI32Type(), {ShapedType::kDynamic, pairs, kTileRows},
                b.index(std::numeric_limits<int32_t>::max()));
}

/// Whether each tile's rows lie in one group, and so one behind the other.
static bool tilesLieTogether(const LinearSpec &spec, BoxAttr box) {
  return !box || !box.getGroupRows() ||
         (box.getGroupRows() % kTileRows == 0 && unitRows(spec) % kTileRows == 0);
}

/// Rows of a group that the epilogue takes, and of a panel: some whole groups.
static int64_t groupRows(const LinearSpec &spec, const PanelShape &shape) {
  return spec.headDim ? spec.headDim : shape.groupRows;
}
static int64_t panelRows(const LinearSpec &spec, const PanelShape &shape) {
  int64_t group = groupRows(spec, shape);
  bool whole = group % (kSide * kTileRows) == 0;
  return whole ? group * std::max<int64_t>(1, shape.rows / group) : group;
}

/// Asks for a row's pairs of one tile, some rows ahead.
static void prefetchPairs(KernelBuilder &b, const Panel &panel, Value row, Value tile) {
  int64_t rowsAhead = llvm::divideCeil(kBytesAhead, 4 * panel.pairs());
  b.prefetch(panel.weight, {b.add(row, rowsAhead), b.mul(tile, kTileRows)});
}

/// store(pairs, tile) for these features of a row, number `tile` of them.
static void copyRow(KernelBuilder &b, const Panel &panel, const LinearSpec &spec, Value row,
                    const PairRange &range, llvm::function_ref<void(Value, Value)> store) {
  int64_t wholeTiles = spec.pairs() / kTileRows, left = spec.pairs() % kTileRows;
  Value firstTile = b.div(range.first, kTileRows);
  Value whole = b.min(range.tiles, b.sub(b.index(wholeTiles), firstTile));
  auto copy = [&](Value tile, Value mask) {
    Value stored = b.add(firstTile, tile);
    prefetchPairs(b, panel, row, stored);
    store(b.loadMasked(panel.weight, {row, b.mul(stored, kTileRows)}, mask), tile);
  };
  b.loop(b.index(0), whole, 1, [&](Value tile) { copy(tile, Value()); });
  if (left)
    b.ifThen(b.less(whole, range.tiles), [&] { copy(whole, b.mask(left)); });
}

/// The same for a quantized row, a stretch at a time. A group is as long as a tile.
static void decodeRow(KernelBuilder &b, const Panel &panel, const LinearSpec &spec, Value row,
                      const PairRange &range, llvm::function_ref<void(Value, Value)> store) {
  static_assert(kInt8Group == 2 * kTileRows);
  const QuantizedRows &rows = *panel.quantized;
  int64_t left = spec.inFeatures / kInt8Group % kStretchGroups;
  auto decode = [&](Value tile, int64_t count) {
    Value first = b.add(b.div(range.first, kTileRows), tile);
    int64_t rowsAhead = llvm::divideCeil(kBytesAhead, panel.pairs());
    prefetchStretch(b, rows, {b.add(row, rowsAhead), first, count});
    for (auto [i, weights] : llvm::enumerate(loadWeights(b, rows, {row, first, count})))
      store(b.reinterpret(b.toBf16(weights), b.getI32Type()), b.add(tile, int64_t(i)));
  };
  Value whole = b.mul(b.div(range.tiles, kStretchGroups), kStretchGroups);
  b.loop(b.index(0), whole, kStretchGroups, [&](Value tile) { decode(tile, kStretchGroups); });
  if (left)
    b.ifThen(b.less(whole, range.tiles), [&] { decode(whole, left); });
}

/// Copies these features of all rows into tiles. Rows beyond the last are copies of it that nobody
/// reads the sums of, and features beyond the last are 0.
static void copyPanel(KernelBuilder &b, const Panel &panel, const LinearSpec &spec, BoxAttr box,
                      const PairRange &range) {
  Value last = b.add(panel.endRow, -1);
  Value rows =
      b.mul(b.ceilDiv(b.sub(panel.endRow, panel.firstRow), kSide * kTileRows), kSide * kTileRows);
  b.loop(b.index(0), rows, 1, [&](Value i) {
    Value row = storedRow(b, box, b.min(b.add(panel.firstRow, i), last));
    (panel.quantized ? decodeRow
                     : copyRow)(b, panel, spec, row, range, [&](Value pairs, Value tile) {
      b.store(pairs, panel.tiles, {b.div(i, kTileRows), tile, b.rem(i, kTileRows), b.index(0)});
    });
  });
}

/// body(register, place among the sums) for those of kSide x 16 rows and `width` x 16 tokens.
static void forEachSum(KernelBuilder &b, Value row, Value block, int64_t width,
                       llvm::function_ref<void(int, ValueRange)> body) {
  for (int64_t r = 0; r != kSide; ++r)
    for (int64_t t = 0; t != width; ++t)
      body(r * kSide + t, {b.add(block, t), b.add(row, r * kTileRows), b.index(0)});
}

/// Adds the products of these features of kSide x 16 rows and `width` x 16 tokens from (row, block)
/// on to the sums in the registers. Weights come from the second-level cache and make no room for
/// themselves in the first, where the tokens' features are. `each` is called with every tile's
/// number.
static void multiplyTiles(KernelBuilder &b, const Panel &panel, const PairRange &range, Value row,
                          Value block, int64_t width, llvm::function_ref<void(Value)> each) {
  constexpr int kWeights = kSide * kSide, kInputs = kWeights + kSide; // registers
  b.loop(b.index(0), range.tiles, 1, [&](Value k) {
    Value pair = b.add(range.first, b.mul(k, kTileRows));
    for (int64_t r = 0; r != kSide; ++r) {
      Value rowTile = b.add(b.div(row, kTileRows), r);
      b.streamTile(kWeights + r, panel.tiles, {rowTile, k, b.index(0), b.index(0)});
      for (int64_t t = 0; t != width; ++t) {
        if (r == 0)
          b.loadTile(kInputs + t, panel.packed,
                     {b.add(b.add(panel.firstBlock, block), t), pair, b.index(0)});
        b.addTileProducts(r * kSide + t, kWeights + r, kInputs + t);
      }
    }
    each(k);
  });
}

/// Asks for the input of the next blocks, or of the first with the features behind these: as much
/// of it with each tile of each row as all rows need to ask for all.
static void prefetchInput(KernelBuilder &b, const Panel &panel, const PairRange &range, Value row,
                          Value block, Value tile) {
  int64_t steps = cast<MemRefType>(panel.sums.getType()).getDimSize(1) / (kSide * kTileRows);
  if (steps == 1) // all tokens' stays in the second-level cache
    return;
  int64_t pairs = llvm::divideCeil(kTileRows, steps);
  Value next = b.add(block, kSide), passed = b.less(next, panel.blocks);
  Value first = b.select(passed, range.first, b.add(range.first, b.mul(range.tiles, kTileRows)));
  next = b.add(panel.firstBlock, b.select(passed, next, b.index(0)));
  Value step = b.add(b.mul(b.div(row, kSide * kTileRows), range.tiles), tile);
  for (int64_t t = 0; t != kSide; ++t)
    for (int64_t i = 0; i != pairs; ++i)
      b.prefetch(panel.packed,
                 {b.add(next, t), b.add(b.add(first, b.mul(step, pairs)), i), b.index(0)});
}

/// Adds the products of these features of all rows and `width` x 16 tokens from `block` on to their
/// sums, which begin with the first features. A sum is taken up where the one before it is put
/// down: so one waits while others are multiplied.
static void multiplyBlock(KernelBuilder &b, const Panel &panel, const PairRange &range, Value rows,
                          Value block, int64_t width) {
  Value begins = b.equal(range.first, b.index(0));
  auto forSums = [&](Value row, llvm::function_ref<void(int, ValueRange)> body) {
    forEachSum(b, row, block, width, body);
  };
  auto load = [&](int sum, ValueRange at) { b.loadTile(sum, panel.sums, at); };
  auto store = [&](int sum, ValueRange at) { b.storeTile(sum, panel.sums, at); };
  b.ifThen(b.less(b.index(0), range.first), [&] { forSums(b.index(0), load); });
  b.loop(b.index(0), rows, kSide * kTileRows, [&](Value row) {
    b.ifThen(begins, [&] { forSums(row, [&](int sum, ValueRange) { b.clearTile(sum); }); });
    multiplyTiles(b, panel, range, row, block, width,
                  [&](Value tile) { prefetchInput(b, panel, range, row, block, tile); });
    Value more = b.less(b.add(row, kSide * kTileRows), rows);
    Value ahead = b.select(more, b.index(kSide * kTileRows), b.index(0));
    b.ifElse(
        begins, [&] { forSums(row, store); },
        [&] {
          forSums(row, [&](int sum, ValueRange at) {
            store(sum, at);
            load(sum, {at[0], b.add(at[1], ahead), at[2]});
          });
        });
  });
}

/// sums[block][row][token] of a panel.
static void multiplyPanel(KernelBuilder &b, const Panel &panel, const LinearSpec &spec,
                          BoxAttr box) {
  int64_t pairs = llvm::alignTo(spec.pairs(), kTileRows);
  Value rows = b.sub(panel.endRow, panel.firstRow);
  b.loop(b.index(0), b.index(pairs), panel.pairs(), [&](Value first) {
    Value tiles = b.div(b.min(b.sub(b.index(pairs), first), b.index(panel.pairs())), kTileRows);
    const PairRange range{first, tiles};
    copyPanel(b, panel, spec, box, range);
    b.loop(b.index(0), panel.blocks, kSide, [&](Value block) {
      b.ifElse(
          b.less(b.add(block, 1), panel.blocks),
          [&] { multiplyBlock(b, panel, range, rows, block, kSide); },
          [&] { multiplyBlock(b, panel, range, rows, block, 1); });
    });
  });
}

/// Asks for a share of the features from `first` on of kSide x 16 rows from `row` on: number `step`
/// of as many as they have tiles, kStreamTiles at most. Memory sees pieces of rows.
static void prefetchPieces(KernelBuilder &b, const Panel &panel, Value row, Value first, Value step,
                           int64_t tiles) {
  int64_t halves = llvm::divideCeil(2 * kSide * kTileRows, tiles),
          half = llvm::divideCeil(tiles, 2);
  for (int64_t i = 0; i != halves; ++i) {
    Value piece = b.add(b.mul(step, halves), i);
    Value column = b.add(first, b.mul(b.rem(piece, 2), half * kTileRows));
    for (int64_t line = 0; line != half; ++line)
      b.prefetch(panel.weight, {b.add(row, b.div(piece, 2)), b.add(column, line * kTileRows)});
  }
}

/// What multiplyTiles() computes of all features, with weights as they lie: each is used once.
static void multiplyStream(KernelBuilder &b, const Panel &panel, const LinearSpec &spec,
                           BoxAttr box, Value row, int64_t width) {
  constexpr int kWeights = kSide * kSide, kInputs = kWeights + kSide; // registers
  auto stored = [&](Value ahead) { return storedRow(b, box, b.add(panel.firstRow, ahead)); };
  auto multiply = [&](Value pair, llvm::function_ref<void(int)> loadWeights) {
    for (int64_t t = 0; t != width; ++t)
      b.loadTile(kInputs + t, panel.packed, {b.add(panel.firstBlock, t), pair, b.index(0)});
    for (int64_t r = 0; r != kSide; ++r) {
      loadWeights(r);
      for (int64_t t = 0; t != width; ++t)
        b.addTileProducts(r * kSide + t, kWeights + r, kInputs + t);
    }
  };
  for (int64_t r = 0; r != kSide; ++r)
    for (int64_t t = 0; t != width; ++t)
      b.clearTile(r * kSide + t);
  Values rows{stored(row), stored(b.add(row, kTileRows))};
  Value nextRows = stored(b.add(row, kSide * kTileRows));
  int64_t whole = spec.pairs() / kTileRows, left = spec.pairs() % kTileRows;
  int64_t pieces = llvm::divideCeil(whole, kStreamTiles), tiles = llvm::divideCeil(whole, pieces);
  b.loop(b.index(0), b.index(whole), tiles, [&](Value first) {
    Value end = b.min(b.add(first, tiles), b.index(whole)), last = b.equal(end, b.index(whole));
    Value nextRow = b.select(last, nextRows, rows.front());
    Value nextFirst = b.mul(b.select(last, b.index(0), end), kTileRows);
    b.loop(first, end, 1, [&](Value tile) {
      prefetchPieces(b, panel, nextRow, nextFirst, b.sub(tile, first), tiles);
      Value pair = b.mul(tile, kTileRows);
      multiply(pair, [&](int r) { b.loadTile(kWeights + r, panel.weight, {rows[r], pair}); });
    });
  });
  if (left) { // behind it, another row begins
    Value pair = b.index(whole * kTileRows), mask = b.mask(left);
    multiply(pair, [&](int r) {
      b.loop(b.index(0), b.index(kTileRows), 1, [&](Value i) {
        b.store(b.loadMasked(panel.weight, {b.add(rows[r], i), pair}, mask), panel.tiles,
                {b.index(r), b.index(0), i, b.index(0)});
      });
      b.loadTile(kWeights + r, panel.tiles, {b.index(r), b.index(0), b.index(0), b.index(0)});
    });
  }
  for (int64_t r = 0; r != kSide; ++r)
    for (int64_t t = 0; t != width; ++t)
      b.storeTile(r * kSide + t, panel.sums, {b.index(t), b.add(row, r * kTileRows), b.index(0)});
}

/// sums[block][row][token] of a panel of whole tiles, for one block or two.
static void streamPanel(KernelBuilder &b, const Panel &panel, const LinearSpec &spec, BoxAttr box) {
  Value rows = b.sub(panel.endRow, panel.firstRow);
  auto multiply = [&](int64_t width) {
    b.loop(b.index(0), rows, kSide * kTileRows,
           [&](Value row) { multiplyStream(b, panel, spec, box, row, width); });
  };
  b.ifElse(
      b.equal(panel.blocks, b.index(1)), [&] { multiply(1); }, [&] { multiply(kSide); });
}

/// tile[token][row] of a group of rows, from sums[block][row][token], by a function that linears
/// share.
static void transposeSums(KernelBuilder &b, const Panel &panel, const Tile &tile, Value block) {
  Value first = b.sub(tile.firstRow, panel.firstRow);
  Values arguments{panel.sums, tile.values, block, first, tile.rows, tile.tokens};
  b.call("transpose" + shapesOf(arguments), arguments, [](KernelBuilder &b, ValueRange arguments) {
    Value sums = arguments[0], values = arguments[1], block = arguments[2], first = arguments[3];
    b.loop(b.index(0), arguments[4], kTileRows, [&](Value row) {
      b.loop(b.index(0), arguments[5], kTileRows, [&](Value token) {
        Value tokens = b.add(block, b.div(token, kTileRows)), from = b.add(first, row);
        Values lines;
        for (int64_t i = 0; i != kTileRows; ++i)
          lines.push_back(b.load(sums, {tokens, b.add(from, i), b.index(0)}, kTileRows));
        Values columns = b.transpose(lines);
        for (int64_t i = 0; i != kTileRows; ++i)
          b.store(columns[i], values, {b.add(token, i), row});
      });
    });
  });
}

/// The epilogue of all groups and tokens of a panel.
static void finishPanel(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const LinearSpec::Part &part, const Panel &panel, int64_t group,
                        Value values) {
  Value firstToken = b.mul(panel.firstBlock, kTileRows);
  Value tokens = b.min(b.sub(productRows(spec, args), firstToken), b.mul(panel.blocks, kTileRows));
  b.loop(panel.firstRow, panel.endRow, group, [&](Value row) {
    Value rows = b.min(b.sub(panel.endRow, row), b.index(group));
    b.loop(b.index(0), tokens, kPackTokens, [&](Value token) {
      Value count = b.min(b.sub(tokens, token), b.index(kPackTokens));
      Tile tile{values, b.add(firstToken, token), count, row, rows};
      transposeSums(b, panel, tile, b.div(token, kTileRows));
      emitEpilogue(b, args, spec, part, tile);
    });
  });
}

using Multiply = void(KernelBuilder &, const Panel &, const LinearSpec &, BoxAttr);

/// The sums of a panel, by a function that all linears of this shape share.
static void callProduct(KernelBuilder &b, const Panel &panel, const LinearSpec &spec,
                        const LinearSpec::Part &part, StringRef kind, Multiply *multiply) {
  ArrayRef<int64_t> sums = cast<MemRefType>(panel.sums.getType()).getShape();
  std::string name;
  llvm::raw_string_ostream(name) << kind << '_' << spec.inFeatures << 'x' << sums[1] << 'x'
                                 << 2 * panel.pairs() << 'x' << sums[0] * kTileRows;
  if (part.quantized)
    name += "_" + formatName(part);
  name += boxName(part.box);
  b.call(name, panel.arguments(), [&](KernelBuilder &b, ValueRange arguments) {
    Panel panel = Panel::fromArguments(arguments);
    if (part.quantized)
      panel.quantized = viewQuantized(b, part.quantized, panel.weight, panel.scales,
                                      spec.inFeatures, panel.endRow);
    else
      panel.weight = weightRows(b, panel.weight, spec, part, panel.endRow);
    panel.packed = tileView(b, panel.packed, spec);
    multiply(b, panel, spec, part.box);
  });
}

/// The same for a panel that all tokens pass at once.
static void callStream(KernelBuilder &b, const Panel &panel, const LinearSpec &spec,
                       const LinearSpec::Part &part) {
  auto copied = [&] { callProduct(b, panel, spec, part, "tiles", multiplyPanel); };
  if (spec.pairs() < kTileRows || !tilesLieTogether(spec, part.box))
    return copied();
  Value rows = b.sub(panel.endRow, panel.firstRow);
  b.ifElse(
      b.equal(b.rem(rows, kSide * kTileRows), b.index(0)),
      [&] { callProduct(b, panel, spec, part, "stream", streamPanel); }, copied);
}

static void emitPanels(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                       const PanelShape &shape) {
  int64_t most = panelRows(spec, shape), height = llvm::alignTo(most, kSide * kTileRows);
  int64_t group = groupRows(spec, shape);
  int64_t pairs = llvm::alignTo(std::min(spec.inFeatures, shape.features) / 2, kTileRows);
  Value values = stackTile(b, spec);
  Value tiles =
      b.stack(b.getI32Type(), {height / kTileRows, pairs / kTileRows, kTileRows, kTileRows});
  Value sums = b.stack(b.getF32Type(), {shape.tokens / kTileRows, height, kTileRows});
  Value blocks = b.ceilDiv(productRows(spec, args), kTileRows);
  b.configureTiles();
  forEachPart(b, args, spec, [&](const LinearSpec::Part &part, Value first, Value end) {
    b.loop(first, end, most, [&](Value row) {
      b.loop(b.index(0), blocks, shape.tokens / kTileRows, [&](Value block) {
        Value count = b.min(b.sub(blocks, block), b.index(shape.tokens / kTileRows));
        Panel panel{args.buffers[*spec.workspace],
                    row,
                    b.min(b.add(row, most), end),
                    block,
                    count,
                    tiles,
                    sums,
                    args.buffers[part.weight],
                    part.scales ? args.buffers[*part.scales] : Value()};
        if (shape.tokens <= kSide * kTileRows)
          callStream(b, panel, spec, part);
        else
          callProduct(b, panel, spec, part, "tiles", multiplyPanel);
        finishPanel(b, args, spec, part, panel, group, values);
      });
    });
  });
  b.releaseTiles();
}

void strata::cpu::emitTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  emitPanels(b, args, spec, kPanel);
}

void strata::cpu::emitStreamedTiles(KernelBuilder &b, const KernelArguments &args,
                                    const LinearSpec &spec) {
  emitPanels(b, args, spec, kStreamedPanel);
}

void strata::cpu::emitFewTiles(KernelBuilder &b, const KernelArguments &args,
                               const LinearSpec &spec) {
  emitPanels(b, args, spec, kFewTokensPanel);
}
