//===- LogitRow.h - a row of logits, as a block looks at it -----*- C++ -*-===//
#pragma once

#include "codegen/nvptx/KernelBuilder.h"

namespace strata::nvptx {

/// A row of logits, f32 [R, vocabulary], and which tokens may be drawn from it: the bits of a row
/// of i32 [M, words].
class LogitRow {
public:
  LogitRow(KernelBuilder &b, Value logits, Value row, Value allowed, Value allowedRow,
           int64_t vocabulary)
      : lanes(vocabulary % 4 ? 1 : 4), vocabulary(vocabulary), b(b), logits(logits), row(row),
        allowed(allowed), allowedRow(allowedRow) {}

  const int64_t lanes; ///< of a load
  const int64_t vocabulary;

  /// What is under way between load() and use.
  struct Loaded {
    Value logits, bits;
  };
  /// Logits of the tokens from `at` on, a multiple of `lanes`.
  Loaded load(Value at) const;
  Value logit(const Loaded &loaded, int64_t lane) const;
  /// The same, -infinity of tokens that may not be drawn.
  Value allowedLogit(const Loaded &loaded, int64_t lane) const;

private:
  KernelBuilder &b;
  Value logits, row, allowed, allowedRow;
};

/// 32-bit words of the bits of a row's tokens: whole words of 64.
constexpr int64_t kAllowedWords(int64_t vocabulary) { return (vocabulary + 63) / 64 * 2; }

} // namespace strata::nvptx
