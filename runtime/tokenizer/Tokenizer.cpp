//===- Tokenizer.cpp - text to token ids and back -------------------------===//
#include "runtime/tokenizer/Tokenizer.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <algorithm>

namespace strata {

absl::StatusOr<std::string> Tokenizer::decode(std::span<const int32_t> ids) const {
  for (size_t i = 0; i < ids.size(); ++i)
    if (!isValid(ids[i]))
      return absl::InvalidArgumentError(
          absl::StrCat("ids[", i, "] is ", ids[i], ", expected 0 to ", vocabularySize() - 1));
  return decodeValid(ids);
}

std::string Tokenizer::decodeValid(std::span<const int32_t> ids) const {
  std::string text;
  Detokenizer detokenizer(*this, Detokenizer::Start::ofText);
  for (int32_t id : ids)
    text += detokenizer.push(id);
  return text + detokenizer.flush();
}

absl::Status checkSamePieces(const Tokenizer &expected, const Tokenizer &found) {
  const int32_t most = std::max(expected.vocabularySize(), found.vocabularySize());
  for (int32_t id = 0; id < most; ++id)
    if (expected.piece(id) != found.piece(id) || expected.isControl(id) != found.isControl(id))
      return absl::InvalidArgumentError(
          absl::StrCat("tokenizer: token ", id, ": expected the ",
                       expected.isControl(id) ? "control piece " : "piece ",
                       quote(expected.piece(id)), ", found the ",
                       found.isControl(id) ? "control piece " : "piece ", quote(found.piece(id))));
  return absl::OkStatus();
}

} // namespace strata
