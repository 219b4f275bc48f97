//===- Buffers.h - the buffer arguments of a kernel op ----------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"

namespace strata {

/// What one pointer argument of a kernel is.
enum class BufferRole {
  Value,
  Scales,
  Positions,
  Sequences,
  OutputRows,
  PageTable,
  Cache,
  Workspace
};

struct BufferRef {
  BufferRole role;
  mlir::Value value; ///< the operand or result it comes from; null for the workspace
};

/// The pointer arguments of a kernel op or of its dispatch, in calling order: operands (a batch
/// stands for its four arrays, a cache for its base), results that are buffers, workspace. Scales
/// of quantized weights come behind the weights and a batch that follows these.
llvm::SmallVector<BufferRef> listBuffers(mlir::Operation *op);

/// Position of `value`, or of `role` of a batch, in listBuffers(op).
unsigned findBuffer(llvm::ArrayRef<BufferRef> buffers, mlir::Value value);
unsigned findBuffer(llvm::ArrayRef<BufferRef> buffers, BufferRole role);

/// Position of the scales of a quantized weight.
unsigned findScales(llvm::ArrayRef<BufferRef> buffers, mlir::Value weight);

/// Where the cache and the batch's arrays stand among an op's buffers.
struct CacheBuffers {
  CacheBuffers(mlir::Operation *op, KVCacheType type);
  KVCacheType type;
  unsigned cache, positions, sequences, pageTable;
};

} // namespace strata
