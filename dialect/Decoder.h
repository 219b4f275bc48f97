//===- Decoder.h - the decoder dialect --------------------------*- C++ -*-===//
//
// Dialect, types, attributes, ops. Their meaning stands in the .td files beside this one.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/DecoderEnums.h.inc"

#include "dialect/DecoderDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/DecoderTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/DecoderAttrs.h.inc"

namespace strata {

/// What is done to each product of a weight, before it is rounded and becomes a result.
struct EpilogueStep {
  enum class Kind {
    bias,       ///< `operand` [out] is added
    activation, ///< as decoder.activation
    rope,       ///< as decoder.rope, by the table `operand`
    residual    ///< `operand` [rows, out] is added
  };
  Kind kind;
  mlir::Value operand = {};
  Activation activation = {};
  int64_t headDim = 0; ///< of rope
};

} // namespace strata

#include "dialect/DecoderInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialect/DecoderOps.h.inc"

namespace strata {

/// Name of the module attribute that holds the #decoder.model.
inline constexpr llvm::StringLiteral kModelAttrName = "decoder.model";

/// Name of the attribute by which a target asks `plan` for workspace, in bytes a token (i64).
inline constexpr llvm::StringLiteral kWorkspaceBytesAttrName = "decoder.workspace_bytes";

/// Set on @forward by `plan`: the arena's bytes for each token of a step (i64).
inline constexpr llvm::StringLiteral kArenaBytesAttrName = "decoder.arena_bytes_per_token";

/// The arena is laid out for the tokens of the step rounded up to this many, so that kernels may
/// work on whole blocks.
inline constexpr int64_t kArenaTokenMultiple = 64;

/// Alignment of every buffer in the arena, bytes.
inline constexpr int64_t kArenaAlignment = 64;

/// Columns of activations, a weight or a table; rows of a weight.
inline int64_t columnsOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getDimSize(1);
}
inline int64_t rowsOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getDimSize(0);
}
/// Where the rows of a matrix lie, null where they follow each other.
BoxAttr getBox(mlir::Value matrix);
/// The tensor type of a parameter or activations: without the place, but as it is stored.
mlir::RankedTensorType asTensor(mlir::ShapedType type);
/// Elements of a vector.
inline int64_t elementsOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType()).getDimSize(0);
}

/// What the model calls the place of an op: the first NameLoc of its location, else "".
llvm::StringRef getModelName(mlir::Location location);

/// Bytes that a step streams once: the weights of every kernel op of the program.
int64_t getStreamedBytes(mlir::Operation *root);

/// Elements of all distinct parameters of the program.
int64_t getParameterCount(mlir::Operation *root);

} // namespace strata
