//===- BpeRules.cpp - from a text to words --------------------------------===//
#include "runtime/tokenizer/BpeRules.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/UnicodeNumbers.h"

#include <algorithm>

namespace strata {

std::string replaceAll(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string result;
  for (size_t at; (at = text.find(pattern)) != std::string_view::npos;) {
    result.append(text.substr(0, at)).append(content);
    text.remove_prefix(at + pattern.size());
  }
  return result.append(text);
}

//===----------------------------------------------------------------------===//
// Normalizers
//===----------------------------------------------------------------------===//

static std::string apply(const bpe::Normalizer &rule, std::string text) {
  switch (rule.kind()) {
  case bpe::NormalizerKind::prepend:
    return text.empty() ? text : std::string(view(rule.content())).append(text);
  case bpe::NormalizerKind::replace:
    return replaceAll(text, view(rule.pattern()), view(rule.content()));
  case bpe::NormalizerKind::strip:
    if (rule.right())
      text.resize(text.size() - whiteSpaceAtEnd(text));
    return text.erase(0, rule.left() ? whiteSpaceAtBegin(text) : 0);
  }
  return text;
}

std::string normalize(const bpe::Tables &tables, std::string text) {
  for (const bpe::Normalizer *rule : itemsOf(tables.normalizers()))
    text = apply(*rule, std::move(text));
  return text;
}

//===----------------------------------------------------------------------===//
// Splits
//===----------------------------------------------------------------------===//

namespace {
/// A part of a text that is split.
struct Range {
  size_t begin, end;
  bool isMatch;
};
} // namespace

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

static std::vector<Range> findNumbers(std::string_view text) {
  std::vector<Range> ranges;
  for (size_t at = 0; at < text.size();) {
    const size_t end = at + characterBytes(text[at]);
    const bool isMatch = isNumber(firstCharacter(text.substr(at)));
    if (!isMatch && !ranges.empty() && !ranges.back().isMatch)
      ranges.back().end = end;
    else
      ranges.push_back({at, end, isMatch});
    at = end;
  }
  return ranges;
}

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

/// Spaces become the symbol, and one stands before the text where the rule says so.
static void writeMetaspace(const bpe::Split &rule, Segment &segment) {
  const std::string_view symbol = view(rule.pattern());
  segment.text = replaceAll(segment.text, " ", symbol);
  const bool prepends = rule.prepend() == bpe::Prepend::always ||
                        (rule.prepend() == bpe::Prepend::first && segment.atOrigin);
  if (prepends && !segment.text.starts_with(symbol))
    segment.text.insert(0, symbol);
}

static std::vector<Range> findRanges(const bpe::Split &rule, std::string_view text) {
  std::vector<Range> ranges = rule.kind() == bpe::SplitKind::numbers
                                  ? findNumbers(text)
                                  : findText(text, view(rule.pattern()));
  if (rule.invert())
    for (Range &range : ranges)
      range.isMatch = !range.isMatch;
  return ranges;
}

static void apply(const bpe::Split &rule, Segment segment, std::vector<Segment> &words) {
  if (rule.kind() == bpe::SplitKind::metaspace) {
    writeMetaspace(rule, segment);
    if (rule.whole())
      return words.push_back(std::move(segment));
  }
  for (const Range &range : toWords(findRanges(rule, segment.text), rule.matches()))
    words.push_back({segment.text.substr(range.begin, range.end - range.begin),
                     segment.atOrigin && range.begin == 0});
}

std::vector<Segment> splitIntoWords(const bpe::Tables &tables, Segment segment) {
  std::vector<Segment> words;
  words.push_back(std::move(segment));
  for (const bpe::Split *rule : itemsOf(tables.splits())) {
    std::vector<Segment> next;
    for (Segment &word : words)
      if (!word.text.empty())
        apply(*rule, std::move(word), next);
    words = std::move(next);
  }
  std::erase_if(words, [](const Segment &word) { return word.text.empty(); });
  return words;
}

} // namespace strata
