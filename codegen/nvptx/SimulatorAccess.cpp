//===- SimulatorAccess.cpp - which memory a kernel touches ----------------===//

#include "codegen/nvptx/NvvmNames.h"
#include "codegen/nvptx/SimulatorBuilder.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "runtime/simulator/Intrinsics.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata::simulator;

namespace {

/// One access as the simulator wants to know it.
struct Access {
  Value address;
  Type type;
  std::optional<uint64_t> alignment;
  AccessKind kind;
  bool mayWait; ///< a loop around it may wait for another thread
};

/// Memory that no other thread has: a kernel's locals, parameters passed by value, constants.
bool isPrivate(Value address) {
  while (Operation *op = address.getDefiningOp()) {
    if (auto gep = dyn_cast<LLVM::GEPOp>(op))
      address = gep.getBase();
    else if (auto other = dyn_cast<LLVM::AddrSpaceCastOp>(op))
      address = other.getArg();
    else
      return isa<LLVM::AllocaOp, LLVM::AddressOfOp>(op) &&
             cast<LLVM::LLVMPointerType>(address.getType()).getAddressSpace() !=
                 unsigned(NVVM::NVVMMemorySpace::Shared);
  }
  auto argument = cast<BlockArgument>(address);
  auto function = dyn_cast<LLVM::LLVMFuncOp>(argument.getOwner()->getParentOp());
  return function && argument.getOwner()->isEntryBlock() &&
         function.getArgAttr(argument.getArgNumber(), LLVM::LLVMDialect::getByValAttrName());
}

std::optional<Access> accessOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Access>>(op)
      .Case([](LLVM::LoadOp load) {
        bool mayWait =
            load.getVolatile_() || load.getOrdering() != LLVM::AtomicOrdering::not_atomic;
        bool atomic = load.getOrdering() != LLVM::AtomicOrdering::not_atomic;
        return Access{load.getAddr(), load.getType(), load.getAlignment(),
                      atomic ? AccessKind::Atomic : AccessKind::Read, mayWait};
      })
      .Case([](LLVM::StoreOp store) {
        bool atomic = store.getOrdering() != LLVM::AtomicOrdering::not_atomic;
        return Access{store.getAddr(), store.getValue().getType(), store.getAlignment(),
                      atomic ? AccessKind::Atomic : AccessKind::Write, false};
      })
      .Case([](LLVM::AtomicRMWOp rmw) {
        return Access{rmw.getPtr(), rmw.getVal().getType(), rmw.getAlignment(), AccessKind::Atomic,
                      false};
      })
      .Case([](LLVM::AtomicCmpXchgOp exchange) {
        return Access{exchange.getPtr(), exchange.getVal().getType(), exchange.getAlignment(),
                      AccessKind::Atomic, true};
      })
      .Default([](Operation *) { return std::nullopt; });
}

StringRef functionFor(Value address) {
  switch (cast<LLVM::LLVMPointerType>(address.getType()).getAddressSpace()) {
  case unsigned(NVVM::NVVMMemorySpace::Global):
    return "__sim_access_global";
  case unsigned(NVVM::NVVMMemorySpace::Shared):
    return "__sim_access_shared";
  default:
    return "__sim_access_generic";
  }
}

/// Intrinsics that touch memory without being known here.
bool touchesMemory(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (!name.consume_front("llvm.intr."))
    return false;
  return name.starts_with("mem") || name.starts_with("masked") || name.starts_with("experimental");
}

} // namespace

LogicalResult strata::simulator::announceAccess(SimulatorBuilder &builder, Operation *op) {
  if (touchesMemory(op))
    return op->emitError("cannot be simulated: accesses memory in a way that cannot be checked");
  std::optional<Access> access = accessOf(op);
  if (!access || isPrivate(access->address))
    return success();
  DataLayout layout = DataLayout::closest(op);
  uint64_t bytes = layout.getTypeSize(access->type);
  uint64_t alignment = access->alignment.value_or(layout.getTypeABIAlignment(access->type));
  builder.startAt(op);
  if (access->mayWait)
    builder.call("__sim_pause", Type(), {});
  builder.call(functionFor(access->address), Type(),
               {access->address, builder.i32(bytes), builder.i32(alignment),
                builder.i32(int64_t(access->kind))});
  return success();
}
