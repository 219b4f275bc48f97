//===- TokenizerJson.h - Hugging Face's tokenizer.json ----------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

class BpeBuilder;
class JsonObject;

/// A tokenizer.json as a package carries it.
struct CompiledTokenizer {
  std::string tables;             // for BpeTokenizer
  std::vector<int32_t> prefix;    // ids that its post-processor puts before every text
  std::vector<std::string> notes; // for people, one line each
};

/// Compiles a tokenizer.json. Errors call it `file` and name the key.
///
/// Every key is honoured as the library `tokenizers` does, or refused by name. Supported are
///   model          BPE, with or without byte fallback; no dropout, prefix or suffix of subwords
///   normalizer     Sequence, Prepend, Replace of a string, Strip, NFC, NFKC, Lowercase
///   pre_tokenizer  Sequence, Metaspace, Split at a string, Digits, Punctuation, Whitespace,
///                  WhitespaceSplit, UnicodeScripts, ByteLevel with its expression or without
///   decoder        Sequence, Metaspace, Replace of a string, ByteFallback, Fuse, Strip at the
///   left;
///                  ByteLevel
///   post_processor Sequence, ByteLevel, TemplateProcessing: tokens before the text count, those
///                  behind it are noted and left out, as it is to go on
///   added_tokens   all
/// `truncation` and `padding` change no text that is encoded alone, and are not read.
absl::StatusOr<CompiledTokenizer> compileTokenizerJson(std::string_view json,
                                                       const std::string &file);

/// Normalizer, pre-tokenizer and decoder in `json`, the whole file's object.
absl::Status readTokenizerRules(const JsonObject &json, BpeBuilder &builder);
/// The ids that its post-processor puts before every text; `notes` tell of others.
absl::StatusOr<std::vector<int32_t>> readTokenizerPrefix(const JsonObject &json,
                                                         std::vector<std::string> &notes);

/// That `object` has no keys but these: an unknown one may change what a tokenizer does.
absl::Status requireKnownKeys(const JsonObject &object,
                              std::initializer_list<std::string_view> known);

} // namespace strata
