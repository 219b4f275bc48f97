//===- BpeSplits.cpp - where a rule cuts a text ---------------------------===//
#include "runtime/tokenizer/BpeSplits.h"

#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeRules.h"
#include "runtime/tokenizer/UnicodeNumbers.h"
#include "runtime/tokenizer/UnicodeTables.h"
#include "runtime/tokenizer/UnicodeWords.h"

#include <algorithm>

namespace strata {

//===----------------------------------------------------------------------===//
// What matches
//===----------------------------------------------------------------------===//

/// The matches of `pattern` and what lies between them, in order, without empty ones.
static std::vector<Range> findText(std::string_view text, std::string_view pattern) {
  std::vector<Range> ranges;
  size_t begin = 0;
  for (size_t at; (at = text.find(pattern, begin)) != std::string_view::npos;) {
    if (at > begin)
      ranges.push_back({begin, at, false});
    begin = at + pattern.size();
    ranges.push_back({at, begin, true});
  }
  if (begin < text.size())
    ranges.push_back({begin, text.size(), false});
  return ranges;
}

/// Each character that is one of `isMatch`.
static std::vector<Range> findCharacters(std::string_view text, bool (*isMatch)(char32_t)) {
  std::vector<Range> ranges;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at + characterBytes(text[at]);
    const bool found = isMatch(firstCharacter(text.substr(at)));
    if (!found && !ranges.empty() && !ranges.back().isMatch)
      ranges.back().end = end;
    else
      ranges.push_back({at, end, found});
    at = end;
  }
  return ranges;
}

/// White space; between it, runs of letters and the like, and runs of others.
static std::vector<Range> findSpacesAndRuns(std::string_view text) {
  enum Class { none, space, word, other } previous = none;
  std::vector<Range> ranges;
  for (size_t at = 0; at < text.size();) {
    const char32_t character = firstCharacter(text.substr(at));
    const size_t end = at + characterBytes(text[at]);
    const Class current = isWhiteSpace(character)      ? space
                          : isWordCharacter(character) ? word
                                                       : other;
    if (current == previous)
      ranges.back().end = end;
    else
      ranges.push_back({at, end, current == space});
    previous = current;
    at = end;
  }
  return ranges;
}

/// Runs of one script, and characters of any; those before the first that has a script are a match.
static std::vector<Range> findScripts(std::string_view text) {
  std::vector<Range> ranges;
  int previous = 0;
  for (size_t at = 0; at < text.size();) {
    const int script = scriptOf(firstCharacter(text.substr(at)));
    const size_t end = at + characterBytes(text[at]);
    if (ranges.empty() || (script != 0 && script != previous))
      ranges.push_back({at, end, script == 0});
    ranges.back().end = end;
    previous = script != 0 ? script : previous;
    at = end;
  }
  return ranges;
}

//===----------------------------------------------------------------------===//
// GPT-2's expression
//===----------------------------------------------------------------------===//

namespace {
enum class Class { letter, number, other, space };
} // namespace

static Class classAt(std::string_view text, size_t at) {
  const char32_t character = firstCharacter(text.substr(at));
  return isWhiteSpace(character) ? Class::space
         : isLetter(character)   ? Class::letter
         : isNumeral(character)  ? Class::number
                                 : Class::other;
}

/// Where characters of one class end that begin at `at`.
static size_t runEnd(std::string_view text, size_t at) {
  const Class first = classAt(text, at);
  while (at < text.size() && classAt(text, at) == first)
    at += characterBytes(text[at]);
  return at;
}

/// What the expression takes of white space up to `end`.
static size_t spaceEnd(std::string_view text, size_t begin, size_t end) {
  size_t last = end - 1; // where its last character begins
  while ((uint8_t(text[last]) & 0xC0) == 0x80)
    --last;
  return end == text.size() || last == begin ? end : last;
}

static size_t matchEnd(std::string_view text, size_t at) {
  for (std::string_view part : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.substr(at).starts_with(part))
      return at + part.size();
  const bool isSpace = classAt(text, at) == Class::space;
  if (!isSpace)
    return runEnd(text, at);
  if (text[at] == ' ' && at + 1 < text.size() && classAt(text, at + 1) != Class::space)
    return runEnd(text, at + 1);
  return spaceEnd(text, at, runEnd(text, at));
}

/// Parts of English words behind an apostrophe; letters, numbers, or what is neither, each with one
/// space before; white space, but for the last of it before a word.
static std::vector<Range> findByExpression(std::string_view text) {
  std::vector<Range> ranges;
  for (size_t at = 0; at < text.size();) {
    const size_t end = matchEnd(text, at);
    ranges.push_back({at, end, true});
    at = end;
  }
  return ranges;
}

//===----------------------------------------------------------------------===//
// What becomes of the matches
//===----------------------------------------------------------------------===//

/// Joins a match with the part before it, unless that was a match, too.
static std::vector<Range> joinWithPrevious(const std::vector<Range> &ranges) {
  std::vector<Range> words;
  bool previous = false;
  for (const Range &range : ranges) {
    if (range.isMatch && !previous && !words.empty())
      words.back().end = range.end;
    else
      words.push_back(range);
    previous = range.isMatch;
  }
  return words;
}

static std::vector<Range> joinWithNext(std::vector<Range> ranges) {
  std::vector<Range> words;
  bool previous = false;
  for (; !ranges.empty(); ranges.pop_back()) {
    const Range &range = ranges.back();
    if (range.isMatch && !previous && !words.empty())
      words.back().begin = range.begin;
    else
      words.push_back(range);
    previous = range.isMatch;
  }
  std::reverse(words.begin(), words.end());
  return words;
}

static std::vector<Range> joinAlike(const std::vector<Range> &ranges) {
  std::vector<Range> words;
  for (const Range &range : ranges)
    if (!words.empty() && words.back().isMatch == range.isMatch)
      words.back().end = range.end;
    else
      words.push_back(range);
  return words;
}

static std::vector<Range> toWords(std::vector<Range> ranges, bpe::Matches matches) {
  switch (matches) {
  case bpe::Matches::removed:
    std::erase_if(ranges, [](const Range &range) { return range.isMatch; });
    return ranges;
  case bpe::Matches::isolated:
    return ranges;
  case bpe::Matches::contiguous:
    return joinAlike(ranges);
  case bpe::Matches::with_previous:
    return joinWithPrevious(ranges);
  case bpe::Matches::with_next:
    return joinWithNext(std::move(ranges));
  }
  return ranges;
}

static std::vector<Range> findRanges(const bpe::Split &rule, std::string_view text) {
  switch (rule.kind()) {
  case bpe::SplitKind::text:
  case bpe::SplitKind::metaspace:
    return findText(text, view(rule.pattern()));
  case bpe::SplitKind::numbers:
    return findCharacters(text, isNumber);
  case bpe::SplitKind::punctuation:
    return findCharacters(text, isPunctuation);
  case bpe::SplitKind::spaces:
    return findCharacters(text, isWhiteSpace);
  case bpe::SplitKind::words:
    return findSpacesAndRuns(text);
  case bpe::SplitKind::scripts:
    return findScripts(text);
  case bpe::SplitKind::byte_level:
    return findByExpression(text);
  }
  return {};
}

std::vector<Range> findWords(const bpe::Split &rule, std::string_view text) {
  std::vector<Range> ranges = findRanges(rule, text);
  if (rule.invert())
    for (Range &range : ranges)
      range.isMatch = !range.isMatch;
  return toWords(std::move(ranges), rule.matches());
}

} // namespace strata
