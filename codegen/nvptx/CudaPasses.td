//===- CudaPasses.td - from planned ops to NVVM ------------*- tablegen -*-===//
#ifndef STRATA_CUDA_PASSES
#define STRATA_CUDA_PASSES

include "mlir/Pass/PassBase.td"

def EmitCudaEntries : Pass<"decoder-emit-cuda-entries", "::mlir::ModuleOp"> {
  let summary = "kernels that a driver can launch";
  let description = [{
    The last step of lowering the module `@cuda`. Each public function becomes a kernel
    (`nvvm.kernel`) that takes tensor maps as constants of the grid, and the block's shared memory an external array without
    a size, aligned to 1024 bytes: as a private one of some bytes it would be a static variable.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"];
}

#endif // STRATA_CUDA_PASSES
