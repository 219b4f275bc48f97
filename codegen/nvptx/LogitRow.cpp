//===- LogitRow.cpp - a row of logits, as a block looks at it -------------===//

#include "codegen/nvptx/LogitRow.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

LogitRow::Loaded LogitRow::load(Value at) const {
  Value word = b.load(allowed, {allowedRow, b.div(at, 32)});
  Value shift = arith::IndexCastOp::create(b, b.getI32Type(), b.rem(at, 32));
  return {b.load(logits, {row, at}, lanes, 4 * lanes), arith::ShRUIOp::create(b, word, shift)};
}

Value LogitRow::logit(const Loaded &loaded, int64_t lane) const {
  return vector::ExtractOp::create(b, loaded.logits, lane);
}

Value LogitRow::allowedLogit(const Loaded &loaded, int64_t lane) const {
  Value bit = b.both(loaded.bits, b.i32(int64_t(1) << lane));
  return b.select(b.equal(bit, b.i32(0)), b.f32(-INFINITY), logit(loaded, lane));
}
