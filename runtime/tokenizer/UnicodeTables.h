//===- UnicodeTables.h - what `tokenizers` takes characters for -*- C++ -*-===//
//
// Each as the package itself answers, which has several versions of Unicode in it: no library of
// one version would give the same ids.
//
//===----------------------------------------------------------------------===//
#pragma once

namespace strata {

/// \p{L} and \p{N} of its regular expressions.
bool isLetter(char32_t character);
bool isNumeral(char32_t character);
/// What its rule Punctuation splits at: ASCII's, and Unicode's category P.
bool isPunctuation(char32_t character);

/// The small letter of a capital one, others as they are. (But U+0130 becomes two characters.)
char32_t smallLetter(char32_t character);

/// A number for the character's script, Hiragana and Katakana being Han; 0: it goes with any.
int scriptOf(char32_t character);

/// Whether normal forms leave the character alone there, though Unicode's change it by now.
bool isNewer(char32_t character);

} // namespace strata
