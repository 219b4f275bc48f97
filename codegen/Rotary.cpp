//===- Rotary.cpp - the arithmetic of decoder.rotary_table ----------------===//
//
// Frequency and angle are f32, as in training. Sine and cosine of the angle are computed in f64, so
// that positions in the millions keep full f32 accuracy: k = round(2x/pi), r = x - k pi/2 with pi/2
// in two parts, Taylor series of sin r and cos r for |r| <= pi/4 (error below 1e-13), and the
// quadrant k mod 4 chooses sign and function.
//
//===----------------------------------------------------------------------===//

#include "codegen/Rotary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace strata;

static Value f64(BodyBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
}

/// Horner's scheme, the highest coefficient first.
static Value polynomial(BodyBuilder &b, Value x, ArrayRef<double> coefficients) {
  Value sum = f64(b, coefficients.front());
  for (double c : coefficients.drop_front())
    sum = b.fma(sum, x, f64(b, c));
  return sum;
}

static Value quadrantIs(BodyBuilder &b, Value quadrant, int64_t bit) {
  Value masked = arith::AndIOp::create(b, quadrant, arith::ConstantIntOp::create(b, bit, 64));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, masked,
                               arith::ConstantIntOp::create(b, 0, 64));
}

std::pair<Value, Value> strata::emitCosSin(BodyBuilder &b, Value angle) {
  Value x = arith::ExtFOp::create(b, b.getF64Type(), angle);
  Value k = math::RoundEvenOp::create(b, b.mulf(x, f64(b, 0x1.45f306dc9c883p-1))); // 2/pi
  Value r = b.fma(k, f64(b, -0x1.921fb54442d18p+0), x);                            // pi/2
  r = b.fma(k, f64(b, -0x1.1a62633145c07p-54), r);
  Value r2 = b.mulf(r, r);
  Value sin = polynomial(
      b, r2,
      {1.0 / 6227020800, -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0});
  sin = b.mulf(sin, r);
  Value cos = polynomial(b, r2,
                         {-1.0 / 87178291200, 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320,
                          -1.0 / 720, 1.0 / 24, -0.5, 1.0});
  Value quadrant = arith::FPToSIOp::create(b, b.getI64Type(), k);
  Value swap = quadrantIs(b, quadrant, 1);
  Value c = b.select(swap, sin, cos), s = b.select(swap, cos, sin);
  // cos is negative in quadrants 1 and 2, sin in 2 and 3.
  Value next = arith::AddIOp::create(b, quadrant, arith::ConstantIntOp::create(b, 1, 64));
  c = b.select(quadrantIs(b, next, 2), arith::NegFOp::create(b, c), c);
  s = b.select(quadrantIs(b, quadrant, 2), arith::NegFOp::create(b, s), s);
  auto narrow = [&](Value v) -> Value { return arith::TruncFOp::create(b, b.getF32Type(), v); };
  return {narrow(c), narrow(s)};
}

llvm::SmallVector<float> strata::rotaryFrequencies(RotaryTableOp op) {
  float theta = op.getTheta().convertToFloat(), scale = op.getScale().convertToFloat();
  int64_t columns = columnsOf(op.getResult()), dims = op.getDims().value_or(columns);
  SmallVector<float> result;
  for (int64_t i = 0; i != columns / 2; ++i)
    result.push_back(1.0f / std::pow(theta, float(2 * i) / float(dims)) / scale);
  return result;
}

std::pair<Value, Value> strata::rotate(BodyBuilder &b, Value x, Value y, Value cos, Value sin) {
  return {b.subf(b.mulf(x, cos), b.mulf(y, sin)), b.fma(y, cos, b.mulf(x, sin))};
}
