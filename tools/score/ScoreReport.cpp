//===- ScoreReport.cpp - what strata-score writes -------------------------===//

#include "tools/score/ScoreReport.h"

#include "absl/strings/str_format.h"
#include "tools/command_line/JsonWriter.h"

namespace strata {

static std::string textAsJson(const TextMethod &method, size_t tokens, const Perplexity &result) {
  JsonWriter json;
  json.beginObject(JsonWriter::Layout::oneLine).member("file", method.file);
  json.member("method", method.stride ? "strided" : "chunked").member("context", method.context);
  json.key("stride");
  method.stride ? json.value(method.stride) : json.null();
  json.member("text_tokens", tokens).member("tokens", result.tokens);
  json.member("logprob", -result.sum).member("logprob_per_token", -result.mean());
  json.member("perplexity", result.value()).member("perplexity_error", result.error());
  return json.endObject().take();
}

std::string describeText(ScoreFormat format, const TextMethod &method, size_t tokens,
                         const Perplexity &result) {
  if (format != ScoreFormat::text)
    return textAsJson(method, tokens, result);
  std::string windows =
      method.stride
          ? absl::StrFormat("windows of %d tokens, %d apart", method.context, method.stride)
          : absl::StrFormat("second halves of chunks of %d tokens", method.context);
  return absl::StrFormat("text        %d tokens\nscored      %d tokens: %s\n"
                         "log p       %.6f per token\nperplexity  %.6f +/- %.6f\n",
                         tokens, result.tokens, windows, -result.mean(), result.value(),
                         result.error());
}

std::string describeWindow(const WindowScores &scores, std::span<const int32_t> tokens) {
  std::vector<double> logProbabilities;
  for (const TokenScore &score : scores.scores)
    logProbabilities.push_back(score.logProbability);
  JsonWriter json;
  json.beginObject(JsonWriter::Layout::oneLine).member("first", scores.window.first);
  json.list("ids", tokens.subspan(scores.window.first, scores.scores.size()));
  return json.list("logprobs", logProbabilities).endObject().take();
}

std::string describePair(ScoreFormat format, const EncodedPair &pair, const PairScore &score) {
  if (format == ScoreFormat::text)
    return absl::StrFormat("%14.6f  %5d %s  %s\n", score.logProbability, score.tokens,
                           score.tokens == 1 ? "token " : "tokens", score.greedy ? "greedy" : "-");
  JsonWriter json;
  json.beginObject(JsonWriter::Layout::oneLine).member("logprob", score.logProbability);
  json.member("tokens", score.tokens).member("greedy", score.greedy);
  json.member("truncated", pair.truncated);
  if (format == ScoreFormat::tokens) {
    json.list("ids", std::span(pair.tokens).subspan(pair.first));
    json.list("logprobs", score.logProbabilities);
  }
  return json.endObject().take();
}

} // namespace strata
