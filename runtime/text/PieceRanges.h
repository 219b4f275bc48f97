//===- PieceRanges.h - where pieces stand in their text ---------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Tokenizer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace strata {

/// Bytes [begin, end) of a text.
struct ByteRange {
  size_t begin, end;
  bool operator==(const ByteRange &) const = default;
};

/// For each of the ids that `text` was encoded to, the bytes that it stands for; of a character
/// that several ids make, each stands for the whole. Control pieces that begin the text stand for
/// none. Empty where the ids do not give the text back byte for byte: the tokenizer has changed it.
std::optional<std::vector<ByteRange>>
findPieceRanges(const Tokenizer &tokenizer, std::string_view text, std::span<const int32_t> ids);

} // namespace strata
