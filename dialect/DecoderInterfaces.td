//===- DecoderInterfaces.td - what ops can say of themselves -*- tablegen -*-===//
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

def Decoder_NormOpInterface : OpInterface<"NormOpInterface"> {
  let cppNamespace = "::strata";
  let description = [{
    An op that normalizes its input as decoder.layer_norm does: always, or where it has that clause.
    Without it gamma, beta and eps are null.
  }];
  let methods = [
    InterfaceMethod<"The input's features are multiplied with it.", "::mlir::Value", "getGamma">,
    InterfaceMethod<"And it is added to them.", "::mlir::Value", "getBeta">,
    InterfaceMethod<"Added to the variance.", "::mlir::FloatAttr", "getEpsAttr">,
    InterfaceMethod<"Whether gamma is the factor itself, not what it has beyond 1.",
                    "bool", "getGammaIncludesOne">
  ];
}

def Decoder_ProductOpInterface
    : OpInterface<"ProductOpInterface", [Decoder_KernelOpInterface, Decoder_NormOpInterface]> {
  let cppNamespace = "::strata";
  let description = [{
    An op that multiplies the rows of its input, perhaps normalized and rounded, with weights, and
    does to each product what its epilogue says. How a weight is stored, its type tells
    (dialect/Storage.h). The rows are all of the input, or the step's output rows: see getAxis().
  }];
  let methods = [
    InterfaceMethod<"What is multiplied, before its norm.", "::mlir::Value", "getInput">,
    InterfaceMethod<"The operand that it is.", "::mlir::OpOperand &", "getInputMutable">,
    InterfaceMethod<"The weights, [out, in] each.", "::mlir::OperandRange", "getWeights">,
    InterfaceMethod<"How the input is rounded, null if it is not.",
                    "::strata::RoundingAttr", "getRoundingAttr">,
    InterfaceMethod<"Rounds the input otherwise.", "void", "setRoundingAttr",
                    (ins "::strata::RoundingAttr":$rounding)>,
    InterfaceMethod<"The workspace, null before `plan` and where there is none.",
                    "::strata::ArenaAttr", "getWorkspaceAttr">,
    InterfaceMethod<"What is done to the product of weight `weight`, in order.",
                    "::llvm::SmallVector<::strata::EpilogueStep, 4>", "getEpilogue",
                    (ins "unsigned":$weight)>,
    InterfaceMethod<"The result that the product of weight `weight` becomes; null if it becomes "
                    "part of the cache: of the last weight a value, of the one before a key.",
                    "::mlir::Value", "getProduct", (ins "unsigned":$weight)>,
    InterfaceMethod<"Takes the norm of another op as a clause.", "void", "setNorm",
                    (ins "::strata::NormOpInterface":$norm), [{
      $_op.getGammaMutable().assign(norm.getGamma());
      $_op.getBetaMutable().assign(norm.getBeta());
      $_op.setEpsAttr(norm.getEpsAttr());
      $_op.setGammaIncludesOne(norm.getGammaIncludesOne());
    }]>
  ];
}

def Decoder_CacheWriterOpInterface : OpInterface<"CacheWriterOpInterface"> {
  let cppNamespace = "::strata";
  let description = [{
    An op that can write keys and values into the cache: it takes the cache before and returns the
    one after it.
  }];
  let methods = [
    InterfaceMethod<"The cache before it; null if this one writes none.",
                    "::mlir::Value", "getWrittenCache">
  ];
}

#endif // STRATA_DECODER_INTERFACES
