//===- LinearSpec.h - linear and logits, as kernels need them ---*- C++ -*-===//
#pragma once

#include "codegen/BodyBuilder.h"
#include "codegen/Buffers.h"
#include "dialect/Storage.h"
#include <optional>

namespace strata {

/// A linear or logits op on buffers. Numbers are positions among its buffers.
struct LinearSpec {
  enum class Sink { Result, Logits, Key, Value };
  struct Part {
    int64_t rows;
    unsigned weight, result; ///< result: for Sink::Result and Logits
    Sink sink;
    bool roped;
    mlir::Type element;           ///< of the weight, if stored by element
    BoxAttr box;                  ///< where its rows lie; null: they follow each other
    QuantizedAttr quantized = {}; ///< null: the weight is stored by element
    unsigned scales = 0;          ///< of a quantized weight

    /// Rows from the weight's first to its last as they are stored.
    int64_t storedRows() const { return box ? box.getStoredRows(rows) : rows; }
  };

  int64_t inFeatures;
  unsigned input;
  llvm::SmallVector<Part> parts;
  std::optional<unsigned> gamma, beta, residual, rotary, outputRows, workspace;
  mlir::Type gammaElement, betaElement; ///< where there is a norm
  bool gammaIncludesOne = false;
  double eps = 0;
  RoundingAttr rounding; ///< of the input; null: it is multiplied as it is
  bool squaredRelu = false;
  int64_t rotaryDims = 0;
  int64_t headDim = 0; ///< > 0 where rope or the cache need whole heads
  std::optional<CacheBuffers> cache;

  int64_t pairs() const { return inFeatures / 2; }
  /// Rows of the input that are multiplied: tokens, or the output rows of logits.
  Axis axis() const { return outputRows ? Axis::Outputs : Axis::Tokens; }
};

/// Which of the stored rows, counted from a matrix's first, is row `row`.
Value storedRow(BodyBuilder &b, BoxAttr box, Value row);

/// Elements from one stored row to the next, of a matrix of so many columns.
inline int64_t rowElements(BoxAttr box, int64_t columns) {
  return box ? box.getRowElements(columns) : columns;
}

LinearSpec describeOperands(LinearOp op);
LinearSpec describeOperands(LogitsOp op);
/// A norm alone, with no parts; its result is where a linear would have its workspace.
LinearSpec describeOperands(LayerNormOp op);

} // namespace strata
