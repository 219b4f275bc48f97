//===- ScoreReport.cpp - what strata-score writes -------------------------===//

#include "tools/score/ScoreReport.h"

#include "absl/strings/str_format.h"
#include "tools/command_line/JsonWriter.h"

namespace strata {

namespace {

/// A line of JSON that begins with how many tokens were scored, and how.
JsonWriter beginJson(const TextMethod &method, size_t tokens, int64_t scored) {
  JsonWriter json;
  json.beginObject(JsonWriter::Layout::oneLine).member("file", method.file);
  json.member("method", method.stride ? "strided" : "chunked").member("context", method.context);
  json.key("stride");
  method.stride ? json.value(method.stride) : json.null();
  json.member("text_tokens", tokens).member("tokens", scored);
  return json;
}

/// The same for people.
std::string beginText(const TextMethod &method, size_t tokens, int64_t scored) {
  const std::string windows =
      method.stride
          ? absl::StrFormat("windows of %d tokens, %d apart", method.context, method.stride)
          : absl::StrFormat("second halves of chunks of %d tokens", method.context);
  return absl::StrFormat("text        %d tokens\nscored      %d tokens: %s\n", tokens, scored,
                         windows);
}

std::string divergenceAsJson(JsonWriter json, const Divergence &result) {
  json.member("perplexity", result.model().value());
  json.member("perplexity_error", result.model().error());
  json.member("base_perplexity", result.base().value());
  json.member("base_perplexity_error", result.base().error());
  json.member("perplexity_ratio", result.ratio().value());
  json.member("perplexity_ratio_error", result.ratio().error());
  json.member("kl", result.mean()).member("kl_error", result.error());
  json.member("kl_99", result.quantile(0.99)).member("kl_max", result.quantile(1));
  json.member("p_difference_rms", result.differenceRms()).member("same_top", result.sameTop());
  return json.endObject().take();
}

} // namespace

std::string describeText(ScoreFormat format, const TextMethod &method, size_t tokens,
                         const Perplexity &result) {
  if (format == ScoreFormat::text)
    return absl::StrFormat("%slog p       %.6f per token\nperplexity  %.6f +/- %.6f\n",
                           beginText(method, tokens, result.tokens), -result.mean(), result.value(),
                           result.error());
  JsonWriter json = beginJson(method, tokens, result.tokens);
  json.member("logprob", -result.sum).member("logprob_per_token", -result.mean());
  json.member("perplexity", result.value()).member("perplexity_error", result.error());
  return json.endObject().take();
}

std::string describeDivergence(ScoreFormat format, const TextMethod &method, size_t tokens,
                               const Divergence &result) {
  if (format != ScoreFormat::text)
    return divergenceAsJson(beginJson(method, tokens, result.tokens()), result);
  return absl::StrFormat("%sperplexity  %.6f +/- %.6f\nof base     %.6f +/- %.6f\n"
                         "ratio       %.6f +/- %.6f\n"
                         "KL          mean %.6f +/- %.6f, 99 %% %.6f, most %.6f\n"
                         "p of token  RMS of differences %.3f %%\nsame top    %.3f %%\n",
                         beginText(method, tokens, result.tokens()), result.model().value(),
                         result.model().error(), result.base().value(), result.base().error(),
                         result.ratio().value(), result.ratio().error(), result.mean(),
                         result.error(), result.quantile(0.99), result.quantile(1),
                         100 * result.differenceRms(), 100 * result.sameTop());
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
