//===- LinearPrefillSm90.cpp - many tokens, with wgmma and TMA ------------===//
//
// A block multiplies kSm90TileTokens tokens with up to kSm90TileRows weight rows. Each of its
// consumer warpgroups has 64 of the tokens: they are the rows of wgmma, so that a thread's pairs of
// sums lie side by side in tile[token][row]. One thread of a warp of its own fills a ring of stages
// with boxes of kSwizzledFeatures features. What lies outside of tokens, rows or features is zeros
// there: TMA makes them.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/Linear.h"
#include "codegen/nvptx/Schedule.h"
#include "codegen/nvptx/Wgmma.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// Threads of a warpgroup and its tokens.
static constexpr int64_t kGroup = 128, kGroupTokens = 64;
/// Threads that multiply; those of the warp behind them copy.
static constexpr int64_t kConsumers = kSm90TileTokens / kGroupTokens * kGroup;
/// Columns of wgmma, at most.
static constexpr int64_t kMostColumns = 256;

namespace {
struct PrefillForm {
  explicit PrefillForm(const LinearSpec &spec) {
    int64_t rows = 0;
    for (const LinearSpec::Part &part : spec.parts)
      rows = std::max(rows, part.rows);
    usedRows = std::min<int64_t>(kSm90TileRows, llvm::alignTo(rows, 8));
    if (spec.headDim) // as many whole heads as fit, at least one
      usedRows = std::max<int64_t>(usedRows / spec.headDim, 1) * spec.headDim;
    tileRows = llvm::alignTo(usedRows, 8);
  }
  int64_t usedRows; ///< weight rows of a block
  int64_t tileRows; ///< the same, rounded up to what wgmma takes

  static constexpr int64_t tokenBytes = 2 * kSm90TileTokens * kSwizzledFeatures;
  int64_t weightBytes() const { return 2 * tileRows * kSwizzledFeatures; }
  int64_t stageBytes() const { return tokenBytes + weightBytes(); }
  /// Columns of the tile: 8 more, so that no two rows of a warp's fragment meet in a bank.
  int64_t tileStride() const { return tileRows + 8; }
  /// The barriers stand behind the ring, and behind the tile that takes the ring's place.
  int64_t barrierOffset() const {
    return std::max(kSm90Stages * stageBytes(), 4 * kSm90TileTokens * tileStride());
  }
  int64_t sharedBytes() const { return barrierOffset() + 2 * kSm90Stages * 8; }
};

/// The ring: `full` of a stage ends a phase when its boxes have come, `empty` when all consumers
/// have read them.
struct Ring {
  Ring(KernelBuilder &b, const PrefillForm &form)
      : barriers(b, 2 * kSm90Stages, form.barrierOffset()),
        tokens(b.shared(b.getBF16Type(), {kSm90Stages, kSm90TileTokens, kSwizzledFeatures}, 0)),
        weights(b.shared(b.getBF16Type(), {kSm90Stages, form.tileRows, kSwizzledFeatures},
                         kSm90Stages * PrefillForm::tokenBytes)) {}
  MemoryBarriers barriers; ///< full [kSm90Stages], then empty [kSm90Stages]
  Value tokens, weights;

  static Value full(Value stage) { return stage; }
  static Value empty(KernelBuilder &b, Value stage) { return b.add(stage, kSm90Stages); }
};

struct BlockTile {
  BlockPart part;
  Value firstToken;
};
} // namespace

static Value stageOf(KernelBuilder &b, Value step) { return b.rem(step, kSm90Stages); }

/// Of the phase of its barriers that a step ends: 0, 1, 0, ... each time around.
static Value parityOf(KernelBuilder &b, Value step) {
  return arith::IndexCastOp::create(b, b.getI32Type(), b.rem(b.div(step, kSm90Stages), 2));
}

static int64_t stepsOf(const LinearSpec &spec) {
  return llvm::divideCeil(spec.inFeatures, kSwizzledFeatures);
}

/// By one thread: all boxes, each stage as soon as it is empty.
static void produce(KernelBuilder &b, Ring &ring, const LinearSpec &spec, const PrefillForm &form,
                    ArrayRef<Value> maps, const BlockTile &block) {
  b.loop(b.index(0), b.index(stepsOf(spec)), 1, [&](Value step) {
    Value stage = stageOf(b, step), feature = b.mul(step, kSwizzledFeatures);
    Value before = arith::XOrIOp::create(b, parityOf(b, step), b.i32(1));
    ring.barriers.wait(Ring::empty(b, stage), before);
    ring.barriers.arriveExpecting(Ring::full(stage), form.stageBytes());
    Value full = ring.barriers.pointer(Ring::full(stage)), zero = b.index(0);
    copyBox(b, maps[0], block.firstToken, feature, ring.tokens, {stage, zero, zero}, full);
    copyBox(b, maps[1], block.part.firstRow, feature, ring.weights, {stage, zero, zero}, full);
  });
}

