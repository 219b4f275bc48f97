//===- TokenIds.cpp - token ids as text -----------------------------------===//

#include "tools/command_line/TokenIds.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/base/Quote.h"

namespace strata {

absl::StatusOr<std::vector<int32_t>> parseIds(const std::string &text, const Tokenizer &tokenizer,
                                              const std::string &place) {
  std::vector<int32_t> ids;
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t\r\n,[]"), absl::SkipEmpty());
  for (const std::string &word : words) {
    int32_t id;
    if (!absl::SimpleAtoi(word, &id) || !tokenizer.isValid(id))
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": id ", ids.size() + 1, ": expected a number from 0 to ",
                       tokenizer.vocabularySize() - 1, ", found ", quote(word)));
    ids.push_back(id);
  }
  return ids;
}

} // namespace strata
