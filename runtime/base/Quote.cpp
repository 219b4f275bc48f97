//===- Quote.cpp - text from a file inside a message ----------------------===//
#include "runtime/base/Quote.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include <algorithm>

namespace strata {

static constexpr size_t kMaxShown = 80;

std::string quote(std::string_view text) {
  const std::string shown =
      absl::CHexEscape(absl::string_view(text.data(), std::min(text.size(), kMaxShown)));
  return absl::StrCat("\"", shown, text.size() > kMaxShown ? "...\"" : "\"");
}

std::string printable(std::string_view name) {
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7F; });
  return plain && !name.empty() && name.size() <= 256 ? std::string(name) : quote(name);
}

} // namespace strata
