//===- PieceRanges.cpp - where pieces stand in their text -----------------===//

#include "runtime/text/PieceRanges.h"

#include <algorithm>

namespace strata {

std::optional<std::vector<ByteRange>>
findPieceRanges(const Tokenizer &tokenizer, std::string_view text, std::span<const int32_t> ids) {
  Detokenizer detokenizer(tokenizer, Detokenizer::Start::ofText);
  std::vector<ByteRange> ranges;
  std::string written;
  size_t open = 0; // the first id whose characters are not complete
  // What was written since then belongs to all ids from there on.
  const auto close = [&](size_t from) {
    for (; open < ranges.size(); ++open)
      ranges[open] = {from, written.size()};
  };
  for (const int32_t id : ids) {
    const size_t before = written.size();
    // A control piece that stands in the text was encoded from its own characters, and what is
    // behind it as a text of its own.
    const std::string_view control = tokenizer.isControl(id) ? tokenizer.piece(id) : "";
    if (!control.empty() && text.substr(std::min(before, text.size())).starts_with(control)) {
      written += detokenizer.flush() + std::string(control);
      detokenizer = Detokenizer(tokenizer, Detokenizer::Start::ofText);
    } else {
      written += detokenizer.push(id);
    }
    ranges.push_back({before, before});
    if (written.size() > before || tokenizer.isControl(id))
      close(before);
  }
  const size_t before = written.size();
  written += detokenizer.flush();
  close(before);
  if (written != text)
    return std::nullopt;
  return ranges;
}

} // namespace strata
