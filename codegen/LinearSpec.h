//===- LinearSpec.h - linear and logits, as kernels need them ---*- C++ -*-===//
#pragma once

#include "codegen/BodyBuilder.h"
#include "codegen/Buffers.h"
#include "dialect/Storage.h"
#include <optional>

namespace strata {

/// A product op on buffers. Numbers are positions among its buffers.
struct LinearSpec {
  enum class Sink { Result, Logits, Key, Value };
  /// A step of an epilogue: see EpilogueStep.
  struct Step {
    EpilogueStep::Kind kind;
    Activation activation;
    unsigned operand;   ///< the bias, rotary table or residual
    mlir::Type element; ///< of that
  };
  /// The steps of an epilogue around its rope. Those around act on each value by itself.
  struct AroundRope {
    llvm::ArrayRef<Step> before;
    const Step *rope;           ///< null: there is none, and nothing before it
    llvm::ArrayRef<Step> after; ///< all of them where there is no rope
  };
  struct Part {
    int64_t rows;
    unsigned weight, result; ///< result: for Sink::Result and Logits
    Sink sink;
    llvm::SmallVector<Step, 4> epilogue; ///< in order
    mlir::Type element;                  ///< of the weight, if stored by element
    BoxAttr box;                         ///< where its rows lie; null: they follow each other
    QuantizedAttr quantized = {};        ///< null: the weight is stored by element
    std::optional<unsigned> scales = {}; ///< of a quantized weight, if they are a buffer

    AroundRope aroundRope() const;
    /// Rows from the weight's first to its last as they are stored.
    int64_t storedRows() const { return box ? box.getStoredRows(rows) : rows; }
  };

  int64_t inFeatures;
  unsigned input;
  llvm::SmallVector<Part> parts;
  std::optional<unsigned> gamma, beta, outputRows, workspace;
  mlir::Type gammaElement, betaElement; ///< where there is a norm
  bool gammaIncludesOne = false;
  double eps = 0;
  RoundingAttr rounding;  ///< of the input; null: it is multiplied as it is
  int64_t rotaryDims = 0; ///< columns of the table where some part has a rope
  int64_t headDim = 0;    ///< > 0 where rope or the cache need whole heads
  std::optional<CacheBuffers> cache;

  /// Of an input row; the last of an odd number of features is a half.
  int64_t pairs() const { return llvm::divideCeil(inFeatures, 2); }
  /// Whether a weight's rows are whole pairs of bf16, one behind the other, and so is the input.
  bool isInPairs(const Part &part) const;
  /// Rows of the input that are multiplied: tokens, or the output rows of logits.
  Axis axis() const { return outputRows ? Axis::Outputs : Axis::Tokens; }
};

/// Which of the stored rows, counted from a matrix's first, is row `row`.
Value storedRow(BodyBuilder &b, BoxAttr box, Value row);

/// Elements from one stored row to the next, of a matrix of so many columns.
inline int64_t rowElements(BoxAttr box, int64_t columns) {
  return box ? box.getRowElements(columns) : columns;
}

LinearSpec describeOperands(ProductOpInterface op);
/// A norm alone, with no parts; its result is where a linear would have its workspace.
LinearSpec describeOperands(LayerNormOp op);

} // namespace strata
