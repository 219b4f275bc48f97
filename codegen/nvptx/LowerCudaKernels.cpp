//===- LowerCudaKernels.cpp - GPU kernels to the llvm and nvvm dialects ---===//

#include "codegen/LowerBodies.h"
#include "codegen/nvptx/CudaPasses.h"
#include "codegen/nvptx/KernelBuilder.h"
#include "codegen/nvptx/NvvmNames.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

namespace strata {
#define GEN_PASS_DEF_EMITCUDAENTRIES
#include "codegen/nvptx/CudaPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

/// What is passed by value is a tensor map: the same for all blocks, aligned as TMA wants it.
static void markTensorMaps(LLVM::LLVMFuncOp function) {
  Builder builder(function.getContext());
  for (unsigned i = 0; i != function.getNumArguments(); ++i) {
    if (!function.getArgAttr(i, LLVM::LLVMDialect::getByValAttrName()))
      continue;
    function.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(), builder.getUnitAttr());
    function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), builder.getI64IntegerAttr(64));
  }
}

namespace {
struct EmitCudaEntries : strata::impl::EmitCudaEntriesBase<EmitCudaEntries> {
  void runOnOperation() override {
    Builder builder(&getContext());
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (function.isPrivate() || function.isExternal())
        continue;
      function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), builder.getUnitAttr());
      markTensorMaps(function);
      // One block a multiprocessor is enough to ask for: left alone, ptxas trades a few spilled
      // registers for one more block.
      function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), builder.getI32IntegerAttr(1));
    }
    for (auto global : getOperation().getOps<LLVM::GlobalOp>()) {
      if (global.getAddrSpace() != nvptx::kSharedSpace)
        continue;
      global.setGlobalType(LLVM::LLVMArrayType::get(builder.getI8Type(), 0));
      global.setLinkage(LLVM::Linkage::External);
      global.setAlignment(1024);
    }
  }
};
} // namespace

void strata::buildLowerCudaKernelsPipeline(OpPassManager &pm) {
  buildLowerBodiesPipeline(pm);
  pm.addPass(createEmitCudaEntries());
}

void strata::registerCudaPassesAndPipelines() {
  registerCudaPasses();
  PassPipelineRegistration<>(
      "decoder-lower-cuda-kernels", "lower the GPU kernels to the llvm and nvvm dialects",
      [](OpPassManager &pm) { buildLowerCudaKernelsPipeline(pm.nest<ModuleOp>()); });
}
