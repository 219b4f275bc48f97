//===- BpeRules.cpp - from a text to words --------------------------------===//
#include "runtime/tokenizer/BpeRules.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/BpeSplits.h"
#include "runtime/tokenizer/ByteLevel.h"
#include "runtime/tokenizer/Normalize.h"

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

static absl::StatusOr<std::string> apply(const bpe::Normalizer &rule, std::string text,
                                         size_t most) {
  switch (rule.kind()) {
  case bpe::NormalizerKind::prepend:
    return text.empty() ? text : std::string(view(rule.content())).append(text);
  case bpe::NormalizerKind::replace:
    return replaceAll(text, view(rule.pattern()), view(rule.content()));
  case bpe::NormalizerKind::strip:
    if (rule.right())
      text.resize(text.size() - whiteSpaceAtEnd(text));
    return text.erase(0, rule.left() ? whiteSpaceAtBegin(text) : 0);
  case bpe::NormalizerKind::nfc:
    return normalForm(text, NormalForm::nfc, most);
  case bpe::NormalizerKind::nfkc:
    return normalForm(text, NormalForm::nfkc, most);
  case bpe::NormalizerKind::lowercase:
    return smallLetters(text);
  }
  return text;
}

/// The size that a rule about strings gives `text`, bytes. Of the others none makes it much longer,
/// or looks itself.
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

static absl::Status tooLong(size_t bytes, size_t most) {
  return absl::InvalidArgumentError(absl::StrCat("text: the tokenizer's rules make it ", bytes,
                                                 " bytes, expected at most ", most));
}

absl::StatusOr<std::string> normalize(const bpe::Tables &tables, std::string text) {
  const size_t most = mostBytes(text.size());
  for (const bpe::Normalizer *rule : itemsOf(tables.normalizers())) {
    if (const size_t size = sizeAfter(*rule, text); size > most)
      return tooLong(size, most);
    STRATA_ASSIGN(text, apply(*rule, std::move(text), most));
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Splits
//===----------------------------------------------------------------------===//

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

/// The text that a rule splits.
static std::string rewrite(const bpe::Split &rule, const Segment &segment) {
  if (rule.kind() == bpe::SplitKind::metaspace)
    return writeMetaspace(rule, segment);
  const bool prepends = rule.kind() == bpe::SplitKind::byte_level &&
                        rule.prepend() != bpe::Prepend::never && !segment.text.starts_with(' ');
  std::string text(prepends, ' ');
  return text.append(segment.text);
}

/// Applies the rules from `index` on, to one part after the other: only the first rule ever has all
/// parts of a long text at once. None may have more than `most` bytes.
static absl::Status applyFrom(const bpe::Tables &tables, uint32_t index, const Segment &segment,
                              size_t most, WordSink sink) {
  if (segment.text.empty())
    return absl::OkStatus();
  if (segment.text.size() > most)
    return tooLong(segment.text.size(), most);
  if (index == count(tables.splits()))
    return sink(segment.text);
  const bpe::Split &rule = *tables.splits()->Get(index);
  const std::string text = rewrite(rule, segment);
  std::vector<Range> words = {{0, text.size(), false}};
  if (!rule.whole())
    words = findWords(rule, text);
  for (const Range &range : words) {
    std::string_view word = std::string_view(text).substr(range.begin, range.end - range.begin);
    std::string characters;
    if (rule.kind() == bpe::SplitKind::byte_level)
      word = characters = bytesAsCharacters(word);
    STRATA_TRY(
        applyFrom(tables, index + 1, {word, segment.atOrigin && range.begin == 0}, most, sink));
  }
  return absl::OkStatus();
}

absl::Status splitIntoWords(const bpe::Tables &tables, const Segment &segment, WordSink sink) {
  return applyFrom(tables, 0, segment, mostBytes(segment.text.size()), sink);
}

} // namespace strata
