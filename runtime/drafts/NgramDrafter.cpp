//===- NgramDrafter.cpp - guesses from a text's own n-grams ---------------===//

#include "runtime/drafts/NgramDrafter.h"

#include <algorithm>
#include <bit>

namespace strata {
namespace {

constexpr size_t kNgramsOfToken = NgramIndex::kLongest - NgramIndex::kShortest + 1;
constexpr size_t kLeastSlots = 1024;

} // namespace

size_t NgramIndex::slotOf(std::span<const int32_t> ngram) const {
  uint64_t hash = ngram.size();
  for (int32_t token : ngram) {
    hash = (hash ^ uint64_t(uint32_t(token))) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return size_t(hash) & (table.size() - 1);
}

/// The n-grams that end before the token at `next`.
void NgramIndex::enter(std::span<const int32_t> text, size_t next) {
  for (size_t n = kShortest; n <= std::min(kLongest, next); ++n)
    table[slotOf(text.subspan(next - n, n))] = uint32_t(next);
}

void NgramIndex::extend(std::span<const int32_t> text) {
  if (const size_t wanted = 2 * kNgramsOfToken * text.size(); wanted > table.size()) {
    table.assign(std::bit_ceil(std::max(wanted, kLeastSlots)), 0);
    entered = 0; // places have changed; they double, so a token is entered twice on average
  }
  for (; entered < text.size(); ++entered)
    enter(text, entered);
}

std::optional<size_t> NgramIndex::find(std::span<const int32_t> text) const {
  for (size_t n = std::min(kLongest, text.size()); n >= kShortest; --n) {
    const auto last = text.last(n);
    const size_t next = table[slotOf(last)];
    if (next >= n && std::ranges::equal(text.subspan(next - n, n), last))
      return next;
  }
  return std::nullopt;
}

int32_t NgramDrafter::open() {
  indices.try_emplace(++last);
  return last;
}

absl::Status NgramDrafter::draft(std::span<DraftRequest> requests) {
  for (DraftRequest &request : requests) {
    NgramIndex &index = indices.at(request.text);
    index.extend(request.tokens);
    const std::optional<size_t> found = index.find(request.tokens);
    // What goes on behind the end of the text repeats itself.
    const size_t length = request.tokens.size();
    for (size_t i = 0; found && i < size_t(request.most); ++i)
      request.drafts.push_back(*found + i < length ? request.tokens[*found + i]
                                                   : request.drafts[*found + i - length]);
  }
  return absl::OkStatus();
}

} // namespace strata
