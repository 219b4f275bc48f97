//===- CpuPasses.td - from planned ops to x86-64 -----------*- tablegen -*-===//
//
// In pipeline order.
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_CPU_PASSES
#define STRATA_CPU_PASSES

include "mlir/Pass/PassBase.td"

def AssignCpuWorkspace : Pass<"decoder-assign-cpu-workspace", "::mlir::func::FuncOp"> {
  let summary = "how much workspace each op's CPU kernel wants";
  let description = [{
    Runs before `decoder-plan-memory`, which turns the wish into a place in the arena.

    ```
    decoder.logits %x, %w, %batch : …
    decoder.logits %x, %w, %batch {decoder.workspace_bytes = 512 : i64} : …
    ```
  }];
}

def GenerateCpuKernels : Pass<"decoder-generate-cpu-kernels", "::mlir::ModuleOp"> {
  let summary = "one kernel for each distinct op, one body for each level of x86-64";
  let description = [{
    Every kernel op of `@forward` becomes a `decoder.dispatch`. Ops that differ only in layer,
    buffers or location share a `decoder.kernel`: 32 equal layers cost what one costs. The bodies
    stand in one nested module a level (codegen/cpu/Level.cpp), as func, scf, memref, vector and
    x86vector ops. Afterwards no compute op of the dialect is left.

    ```
    %z = decoder.add %x, %y : …

    decoder.kernel @add_0 axis tokens variants [#decoder.variant<up_to = 0,
      [#decoder.phase<"add_0.add", tokens, divisor = 1, factor = 1>]>]
    module @cpu_x86_64_v3 { func.func @add_0.add(%lhs: memref<1xi8>, …) { … } }
    %z = decoder.dispatch @add_0(%x, %y) layer 0 cost <…> : …
    ```
  }];
  let options = [
    ListOption<"levels", "levels", "std::string", "levels to generate; all if none is given">
  ];
}

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
