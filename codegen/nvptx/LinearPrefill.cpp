//===- LinearPrefill.cpp - many tokens, on tensor cores -------------------===//
//
// mma.m16n8k16 on tiles of kTileTokens x at least kTileRows. Four warps share a tile two by two. A
// ring of kStages asynchronous copies brings kTileFeatures features of tokens and weight rows at a
// time; rows of 64 bytes are swizzled, chunk ^ (row / 2) % 4, so that ldmatrix meets no bank twice.
// What lies beyond tokens, rows or features is filled with zeros by the copies.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/LinearPrefill.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

PrefillForm::PrefillForm(const LinearSpec &spec) {
  usedRows = kTileRows;
  if (spec.headDim) // as many whole heads as fit, at least one
    usedRows = std::max<int64_t>(kTileRows / spec.headDim, 1) * spec.headDim;
  tileRows = llvm::alignTo(usedRows, 64); // two warps of whole pairs of 8 rows, two at a time
}

//===----------------------------------------------------------------------===//
// A stage of the ring
//===----------------------------------------------------------------------===//

Value strata::nvptx::swizzled(KernelBuilder &b, Value row, Value chunk) {
  Value pattern = b.rem(b.div(row, 2), kRowChunks);
  return b.mul(arith::XOrIOp::create(b, chunk, pattern), kChunk);
}

void strata::nvptx::copyOperand(KernelBuilder &b, const Operand &operand, Value stage,
                                Value feature, int64_t features) {
  for (int64_t i = 0; i != operand.rows * kRowChunks / b.threads; ++i) {
    Value flat = b.add(b.thread, i * b.threads);
    Value row = b.div(flat, kRowChunks), chunk = b.rem(flat, kRowChunks);
    Value from = b.add(operand.first, row), column = b.add(feature, b.mul(chunk, kChunk));
    Value inside = b.both(b.less(from, operand.count), b.less(column, b.index(features)));
    Value zero = b.index(0);
    b.copyAsync(
        operand.shared, {stage, row, swizzled(b, row, chunk)}, operand.global,
        {operand.stored(b.select(inside, from, zero)), b.div(b.select(inside, column, zero), 2)},
        b.select(inside, b.i32(16), b.i32(0)));
  }
}

/// The 16 x 16 piece of a stage's rows from `row` on, features 16k..: rows of the first operand.
static Values loadTokens(KernelBuilder &b, Value ring, Value stage, Value row, int64_t k) {
  Value at = b.add(row, b.rem(b.lane, 16)), chunk = b.add(b.div(b.lane, 16), 2 * k);
  return b.loadMatrices(ring, {stage, at, swizzled(b, at, chunk)});
}

/// Two 16 x 8 pieces of the second operand, its rows being columns of the product.
static Values loadRows(KernelBuilder &b, Value ring, Value stage, Value row, int64_t k) {
  Value at = b.add(b.add(row, b.rem(b.lane, 8)), b.mul(b.div(b.lane, 16), 8));
  Value chunk = b.add(b.rem(b.div(b.lane, 8), 2), 2 * k);
  return b.loadMatrices(ring, {stage, at, swizzled(b, at, chunk)});
}

Values strata::nvptx::multiplyStage(KernelBuilder &b, const PrefillBlock &block, Value stage,
                                    Value weights, Value weightStage, Values acc) {
  int64_t columns = block.columns();
  for (int64_t k = 0; k != kTileFeatures / 16; ++k) {
    SmallVector<Values> a;
    for (int64_t m = 0; m != 2; ++m)
      a.push_back(loadTokens(b, block.tokens.shared, stage, b.add(block.warpToken, 16 * m), k));
    for (int64_t n = 0; n != columns / 16; ++n) {
      Values w = loadRows(b, weights, weightStage, b.add(block.warpRow, 16 * n), k);
      for (const Values &term : termsOf(b, block.spec, w))
        for (int64_t m = 0; m != 2; ++m)
          for (int64_t half = 0; half != 2; ++half) {
            auto *piece = acc.begin() + 4 * (m * columns / 8 + 2 * n + half);
            Values sum = b.mma(ValueRange(ArrayRef<Value>(piece, 4)), a[m], term[2 * half],
                               term[2 * half + 1]);
            llvm::copy(sum, piece);
          }
    }
  }
  return acc;
}

