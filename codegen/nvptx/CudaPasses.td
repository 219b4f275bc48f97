//===- CudaPasses.td - from planned ops to NVVM ------------*- tablegen -*-===//
//
// In pipeline order.
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_CUDA_PASSES
#define STRATA_CUDA_PASSES

include "mlir/Pass/PassBase.td"

def AssignCudaWorkspace : Pass<"decoder-assign-cuda-workspace", "::mlir::func::FuncOp"> {
  let summary = "how much workspace each op's GPU kernel wants";
  let description = [{
    Runs before `decoder-plan-memory`, which turns the wish into a place in the arena.

    ```
    decoder.logits %x, %w, %batch : …
    decoder.logits %x, %w, %batch {decoder.workspace_bytes = 512 : i64} : …
    ```
  }];
}

def GenerateCudaKernels : Pass<"decoder-generate-cuda-kernels", "::mlir::ModuleOp"> {
  let summary = "one GPU kernel for each distinct op";
  let description = [{
    As `decoder-generate-cpu-kernels`, for GPUs: the bodies stand in the nested module `@cuda`, as
    func, scf, memref, vector and nvvm ops. A phase is a launch; its workgroups are blocks.
  }];
  let options = [Option<"chip", "chip", "std::string", "\"sm_80\"",
                        "whose forms to use: sm_80, sm_90a, sim, sim_90a">];
}

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
