//===- JsonFormats.h - formats of JSON Schema -------------------*- C++ -*-===//
#pragma once

#include <optional>
#include <string_view>

namespace strata::grammar {

/// A regular expression of the texts that a format allows; none if it is not supported. What it
/// matches is right, but not everything that is right matches: leap seconds are those of UTC alone.
std::optional<std::string_view> regexOfFormat(std::string_view format);

} // namespace strata::grammar
