//===- Attention.h - attention on a GPU -------------------------*- C++ -*-===//
#pragma once

#include "codegen/Buffers.h"
#include "codegen/nvptx/OpKernels.h"

namespace strata::nvptx {

/// An attention op, as its kernels need it. Numbers are positions among the buffers.
struct AttentionSpec {
  explicit AttentionSpec(AttentionOp op);

  CacheBuffers cache;
  int64_t headDim, kvHeads, features;
  int64_t group; ///< query heads of a KV head
  int64_t pageTokens;
  unsigned query, result, workspace;

  int64_t heads() const { return kvHeads * group; }
  /// f32 that a part of the context leaves for each query head: sums, maximum, weight.
  int64_t partialSize() const { return headDim + 2; }
};

/// Many tokens, on tensor cores.
PhaseSpec describePrefillAttention(const AttentionSpec &spec);

} // namespace strata::nvptx
