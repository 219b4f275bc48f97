//===- InspectText.cpp - what inspections print ---------------------------===//

#include "tools/command_line/InspectText.h"

#include "absl/strings/str_cat.h"

#include <algorithm>

namespace strata {

std::string grouped(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, 1, ',');
  return digits;
}

std::string labelled(std::string_view label, std::string_view text) {
  constexpr size_t kColumn = 12;
  std::string line(label);
  line.resize(std::max(kColumn, line.size() + 1), ' ');
  return line + std::string(text) + "\n";
}

std::string aligned(const std::vector<std::vector<std::string>> &lines,
                    const std::vector<size_t> &numbers) {
  std::vector<size_t> widths;
  for (const auto &line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto &line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      std::string padding(widths[i] - line[i].size(), ' ');
      bool right = std::ranges::count(numbers, i) > 0;
      absl::StrAppend(&text, i ? "  " : "", right ? padding : "", line[i], right ? "" : padding);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  }
  return text;
}

std::string describeTokenizer(const Tokenizer &tokenizer) {
  std::string text = absl::StrCat(grouped(uint64_t(tokenizer.vocabularySize())), " pieces");
  auto add = [&](const char *name, std::optional<int32_t> id) {
    if (id)
      absl::StrAppend(&text, ", ", name, " ", *id);
  };
  add("BOS", tokenizer.bosId());
  add("EOS", tokenizer.eosId());
  add("PAD", tokenizer.padId());
  add("UNK", tokenizer.unkId());
  return text;
}

void writeTokenizer(JsonWriter &json, const Tokenizer &tokenizer) {
  auto id = [&](const char *name, std::optional<int32_t> value) {
    json.key(name);
    value ? json.value(*value) : json.null();
  };
  json.member("pieces", tokenizer.vocabularySize());
  id("bos", tokenizer.bosId());
  id("eos", tokenizer.eosId());
  id("pad", tokenizer.padId());
  id("unk", tokenizer.unkId());
}

} // namespace strata
