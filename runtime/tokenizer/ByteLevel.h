//===- ByteLevel.h - bytes written as characters ----------------*- C++ -*-===//
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strata {

/// GPT-2's alphabet: a character for each byte of `text`, itself if it can be seen, else one of
/// U+0100 to U+0143.
std::string bytesAsCharacters(std::string_view text);

/// The bytes that `characters`, well-formed UTF-8, stand for; none if one stands for no byte.
std::optional<std::string> charactersAsBytes(std::string_view characters);

} // namespace strata
