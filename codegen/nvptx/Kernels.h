//===- Kernels.h - what a kernel op becomes on a GPU ------------*- C++ -*-===//
#pragma once

#include "codegen/nvptx/Chip.h"
#include "codegen/nvptx/KernelBuilder.h"
#include "codegen/nvptx/Schedule.h"
#include "dialect/Decoder.h"
#include <functional>
#include <string>
#include <vector>

namespace strata::nvptx {

/// The arguments of a kernel. Buffers are memref<1xi8, 1>; the rest is index.
struct KernelArguments {
  Values buffers;
  Value tokens, outputRows, pageTableStride, layer;
  Values maps; ///< addresses of the phase's tensor maps
};

/// A tensor map that a phase wants, as TensorMapAttr.
struct TensorMapSpec {
  unsigned buffer;
  Axis axis;
  int64_t rows, columns, boxRows, boxColumns;
  int64_t rowStride = 0; ///< elements from one row to the next; 0: the columns
};

/// One launch: factor * ceil(axis / divisor) blocks.
struct PhaseSpec {
  std::string name;
  Axis axis;
  int64_t divisor, factor;
  int64_t sharedBytes; ///< dynamic shared memory of a block
  std::function<void(KernelBuilder &, const KernelArguments &)> emit;
  int64_t threads = kThreads; ///< of a block
  std::vector<TensorMapSpec> maps = {};
};

struct VariantSpec {
  int64_t upTo; ///< rows; 0: no limit
  std::vector<PhaseSpec> phases;
};

struct KernelSpec {
  Axis axis;
  std::vector<VariantSpec> variants;
};

/// The kernel of an op on buffers, or failure with an error at the op.
mlir::FailureOr<KernelSpec> describeKernel(mlir::Operation *op, Generation generation);

/// Bytes of workspace for each token of a step that the op's kernel wants; 0: none.
int64_t getWorkspaceBytes(mlir::Operation *op);

/// Phases of each op; describeKernel dispatches to them.
KernelSpec describeLinear(LinearOp op, Generation generation);
KernelSpec describeLogits(LogitsOp op, Generation generation);
KernelSpec describeAttention(AttentionOp op);
KernelSpec describeRotaryTable(RotaryTableOp op);
KernelSpec describeEmbedding(EmbeddingOp op);
KernelSpec describeLayerNorm(LayerNormOp op);
KernelSpec describeRope(RopeOp op);
KernelSpec describeCacheAppend(CacheAppendOp op);
KernelSpec describeSquaredRelu(SquaredReluOp op);
KernelSpec describeAdd(AddOp op);

/// The body of the auxiliary kernel argmax (Role in runtime/package/Package.fbs), and its shared
/// memory.
void emitArgmax(KernelBuilder &b, mlir::ValueRange args, int64_t vocabulary);
inline constexpr int64_t kArgmaxSharedBytes = kThreads / kWarp * 3 * 4;

} // namespace strata::nvptx
