//===- LinearBlocksPrefill.cpp - many rows times weights in blocks --------===//
//
// The frame of LinearPrefill.cpp, where weights are decoded between copy and product: rows are
// copied as they lie, a stretch at a time, two of them in turn. From there each step's features
// become a tile of bf16, swizzled alike, one step ahead of the products, so that one barrier a step
// is enough.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/LinearPrefill.h"
#include "codegen/nvptx/RawRows.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// Stretches that are there at a time, and decoded tiles.
static constexpr int64_t kRawStages = 2, kDecodedStages = 2;

/// A block of the largest formats; of small blocks so many that they begin at 8 bytes.
static RawStretches stretchesOf(const LinearSpec &spec, QuantizedFormat format) {
  return {format, spec.inFeatures, std::max<int64_t>(128, factsOf(format).blockWeights)};
}

static int64_t decodedBytes(const PrefillForm &form) {
  return 2 * kDecodedStages * form.tileRows * kTileFeatures;
}

namespace {
/// The products of a block's rows, of one format.
class BlocksPrefill {
public:
  BlocksPrefill(KernelBuilder &b, const PrefillBlock &block, QuantizedFormat format)
      : b(b), block(block), stretches(stretchesOf(block.spec, format)),
        steps(block.spec.inFeatures / kTileFeatures),
        stretchSteps(stretches.features / kTileFeatures), tileRows(block.form.tileRows),
        decoded(
            b.shared(b.getBF16Type(), {kDecodedStages, tileRows, kTileFeatures}, kTokenRingBytes)),
        raw(b.shared(b.getI8Type(), {kRawStages * tileRows * stretches.slotBytes()},
                     kTokenRingBytes + decodedBytes(block.form))) {}

  Values multiply();

private:
  Value rawStage(Value stretch) {
    return b.mul(b.rem(stretch, kRawStages), tileRows * stretches.slotBytes());
  }
  void copyTokens(Value step) {
    copyOperand(b, block.tokens, b.rem(step, kStages), b.mul(step, kTileFeatures),
                block.spec.inFeatures);
  }
  void copyRaw(Value stretch);
  /// The copies of a step: its tokens, and those of stretch `stretch` if it is not null.
  void copyAhead(Value step);
  /// Decodes the features of a step into its tile.
  void decode(Value step);

  KernelBuilder &b;
  const PrefillBlock &block;
  const RawStretches stretches;
  const int64_t steps, stretchSteps, tileRows;
  Value decoded, raw;
};
} // namespace

void BlocksPrefill::copyRaw(Value stretch) {
  const BlockPart &part = block.part;
  auto rowOf = [&](Value i) { return b.add(part.firstRow, i); };
  copyStretches(b, stretches, part.weight, stretch, raw, rawStage(stretch), tileRows,
                {b.thread, b.threads}, rowOf, [&](Value i) { return b.less(rowOf(i), part.rows); });
}

void BlocksPrefill::copyAhead(Value step) {
  Value ahead = b.add(step, kStages - 1);
  b.ifThen(b.less(ahead, b.index(steps)), [&] { copyTokens(ahead); });
  // The stretch before this one has been decoded, so the next may take its place.
  Value next = b.add(b.div(step, stretchSteps), 1);
  Value isWanted = b.both(b.equal(b.rem(step, stretchSteps), b.index(0)),
                          b.less(next, b.index(stretches.count())));
  b.ifThen(isWanted, [&] { copyRaw(next); });
  b.commitCopies();
}

void BlocksPrefill::decode(Value step) {
  constexpr int64_t rowPieces = kTileFeatures / kPiece, pieceChunks = kPiece / kChunk;
  Value stretch = b.div(step, stretchSteps), stage = b.rem(step, kDecodedStages);
  Value firstPiece = b.mul(b.rem(step, stretchSteps), rowPieces), slots = rawStage(stretch);
  b.perThread(b.index(tileRows * rowPieces), [&](Value flat) {
    Value row = b.div(flat, rowPieces), piece = b.rem(flat, rowPieces);
    Value offset = stretches.offsetInSlot(b, b.add(block.part.firstRow, row), stretch);
    Value first = b.add(b.add(slots, b.mul(row, stretches.slotBytes())), offset);
    Values pairs = loadPiece(b, stretches.format, raw, first, b.add(firstPiece, piece)).pairs(b);
    for (int64_t chunk = 0; chunk != pieceChunks; ++chunk) {
      ArrayRef<Value> own = ArrayRef<Value>(pairs).slice(chunk * kLoadPairs, kLoadPairs);
      auto type = VectorType::get(kLoadPairs, b.getI32Type());
      Value words = vector::FromElementsOp::create(b, type, ValueRange(own));
      Value numbers = vector::BitCastOp::create(b, VectorType::get(kChunk, b.getBF16Type()), words);
      Value column = swizzled(b, row, b.add(b.mul(piece, pieceChunks), chunk));
      b.store(numbers, decoded, {stage, row, column}, 16);
    }
  });
}

Values BlocksPrefill::multiply() {
  static_assert(kStages == 3, "of the steps before the first one");
  copyTokens(b.index(0));
  copyRaw(b.index(0));
  b.commitCopies();
  if (steps > 1)
    copyTokens(b.index(1));
  b.commitCopies();
  b.waitCopies(1);
  b.barrier();
  decode(b.index(0));
  return b.loop(b.index(0), b.index(steps), 1, block.zeros(b), [&](Value step, ValueRange acc) {
    b.waitCopies(kStages - 2);
    b.barrier(); // tokens and decoded weights are whole, and nobody reads those of the last step
    copyAhead(step);
    Value next = b.add(step, 1);
    b.ifThen(b.less(next, b.index(steps)), [&] { decode(next); });
    return multiplyStage(b, block, b.rem(step, kStages), decoded, b.rem(step, kDecodedStages),
                         Values(acc));
  });
}

static void emitBlocksPrefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                              const PrefillForm &form) {
  PrefillBlock block(b, args, spec, form);
  forFormatOf(b, spec, block.part.index, [&](QuantizedFormat format) {
    block.store(b, BlocksPrefill(b, block, format).multiply());
  });
  block.finish(b);
}

PhaseSpec strata::nvptx::describeBlocksPrefill(const LinearSpec &spec) {
  PrefillForm form(spec);
  int64_t raw = mostOfFormats(spec, [&](QuantizedFormat format) {
    return kRawStages * form.tileRows * stretchesOf(spec, format).slotBytes();
  });
  int64_t bytes = std::max(kTokenRingBytes + decodedBytes(form) + raw, form.tileBytes());
  return {"prefill",
          spec.axis(),
          kTileTokens,
          rowBlocks(spec, form.usedRows),
          [=](KernelBuilder &b, const KernelArguments &args) {
            emitBlocksPrefill(b, args, spec, form);
          },
          block(bytes)};
}
