//===- CodegenPasses.td - from planned ops to kernels ------*- tablegen -*-===//
//
// What is the same for all targets, in pipeline order.
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_CODEGEN_PASSES
#define STRATA_CODEGEN_PASSES

include "mlir/Pass/PassBase.td"

def RoundInputs : Pass<"decoder-round-inputs", "::mlir::func::FuncOp"> {
  let summary = "inputs of products are rounded where the target multiplies faster so";
  let description = [{
    Weights in blocks (`#decoder.quantized<q4_k>`) say nothing of the input that they are multiplied
    with. The cpu target multiplies whole numbers, so it rounds that input to 8 bits; the cuda target
    multiplies it as it is, and its program is left alone. An op that rounds its input already keeps
    its clause. Runs before `decoder-assign-workspace`, as a rounded input needs a place.

    ```
    decoder.linear %x, [%w] : (…, tensor<16x256xbf16, #decoder.quantized<q4_k>>) …
    decoder.linear %x, [%w] round(i8, group = 32) : (…, tensor<16x256xbf16, #decoder.quantized<q4_k>>) …
    ```
  }];
  let options = [Option<"target", "target", "std::string", "\"cpu\"", "whose kernels: cpu, cuda">];
}

def AssignWorkspace : Pass<"decoder-assign-workspace", "::mlir::func::FuncOp"> {
  let summary = "how much workspace each op's kernel wants";
  let description = [{
    Runs before `decoder-plan-memory`, which turns the wish into a place in the arena.

    ```
    decoder.logits %x, %w, %batch : …
    decoder.logits %x, %w, %batch {decoder.workspace_bytes = 512 : i64} : …
    ```
  }];
  let options = [Option<"target", "target", "std::string", "\"cpu\"", "whose kernels: cpu, cuda">];
}

def GenerateKernels : Pass<"decoder-generate-kernels", "::mlir::ModuleOp"> {
  let summary = "one kernel for each distinct op";
  let description = [{
    Every kernel op of `@forward` becomes a `decoder.dispatch`. Ops that differ only in layer,
    buffers or location share a `decoder.kernel`: 32 equal layers cost what one costs. The bodies
    stand in a nested module, for one kind of machine: of x86-64 as func, scf, memref, vector and
    x86vector ops, of a GPU in `@cuda`, with nvvm ops; there a phase is a launch, and its
    workgroups are blocks. Afterwards no compute op of the dialect is left.

    ```
    %z = decoder.add %x, %y : …

    decoder.kernel @add_0 axis tokens variants [#decoder.variant<up_to = 0,
      [#decoder.phase<"add_0.add", tokens, divisor = 1, factor = 1>]>]
    module @cpu_x86_64_v3 { func.func @add_0.add(%lhs: memref<1xi8>, …) { … } }
    %z = decoder.dispatch @add_0(%x, %y) layer 0 cost <…> : …
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "what the kernels are for: cpu, cuda">,
    Option<"machine", "machine", "std::string", "\"\"",
           "whose kernels: x86-64-v3, sm_80, …; the target's first one if it is not given">
  ];
}

#endif // STRATA_CODEGEN_PASSES
