//===- Pairs.cpp - how likely continuations are ---------------------------===//

#include "tools/score/Pairs.h"

#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"

#include <algorithm>

namespace strata {
namespace {

/// Where the white space begins that ends a text: Unicode's, as Python's rstrip() takes it.
size_t endWithoutSpaces(std::string_view text) {
  constexpr std::string_view kSpaces[] = {" ",
                                          "\t",
                                          "\n",
                                          "\v",
                                          "\f",
                                          "\r",
                                          "\x1c",
                                          "\x1d",
                                          "\x1e",
                                          "\x1f",
                                          "\xc2\x85",
                                          "\xc2\xa0",
                                          "\xe1\x9a\x80",
                                          "\xe2\x80\x80",
                                          "\xe2\x80\x81",
                                          "\xe2\x80\x82",
                                          "\xe2\x80\x83",
                                          "\xe2\x80\x84",
                                          "\xe2\x80\x85",
                                          "\xe2\x80\x86",
                                          "\xe2\x80\x87",
                                          "\xe2\x80\x88",
                                          "\xe2\x80\x89",
                                          "\xe2\x80\x8a",
                                          "\xe2\x80\xa8",
                                          "\xe2\x80\xa9",
                                          "\xe2\x80\xaf",
                                          "\xe2\x81\x9f",
                                          "\xe3\x80\x80"};
  for (;;) {
    auto space = std::find_if(std::begin(kSpaces), std::end(kSpaces),
                              [&](std::string_view space) { return text.ends_with(space); });
    if (space == std::end(kSpaces))
      return text.size();
    text.remove_suffix(space->size());
  }
}

/// What stands before a text without context.
absl::StatusOr<int32_t> prefixToken(const package::Model &model) {
  if (model.bos_token() >= 0)
    return model.bos_token();
  if (count(model.eos_tokens()) > 0)
    return model.eos_tokens()->Get(0);
  return absl::InvalidArgumentError(
      "context: expected text, as the model has neither BOS nor EOS to begin with, found none");
}

absl::Status checkLengths(size_t continuation, size_t context) {
  if (continuation == 0)
    return absl::InvalidArgumentError("continuation: expected at least 1 token, found none");
  if (continuation > context)
    return absl::OutOfRangeError(absl::StrCat("continuation: expected at most ", context,
                                              " tokens (the context), found ", continuation));
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Pair> parsePair(std::string_view line, const std::string &place) {
  STRATA_ASSIGN(JsonDocument document, JsonDocument::parse(line, place));
  STRATA_ASSIGN(JsonObject object, document.object());
  for (const JsonMember &member : object.members())
    if (member.key != "context" && member.key != "continuation")
      return absl::InvalidArgumentError(absl::StrCat(
          place, ": expected the fields context and continuation, found ", printable(member.key)));
  STRATA_ASSIGN(std::string_view context, object.string("context"));
  STRATA_ASSIGN(std::string_view continuation, object.string("continuation"));
  return Pair{std::string(context), std::string(continuation)};
}

absl::StatusOr<EncodedPair> encodePair(const Tokenizer &tokenizer, const package::Model &model,
                                       const Pair &pair, bool addBos, size_t context) {
  std::string whole = pair.context + pair.continuation;
  std::string_view before(pair.context.data(), endWithoutSpaces(pair.context));
  STRATA_ASSIGN(std::vector<int32_t> own, tokenizer.encode(before));
  STRATA_ASSIGN(std::vector<int32_t> all, tokenizer.encode(whole));
  EncodedPair encoded{{}, 0, 0};
  if (addBos || own.empty()) {
    STRATA_ASSIGN(int32_t prefix, prefixToken(model));
    encoded.tokens.push_back(prefix);
  }
  encoded.tokens.insert(encoded.tokens.end(), all.begin(), all.end());
  // The context may have more tokens than both together, which merge at the seam.
  encoded.first = std::min(encoded.tokens.size() - all.size() + own.size(), encoded.tokens.size());
  STRATA_TRY(checkLengths(encoded.tokens.size() - encoded.first, context));
  encoded.truncated = encoded.tokens.size() - std::min(encoded.tokens.size(), context + 1);
  encoded.first -= encoded.truncated;
  encoded.tokens.erase(encoded.tokens.begin(),
                       encoded.tokens.begin() + ptrdiff_t(encoded.truncated));
  return encoded;
}

absl::StatusOr<PairScore> scorePair(Scorer &scorer, const EncodedPair &pair) {
  STRATA_ASSIGN(auto scores, scorer.score(pair.tokens, pair.first));
  PairScore result;
  for (const TokenScore &score : scores) {
    result.logProbability += score.logProbability;
    ++result.tokens;
    result.greedy = result.greedy && score.greedy;
    result.logProbabilities.push_back(score.logProbability);
  }
  return result;
}

} // namespace strata
