//===- TextStream.h - bytes to whole UTF-8 characters -----------*- C++ -*-===//
#pragma once

#include <string>
#include <string_view>

namespace strata {

/// What a sequence becomes that breaks off.
enum class Malformed {
  everyByte, // one U+FFFD for each of its bytes, as SentencePiece has it
  sequence   // one U+FFFD, as Rust has it
};

/// Turns a stream of bytes, cut anywhere, into valid UTF-8 that never ends inside a character. A
/// byte that cannot be part of a character becomes U+FFFD as soon as that is certain.
class TextStream {
public:
  /// Takes the next bytes and returns the characters that are complete by now.
  std::string push(std::string_view bytes, Malformed malformed = Malformed::everyByte);
  /// Ends the stream: what is still pending becomes U+FFFD, as push() was told last. The stream can
  /// be used again.
  std::string flush();

private:
  Malformed malformed = Malformed::everyByte;
  std::string pending; // at most 3 bytes: the beginning of a character
};

/// Whether `text` is UTF-8.
bool isWellFormed(std::string_view text);
/// `text` with U+FFFD for each byte that is part of no character.
std::string wellFormed(std::string_view text);

} // namespace strata
