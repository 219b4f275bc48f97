//===- DecoderInterfaces.td - what every kernel op can say -*- tablegen -*-===//
#ifndef STRATA_DECODER_INTERFACES
#define STRATA_DECODER_INTERFACES

include "mlir/IR/Interfaces.td"

def Decoder_KernelOpInterface : OpInterface<"KernelOpInterface"> {
  let cppNamespace = "::strata";
  let description = [{
    An op that becomes exactly one kernel. It knows what it moves and computes, so the floor of a
    program on a machine follows from its IR alone.
  }];
  let methods = [
    InterfaceMethod<"Bytes and flops as a formula in the step; see #decoder.cost.",
                    "::strata::CostAttr", "getCost">,
    InterfaceMethod<"What the rows of the cost are: tokens of the step, or output rows.",
                    "::strata::Axis", "getAxis", (ins), "",
                    "return ::strata::Axis::Tokens;">
  ];
}

#endif // STRATA_DECODER_INTERFACES
