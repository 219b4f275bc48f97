//===- LinearSpec.h - linear and logits, as kernels need them ---*- C++ -*-===//
#pragma once

#include "codegen/Buffers.h"
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
  };

  int64_t inFeatures;
  unsigned input;
  llvm::SmallVector<Part> parts;
  std::optional<unsigned> gamma, beta, residual, rotary, outputRows, workspace;
  double eps = 0;
  bool squaredRelu = false;
  int64_t rotaryDims = 0;
  int64_t headDim = 0; ///< > 0 where rope or the cache need whole heads
  std::optional<CacheBuffers> cache;

  int64_t pairs() const { return inFeatures / 2; }
  /// Rows of the input that are multiplied: tokens, or the output rows of logits.
  Axis axis() const { return outputRows ? Axis::Outputs : Axis::Tokens; }
};

LinearSpec describeOperands(LinearOp op);
LinearSpec describeOperands(LogitsOp op);
/// A norm alone, with no parts; its result is where a linear would have its workspace.
LinearSpec describeOperands(LayerNormOp op);

} // namespace strata
