//===- Quote.h - text from a file inside a message --------------*- C++ -*-===//
#pragma once

#include <string>
#include <string_view>

namespace strata {

/// `text` in double quotes as an error message may show it: control characters and bytes that are
/// not ASCII escaped, cut after 80 characters.
std::string quote(std::string_view text);

/// A key or a file's name as messages show it: as it is, or quoted where it is empty, longer than
/// 256 bytes or not printable ASCII without spaces.
std::string printable(std::string_view name);

} // namespace strata
