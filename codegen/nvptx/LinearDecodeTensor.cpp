//===- LinearDecodeTensor.cpp - the decode form on tensor cores -----------===//
//
// mma.m16n8k16 with weight rows as its first operand, from global memory right into its registers:
// a lane of a fragment wants two pairs of features of its row, but no matter which, as long as both
// operands agree. So it loads 16 bytes of a row, and its 4 pairs go to two mma. The warps take
// turns at the features; their sums are added in order in the end.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/LinearDecode.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// The 4 lanes of a row load 64 bytes at a time, and twice that for a whole line of the cache.
static constexpr int64_t kChunkPairs = 4 * kLoadPairs, kChunks = 2;

Value strata::nvptx::sumWarpTiles(KernelBuilder &b, const DecodeForm &form, ValueRange acc) {
  int64_t tokens = form.tokens, rows = form.unitRows, warps = b.threads / kWarp;
  Value row = b.div(b.lane, 4), column = b.mul(b.rem(b.lane, 4), 2);
  Value tiles = b.shared(b.getF32Type(), {warps, tokens, rows}, 0);
  for (int64_t r = 0; r != rows / 16; ++r)
    for (int64_t t = 0; t != tokens / 8; ++t)
      for (int64_t i = 0; i != 4; ++i)
        b.store(acc[4 * (r * tokens / 8 + t) + i], tiles,
                {b.warp, b.add(column, 8 * t + i % 2), b.add(row, 16 * r + 8 * (i / 2))});
  b.barrier();
  b.perThread(b.index(tokens * rows), [&](Value flat) {
    Value token = b.div(flat, rows), at = b.rem(flat, rows);
    Value sum = b.load(tiles, {b.index(0), token, at});
    for (int64_t warp = 1; warp != warps; ++warp)
      sum = b.addf(sum, b.load(tiles, {b.index(warp), token, at}));
    b.store(sum, tiles, {b.index(0), token, at});
  });
  return b.shared(b.getF32Type(), {tokens, rows}, 0);
}

namespace {
/// A warp's pieces: 16 weight rows x 8 tokens each.
class TensorForm {
public:
  TensorForm(KernelBuilder &b, const DecodeBlock &block)
      : b(b), block(block), rowPieces(block.form.unitRows / 16), tokenPieces(block.form.tokens / 8),
        row(b.div(b.lane, 4)), column(b.rem(b.lane, 4)) {
    for (int64_t r = 0; r != 2 * rowPieces; ++r)
      weightRows.push_back(block.weightRow(b, b.add(row, 8 * r)));
  }

  Value emit();

private:
  int64_t warps() const { return b.threads / kWarp; }
  /// Pairs that all warps take in a step.
  int64_t stepPairs() const { return warps() * kChunks * kChunkPairs; }
  Value pairOf(Value first, int64_t chunk) { return b.add(first, chunk * kChunkPairs); }

  /// [rows of 8][chunk], each 16 bytes.
  Values loadWeights(Value first);
  /// [pieces of 8 tokens][chunk]
  Values loadTokens(Value first);
  /// Values of features beyond the last one become zero.
  void clearTail(Value first, MutableArrayRef<Value> values);
  void multiply(Value first, Values weights, Values tokens, MutableArrayRef<Value> acc);

  KernelBuilder &b;
  const DecodeBlock &block;
  const int64_t rowPieces, tokenPieces;
  Value row, column; ///< of the lane in a fragment: a row or token, and which pairs of it
  Values weightRows, tokenRows;
  Value pairs; ///< of the tokens
};
} // namespace

Values TensorForm::loadWeights(Value first) {
  Values weights;
  for (Value row : weightRows)
    for (int64_t chunk = 0; chunk != kChunks; ++chunk)
      weights.push_back(block.loadWeight(b, row, pairOf(first, chunk)));
  return weights;
}

Values TensorForm::loadTokens(Value first) {
  Values tokens;
  Value last = b.index(block.spec.pairs() - kLoadPairs);
  for (Value token : tokenRows)
    for (int64_t chunk = 0; chunk != kChunks; ++chunk)
      tokens.push_back(b.load(pairs, {token, b.min(pairOf(first, chunk), last)}, kLoadPairs, 16));
  return tokens;
}

void TensorForm::clearTail(Value first, MutableArrayRef<Value> values) {
  if (block.spec.pairs() % stepPairs() == 0)
    return;
  for (auto [i, value] : llvm::enumerate(values)) {
    Value inside = b.less(pairOf(first, i % kChunks), b.index(block.spec.pairs()));
    value = b.select(inside, value, b.i32(0, kLoadPairs));
  }
}

void TensorForm::multiply(Value first, Values weights, Values tokens, MutableArrayRef<Value> acc) {
  clearTail(first, weights);
  clearTail(first, tokens);
  auto pair = [&](Value vector, int64_t i) -> Value {
    return vector::ExtractOp::create(b, vector, i);
  };
  for (int64_t chunk = 0; chunk != kChunks; ++chunk)
    for (int64_t i = 0; i != kLoadPairs; i += 2)
      for (int64_t r = 0; r != rowPieces; ++r) {
        Value low = weights[2 * r * kChunks + chunk], high = weights[(2 * r + 1) * kChunks + chunk];
        Values a = {pair(low, i), pair(high, i), pair(low, i + 1), pair(high, i + 1)};
        for (const Values &term : termsOf(b, block.spec, a))
          for (int64_t t = 0; t != tokenPieces; ++t) {
            Value x = tokens[t * kChunks + chunk];
            auto *piece = acc.begin() + 4 * (r * tokenPieces + t);
            Values sum =
                b.mma(ValueRange(ArrayRef<Value>(piece, 4)), term, pair(x, i), pair(x, i + 1));
            llvm::copy(sum, piece);
          }
      }
}

Value TensorForm::emit() {
  Value first = b.add(b.mul(b.warp, kChunks * kChunkPairs), b.mul(column, kLoadPairs));
  Values carried = loadWeights(first);
  InputRows input = block.stage(b);
  pairs = input.pairs;
  for (int64_t t = 0; t != tokenPieces; ++t)
    tokenRows.push_back(input.at(b.add(row, 8 * t)));
  size_t weights = carried.size();
  llvm::append_range(carried, loadTokens(first));
  size_t loads = carried.size();
  carried.append(4 * rowPieces * tokenPieces, b.f32(0));

  // As many steps for each lane, because a warp multiplies together.
  Value end = b.index(llvm::alignTo(block.spec.pairs(), stepPairs()));
  Values last = b.loop(b.index(0), end, stepPairs(), carried, [&](Value start, ValueRange in) {
    Value at = b.add(start, first), ahead = b.add(at, stepPairs());
    Values next = loadWeights(ahead), acc(in.drop_front(loads));
    llvm::append_range(next, loadTokens(ahead));
    multiply(at, Values(in.take_front(weights)), Values(in.slice(weights, loads - weights)), acc);
    llvm::append_range(next, acc);
    return next;
  });
  return sumWarpTiles(b, block.form, Values(llvm::drop_begin(last, loads)));
}

Value strata::nvptx::emitTensorProducts(KernelBuilder &b, const DecodeBlock &block) {
  return TensorForm(b, block).emit();
}
