//===- UnicodeWords.h - letters of all scripts ------------------*- C++ -*-===//
#pragma once

namespace strata {

/// Whether `character` is part of a word to regular expressions, \w: letters, marks, digits, what
/// joins words.
bool isWordCharacter(char32_t character);

} // namespace strata
