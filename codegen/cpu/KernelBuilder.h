//===- KernelBuilder.h - writing a CPU kernel as MLIR -----------*- C++ -*-===//
//
// The words in which the kernels of this folder are written: index arithmetic, counted loops,
// vectors of f32, bf16 in pairs. A kernel is emitted once for each Level; the differences between
// levels (vector length, the bf16 dot product) are in here and nowhere else.
//
// bf16 in pairs: two neighbouring features as one i32, the even one in the low half. It is what
// vdpbf16ps takes, and without it each half is widened to f32 by one integer operation.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/Level.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace strata::cpu {

using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<Value>;

class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  /// Writes the body of `function`, whose entry block is `entry`.
  KernelBuilder(mlir::func::FuncOp function, mlir::Block *entry, const Level &level);

  const Level &level;
  /// f32 elements of a vector on this level.
  int64_t lanes() const { return level.lanes; }

  // Index arithmetic. Divisors are positive.
  Value index(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, index(b)); }
  Value sub(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value mul(Value a, Value b);
  Value div(Value a, int64_t b);
  Value rem(Value a, int64_t b);
  Value ceilDiv(Value a, int64_t b) { return div(add(a, b - 1), b); }
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value less(Value a, Value b);
  Value select(Value condition, Value a, Value b);
  Value toIndex(Value i32);

  // Control flow.
  /// for (i = begin; i < end; i += step) body(i)
  void loop(Value begin, Value end, int64_t step, llvm::function_ref<void(Value)> body);
  /// The same with values carried from iteration to iteration; returns the last ones.
  Values loop(Value begin, Value end, int64_t step, ValueRange initial,
              llvm::function_ref<Values(Value, ValueRange)> body);
  void ifThen(Value condition, llvm::function_ref<void()> body);
  /// Calls a function of this module that kernels share; `body` writes it when it is first named.
  /// Arguments are buffers, stack() arrays and indices.
  void call(llvm::StringRef name, ValueRange arguments,
            llvm::function_ref<void(KernelBuilder &, ValueRange)> body);
  /// body(i, lanes) for vectors that cover 0 .. count: full vectors first, then single elements.
  void vectors(int64_t count, llvm::function_ref<void(Value, int64_t)> body);
  void vectors(Value count, llvm::function_ref<void(Value, int64_t)> body);

  // Memory.
  /// A pointer argument as a row-major array; a null size is dynamic and taken from `sizes`.
  Value view(Value buffer, mlir::Type element, llvm::ArrayRef<int64_t> shape, ValueRange sizes = {},
             Value byteOffset = {});
  /// Scratch on the stack, aligned to 64 bytes. Placed in the entry block: it does not grow in
  /// loops.
  Value stack(mlir::Type element, llvm::ArrayRef<int64_t> shape);
  Value load(Value memory, ValueRange at);                ///< one element
  Value load(Value memory, ValueRange at, int64_t lanes); ///< a vector
  /// Lanes where `mask` is false are 0 and touch no memory. A null mask loads all.
  Value loadMasked(Value memory, ValueRange at, Value mask);
  void store(Value value, Value memory, ValueRange at); ///< an element or a vector
  void storeMasked(Value value, Value memory, ValueRange at, Value mask);

  // Vectors. `lanes` is the number of elements of the result.
  mlir::VectorType f32Type(int64_t lanes);
  mlir::VectorType i32Type(int64_t lanes);
  Value f32(double value, int64_t lanes);
  Value i32(int64_t value, int64_t lanes);
  Value splat(Value scalar, int64_t lanes);
  Value addf(Value a, Value b);
  Value subf(Value a, Value b);
  Value mulf(Value a, Value b);
  Value fma(Value a, Value b, Value c); ///< a * b + c, one rounding
  Value maxf(Value a, Value b);
  Value selectLanes(Value mask, Value a, Value b);
  /// First `count` lanes true; count may be more than lanes() or less than 1.
  Value mask(Value count);
  Value mask(int64_t count);
  Value sum(Value vector);     ///< of all lanes, to f32; the order is the compiler's, and fixed
  Value maximum(Value vector); ///< of all lanes, to f32
  Value exp(Value vector);     ///< e^x for x <= 0, relative error 2e-7; 0 from -87 on
  /// The columns of a square of n vectors of n elements, n a power of two.
  Values transpose(Values rows);

  // bf16.
  Value toF32(Value bf16);
  Value toBf16(Value f32); ///< round to nearest, ties to even
  Value evens(Value pairs);
  Value odds(Value pairs);
  Value pairs(Value evens, Value odds); ///< rounded to bf16
  /// acc + a.even * b.even + a.odd * b.odd, lane by lane; a and b are pairs.
  Value dot(Value acc, Value a, Value b);

private:
  mlir::func::FuncOp function;
};

} // namespace strata::cpu
