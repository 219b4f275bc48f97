//===- UnicodeNumbers.h - digits of all scripts -----------------*- C++ -*-===//
#pragma once

namespace strata {

/// Whether `character` is of Unicode's general category N (Nd, Nl or No).
bool isNumber(char32_t character);

} // namespace strata
