//===- KernelBuilder.h - writing a GPU kernel as MLIR -----------*- C++ -*-===//
//
// What GPU kernels are written in beyond codegen/BodyBuilder.h: threads, barriers, shuffles, shared
// memory, asynchronous copies, tensor cores. NVVM ops stand for what has no op elsewhere, so the
// same body becomes PTX or runs on the simulator.
//
// Global memory is memory space 1, shared memory 3.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/BodyBuilder.h"

namespace strata::nvptx {

inline constexpr unsigned kGlobalSpace = 1, kSharedSpace = 3, kClusterSpace = 7;
inline constexpr int64_t kWarp = 32;
/// Symbol of a block's dynamic shared memory.
inline constexpr llvm::StringLiteral kSharedName = "shared";

class KernelBuilder : public BodyBuilder {
public:
  /// Of all ops that are written here.
  static void registerDialects(mlir::DialectRegistry &registry);
  /// Promises that what this argument points to is not written while a kernel runs.
  static void markReadOnly(mlir::func::FuncOp function, unsigned argument);
  /// The argument is a pointer to a tensor map, which is passed by value.
  static void markTensorMap(mlir::func::FuncOp function, unsigned argument);

  /// A block has `threads` threads, a multiple of kWarp; `function` is told.
  KernelBuilder(mlir::func::FuncOp function, mlir::Block *entry, int64_t threads);

  const int64_t threads;
  Value thread, block; ///< index in the block; block in the grid
  Value lane, warp;    ///< index in the warp; warp in the block

  /// Waits for all threads of the block. Every thread has to come here.
  void barrier();
  /// The same for the block's first `threads` threads.
  void barrierOfFirst(int64_t threads);
  /// Waits for all lanes of the warp and orders their memory accesses; a shuffle does not.
  void warpBarrier();
  /// Part of the block's shared memory, from `byteOffset` on.
  Value shared(mlir::Type element, llvm::ArrayRef<int64_t> shape, int64_t byteOffset);
  /// for (i = thread; i < count; i += threads) body(i)
  void perThread(Value count, llvm::function_ref<void(Value)> body);

  /// Adds an integer to an element of shared memory, which other threads of the block may do, too;
  /// orders nothing else.
  void atomicAdd(Value integer, Value memory, ValueRange at);

  /// The value of lane ^ mask. All 32 lanes.
  Value shuffleXor(Value value, int64_t mask);
  /// Over all lanes of the warp, on every lane, always in the same order.
  Value warpSum(Value f32);
  Value warpMax(Value f32);
  /// Of each of `f32` over all threads of the block, on every thread. `scratch` is shared f32
  /// [values, threads / kWarp].
  Values blockSums(ValueRange f32, Value scratch);

  /// Copies 16 bytes from global `source` to shared `target`, asynchronously; only the first
  /// `bytes` (0 to 16, i32) are read, the rest becomes zero. Both addresses are 16-byte aligned.
  void copyAsync(Value target, ValueRange targetAt, Value source, ValueRange sourceAt, Value bytes);
  void commitCopies();
  /// Waits until at most `groups` committed groups of this thread are under way.
  void waitCopies(int64_t groups);

  /// Four 8x8 matrices of bf16 from shared memory, as they are or transposed; each lane names a row
  /// of 16 bytes.
  Values loadMatrices(Value memory, ValueRange at, bool transposed = false);
  /// acc (4 f32) + a (16x16, 4 i32) * b (16x8, 2 i32): mma.m16n8k16 on bf16.
  Values mma(ValueRange acc, ValueRange a, Value b0, Value b1);

  /// Two numbers of f16, of which one is the even one: as f32.
  std::pair<Value, Value> widenF16(Value pair);
  /// Pairs of bf16 whose sum is a pair of f16, exactly: the nearest ones and what is left.
  Values splitF16(Value pair);

  /// `words` i32 from byte `at` of an array of i8 on, which is a multiple of `alignment`, by the
  /// widest loads that it allows: of 2, 4, 8 or 16 bytes.
  Values loadWords(Value bytes, Value at, int64_t words, int64_t alignment);
  /// One integer.
  Value loadInteger(mlir::Type type, Value bytes, Value at);

  /// The address of an element, as index and as pointer.
  Value address(Value memory, ValueRange at);
  Value pointer(Value memory, ValueRange at);
};

} // namespace strata::nvptx
