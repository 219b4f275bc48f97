//===- BodyBuilder.h - writing the body of a kernel as MLIR -----*- C++ -*-===//
//
// The words that kernels of every target are written in: index arithmetic, counted loops, arrays,
// f32 and bf16. What a target has beyond them is in its own builder.
//
// bf16 in pairs: two neighbouring features as one i32, the even one in the low half. Each half is
// widened to f32 by one integer operation, and it is the unit of the dot products.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace strata {

using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<Value>;

/// What the running maximum of a softmax's scores begins with: of two infinities the difference,
/// which exp() takes, would be NaN.
inline constexpr double kLeastMaximum = -0x1.fffffep127;

class BodyBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// Of all ops that are written here.
  static void registerDialects(mlir::DialectRegistry &registry);

  /// Writes at the start of `entry`, a block of `function`. `narrowsBf16`: whether the target has
  /// an instruction for f32 to bf16; if not, it takes integer operations.
  BodyBuilder(mlir::func::FuncOp function, mlir::Block *entry, bool narrowsBf16);

  // Index arithmetic. Divisors are positive, dividends not negative.
  Value index(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, index(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value mul(Value a, Value b);
  Value div(Value a, Value b);
  Value div(Value a, int64_t b) { return div(a, index(b)); }
  Value rem(Value a, Value b);
  Value rem(Value a, int64_t b) { return rem(a, index(b)); }
  Value ceilDiv(Value a, int64_t b) { return div(add(a, b - 1), b); }
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value less(Value a, Value b);
  Value equal(Value a, Value b);
  Value both(Value a, Value b); ///< of i1, or bit by bit
  Value select(Value condition, Value a, Value b);
  Value toIndex(Value i32);

  // Control flow.
  /// for (i = begin; i < end; i += step) body(i)
  void loop(Value begin, Value end, int64_t step, llvm::function_ref<void(Value)> body);
  void loop(Value begin, Value end, Value step, llvm::function_ref<void(Value)> body);
  /// The same with values carried from iteration to iteration; returns the last ones.
  Values loop(Value begin, Value end, int64_t step, ValueRange initial,
              llvm::function_ref<Values(Value, ValueRange)> body);
  Values loop(Value begin, Value end, Value step, ValueRange initial,
              llvm::function_ref<Values(Value, ValueRange)> body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  void ifElse(Value condition, llvm::function_ref<void()> body,
              llvm::function_ref<void()> otherwise);

  // Memory.
  /// Bytes as a row-major array; dynamic sizes are taken from `sizes`. Keeps the memory space.
  Value view(Value bytes, mlir::Type element, llvm::ArrayRef<int64_t> shape, ValueRange sizes = {},
             Value byteOffset = {});
  Value load(Value memory, ValueRange at); ///< one element
  /// A vector; `alignment` in bytes, 0: that of an element.
  Value load(Value memory, ValueRange at, int64_t lanes, int64_t alignment = 0);
  void store(Value value, Value memory, ValueRange at, int64_t alignment = 0);
  /// Element `at` of an array of i32, as index.
  Value loadIndex(Value bytes, Value at);

  // Numbers. Vectors have `lanes` elements; 0 lanes: a scalar.
  mlir::Type f32Type(int64_t lanes);
  mlir::Type i32Type(int64_t lanes);
  Value f32(double value, int64_t lanes = 0);
  Value i32(int64_t value, int64_t lanes = 0);
  Value splat(Value scalar, int64_t lanes);
  Value addf(Value a, Value b);
  Value subf(Value a, Value b);
  Value mulf(Value a, Value b);
  Value divf(Value a, Value b);
  Value fma(Value a, Value b, Value c); ///< a * b + c, one rounding
  Value maxf(Value a, Value b);         ///< b if that is NaN; a NaN in a is lost
  Value sqrt(Value x);
  Value exp(Value x); ///< e^x for x <= 0, relative error 2e-7; e^-87 below -87, NaN of NaN

  // bf16, scalars or vectors.
  Value toF32(Value number); ///< of bf16, f16 or f32; exact
  Value toBf16(Value f32);   ///< round to nearest, ties to even; NaN stays NaN
  /// The even or odd ones of bf16 pairs, as f32; or of a vector of f32.
  Value evens(Value pairs);
  Value odds(Value pairs);
  Value pairs(Value evens, Value odds); ///< rounded to bf16

protected:
  mlir::func::FuncOp function;

private:
  Value roundBits(Value f32);
  Value narrowPair(Value even, Value odd);
  Value everySecond(Value vector, int64_t first);
  const bool narrowsBf16;
};

/// Number of elements of a vector; 0 for a scalar.
int64_t lanesOf(Value value);

} // namespace strata
