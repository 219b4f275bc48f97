//===- LinearBlocksDecode.cpp - few rows times weights in blocks ----------===//
//
// The vector form: a lane has pieces of 16 features, of all its warp's rows and all tokens. Whole
// numbers are multiplied with the input, and the sums scaled piece by piece.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/LinearBlocksDecode.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

//===----------------------------------------------------------------------===//
// The ring
//===----------------------------------------------------------------------===//

/// Where rings begin in shared memory.
static int64_t ringOffset(const LinearSpec &spec, const DecodeForm &form) {
  return llvm::alignTo(decodeTileBytes(form) + stagedBytes(spec, form), 16);
}

RawRing::RawRing(KernelBuilder &b, const DecodeBlock &block, const RawStretches &stretches,
                 int64_t rows, int64_t stages, Value firstColumn)
    : stretches(stretches), b(b), block(block), rows(rows), stages(stages),
      firstColumn(firstColumn) {
  int64_t all = bytes(stretches, rows, stages);
  memory = b.shared(b.getI8Type(), {all}, ringOffset(block.spec, block.form));
  first = b.mul(b.warp, all / (b.threads / kWarp));
}

void RawRing::copy(Value turn, Value stretch) {
  b.ifThen(b.less(stretch, b.index(stretches.count())), [&] {
    copyStretches(b, stretches, block.part.weight, stretch, memory, stage(turn), rows,
                  {b.lane, kWarp}, [&](Value i) { return rowOf(i); });
  });
  b.commitCopies();
}

void RawRing::advance(Value turn, Value aheadStretch) {
  b.waitCopies(stages - 2);
  b.warpBarrier(); // this turn's are here for all lanes, and nobody reads those of the last one
  copy(b.add(turn, stages - 1), aheadStretch);
}

Piece RawRing::load(Value turn, Value stretch, Value row, Value piece) {
  Value slot = b.add(stage(turn), b.mul(row, stretches.slotBytes()));
  Value from = b.add(slot, stretches.offsetInSlot(b, rowOf(row), stretch));
  return loadPiece(b, stretches.format, memory, from, piece);
}

//===----------------------------------------------------------------------===//
// The vector form
//===----------------------------------------------------------------------===//

static constexpr int64_t kPiecePairs = kPiece / 2;

/// A piece a lane, or so many that stretches lie 8 bytes apart or more: then few bytes are read of
/// two of them.
static RawStretches vectorStretches(const LinearSpec &spec, QuantizedFormat format) {
  int64_t features = kWarp * kPiece;
  while (bytesOf(format, features) % 8)
    features *= 2;
  return {format, spec.inFeatures, features};
}

static int64_t warpRows(const DecodeForm &form) { return form.unitRows / (kThreads / kWarp); }

int64_t strata::nvptx::vectorRingBytes(const LinearSpec &spec, const DecodeForm &form,
                                       QuantizedFormat format) {
  return RawRing::bytes(vectorStretches(spec, format), warpRows(form), kStages);
}

namespace {
class BlocksVectorForm {
public:
  BlocksVectorForm(KernelBuilder &b, const DecodeBlock &block, QuantizedFormat format)
      : b(b), block(block), rows(warpRows(block.form)), firstColumn(b.mul(b.warp, rows)),
        ring(b, block, vectorStretches(block.spec, format), rows, kStages, firstColumn) {}

  void begin() {
    for (int64_t stretch = 0; stretch != kStages - 1; ++stretch)
      ring.copy(b.index(stretch), b.index(stretch));
  }
  void finish(const InputRows &input);

private:
  /// Adds the products of piece `local` of the stretch.
  void multiply(Value stretch, Value local, MutableArrayRef<Value> acc);
  void loadTokens(Value piece);

  KernelBuilder &b;
  const DecodeBlock &block;
  const int64_t rows; ///< of a warp
  Value firstColumn;
  RawRing ring;
  Value pairs; ///< of the tokens
  Values tokenRows;
  SmallVector<Values> x; ///< [token]: f32 of a piece
  Values sums;           ///< of these
};
} // namespace

void BlocksVectorForm::loadTokens(Value piece) {
  x.assign(tokenRows.size(), {});
  sums.clear();
  Value first = b.mul(piece, kPiecePairs);
  for (auto [token, numbers] : llvm::zip(tokenRows, x)) {
    for (int64_t i = 0; i != kPiecePairs; i += kLoadPairs) {
      Value some = b.load(pairs, {token, b.add(first, i)}, kLoadPairs, 16);
      for (int64_t lane = 0; lane != kLoadPairs; ++lane) {
        Value pair = vector::ExtractOp::create(b, some, lane);
        numbers.append({b.evens(pair), b.odds(pair)});
      }
    }
    if (!hasOffsets(ring.stretches.format))
      continue;
    sums.push_back(numbers.front());
    for (Value number : llvm::drop_begin(numbers))
      sums.back() = b.addf(sums.back(), number);
  }
}

