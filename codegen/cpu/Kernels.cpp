//===- Kernels.cpp - which kernel an op becomes ---------------------------===//

#include "codegen/cpu/Kernels.h"
#include "codegen/GenerateKernels.h"
#include "codegen/cpu/ProductStrategy.h"
#include "codegen/cpu/Schedule.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// bf16 travels in pairs: an odd number of features has no whole pair at its end.
constexpr int64_t kPair = 2;

static LogicalResult verifyPages(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<KVCacheType>(type); cache && cache.getPageTokens() % 64)
      return op->emitOpError() << "page_tokens is " << cache.getPageTokens()
                               << "; the cpu target needs a multiple of 64";
  return success();
}

static std::optional<LinearSpec> describeProduct(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return describeOperands(linear);
  if (auto logits = dyn_cast<LogitsOp>(op))
    return describeOperands(logits);
  return std::nullopt;
}

static LogicalResult verifyProduct(Operation *op) {
  std::optional<LinearSpec> spec = describeProduct(op);
  if (!spec || findStrategy(*spec))
    return success();
  return op->emitOpError("has weights and an input that the cpu target cannot multiply; it takes "
                         "weights that are not quantized with an input that is not rounded, or "
                         "weights that are all of i8_g32 with round(i8, group = 32)");
}

FailureOr<KernelSpec> strata::cpu::describeKernel(Operation *op) {
  if (failed(verifyPlanned(op, getWorkspaceBytes(op), "cpu")) ||
      failed(verifyFeatures(op, kPair, "cpu")) || failed(verifyPages(op)) ||
      failed(verifyProduct(op)))
    return failure();
  return llvm::TypeSwitch<Operation *, FailureOr<KernelSpec>>(op)
      .Case([](LinearOp op) { return describeLinear(op); })
      .Case([](LogitsOp op) { return describeLogits(op); })
      .Case([](AttentionOp op) { return describeAttention(op); })
      .Case([](RotaryTableOp op) { return describeRotaryTable(op); })
      .Case([](EmbeddingOp op) { return describeEmbedding(op); })
      .Case([](LayerNormOp op) { return describeLayerNorm(op); })
      .Case([](RopeOp op) { return describeRope(op); })
      .Case([](CacheAppendOp op) { return describeCacheAppend(op); })
      .Case([](SquaredReluOp op) { return describeSquaredRelu(op); })
      .Case([](AddOp op) { return describeAdd(op); })
      .Default([](Operation *op) -> FailureOr<KernelSpec> {
        return op->emitOpError("the cpu target has no kernel for this op");
      });
}

int64_t strata::cpu::getWorkspaceBytes(Operation *op) {
  std::optional<LinearSpec> spec = describeProduct(op);
  const ProductStrategy *strategy = spec ? findStrategy(*spec) : nullptr;
  return strategy ? strategy->workspaceBytes(spec->inFeatures) : 0;
}
