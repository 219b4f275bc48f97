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

/// That rows which do not follow each other begin like those that do.
static LogicalResult verifyRowStride(Operation *op, Value matrix, int64_t multiple,
                                     StringRef target) {
  BoxAttr box = getBox(matrix);
  if (!box || box.getRowStride() % multiple == 0)
    return success();
  return op->emitOpError() << "has rows " << box.getRowStride() << " elements apart; the " << target
                           << " target needs a multiple of " << multiple;
}

LogicalResult strata::verifyHeadDim(Operation *op, int64_t multiple, StringRef target) {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<KVCacheType>(type); cache && cache.getHeadDim() % multiple)
      return op->emitOpError() << "head_dim is " << cache.getHeadDim() << "; the " << target
                               << " target needs a multiple of " << multiple;
  return success();
}

LogicalResult strata::verifyFeatures(Operation *op, int64_t multiple, StringRef target) {
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  for (Value value : values) {
    auto shaped = dyn_cast<ShapedType>(value.getType());
    if (shaped && shaped.getElementType().isBF16() && shaped.getShape().back() % multiple)
      return op->emitOpError() << "has " << shaped.getShape().back() << " features; the " << target
                               << " target needs a multiple of " << multiple;
    if (shaped && failed(verifyRowStride(op, value, multiple, target)))
      return failure();
  }
  return verifyHeadDim(op, multiple, target);
}
