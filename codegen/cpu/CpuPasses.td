//===- CpuPasses.td - from kernels to x86-64 ---------------*- tablegen -*-===//
#ifndef STRATA_CPU_PASSES
#define STRATA_CPU_PASSES

include "mlir/Pass/PassBase.td"

def EmitCpuEntries : Pass<"decoder-emit-cpu-entries", "::mlir::ModuleOp"> {
  let summary = "functions that the runtime can call";
  let description = [{
    The last step of lowering a level's module. Each function of pointers and integers becomes
    internal, behind an entry with the signature of runtime/cpu/Kernel.h, which loads the pointers
    from the array of buffers.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // STRATA_CPU_PASSES
