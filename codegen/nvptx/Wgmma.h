//===- Wgmma.h - mbarriers, TMA and wgmma -----------------------*- C++ -*-===//
//
// The words of kernels for sm_90a. Layouts: PTX ISA, "Asynchronous warpgroup level matrix
// multiply-accumulate instructions" and "Tensor copies".
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/nvptx/KernelBuilder.h"

namespace strata::nvptx {

/// bf16 features of a row of 128 bytes, the longest that TMA swizzles and wgmma reads.
inline constexpr int64_t kSwizzledFeatures = 64;
/// Both repeat their pattern after so many bytes: the alignment of what they share.
inline constexpr int64_t kSwizzleBytes = 1024;

/// mbarriers in the block's shared memory, from `byteOffset` on.
class MemoryBarriers {
public:
  MemoryBarriers(KernelBuilder &b, int64_t count, int64_t byteOffset);

  /// By one thread, before a barrier of the block: each phase ends after `arrivals`.
  void initialize(int64_t first, int64_t count, int64_t arrivals);
  void arrive(Value at);
  /// Arrives, and lets the phase end only after copies have brought `bytes`.
  void arriveExpecting(Value at, int64_t bytes);
  /// Until the phase of this parity (i32) has ended; that before the first has the parity 1.
  void wait(Value at, Value parity);

  mlir::Value pointer(Value at) { return b.pointer(memory, {at}); }

private:
  KernelBuilder &b;
  Value memory; ///< i64 [count]
};

/// Copies the box of a tensor map that begins at (row, column) to `target` by TMA; arrives at a
/// barrier when it is done. By one thread.
void copyBox(KernelBuilder &b, Value map, Value row, Value column, Value target, ValueRange at,
             Value barrier);

/// The matrix descriptor (i64) of rows of kSwizzledFeatures bf16 in shared memory, swizzled by 128
/// bytes; aligned to kSwizzleBytes.
Value matrixDescriptor(KernelBuilder &b, Value memory, ValueRange at);

/// Accumulators of a warpgroup, 64 x columns f32, before the first product: each thread has
/// columns / 2 of them.
Value undefinedSums(KernelBuilder &b, int64_t columns);
/// One of this thread's accumulators.
Value sumAt(KernelBuilder &b, Value sums, int64_t index);

/// sums + rows (64) * columns^T over kSwizzledFeatures; without `keep`, the product alone: zeros as
/// sums would be written behind the fence, and ptxas would serialize. One batch, which is
/// committed. By whole warpgroups.
Value multiplyRows(KernelBuilder &b, Value sums, Value rows, Value columns, bool keep);
/// Waits until at most `batches` of this warpgroup are under way.
void waitWgmma(KernelBuilder &b, int64_t batches);

} // namespace strata::nvptx
