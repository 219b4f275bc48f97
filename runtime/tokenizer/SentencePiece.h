//===- SentencePiece.h - the library behind Tokenizer -----------*- C++ -*-===//
//
// SentencePiece's header declares an absl::string_view that is not Abseil's, so a file can include
// one of them only: this header and its .cpp know no Abseil, and Tokenizer.cpp no SentencePiece.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A loaded model, for encoding. `encode` may be called from several threads.
class SentencePiece {
public:
  /// `serialized` must have passed parseTokenizerModel. Null on failure, with a message.
  static std::unique_ptr<SentencePiece> load(std::string_view serialized, std::string *message);
  ~SentencePiece();

  /// Appends the ids of `text`. False on failure, with a message.
  bool encode(std::string_view text, std::vector<int32_t> *ids, std::string *message) const;

private:
  struct Library;
  explicit SentencePiece(std::unique_ptr<Library> library);

  std::unique_ptr<Library> library;
};

} // namespace strata
