//===- SentencePieceReference.h - the library, to compare with --*- C++ -*-===//
//
// Without Abseil, for the reason that runtime/tokenizer/SentencePiece.h gives.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// SentencePiece as it is. Fails the test where the library returns an error.
class SentencePieceReference {
public:
  explicit SentencePieceReference(const std::string &serialized);
  ~SentencePieceReference();

  std::vector<int32_t> encode(const std::string &text) const;
  std::string decode(const std::vector<int32_t> &ids) const;

private:
  struct Library;
  std::unique_ptr<Library> library;
};

/// A model trained on a few sentences; `options` as those of spm_train.
std::string trainSentencePiece(const std::string &options);
