//===- GeneratedText.cpp - a text that a model goes on with ---------------===//

#include "runtime/text/GeneratedText.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <utility>

namespace strata {

GeneratedText::GeneratedText(const Tokenizer &tokenizer, int64_t context, StopRules rules)
    : tokenizer(&tokenizer), context(context), rules(std::move(rules)),
      decoder(tokenizer, Detokenizer::Start::continuation) {}

absl::Status GeneratedText::begin(std::span<const int32_t> prompt, int64_t most) {
  if (pending().empty() && prompt.empty())
    return absl::InvalidArgumentError("prompt: expected at least 1 token, found none");
  if (most < 1)
    return absl::InvalidArgumentError(
        absl::StrCat("tokens to generate: expected at least 1, found ", most));
  if (int64_t(prompt.size()) >= room())
    return absl::OutOfRangeError(absl::StrCat("prompt: expected fewer tokens than the ", room(),
                                              " left of the context, found ", prompt.size()));
  ids.insert(ids.end(), prompt.begin(), prompt.end());
  decoder = Detokenizer(*tokenizer, Detokenizer::Start::continuation);
  left = std::min(most, room());
  reason.reset();
  lineEnded = false;
  return absl::OkStatus();
}

void GeneratedText::markSeen(int64_t count) {
  seenTokens += std::min(size_t(std::max<int64_t>(count, 0)), pending().size());
}

bool GeneratedText::isStop(int32_t token) const {
  return std::find(rules.tokens.begin(), rules.tokens.end(), token) != rules.tokens.end();
}

std::string GeneratedText::push(int32_t token) {
  const bool stop = isStop(token);
  if (!stop || rules.keep)
    ids.push_back(token);
  --left;
  if (stop)
    return finish(FinishReason::stop, "");
  std::string text = decoder.push(token);
  return left == 0 ? finish(FinishReason::length, std::move(text)) : noteLine(std::move(text));
}

std::string GeneratedText::end(FinishReason why) {
  return reason ? std::string() : finish(why, "");
}

std::string GeneratedText::finish(FinishReason why, std::string text) {
  reason = why;
  return noteLine(text + decoder.flush());
}

std::string GeneratedText::noteLine(std::string text) {
  lineEnded = text.empty() ? lineEnded : text.back() == '\n';
  return text;
}

} // namespace strata
