//===- OpKernels.h - the CPU kernel of each op ------------------*- C++ -*-===//
#pragma once

#include "codegen/KernelSpec.h"
#include "codegen/cpu/KernelBuilder.h"

namespace strata::cpu {

KernelSpec describeProduct(ProductOpInterface op, const Level &level);
KernelSpec describeAttention(AttentionOp op, const Level &level);
KernelSpec describeRotaryTable(RotaryTableOp op);
KernelSpec describeEmbedding(EmbeddingOp op);
KernelSpec describeLayerNorm(LayerNormOp op);
KernelSpec describeRope(RopeOp op);
KernelSpec describeCacheAppend(CacheAppendOp op);
KernelSpec describeActivation(ActivationOp op);
KernelSpec describeAdd(AddOp op);

} // namespace strata::cpu