/// The ring: copies run kStages - 1 stages ahead of the products. Returns the accumulators.
static Values multiply(KernelBuilder &b, const PrefillBlock &block, const Operand &weights) {
  int64_t features = block.spec.inFeatures, steps = llvm::divideCeil(features, kTileFeatures);
  auto copyStep = [&](Value step) {
    Value stage = b.rem(step, kStages), feature = b.mul(step, kTileFeatures);
    copyOperand(b, block.tokens, stage, feature, features);
    copyOperand(b, weights, stage, feature, features);
  };
  for (int64_t step = 0; step != kStages - 1; ++step) {
    if (step < steps)
      copyStep(b.index(step));
    b.commitCopies();
  }
  return b.loop(b.index(0), b.index(steps), 1, block.zeros(b), [&](Value step, ValueRange acc) {
    b.waitCopies(kStages - 2);
    b.barrier(); // the stage is whole, and nobody reads the one that is copied over next
    Value ahead = b.add(step, kStages - 1);
    b.ifThen(b.less(ahead, b.index(steps)), [&] { copyStep(ahead); });
    b.commitCopies();
    Value stage = b.rem(step, kStages);
    return multiplyStage(b, block, stage, weights.shared, stage, Values(acc));
  });
}

//===----------------------------------------------------------------------===//
// A block
//===----------------------------------------------------------------------===//

PrefillBlock::PrefillBlock(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                           const PrefillForm &form)
    : args(args), spec(spec), form(form) {
  int64_t rowBlockCount = rowBlocks(spec, form.usedRows);
  firstToken = b.mul(b.div(b.block, rowBlockCount), kTileTokens);
  part = selectPart(b, args, spec, b.rem(b.block, rowBlockCount), form.usedRows);
  rows = productRows(spec, args);
  tokens = {b.shared(b.getBF16Type(), {kStages, kTileTokens, kTileFeatures}, 0),
            preparedPairs(b, args, spec),
            kTileTokens,
            firstToken,
            rows,
            [](Value row) { return row; }};
  warpToken = b.mul(b.rem(b.warp, 2), kTileTokens / 2);
  warpRow = b.mul(b.div(b.warp, 2), columns());
}

/// A warp's accumulators into the tile: lane l holds rows l/4 and l/4 + 8, columns 2(l%4) and next.
void PrefillBlock::store(KernelBuilder &b, ValueRange acc) const {
  b.waitCopies(0);
  b.barrier(); // the tile takes the ring's place
  Value tile = b.shared(b.getF32Type(), {kTileTokens, form.tileRows}, 0);
  Value row = b.div(b.lane, 4), column = b.mul(b.rem(b.lane, 4), 2);
  for (int64_t m = 0; m != 2; ++m)
    for (int64_t n = 0; n != columns() / 8; ++n)
      for (int64_t i = 0; i != 4; ++i)
        b.store(acc[4 * (m * columns() / 8 + n) + i], tile,
                {b.add(b.add(warpToken, row), 16 * m + 8 * (i / 2)),
                 b.add(b.add(warpRow, column), 8 * n + i % 2)});
}

void PrefillBlock::finish(KernelBuilder &b) const {
  Value tile = b.shared(b.getF32Type(), {kTileTokens, form.tileRows}, 0);
  Value count = b.min(b.sub(part.rows, part.firstRow), b.index(form.usedRows));
  Value tokenCount = b.min(b.sub(rows, firstToken), b.index(kTileTokens));
  emitEpilogue(b, args, spec, part.index,
               {tile, form.tileRows, firstToken, tokenCount, part.firstRow, count});
}

//===----------------------------------------------------------------------===//
// The form
//===----------------------------------------------------------------------===//

static int64_t sharedBytes(const PrefillForm &form) {
  int64_t stageBytes = 2 * (kTileTokens + form.tileRows) * kTileFeatures;
  return std::max(kStages * stageBytes, form.tileBytes());
}

static void emitPrefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const PrefillForm &form) {
  PrefillBlock block(b, args, spec, form);
  const BlockPart &part = block.part;
  Operand weights{
      b.shared(b.getBF16Type(), {kStages, form.tileRows, kTileFeatures}, kTokenRingBytes),
      part.weight,
      form.tileRows,
      part.firstRow,
      part.rows,
      [&](Value row) { return storedRowOf(b, spec, part.index, row); }};
  block.store(b, multiply(b, block, weights));
  block.finish(b);
}

PhaseSpec strata::nvptx::describePrefill(const LinearSpec &spec) {
  PrefillForm form(spec);
  return {"prefill",
          spec.axis(),
          kTileTokens,
          rowBlocks(spec, form.usedRows),
          [=](KernelBuilder &b, const KernelArguments &args) { emitPrefill(b, args, spec, form); },
          block(sharedBytes(form))};
}
