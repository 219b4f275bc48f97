//===- LinearBlocksDecodeTensor.cpp - up to 16 rows times blocks ----------===//
//
// mma.m16n8k16 as in LinearDecodeTensor.cpp: a lane of a fragment takes whole pieces of its rows,
// and the same features of its tokens. 4 lanes of a row have 64 features, in 4 mma. The warps take
// turns at the stretches; their sums are added in order in the end. Weights are rounded to bf16.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/LinearBlocksDecode.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

static constexpr int64_t kPairs = kPiece / 2, kLanePieces = 4, kRawStages = 2;

/// A block of the large formats, 8 of small ones: whole 16 bytes, but for Q6_K's 210.
static RawStretches tensorStretches(const LinearSpec &spec, QuantizedFormat format) {
  return {format, spec.inFeatures, 256};
}

int64_t strata::nvptx::tensorRingBytes(const LinearSpec &spec, const DecodeForm &form,
                                       QuantizedFormat format) {
  return RawRing::bytes(tensorStretches(spec, format), form.unitRows, kRawStages);
}

namespace {
class BlocksTensorForm {
public:
  BlocksTensorForm(KernelBuilder &b, const DecodeBlock &block, QuantizedFormat format)
      : b(b), block(block), warps(b.threads / kWarp), rowPieces(block.form.unitRows / 16),
        tokenPieces(block.form.tokens / 8), row(b.div(b.lane, 4)), column(b.rem(b.lane, 4)),
        ring(b, block, tensorStretches(block.spec, format), block.form.unitRows, kRawStages,
             b.index(0)) {}

  void begin() { ring.copy(b.index(0), b.warp); }
  void finish(const InputRows &input);

private:
  /// Pairs of each row of 8: [rows of 8][kPairs].
  SmallVector<Values> loadWeights(Value turn, Value stretch, Value piece);
  /// The same of tokens: [pieces of 8 tokens][kPairs].
  SmallVector<Values> loadTokens(Value piece);
  /// Adds the products of 64 features.
  Values multiply(Value turn, Value stretch, Value piece, ValueRange acc);

  KernelBuilder &b;
  const DecodeBlock &block;
  const int64_t warps, rowPieces, tokenPieces;
  Value row, column; ///< of the lane in a fragment: a row or token, and which piece of it
  RawRing ring;
  Value pairs; ///< of the tokens
  Values tokenRows;
};
} // namespace

SmallVector<Values> BlocksTensorForm::loadWeights(Value turn, Value stretch, Value piece) {
  SmallVector<Values> weights;
  for (int64_t r = 0; r != 2 * rowPieces; ++r)
    weights.push_back(ring.load(turn, stretch, b.add(row, 8 * r), piece).pairs(b));
  return weights;
}

SmallVector<Values> BlocksTensorForm::loadTokens(Value piece) {
  // Behind the last piece of a row come zeros; the input's last one is multiplied with them.
  Value last = b.index(block.spec.inFeatures / kPiece - 1);
  Value first = b.mul(b.min(piece, last), kPairs);
  SmallVector<Values> tokens(tokenRows.size());
  for (auto [token, own] : llvm::zip(tokenRows, tokens))
    for (int64_t i = 0; i != kPairs; i += kLoadPairs) {
      Value some = b.load(pairs, {token, b.add(first, i)}, kLoadPairs, 16);
      for (int64_t lane = 0; lane != kLoadPairs; ++lane)
        own.push_back(vector::ExtractOp::create(b, some, lane));
    }
  return tokens;
}

Values BlocksTensorForm::multiply(Value turn, Value stretch, Value local, ValueRange in) {
  Value piece = b.add(b.mul(stretch, ring.stretches.features / kPiece), local);
  SmallVector<Values> tokens = loadTokens(piece), weights = loadWeights(turn, stretch, local);
  Values acc(in);
  for (int64_t i = 0; i != kPairs; i += 2)
    for (int64_t r = 0; r != rowPieces; ++r) {
      const Values &low = weights[2 * r], &high = weights[2 * r + 1];
      Values a = {low[i], high[i], low[i + 1], high[i + 1]};
      for (int64_t t = 0; t != tokenPieces; ++t) {
        auto *sum = acc.begin() + 4 * (r * tokenPieces + t);
        llvm::copy(b.mma(ValueRange(ArrayRef<Value>(sum, 4)), a, tokens[t][i], tokens[t][i + 1]),
                   sum);
      }
    }
  return acc;
}

void BlocksTensorForm::finish(const InputRows &input) {
  pairs = input.pairs;
  for (int64_t t = 0; t != tokenPieces; ++t)
    tokenRows.push_back(input.at(b.add(row, 8 * t)));
  // As many turns for each warp; of a stretch behind the last one nothing is added.
  Value turns = b.index(llvm::divideCeil(ring.stretches.count(), warps));
  Value pieces = b.index(ring.stretches.features / kPiece);
  Values zeros(4 * rowPieces * tokenPieces, b.f32(0));
  Values acc = b.loop(b.index(0), turns, 1, zeros, [&](Value turn, ValueRange in) {
    Value stretch = b.add(b.mul(turn, warps), b.warp);
    ring.advance(turn, b.add(stretch, warps));
    Value end = b.select(b.less(stretch, b.index(ring.stretches.count())), pieces, b.index(0));
    return b.loop(b.index(0), end, kLanePieces, in, [&](Value first, ValueRange sums) {
      return multiply(turn, stretch, b.add(first, column), sums);
    });
  });
  sumWarpTiles(b, block.form, acc);
}

BlocksProducts strata::nvptx::blocksTensorProducts(KernelBuilder &b, const DecodeBlock &block,
                                                   QuantizedFormat format) {
  auto form = std::make_shared<BlocksTensorForm>(b, block, format);
  return {[=] { form->begin(); }, [=](const InputRows &input) { form->finish(input); }};
}
