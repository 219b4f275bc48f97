//===- BpeRules.cpp -------------------------------------------------------===//
#include "runtime/BpeRules.h"

#include "runtime/Package.h"
#include "runtime/UnicodeNumbers.h"
#include "runtime/Utf8.h"

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

static void stripWhiteSpace(const bpe::Normalizer &rule, Stretch &stretch) {
  if (rule.right())
    stretch.text.resize(stretch.text.size() - whiteSpaceAtEnd(stretch.text));
  const size_t begin = rule.left() ? whiteSpaceAtBegin(stretch.text) : 0;
  stretch.text.erase(0, begin);
  stretch.atOrigin &= begin == 0;
}

static void apply(const bpe::Normalizer &rule, Stretch &stretch) {
  const std::string_view pattern = view(rule.pattern()), content = view(rule.content());
  switch (rule.kind()) {
  case bpe::NormalizerKind::prepend:
    if (!stretch.text.empty())
      stretch.text.insert(0, content);
    return;
  case bpe::NormalizerKind::replace:
    stretch.atOrigin &= !(content.empty() && stretch.text.starts_with(pattern));
    stretch.text = replaceAll(stretch.text, pattern, content);
    return;
  case bpe::NormalizerKind::strip:
    return stripWhiteSpace(rule, stretch);
  }
}

void normalize(const bpe::Tables &tables, Stretch &stretch) {
  for (const bpe::Normalizer *rule : items(tables.normalizers()))
    apply(*rule, stretch);
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
static void writeMetaspace(const bpe::Split &rule, Stretch &stretch) {
  const std::string_view symbol = view(rule.pattern());
  stretch.text = replaceAll(stretch.text, " ", symbol);
  const bool prepends = rule.prepend() == bpe::Prepend::always ||
                        (rule.prepend() == bpe::Prepend::first && stretch.atOrigin);
  if (prepends && !stretch.text.starts_with(symbol))
    stretch.text.insert(0, symbol);
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

static void apply(const bpe::Split &rule, Stretch stretch, std::vector<Stretch> &words) {
  if (rule.kind() == bpe::SplitKind::metaspace) {
    writeMetaspace(rule, stretch);
    if (rule.whole())
      return words.push_back(std::move(stretch));
  }
  for (const Range &range : toWords(findRanges(rule, stretch.text), rule.matches()))
    words.push_back({stretch.text.substr(range.begin, range.end - range.begin),
                     stretch.atOrigin && range.begin == 0});
}

std::vector<Stretch> splitIntoWords(const bpe::Tables &tables, Stretch stretch) {
  std::vector<Stretch> words;
  words.push_back(std::move(stretch));
  for (const bpe::Split *rule : items(tables.splits())) {
    std::vector<Stretch> next;
    for (Stretch &word : words)
      if (!word.text.empty())
        apply(*rule, std::move(word), next);
    words = std::move(next);
  }
  std::erase_if(words, [](const Stretch &word) { return word.text.empty(); });
  return words;
}

} // namespace strata
