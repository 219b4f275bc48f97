//===- LinearDecode.cpp - few tokens: the weight stream decides -----------===//
//
// A block takes one unit of weight rows: kUnitRows of them, or a head where rope or the cache need
// one. Each warp streams a few rows at a time, 16 bytes a lane, once for all tokens.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/Linear.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// Pairs of a 16-byte load.
static constexpr int64_t kLoadPairs = 4;

namespace {
struct DecodeForm {
  int64_t tokens;   ///< accumulators for each row; rows beyond the step repeat the last one
  int64_t warpRows; ///< rows that a warp streams at a time
  int64_t unitRows; ///< rows of a block
};
} // namespace

/// The 4 pairs of `vector`, one by one.
static Values split(KernelBuilder &b, Value vector) {
  Values pairs;
  for (int64_t i = 0; i != kLoadPairs; ++i)
    pairs.push_back(vector::ExtractOp::create(b, vector, i));
  return pairs;
}

/// f32 products of `rows` weight rows with all tokens, summed over this lane's features only.
static Values emitPartialDots(KernelBuilder &b, const LinearSpec &spec, const DecodeForm &form,
                              Value weight, ValueRange rows, Value input, ValueRange tokens) {
  Values zeros(rows.size() * tokens.size(), b.f32(0));
  return b.loop(b.mul(b.lane, kLoadPairs), b.index(spec.pairs()), kWarp * kLoadPairs, zeros,
                [&](Value pair, ValueRange in) {
                  Values acc(in);
                  SmallVector<Values> w;
                  for (Value row : rows)
                    w.push_back(split(b, b.load(weight, {row, pair}, kLoadPairs, 16)));
                  for (auto [t, token] : llvm::enumerate(tokens)) {
                    Values x = split(b, b.load(input, {token, pair}, kLoadPairs, 16));
                    for (size_t r = 0; r != rows.size(); ++r)
                      for (int64_t i = 0; i != kLoadPairs; ++i) {
                        Value &sum = acc[r * tokens.size() + t];
                        sum = b.fma(b.evens(w[r][i]), b.evens(x[i]), sum);
                        sum = b.fma(b.odds(w[r][i]), b.odds(x[i]), sum);
                      }
                  }
                  return acc;
                });
}

static void emitDecode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                       const DecodeForm &form) {
  BlockPart part = selectPart(b, args, spec, b.block, form.unitRows);
  Value input = preparedPairs(b, args, spec);
  Value tile = b.shared(b.getF32Type(), {form.tokens, form.unitRows}, 0);
  Value last = b.sub(productRows(spec, args), b.index(1));
  Values tokens;
  for (int64_t t = 0; t != form.tokens; ++t)
    tokens.push_back(b.min(b.index(t), last));

  int64_t step = b.threads / kWarp * form.warpRows;
  b.loop(b.mul(b.warp, form.warpRows), b.index(form.unitRows), step, [&](Value column) {
    Values rows;
    for (int64_t r = 0; r != form.warpRows; ++r) // rows beyond the part repeat its last one
      rows.push_back(b.min(b.add(b.add(part.firstRow, column), r), b.sub(part.rows, b.index(1))));
    Values dots = emitPartialDots(b, spec, form, part.weight, rows, input, tokens);
    for (int64_t r = 0; r != form.warpRows; ++r)
      for (int64_t t = 0; t != form.tokens; ++t) {
        Value sum = b.warpSum(dots[r * form.tokens + t]);
        Value at = b.add(column, r);
        b.ifThen(b.both(b.equal(b.lane, b.index(0)), b.less(at, b.index(form.unitRows))), [&] {
          b.store(sum, tile, {b.index(t), at});
        });
      }
  });
  Value rows = b.min(b.sub(part.rows, part.firstRow), b.index(form.unitRows));
  emitEpilogue(b, args, spec, part.part,
               {tile, form.unitRows, b.index(0), productRows(spec, args), part.firstRow, rows});
}

PhaseSpec strata::nvptx::describeDecode(const LinearSpec &spec, int64_t index) {
  DecodeForm form{kDecodeRows[index], kDecodeWarpRows[index],
                  spec.headDim ? spec.headDim : kUnitRows};
  return {"decode" + std::to_string(form.tokens),
          Axis::One,
          1,
          rowBlocks(spec, form.unitRows),
          4 * form.tokens * form.unitRows,
          [=](KernelBuilder &b, const KernelArguments &args) { emitDecode(b, args, spec, form); }};
}