void BlocksVectorForm::multiply(Value stretch, Value local, MutableArrayRef<Value> acc) {
  // Behind the last piece of a row come zeros; the input's last one is multiplied with them.
  int64_t pieces = ring.stretches.inFeatures / kPiece;
  Value piece = b.add(b.mul(stretch, ring.stretches.features / kPiece), local);
  loadTokens(b.min(piece, b.index(pieces - 1)));
  for (int64_t r = 0; r != rows; ++r) {
    Piece weights = ring.load(stretch, stretch, b.index(r), local);
    for (size_t t = 0; t != x.size(); ++t) {
      Value dot = b.mulf(weights.numbers[0], x[t][0]);
      for (int64_t i = 1; i != kPiece; ++i)
        dot = b.fma(weights.numbers[i], x[t][i], dot);
      Value &sum = acc[r * x.size() + t];
      sum = b.fma(weights.scale, dot, sum);
      if (weights.offset)
        sum = b.fma(weights.offset, sums[t], sum);
    }
  }
}

void BlocksVectorForm::finish(const InputRows &input) {
  int64_t tokens = block.form.tokens;
  pairs = input.pairs;
  for (int64_t t = 0; t != tokens; ++t)
    tokenRows.push_back(input.at(b.index(t)));
  Values zeros(rows * tokens, b.f32(0));
  Value count = b.index(ring.stretches.count());
  Values dots = b.loop(b.index(0), count, 1, zeros, [&](Value stretch, ValueRange in) {
    Values acc(in);
    ring.advance(stretch, b.add(stretch, kStages - 1));
    for (int64_t i = 0; i != ring.stretches.features / kPiece; i += kWarp)
      multiply(stretch, b.add(b.lane, i), acc);
    return acc;
  });
  for (Value &dot : dots)
    dot = b.warpSum(dot);
  Value tile = b.shared(b.getF32Type(), {tokens, block.form.unitRows}, 0);
  b.ifThen(b.equal(b.lane, b.index(0)), [&] {
    for (auto [i, dot] : llvm::enumerate(dots))
      b.store(dot, tile, {b.index(i % tokens), b.add(firstColumn, i / tokens)});
  });
}

BlocksProducts strata::nvptx::blocksVectorProducts(KernelBuilder &b, const DecodeBlock &block,
                                                   QuantizedFormat format) {
  auto form = std::make_shared<BlocksVectorForm>(b, block, format);
  return {[=] { form->begin(); }, [=](const InputRows &input) { form->finish(input); }};
}

//===----------------------------------------------------------------------===//
// Either form
//===----------------------------------------------------------------------===//

static void emitBlocksDecode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                             const DecodeForm &form) {
  DecodeBlock block{args, spec, form, selectPart(b, args, spec, b.block, form.unitRows)};
  const BlockPart &part = block.part;
  auto products = form.tensorCores ? blocksTensorProducts : blocksVectorProducts;
  forFormatOf(b, spec, part.index,
              [&](QuantizedFormat format) { products(b, block, format).begin(); });
  InputRows input = block.stage(b);
  forFormatOf(b, spec, part.index,
              [&](QuantizedFormat format) { products(b, block, format).finish(input); });
  Value tile = b.shared(b.getF32Type(), {form.tokens, form.unitRows}, 0);
  Value rows = b.min(b.sub(part.rows, part.firstRow), b.index(form.unitRows));
  emitEpilogue(b, args, spec, part.index,
               {tile, form.unitRows, b.index(0), productRows(spec, args), part.firstRow, rows,
                decodeOrder(spec)});
}

PhaseSpec strata::nvptx::describeBlocksDecode(const LinearSpec &spec, const DecodeForm &form) {
  int64_t ring = mostOfFormats(spec, [&](QuantizedFormat format) {
    return (form.tensorCores ? tensorRingBytes : vectorRingBytes)(spec, form, format);
  });
  return {
      "decode" + std::to_string(form.tokens),
      Axis::One,
      1,
      rowBlocks(spec, form.unitRows),
      [=](KernelBuilder &b, const KernelArguments &args) { emitBlocksDecode(b, args, spec, form); },
      block(ringOffset(spec, form) + ring)};
}
