//===- LinearDecode.cpp - decode forms: the weight stream decides ---------===//
//
// A block takes form.unitRows weight rows. In the vector form each warp streams its share of them,
// once for all tokens.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/LinearDecode.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

Value DecodeBlock::weightRow(KernelBuilder &b, Value column) const {
  Value last = b.sub(part.rows, b.index(1));
  Value row = rowAt(b, spec, decodeOrder(spec), b.min(b.add(part.firstRow, column), last));
  return storedRowOf(b, spec, part.index, row);
}

Value DecodeBlock::loadWeight(KernelBuilder &b, Value row, Value pair) const {
  return b.load(part.weight, {row, b.min(pair, b.index(spec.pairs() - kLoadPairs))}, kLoadPairs,
                16);
}

InputRows DecodeBlock::stage(KernelBuilder &b) const {
  return stageRows(b, args, spec, form, decodeTileBytes(form));
}

//===----------------------------------------------------------------------===//
// The vector form: a lane has its features of all rows and tokens
//===----------------------------------------------------------------------===//

/// The 4 pairs of `vector`, one by one.
static Values split(KernelBuilder &b, Value vector) {
  Values pairs;
  for (int64_t i = 0; i != kLoadPairs; ++i)
    pairs.push_back(vector::ExtractOp::create(b, vector, i));
  return pairs;
}

/// acc[row][token] + the products of 8 features.
static void multiplyAdd(KernelBuilder &b, bool f16, ValueRange weights, ValueRange tokens,
                        MutableArrayRef<Value> acc) {
  auto halves = [&](Value pair) {
    return f16 ? b.widenF16(pair) : std::pair{b.evens(pair), b.odds(pair)};
  };
  SmallVector<Values> w;
  for (Value weight : weights)
    w.push_back(split(b, weight));
  for (auto [t, token] : llvm::enumerate(tokens)) {
    Values x = split(b, token);
    for (size_t r = 0; r != w.size(); ++r)
      for (int64_t i = 0; i != kLoadPairs; ++i) {
        Value &sum = acc[r * tokens.size() + t];
        auto [even, odd] = halves(w[r][i]);
        sum = b.fma(even, b.evens(x[i]), sum);
        sum = b.fma(odd, b.odds(x[i]), sum);
      }
  }
}

/// f32 products of weight rows with all tokens, [row][token], summed over this lane's features.
static Values emitPartialDots(KernelBuilder &b, const DecodeBlock &block, ValueRange rows) {
  auto loadWeights = [&](Value pair) {
    Values weights;
    for (Value row : rows)
      weights.push_back(block.loadWeight(b, row, pair));
    return weights;
  };
  Value first = b.mul(b.lane, kLoadPairs);
  Values carried = loadWeights(first);
  InputRows input = block.stage(b);
  Values tokens;
  for (int64_t t = 0; t != block.form.tokens; ++t)
    tokens.push_back(input.at(b.index(t)));
  carried.append(rows.size() * tokens.size(), b.f32(0));

  int64_t step = kWarp * kLoadPairs;
  Values last =
      b.loop(first, b.index(block.spec.pairs()), step, carried, [&](Value pair, ValueRange in) {
        Values next = loadWeights(b.add(pair, step));
        Values acc(in.drop_front(rows.size())), x;
        for (Value token : tokens)
          x.push_back(b.load(input.pairs, {token, pair}, kLoadPairs, 16));
        multiplyAdd(b, isF16(block.spec), in.take_front(rows.size()), x, acc);
        llvm::append_range(next, acc);
        return next;
      });
  return Values(llvm::drop_begin(last, rows.size()));
}

Value strata::nvptx::emitVectorProducts(KernelBuilder &b, const DecodeBlock &block) {
  int64_t tokens = block.form.tokens, warpRows = block.form.unitRows / (b.threads / kWarp);
  Value firstColumn = b.mul(b.warp, warpRows);
  Values rows;
  for (int64_t r = 0; r != warpRows; ++r)
    rows.push_back(block.weightRow(b, b.add(firstColumn, r)));
  Values dots = emitPartialDots(b, block, rows);
  for (Value &dot : dots)
    dot = b.warpSum(dot);
  Value tile = b.shared(b.getF32Type(), {tokens, block.form.unitRows}, 0);
  b.ifThen(b.equal(b.lane, b.index(0)), [&] {
    for (auto [i, dot] : llvm::enumerate(dots))
      b.store(dot, tile, {b.index(i % tokens), b.add(firstColumn, i / tokens)});
  });
  return tile;
}

//===----------------------------------------------------------------------===//
// Either form
//===----------------------------------------------------------------------===//

int64_t strata::nvptx::decodeTileBytes(const DecodeForm &form) {
  int64_t parts = form.tensorCores ? kThreads / kWarp : 1;
  return 4 * parts * form.tokens * form.unitRows;
}

static void emitDecode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                       const DecodeForm &form) {
  DecodeBlock block{args, spec, form, selectPart(b, args, spec, b.block, form.unitRows)};
  const BlockPart &part = block.part;
  Value tile = form.tensorCores ? emitTensorProducts(b, block) : emitVectorProducts(b, block);
  Value rows = b.min(b.sub(part.rows, part.firstRow), b.index(form.unitRows));
  emitEpilogue(b, args, spec, part.index,
               {tile, form.unitRows, b.index(0), productRows(spec, args), part.firstRow, rows,
                decodeOrder(spec)});
}

PhaseSpec strata::nvptx::describeDecode(const LinearSpec &spec, const DecodeForm &form) {
  return {"decode" + std::to_string(form.tokens),
          Axis::One,
          1,
          rowBlocks(spec, form.unitRows),
          [=](KernelBuilder &b, const KernelArguments &args) { emitDecode(b, args, spec, form); },
          block(decodeTileBytes(form) + stagedBytes(spec, form))};
}
