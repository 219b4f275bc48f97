//===- RenameTable.cpp - names with the number of a layer -----------------===//
#include "runtime/checkpoint/RenameTable.h"

#include <algorithm>
#include <optional>

namespace strata {
namespace {

constexpr size_t kMaxDigits = 4;

bool isLayer(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// What the '*' of `pattern` stands for in `name`, nothing where it has none; empty if `name` does
/// not match.
std::optional<std::string_view> match(std::string_view name, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return name == pattern ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (name.size() < before.size() + after.size() || !name.starts_with(before) ||
      !name.ends_with(after))
    return std::nullopt;
  const std::string_view layer = name.substr(star, name.size() - before.size() - after.size());
  return isLayer(layer) ? std::optional(layer) : std::nullopt;
}

} // namespace

std::string rename(std::string_view name, std::span<const Renamed> table) {
  for (const auto &[theirs, ours] : table) {
    const std::optional<std::string_view> layer = match(name, theirs);
    if (!layer)
      continue;
    std::string renamed(ours);
    if (const size_t star = renamed.find('*'); star != std::string::npos)
      renamed.replace(star, 1, *layer);
    return renamed;
  }
  return "";
}

} // namespace strata
