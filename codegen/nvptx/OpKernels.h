//===- OpKernels.h - the GPU kernel of each op ------------------*- C++ -*-===//
#pragma once

#include "codegen/KernelSpec.h"
#include "codegen/nvptx/Chip.h"
#include "codegen/nvptx/KernelBuilder.h"
#include "codegen/nvptx/LogitRow.h"
#include "codegen/nvptx/Schedule.h"

namespace strata::nvptx {

KernelSpec describeProduct(ProductOpInterface op, ChipFamily family);
KernelSpec describeAttention(AttentionOp op);
KernelSpec describeRotaryTable(RotaryTableOp op);
KernelSpec describeEmbedding(EmbeddingOp op);
KernelSpec describeLayerNorm(LayerNormOp op);
KernelSpec describeRope(RopeOp op);
KernelSpec describeCacheAppend(CacheAppendOp op);
KernelSpec describeActivation(ActivationOp op);
KernelSpec describeAdd(AddOp op);

/// Launches of blocks of kThreads threads.
inline BlockSpec block(int64_t sharedBytes = 0) { return {kThreads, sharedBytes}; }

/// The likeliest of the tokens that may be drawn (runtime/engine/Likeliest.h), on all threads of
/// the block. Its shared memory begins `sharedOffset` bytes in.
struct Likeliest {
  Value logit, index; ///< f32; i32, below zero where there is none
};
Likeliest emitLikeliest(KernelBuilder &b, const LogitRow &row, int64_t sharedOffset);
constexpr int64_t kLikeliestBytes(int64_t threads) { return threads / kWarp * 3 * 4; }

/// The body of the auxiliary kernel sample (Role in runtime/package/Package.fbs), and its shared
/// memory: a histogram, sums of warps, three words, and what the likeliest token takes.
void emitSample(KernelBuilder &b, mlir::ValueRange args, int64_t vocabulary);
inline constexpr int64_t kSampleSharedBytes =
    1024 * 8 + kSampleThreads / kWarp * 8 + 3 * 8 + kLikeliestBytes(kSampleThreads);

} // namespace strata::nvptx
