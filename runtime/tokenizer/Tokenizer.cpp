//===- Tokenizer.cpp - text to token ids and back -------------------------===//
#include "runtime/tokenizer/Tokenizer.h"

#include "runtime/base/Status.h"

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

} // namespace strata
