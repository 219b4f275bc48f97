//===- SentencePiece.cpp - the calls into the library ---------------------===//
#include "runtime/tokenizer/SentencePiece.h"

#include <exception>
#include <sentencepiece_processor.h>

// In no installed header, but what the library's own tools call.
namespace sentencepiece::logging {
void SetMinLogLevel(int level);
} // namespace sentencepiece::logging

namespace strata {

struct SentencePiece::Library {
  sentencepiece::SentencePieceProcessor processor;
};

/// Runs `call`, a function to a SentencePiece status. The double array inside throws.
template <typename Call>
static bool succeeds(Call call, std::string *message) {
  try {
    const sentencepiece::util::Status status = call();
    if (status.ok())
      return true;
    *message = status.message();
  } catch (const std::exception &exception) {
    *message = exception.what();
  }
  return false;
}

SentencePiece::SentencePiece(std::unique_ptr<Library> library) : library(std::move(library)) {}
SentencePiece::~SentencePiece() = default;

std::unique_ptr<SentencePiece> SentencePiece::load(std::string_view serialized,
                                                   std::string *message) {
  constexpr int kNothing = 4; // above FATAL: errors come back as statuses, and stderr is not ours
  sentencepiece::logging::SetMinLogLevel(kNothing);
  auto library = std::make_unique<Library>();
  if (!succeeds([&] { return library->processor.LoadFromSerializedProto(serialized); }, message))
    return nullptr;
  return std::unique_ptr<SentencePiece>(new SentencePiece(std::move(library)));
}

bool SentencePiece::encode(std::string_view text, std::vector<int32_t> *ids,
                           std::string *message) const {
  std::vector<int> encoded;
  if (!succeeds([&] { return library->processor.Encode(text, &encoded); }, message))
    return false;
  ids->insert(ids->end(), encoded.begin(), encoded.end());
  return true;
}

} // namespace strata
