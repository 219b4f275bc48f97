//===- BpeRules.cpp - from a text to words --------------------------------===//
#include "runtime/tokenizer/BpeRules.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/UnicodeNumbers.h"

#include <algorithm>
#include <vector>

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

/// The size that `text` gets, bytes; at least: what a rule strips is not counted.
static size_t sizeAfter(const bpe::Normalizer &rule, std::string_view text) {
  const std::string_view pattern = view(rule.pattern()), content = view(rule.content());
  size_t size = text.size();
  if (rule.kind() == bpe::NormalizerKind::prepend)
    size += content.size();
  if (rule.kind() == bpe::NormalizerKind::replace)
    for (size_t at = 0; (at = text.find(pattern, at)) != text.npos; at += pattern.size())
      size += content.size() - pattern.size();
  return size;
}

absl::StatusOr<std::string> normalize(const bpe::Tables &tables, std::string text) {
  for (const bpe::Normalizer *rule : itemsOf(tables.normalizers())) {
    if (const size_t size = sizeAfter(*rule, text); size > kMaxNormalizedBytes)
      return absl::InvalidArgumentError(absl::StrCat("text: its normalizer makes it ", size,
                                                     " bytes, expected at most ",
                                                     kMaxNormalizedBytes));
    text = apply(*rule, std::move(text));
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Splits
//===----------------------------------------------------------------------===//

namespace {
/// A part of a text that is split. Of a long one there are many: they are kept small.
struct Range {
  Range(size_t begin, size_t end, bool isMatch)
      : begin(uint32_t(begin)), end(uint32_t(end)), isMatch(isMatch) {}

  uint32_t begin, end; // bytes
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
static std::string writeMetaspace(const bpe::Split &rule, const Segment &segment) {
  const std::string_view symbol = view(rule.pattern());
  std::string text = replaceAll(segment.text, " ", symbol);
  const bool prepends = rule.prepend() == bpe::Prepend::always ||
                        (rule.prepend() == bpe::Prepend::first && segment.atOrigin);
  if (prepends && !text.starts_with(symbol))
    text.insert(0, symbol);
  return text;
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

/// Applies the rules from `index` on, to one part after the other: only the first rule ever has all
/// parts of a long text at once.
static absl::Status applyFrom(const bpe::Tables &tables, uint32_t index, const Segment &segment,
                              WordSink sink) {
  if (segment.text.empty())
    return absl::OkStatus();
  if (index == count(tables.splits()))
    return sink(segment.text);
  const bpe::Split &rule = *tables.splits()->Get(index);
  std::string written;
  Segment whole = segment;
  if (rule.kind() == bpe::SplitKind::metaspace) {
    whole.text = written = writeMetaspace(rule, segment);
    if (rule.whole())
      return applyFrom(tables, index + 1, whole, sink);
  }
  for (const Range &range : toWords(findRanges(rule, whole.text), rule.matches()))
    STRATA_TRY(applyFrom(tables, index + 1,
                         {whole.text.substr(range.begin, range.end - range.begin),
                          segment.atOrigin && range.begin == 0},
                         sink));
  return absl::OkStatus();
}

absl::Status splitIntoWords(const bpe::Tables &tables, const Segment &segment, WordSink sink) {
  return applyFrom(tables, 0, segment, sink);
}

} // namespace strata