/// By a consumer warpgroup: the sums of its tokens. One batch of wgmma stays in flight, so a stage
/// is given back one step late.
static Value consume(KernelBuilder &b, Ring &ring, const LinearSpec &spec, const PrefillForm &form,
                     Value firstToken) {
  Value zero = b.index(0), one = b.index(1);
  auto multiply = [&](Value step, Value sums, bool keep) {
    Value stage = stageOf(b, step);
    ring.barriers.wait(Ring::full(stage), parityOf(b, step));
    return multiplyRows(b, sums, matrixDescriptor(b, ring.tokens, {stage, firstToken, zero}),
                        matrixDescriptor(b, ring.weights, {stage, zero, zero}), keep);
  };
  Value first = multiply(zero, undefinedSums(b, form.tileRows), /*keep=*/false);
  Values sums = b.loop(one, b.index(stepsOf(spec)), 1, {first}, [&](Value step, ValueRange old) {
    Value sum = multiply(step, old[0], /*keep=*/true);
    waitWgmma(b, 1);
    Value stage = stageOf(b, b.sub(step, one));
    b.ifThen(b.equal(b.lane, zero), [&] { ring.barriers.arrive(Ring::empty(b, stage)); });
    return Values{sum};
  });
  waitWgmma(b, 0);
  return sums[0];
}

/// A warpgroup's sums into the tile. Lane l of warp w holds tokens 16w + l/4 and 8 more, rows
/// 2(l%4) and next of each 8.
static void storeSums(KernelBuilder &b, Value tile, Value firstToken, int64_t rows, Value sums) {
  Value token = b.add(firstToken, b.add(b.mul(b.rem(b.warp, 4), 16), b.div(b.lane, 4)));
  Value row = b.mul(b.rem(b.lane, 4), 2);
  auto pair = VectorType::get(2, b.getF32Type());
  auto sum = [&](int64_t i) { return sumAt(b, sums, i); };
  for (int64_t i = 0; i != rows / 2; i += 2)
    b.store(vector::FromElementsOp::create(b, pair, ValueRange{sum(i), sum(i + 1)}), tile,
            {b.add(token, 8 * (i / 2 % 2)), b.add(row, 8 * (i / 4))}, /*alignment=*/8);
}

/// Neighbouring blocks share weight rows, which then are read from memory once.
static BlockTile selectTile(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                            const PrefillForm &form) {
  Value tokenBlocks = b.ceilDiv(productRows(spec, args), kSm90TileTokens);
  Value rowBlock = arith::DivUIOp::create(b, b.block, tokenBlocks);
  Value tokenBlock = b.sub(b.block, b.mul(rowBlock, tokenBlocks));
  return {selectPart(b, args, spec, rowBlock, form.usedRows), b.mul(tokenBlock, kSm90TileTokens)};
}

static void initialize(KernelBuilder &b, Ring &ring) {
  b.ifThen(b.equal(b.thread, b.index(0)), [&] {
    ring.barriers.initialize(0, kSm90Stages, 1);
    ring.barriers.initialize(kSm90Stages, kSm90Stages, kConsumers / kWarp);
  });
  b.barrier();
}

static void emitPrefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const PrefillForm &form) {
  BlockTile block = selectTile(b, args, spec, form);
  Ring ring(b, form);
  initialize(b, ring);
  b.ifThen(b.equal(b.thread, b.index(kConsumers)), [&] {
    for (unsigned i = 0; i != spec.parts.size(); ++i)
      b.ifThen(b.equal(block.part.index, b.index(i)), [&] {
        produce(b, ring, spec, form, {args.maps[0], args.maps[1 + i]}, block);
      });
  });
  b.warpBarrier();
  Value tile = b.shared(b.getF32Type(), {kSm90TileTokens, form.tileStride()}, 0);
  b.ifThen(b.less(b.warp, b.index(kConsumers / kWarp)), [&] {
    Value firstToken = b.mul(b.div(b.warp, kGroup / kWarp), kGroupTokens);
    Value sums = consume(b, ring, spec, form, firstToken);
    b.barrierOfFirst(kConsumers); // the tile takes the ring's place
    storeSums(b, tile, firstToken, form.tileRows, sums);
  });
  const BlockPart &part = block.part;
  Value count = b.min(b.sub(part.rows, part.firstRow), b.index(form.usedRows));
  Value tokens = b.sub(productRows(spec, args), block.firstToken);
  emitEpilogue(b, args, spec, part.index,
               {tile, form.tileStride(), block.firstToken, b.min(tokens, b.index(kSm90TileTokens)),
                part.firstRow, count});
}

bool strata::nvptx::fitsPrefillSm90(const LinearSpec &spec) {
  // wgmma reads weights as TMA brings them: bf16, and rows of one stride, no blocks.
  for (const LinearSpec::Part &part : spec.parts)
    if (!part.element.isBF16() || part.quantized || (part.box && part.box.getGroupRows()))
      return false;
  return PrefillForm(spec).tileRows <= kMostColumns;
}

PhaseSpec strata::nvptx::describePrefillSm90(const LinearSpec &spec) {
  PrefillForm form(spec);
  PhaseSpec phase{
      "prefill",
      spec.axis(),
      kSm90TileTokens,
      rowBlocks(spec, form.usedRows),
      [=](KernelBuilder &b, const KernelArguments &args) { emitPrefill(b, args, spec, form); },
      {kConsumers + kWarp, form.sharedBytes()}};
  unsigned input = prefillPrepares(spec) ? *spec.workspace : spec.input;
  phase.block.maps.push_back(
      {input, spec.axis(), 1, spec.inFeatures, kSm90TileTokens, kSwizzledFeatures});
  for (const LinearSpec::Part &part : spec.parts)
    phase.block.maps.push_back({part.weight, Axis::One, part.rows, spec.inFeatures, form.tileRows,
                                kSwizzledFeatures, part.box ? part.box.getRowStride() : 0});
  return phase;
}
