//===- LoadReport.cpp - what a load measured ------------------------------===//

#include "tools/load/LoadReport.h"

#include "absl/strings/str_format.h"
#include "tools/command_line/JsonWriter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace strata::load {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr auto kOneLine = JsonWriter::Layout::oneLine;

/// Of ascending values.
double quantile(const std::vector<double> &values, double share) {
  const double place = share * double(values.size() - 1);
  const auto below = size_t(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - double(below)) * (values[above] - values[below]);
}

//===----------------------------------------------------------------------===//
// Of one request
//===----------------------------------------------------------------------===//

int64_t generatedTokens(const RequestResult &result) {
  return result.told.generatedTokens.value_or(int64_t(result.texts.size()));
}

double firstText(const RequestResult &result) {
  return result.texts.empty() ? kNone : result.texts.front() - result.begin;
}

double perToken(const RequestResult &result) {
  const int64_t behindFirst = generatedTokens(result) - 1;
  if (result.texts.empty() || behindFirst < 1)
    return kNone;
  return (result.texts.back() - result.texts.front()) / double(behindFirst);
}

double whole(const RequestResult &result) { return result.end - result.begin; }

/// A goal that has nothing to be measured by is met.
bool meets(const RequestResult &result, const Goals &goals) {
  const auto within = [](double value, const std::optional<double> &goal) {
    return !goal || !(value > *goal);
  };
  return within(firstText(result), goals.firstText) && within(perToken(result), goals.perToken) &&
         within(whole(result), goals.whole);
}

using Measure = double (*)(const RequestResult &);

Spread spreadOf(const std::vector<const RequestResult *> &results, Measure measure) {
  std::vector<double> values;
  for (const RequestResult *result : results)
    if (const double value = measure(*result); !std::isnan(value))
      values.push_back(value);
  return load::spreadOf(std::move(values));
}

std::vector<const RequestResult *> succeeded(const std::vector<RequestResult> &results) {
  std::vector<const RequestResult *> good;
  for (const RequestResult &result : results)
    if (result.status.ok())
      good.push_back(&result);
  return good;
}

/// Each kind of failure and how many requests it ended.
std::map<std::string, int64_t> failuresOf(const std::vector<RequestResult> &results) {
  std::map<std::string, int64_t> failures;
  for (const RequestResult &result : results)
    if (!result.status.ok())
      ++failures[std::string(result.status.message())];
  return failures;
}

/// The names that other load generators have for them.
struct NamedSpread {
  const char *name, *key, *meaning;
  const Spread &spread;
};

std::vector<NamedSpread> spreadsOf(const LoadFigures &figures) {
  return {{"TTFT", "ttft", "to the first text", figures.firstText},
          {"ITL", "itl", "between two chunks of text", figures.betweenTexts},
          {"TPOT", "tpot", "a token behind the first text", figures.perToken},
          {"E2E", "e2e", "to the end", figures.whole}};
}

//===----------------------------------------------------------------------===//
// Markdown
//===----------------------------------------------------------------------===//

std::string rounded(double value, int digits) {
  return std::isfinite(value) ? absl::StrFormat("%.*f", digits, value) : "-";
}

std::string milliseconds(double seconds) { return rounded(1e3 * seconds, 2); }

std::string describeLoad(const LoadSetup &setup) {
  return setup.clients > 0
             ? absl::StrCat(setup.clients, setup.clients == 1 ? " client" : " clients")
             : absl::StrFormat("%g/s", setup.rate);
}

