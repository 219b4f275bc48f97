//===- PlanMemory.cpp - tensors become places in the arena ----------------===//

#include "passes/Arena.h"
#include "passes/Passes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/PointerUnion.h"
#include "llvm/Support/MathExtras.h"

namespace strata {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
/// Bound on a row and a workspace, so that no sum of them overflows.
constexpr int64_t kMaxBytes = int64_t(1) << 40;

/// Bytes of one token's row, or nothing where the type has no token dimension in front.
std::optional<int64_t> getRowBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() < 1 || !tensor.isDynamicDim(0))
    return std::nullopt;
  int64_t bytes = llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
  for (int64_t size : tensor.getShape().drop_front())
    if (ShapedType::isDynamic(size) || llvm::MulOverflow(bytes, size, bytes) || bytes > kMaxBytes)
      return std::nullopt;
  return bytes;
}

bool isBuffer(Type type) { return isa<BaseMemRefType>(type); }
bool isTensor(Type type) { return isa<TensorType>(type); }

//===----------------------------------------------------------------------===//
// What can be planned
//===----------------------------------------------------------------------===//

LogicalResult checkResults(Operation *op) {
  for (Type type : llvm::make_filter_range(op->getResultTypes(), isTensor)) {
    if (!isa<KernelOpInterface>(op))
      return op->emitOpError("computes a tensor, but is no kernel op");
    if (!getRowBytes(type))
      return op->emitOpError() << "result has type " << type
                               << ", expected a dynamic number of rows of at most " << kMaxBytes
                               << " bytes";
  }
  return success();
}

bool takesWorkspace(Operation *op) {
  return llvm::is_contained(op->getName().getAttributeNames(), kWorkspaceAttrName);
}

LogicalResult checkWorkspace(Operation *op) {
  auto bytes = op->getAttrOfType<IntegerAttr>(kWorkspaceBytesAttrName);
  if (bytes && !takesWorkspace(op))
    return op->emitOpError() << "asks for " << bytes.getInt() << " bytes of workspace, takes none";
  if (bytes && bytes.getInt() > kMaxBytes)
    return op->emitOpError() << "asks for " << bytes.getInt()
                             << " bytes of workspace a token, the limit is " << kMaxBytes;
  return success();
}

LogicalResult checkReturn(Operation *terminator) {
  llvm::SmallDenseSet<Value> seen;
  for (Value value : terminator->getOperands()) {
    if (!isTensor(value.getType()))
      continue;
    if (!value.getDefiningOp<KernelOpInterface>())
      return terminator->emitOpError("returns a tensor that no kernel op computes");
    if (!seen.insert(value).second)
      return terminator->emitOpError("returns a tensor twice, each needs a buffer of its own");
  }
  return success();
}

LogicalResult checkPlannable(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError() << "has " << function.getBody().getBlocks().size()
                                  << " blocks, a plan needs 1";
  if (llvm::any_of(function.getArgumentTypes(), isBuffer))
    return function.emitOpError("is on buffers already");
  for (Operation &op : function.front()) {
    if (llvm::any_of(op.getResultTypes(), isBuffer))
      return op.emitOpError("is on buffers already");
    if (op.getNumRegions())
      return op.emitOpError() << "has " << op.getNumRegions() << " regions, a plan has none";
    if (!isa<ParameterOp>(op) && failed(checkResults(&op)))
      return failure();
    if (failed(checkWorkspace(&op)))
      return failure();
  }
  return checkReturn(function.front().getTerminator());
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// What needs the arena, a value or an op's workspace, and where it lies.
struct ArenaPlan {
  SmallVector<llvm::PointerUnion<Operation *, Value>> owners;
  SmallVector<LiveRange> ranges;

  void add(llvm::PointerUnion<Operation *, Value> owner, int64_t bytes, int64_t first,
           int64_t last) {
    owners.push_back(owner);
    ranges.push_back({int64_t(llvm::alignTo(bytes, kArenaAlignment)), first, last});
  }
};

ArenaPlan collect(Block &block) {
  ArenaPlan plan;
  llvm::DenseMap<Operation *, int64_t> number;
  for (Operation &op : block)
    number[&op] = number.size();
  for (auto op : block.getOps<KernelOpInterface>()) {
    int64_t first = number[op];
    for (Value result : op->getResults()) {
      int64_t last = first;
      for (Operation *user : result.getUsers())
        last = std::max(last, number[user]);
      bool isReturned = last == int64_t(number.size()) - 1;
      if (isTensor(result.getType()) && !isReturned)
        plan.add(result, *getRowBytes(result.getType()), first, last);
    }
    if (auto bytes = op->getAttrOfType<IntegerAttr>(kWorkspaceBytesAttrName))
      if (bytes.getInt() > 0)
        plan.add(op.getOperation(), bytes.getInt(), first, first);
  }
  return plan;
}

void toBuffer(Value value, Attribute space = {}) {
  if (auto type = dyn_cast<RankedTensorType>(value.getType()))
    value.setType(MemRefType::get(type.getShape(), type.getElementType(),
                                  dyn_cast_or_null<MemRefLayoutAttrInterface>(type.getEncoding()),
                                  space));
}

void apply(const ArenaPlan &plan, func::FuncOp function) {
  for (auto [owner, range] : llvm::zip(plan.owners, plan.ranges)) {
    auto place = ArenaAttr::get(function.getContext(), range.offset);
    if (auto value = dyn_cast<Value>(owner))
      toBuffer(value, place);
    else
      cast<Operation *>(owner)->setInherentAttr(
          StringAttr::get(function.getContext(), kWorkspaceAttrName), place);
  }
  for (Value argument : function.getArguments())
    toBuffer(argument);
  for (Operation &op : function.front())
    for (Value result : op.getResults()) // parameters and what is returned
      toBuffer(result);
  function.setType(FunctionType::get(function.getContext(), function.front().getArgumentTypes(),
                                     function.front().getTerminator()->getOperandTypes()));
}

struct PlanMemory : strata::impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    if (failed(checkPlannable(function)))
      return signalPassFailure();
    ArenaPlan plan = collect(function.front());
    int64_t bytes = packArena(plan.ranges);
    apply(plan, function);
    function->setAttr(kArenaBytesAttrName, Builder(&getContext()).getI64IntegerAttr(bytes));
    if (failed(verifyPlan(function)))
      return signalPassFailure();
    for (Operation &op : function.front())
      op.removeDiscardableAttr(kWorkspaceBytesAttrName);
  }
};
} // namespace
