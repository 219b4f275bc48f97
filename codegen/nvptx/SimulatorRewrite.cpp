//===- SimulatorRewrite.cpp - from NVVM to the simulated GPU --------------===//

#include "codegen/nvptx/SimulatorRewrite.h"

#include "codegen/nvptx/NvvmNames.h"
#include "codegen/nvptx/SimulatorBuilder.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "runtime/simulator/Intrinsics.h"
#include "llvm/ADT/SetVector.h"

namespace strata {
#define GEN_PASS_DEF_SIMULATENVVM
#include "codegen/nvptx/SimulatorPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata::simulator;

namespace {

/// Where the module's variables in shared memory lie.
struct SharedLayout {
  llvm::StringMap<uint64_t> offsets;
  uint64_t staticBytes = 0;
  SmallVector<LLVM::GlobalOp> globals;
};

bool isKernel(LLVM::LLVMFuncOp function) {
  return function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()) ||
         function->hasAttr(gpu::GPUDialect::getKernelFuncAttrName());
}

/// Static variables one after another; those without a size (dynamic memory) behind all of them.
SharedLayout layoutShared(Operation *module) {
  SharedLayout result;
  SmallVector<LLVM::GlobalOp> dynamic;
  DataLayout layout = DataLayout::closest(&module->getRegion(0).front().front());
  for (auto global : module->getRegion(0).getOps<LLVM::GlobalOp>()) {
    if (global.getAddrSpace() != unsigned(NVVM::NVVMMemorySpace::Shared))
      continue;
    result.globals.push_back(global);
    uint64_t bytes = layout.getTypeSize(global.getGlobalType());
    if (!bytes) {
      dynamic.push_back(global);
      continue;
    }
    uint64_t alignment = std::max<uint64_t>(global.getAlignment().value_or(16), 16);
    uint64_t offset = llvm::alignTo(result.staticBytes, alignment);
    result.offsets[global.getSymName()] = offset;
    result.staticBytes = offset + bytes;
  }
  for (LLVM::GlobalOp global : dynamic)
    result.offsets[global.getSymName()] = llvm::alignTo(result.staticBytes, dynamicSharedAlignment);
  return result;
}

/// Replaces uses of an op by a value, whatever their address spaces: those go away.
void replace(Operation *op, Value value) {
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
}

/// Calls may go to functions of the module, or to the simulator.
LogicalResult checkCall(LLVM::CallOp call) {
  auto callee = call.getCalleeAttr();
  if (!callee)
    return call.emitError("cannot be simulated: an indirect call");
  auto function = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(call, callee);
  if (!function || (function.isExternal() && !function.getName().starts_with("__sim_")))
    return call.emitError("cannot be simulated: no function ") << callee << " in the module";
  return success();
}

bool isNvvmIntrinsic(Operation *op) {
  auto call = dyn_cast<LLVM::CallIntrinsicOp>(op);
  return call && call.getIntrin().starts_with("llvm.nvvm.");
}

LogicalResult rewriteOp(SimulatorBuilder &builder, Operation *op, const SharedLayout &shared) {
  if (isa_and_present<NVVM::NVVMDialect>(op->getDialect()) || isNvvmIntrinsic(op))
    return rewriteNvvmOp(builder, op);
  if (!isa_and_present<LLVM::LLVMDialect>(op->getDialect()))
    return op->emitError("cannot be simulated: this op should have been lowered");
  if (isa<LLVM::InlineAsmOp>(op))
    return op->emitError("cannot be simulated: inline assembly");
  if (auto call = dyn_cast<LLVM::CallOp>(op))
    return checkCall(call);
  if (auto cast = dyn_cast<LLVM::AddrSpaceCastOp>(op)) {
    replace(op, cast.getArg());
    return success();
  }
  if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
    auto found = shared.offsets.find(address.getGlobalName());
    if (found == shared.offsets.end())
      return success();
    builder.startAt(op);
    replace(op, builder.callPure("__sim_shared", builder.pointer(), builder.i32(found->second)));
    return success();
  }
  return announceAccess(builder, op);
}

/// Address spaces are of the GPU.
void dropAddressSpaces(Operation *module) {
  AttrTypeReplacer replacer;
  replacer.addReplacement(
      [](LLVM::LLVMPointerType type) { return LLVM::LLVMPointerType::get(type.getContext()); });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  for (auto global : module->getRegion(0).getOps<LLVM::GlobalOp>())
    global.setAddrSpace(0);
}

/// What would promise to x86-64's optimizer what holds for a grid, or means nothing to it.
void dropAttributes(FunctionOpInterface function) {
  for (NamedAttribute attribute : llvm::to_vector(function->getDiscardableAttrs()))
    if (attribute.getName().strref().starts_with("nvvm.") ||
        attribute.getName().strref().starts_with("gpu."))
      function->removeDiscardableAttr(attribute.getName());
  for (unsigned i = 0; i != function.getNumArguments(); ++i)
    for (NamedAttribute attribute : llvm::to_vector(function.getArgAttrs(i)))
      if (attribute.getName() != LLVM::LLVMDialect::getAlignAttrName())
        function.removeArgAttr(i, attribute.getName());
}

SmallVector<Operation *> bodyOps(Operation *module) {
  SmallVector<Operation *> ops;
  for (auto function : module->getRegion(0).getOps<LLVM::LLVMFuncOp>())
    function.getBody().walk([&](Operation *op) { ops.push_back(op); });
  return ops;
}

struct SimulateNvvm : strata::impl::SimulateNvvmBase<SimulateNvvm> {
  void runOnOperation() override {
    llvm::SetVector<Operation *> modules;
    getOperation()->walk([&](LLVM::LLVMFuncOp function) {
      if (isKernel(function))
        modules.insert(function->getParentOp());
    });
    for (Operation *module : modules)
      if (failed(strata::rewriteForSimulator(module)))
        signalPassFailure();
  }
};

} // namespace

LogicalResult strata::rewriteForSimulator(Operation *module) {
  SimulatorBuilder builder(module);
  SharedLayout shared = layoutShared(module);
  bool known = true;
  for (Operation *op : bodyOps(module))
    known &= succeeded(rewriteOp(builder, op, shared));
  if (!known)
    return failure();
  for (LLVM::GlobalOp global : shared.globals)
    global.erase();
  dropAddressSpaces(module);
  for (auto function : llvm::to_vector(module->getRegion(0).getOps<LLVM::LLVMFuncOp>())) {
    if (isKernel(function))
      emitSimulatorEntry(builder, function, shared.staticBytes);
    else if (!function.isExternal())
      function.setLinkage(LLVM::Linkage::Internal);
  }
  for (auto function : module->getRegion(0).getOps<LLVM::LLVMFuncOp>())
    dropAttributes(cast<FunctionOpInterface>(function.getOperation()));
  for (StringRef name : {"targets", "llvm.data_layout", "llvm.target_triple"})
    module->removeAttr(name);
  return success();
}