std::string markdown(const LoadSetup &setup, const std::vector<RequestResult> &results) {
  const LoadFigures f = figuresOf(setup, results);
  std::string text = absl::StrFormat(
      "%s, %s\n\n"
      "| load | requests | failed | prompt tokens | cached | generated | seconds | requests/s "
      "| generated tok/s | all tok/s | within the goals, requests/s |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n"
      "| %s | %d | %d | %d | %d | %d | %s | %s | %s | %s | %s |\n\n",
      setup.url, setup.model, describeLoad(setup), f.requests, f.failed, f.promptTokens,
      f.cachedTokens, f.generatedTokens, rounded(f.seconds, 2),
      rounded(double(f.requests - f.failed) / f.seconds, 2),
      rounded(double(f.generatedTokens) / f.seconds, 1),
      rounded(double(f.promptTokens + f.generatedTokens) / f.seconds, 1),
      rounded(f.withinGoals, 2));
  text += "| ms | | mean | median | p99 |\n|---|---|---|---|---|\n";
  for (const NamedSpread &row : spreadsOf(f))
    absl::StrAppendFormat(&text, "| %s | %s | %s | %s | %s |\n", row.name, row.meaning,
                          milliseconds(row.spread.mean), milliseconds(row.spread.median),
                          milliseconds(row.spread.p99));
  absl::StrAppendFormat(&text, "\n%s tokens in a chunk of text.\n", rounded(f.tokensPerText, 2));
  if (f.generatedTokens != f.askedTokens)
    absl::StrAppendFormat(&text, "%d tokens were asked for, %d came.\n", f.askedTokens,
                          f.generatedTokens);
  if (f.countedTexts > 0)
    absl::StrAppendFormat(&text, "Of %d requests chunks were counted: the server told no tokens.\n",
                          f.countedTexts);
  for (const auto &[message, count] : failuresOf(results))
    absl::StrAppendFormat(&text, "%d failed: %s\n", count, message);
  return text;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

void writeRequest(JsonWriter &json, const RequestResult &result) {
  json.beginObject(kOneLine)
      .member("begin", result.begin)
      .member("prompt_tokens", result.told.promptTokens.value_or(result.asked.prompt))
      .member("cached_tokens", result.told.cachedTokens.value_or(0))
      .member("generated_tokens", generatedTokens(result))
      .member("asked_tokens", result.asked.output)
      .member("texts", result.texts.size())
      .member("ttft", firstText(result))
      .member("tpot", perToken(result))
      .member("e2e", whole(result));
  if (!result.status.ok())
    json.member("failed", std::string(result.status.message()));
  json.endObject();
}

void writeFigures(JsonWriter &json, const LoadFigures &f) {
  json.member("requests", f.requests)
      .member("failed", f.failed)
      .member("prompt_tokens", f.promptTokens)
      .member("cached_tokens", f.cachedTokens)
      .member("generated_tokens", f.generatedTokens)
      .member("asked_tokens", f.askedTokens)
      .member("requests_with_chunks_counted", f.countedTexts)
      .member("seconds", f.seconds)
      .member("requests_per_second", double(f.requests - f.failed) / f.seconds)
      .member("generated_tokens_per_second", double(f.generatedTokens) / f.seconds)
      .member("tokens_per_second", double(f.promptTokens + f.generatedTokens) / f.seconds)
      .member("requests_within_goals_per_second", f.withinGoals)
      .member("tokens_per_chunk", f.tokensPerText);
  for (const NamedSpread &row : spreadsOf(f))
    json.key(row.key)
        .beginObject(kOneLine)
        .member("mean", row.spread.mean)
        .member("median", row.spread.median)
        .member("p99", row.spread.p99)
        .endObject();
}

std::string json(const LoadSetup &setup, const std::vector<RequestResult> &results) {
  JsonWriter json;
  json.beginObject().member("url", setup.url).member("model", setup.model);
  if (setup.clients > 0)
    json.member("clients", setup.clients);
  else
    json.member("rate", setup.rate);
  writeFigures(json, figuresOf(setup, results));
  json.key("failures").beginObject();
  for (const auto &[message, count] : failuresOf(results))
    json.member(message, count);
  json.endObject();
  json.key("each_request").beginArray();
  for (const RequestResult &result : results)
    writeRequest(json, result);
  return json.endArray().endObject().take();
}

} // namespace

Spread spreadOf(std::vector<double> seconds) {
  if (seconds.empty())
    return {kNone, kNone, kNone};
  std::sort(seconds.begin(), seconds.end());
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  return {sum / double(seconds.size()), quantile(seconds, 0.5), quantile(seconds, 0.99)};
}

LoadFigures figuresOf(const LoadSetup &setup, const std::vector<RequestResult> &results) {
  const std::vector<const RequestResult *> good = succeeded(results);
  LoadFigures f{};
  f.requests = int64_t(results.size());
  f.failed = int64_t(results.size() - good.size());
  double begin = std::numeric_limits<double>::infinity(), end = -begin;
  int64_t texts = 0, withinGoals = 0;
  std::vector<double> pauses;
  for (const RequestResult *result : good) {
    f.promptTokens += result->told.promptTokens.value_or(result->asked.prompt);
    f.cachedTokens += result->told.cachedTokens.value_or(0);
    f.generatedTokens += generatedTokens(*result);
    f.askedTokens += result->asked.output;
    f.countedTexts += !result->told.generatedTokens;
    texts += int64_t(result->texts.size());
    withinGoals += meets(*result, setup.goals);
    for (size_t i = 1; i < result->texts.size(); ++i)
      pauses.push_back(result->texts[i] - result->texts[i - 1]);
    begin = std::min(begin, result->begin);
    end = std::max(end, result->end);
  }
  f.seconds = good.empty() ? kNone : end - begin;
  f.tokensPerText = texts > 0 ? double(f.generatedTokens) / double(texts) : kNone;
  f.withinGoals = setup.goals.any() ? double(withinGoals) / f.seconds : kNone;
  f.firstText = spreadOf(good, firstText);
  f.betweenTexts = spreadOf(std::move(pauses));
  f.perToken = spreadOf(good, perToken);
  f.whole = spreadOf(good, whole);
  return f;
}

std::string formatLoad(LoadFormat format, const LoadSetup &setup,
                       const std::vector<RequestResult> &results) {
  return format == LoadFormat::json ? json(setup, results) : markdown(setup, results);
}

} // namespace strata::load
