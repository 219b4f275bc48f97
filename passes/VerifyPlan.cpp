//===- VerifyPlan.cpp - the contract of stage `plan` ----------------------===//

#include "passes/Arena.h"
#include "passes/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace strata {
#define GEN_PASS_DEF_VERIFYPLAN
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
/// Bytes [begin, end) a token of the arena, and whose they are: a result or a workspace.
struct Place {
  int64_t begin, end;
  Operation *op;
  Value value; // null: the op's workspace

  bool isLiveAt(Operation *now) const {
    auto isAhead = [&](Operation *user) { return !user->isBeforeInBlock(now); };
    return op == now || (value && llvm::any_of(value.getUsers(), isAhead));
  }
};

LogicalResult overlap(const Place &a, const Place &b) {
  InFlightDiagnostic error = a.op->emitOpError();
  error << (a.value ? "result" : "workspace") << " at bytes " << a.begin << " to " << a.end
        << " of the arena overlaps a live " << (b.value ? "value" : "workspace") << " at "
        << b.begin << " to " << b.end;
  error.attachNote(b.op->getLoc()) << "which belongs to this op";
  return error;
}

/// Walks the ops in order with the places that are live.
class Sweep {
public:
  explicit Sweep(int64_t arenaBytes) : arenaBytes(arenaBytes) {}

  LogicalResult visit(Operation *op) {
    llvm::erase_if(live, [&](const Place &place) { return !place.isLiveAt(op); });
    for (Value result : op->getResults())
      if (failed(visitResult(op, result)))
        return failure();
    auto workspace = op->getInherentAttr(kWorkspaceAttrName);
    if (!workspace || !*workspace)
      return success();
    auto bytes = op->getAttrOfType<IntegerAttr>(kWorkspaceBytesAttrName);
    return occupy(cast<ArenaAttr>(*workspace), bytes ? bytes.getInt() : kArenaAlignment, op, {});
  }

private:
  LogicalResult visitResult(Operation *op, Value result) {
    if (isa<TensorType>(result.getType()))
      return op->emitOpError("result is still a tensor");
    auto type = dyn_cast<MemRefType>(result.getType());
    if (!type || isa<ParameterOp>(op))
      return success();
    if (auto place = dyn_cast_if_present<ArenaAttr>(type.getMemorySpace()))
      return occupy(place, getRowBytes(type), op, result);
    Operation *terminator = op->getBlock()->getTerminator();
    if (!llvm::is_contained(terminator->getOperands(), result))
      return op->emitOpError("result has no place in the arena and is not returned");
    return success();
  }

  static int64_t getRowBytes(MemRefType type) {
    return ShapedType::getNumElements(type.getShape().drop_front()) *
           type.getElementTypeBitWidth() / 8;
  }

  LogicalResult occupy(ArenaAttr attr, int64_t bytes, Operation *op, Value value) {
    Place place{attr.getOffset(), attr.getOffset() + int64_t(llvm::alignTo(bytes, kArenaAlignment)),
                op, value};
    if (place.begin < 0 || place.begin % kArenaAlignment || place.end > arenaBytes)
      return op->emitOpError() << "place at bytes " << place.begin << " to " << place.end
                               << " is not on a multiple of " << kArenaAlignment
                               << " in an arena of " << arenaBytes;
    for (const Place &other : live)
      if (place.begin < other.end && other.begin < place.end)
        return overlap(place, other);
    live.push_back(place);
    return success();
  }

  int64_t arenaBytes;
  SmallVector<Place> live;
};

/// A version of the cache is overwritten in place: what uses it comes before, and at most one op
/// overwrites it.
LogicalResult verifyCache(Value cache) {
  SmallVector<Operation *> users(cache.getUsers());
  llvm::sort(users, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  Operation *overwriter = nullptr;
  for (Operation *user : users) {
    if (overwriter) {
      InFlightDiagnostic error = user->emitOpError("uses a cache that is overwritten before it");
      error.attachNote(overwriter->getLoc()) << "by this op";
      return error;
    }
    auto writer = dyn_cast<CacheWriterOpInterface>(user);
    if (writer && writer.getWrittenCache() == cache)
      overwriter = user;
  }
  return success();
}

LogicalResult verifyCaches(Block &block) {
  auto verify = [](Value value) {
    return isa<KVCacheType>(value.getType()) ? verifyCache(value) : success();
  };
  for (Value argument : block.getArguments())
    if (failed(verify(argument)))
      return failure();
  for (Operation &op : block)
    for (Value result : op.getResults())
      if (failed(verify(result)))
        return failure();
  return success();
}

struct VerifyPlan : strata::impl::VerifyPlanBase<VerifyPlan> {
  void runOnOperation() override {
    if (!getOperation().isExternal() && failed(verifyPlan(getOperation())))
      signalPassFailure();
  }
};
} // namespace

LogicalResult strata::verifyPlan(func::FuncOp function) {
  auto bytes = function->getAttrOfType<IntegerAttr>(kArenaBytesAttrName);
  if (!bytes)
    return function.emitOpError() << "has no " << kArenaBytesAttrName << ": it is not planned";
  if (!function.getBody().hasOneBlock())
    return function.emitOpError() << "has " << function.getBody().getBlocks().size()
                                  << " blocks, a plan needs 1";
  Sweep sweep(bytes.getInt());
  for (Operation &op : function.front())
    if (failed(sweep.visit(&op)))
      return failure();
  return verifyCaches(function.front());
}
