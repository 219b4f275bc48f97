//===- DecoderKernelOps.td - calls of generated kernels ----*- tablegen -*-===//
//
// What stands in @forward once the kernels are generated (stage `kernels`).
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_DECODER_KERNEL_OPS
#define STRATA_DECODER_KERNEL_OPS

include "dialect/DecoderOps.td"
include "mlir/IR/SymbolInterfaces.td"

def Decoder_KernelOp : Decoder_Op<"kernel", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "a kernel: its variants and their phases";
  let description = [{
    Names the functions that a target generated for one distinct op. The first variant whose
    limits a step keeps runs; the last one has none.

    Constraints:
    - kernel_c1: there is at least one variant, each with at least one phase
    - kernel_c2: the last variant has no limit, and each takes steps that none before it takes
    - kernel_c3: divisors and factors are positive

    Variants of the two modes, usual and batch-invariant, are two lists; a variant may be in both.

    ```mlir
    decoder.kernel @linear_0 axis tokens variants [
      #decoder.variant<up_to = 0, [#decoder.phase<"linear_0", one, divisor = 1, factor = 16>]>]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       EnumAttr<Decoder_Dialect, Decoder_Axis, "axis">:$axis,
                       TypedArrayAttrBase<Decoder_VariantAttr, "variants">:$variants);
  let assemblyFormat = "$sym_name `axis` $axis `variants` $variants attr-dict";
  let hasVerifier = 1;
}

def Decoder_DispatchOp : Decoder_Op<"dispatch",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one launch of a kernel";
  let description = [{
    The kernel's buffers are the operands in order (a batch stands for its four arrays, the cache
    for its base), then the results that are buffers, then the workspace.

    Constraints:
    - dispatch_c1: `kernel` names a decoder.kernel

    ```mlir
    decoder.kernel @add_0 axis tokens variants [
      #decoder.variant<up_to = 0, [#decoder.phase<"add_0", tokens, divisor = 1, factor = 1>]>]
    func.func @forward(%x: memref<?x256xbf16, #decoder.arena<0>>,
                       %y: memref<?x256xbf16, #decoder.arena<512>>) {
      %z = decoder.dispatch @add_0(%x, %y) layer 0
             cost <fixedBytes = 0, rowBytes = 1536, rowFlops = 256, contextBytes = 0, contextFlops = 0>
             : (memref<?x256xbf16, #decoder.arena<0>>, memref<?x256xbf16, #decoder.arena<512>>)
            -> memref<?x256xbf16, #decoder.arena<1024>>
      return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$operands, I64Attr:$layer,
                       Decoder_CostAttr:$cost, OptionalAttr<Decoder_ArenaAttr>:$workspace);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $kernel `(` $operands `)` `layer` $layer `cost` $cost (`workspace` $workspace^)?
    attr-dict `:` functional-type($operands, $results)
  }];
}

#endif // STRATA_DECODER_KERNEL_OPS
