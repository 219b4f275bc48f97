//===- SimulatorPasses.td - from NVVM to the simulated GPU -*- tablegen -*-===//
#ifndef STRATA_SIMULATOR_PASSES
#define STRATA_SIMULATOR_PASSES

include "mlir/Pass/PassBase.td"

def SimulateNvvm : Pass<"decoder-simulate-nvvm"> {
  let summary = "NVVM-level kernels become x86-64 functions that call the simulated GPU";
  let description = [{
    Runs on a module of `llvm.func` kernels, before convert-nvvm-to-llvm, and leaves the llvm
    dialect alone: every NVVM op is a call of a function of runtime/simulator/Intrinsics.h, every
    access to memory is announced to the simulator, shared memory is an offset, and there are no
    address spaces. For each kernel there is an entry and a description
    (runtime/simulator/README.md). An op that the simulator does not know is an error.

    ```
    llvm.func @k(%p: !llvm.ptr<1>) attributes {nvvm.kernel} {
      nvvm.barrier0
      llvm.return
    }

    llvm.func @__sim_barrier(i32, i32)
    llvm.func internal @k(%p: !llvm.ptr) {
      %0 = llvm.mlir.constant(0 : i32) : i32
      llvm.call @__sim_barrier(%0, %0) : (i32, i32) -> ()
      llvm.return
    }
    llvm.func @__sim_entry_k(%parameters: !llvm.ptr) { … }
    llvm.mlir.global constant @__sim_info_k(dense<[1, 0, 0, 0, 0, 0, 1, 8]> : …)
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // STRATA_SIMULATOR_PASSES
