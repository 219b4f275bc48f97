//===- OpKernels.h - the GPU kernel of each op ------------------*- C++ -*-===//
#pragma once

#include "codegen/KernelSpec.h"
#include "codegen/nvptx/Chip.h"
#include "codegen/nvptx/KernelBuilder.h"
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

/// The body of the auxiliary kernel argmax (Role in runtime/package/Package.fbs), and its shared
/// memory.
void emitArgmax(KernelBuilder &b, mlir::ValueRange args, int64_t vocabulary);
inline constexpr int64_t kArgmaxSharedBytes = kThreads / kWarp * 3 * 4;

} // namespace strata::nvptx
