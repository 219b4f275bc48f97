//===- VerifyOps.cpp - what targets ask of ops before kernels -------------===//

#include "codegen/VerifyOps.h"

using namespace mlir;
using namespace strata;

static auto typesOf(Operation *op) {
  return llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes());
}

LogicalResult strata::verifyPlanned(Operation *op, bool wantsWorkspace, StringRef target) {
  if (llvm::any_of(typesOf(op), llvm::IsaPred<TensorType>))
    return op->emitOpError("is on tensors; run --decoder-plan-memory first");
  if (wantsWorkspace && !op->getAttr("workspace"))
    return op->emitOpError() << "has no workspace; run --decoder-assign-workspace=target=" << target
                             << " before --decoder-plan-memory";
  return success();
}

LogicalResult strata::verifyHeadDim(Operation *op, int64_t multiple, StringRef target) {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<KVCacheType>(type); cache && cache.getHeadDim() % multiple)
      return op->emitOpError() << "head_dim is " << cache.getHeadDim() << "; the " << target
                               << " target needs a multiple of " << multiple;
  return success();
}
