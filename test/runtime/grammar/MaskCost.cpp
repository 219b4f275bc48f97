//===- MaskCost.cpp - what masks of tokens cost beside a step -------------===//
//
//     strata_mask_cost model.strata
//
// Sixteen texts, JSON of some 350 tokens as a model writes it, go through schemas of their own, one
// token a step, on two threads; what a step's masks take is told. No model is run.
//
//===----------------------------------------------------------------------===//

#include "runtime/engine/Sampler.h"
#include "runtime/grammar/Grammars.h"
#include "tools/command_line/Load.h"

#include "absl/strings/str_cat.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unordered_map>

namespace strata::grammar {
namespace {

constexpr size_t kRows = 16, kThreads = 2;

void orDie(const absl::Status &status) {
  if (status.ok())
    return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

double millisecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

/// `row`: makes schemas differ. `most`: of the strings' characters, none if 0.
std::string schemaOf(size_t row, int most) {
  const std::string text = most ? absl::StrCat(R"({"type": "string", "maxLength": )", most, "}")
                                : R"({"type": "string"})";
  return absl::StrCat(R"({"type": "object", "properties": {"title)", row, "\": ", text,
                      R"(, "people": {"type": "array", "items": {"type": "object", "properties": {
    "name": )",
                      text, R"(, "age": {"type": "integer", "minimum": 0, "maximum": 150},
    "notes": {"type": "array", "items": )",
                      text, R"(}, "kind": {"enum": ["adult", "child"]},
    "score": {"type": "number"}}, "required": ["name", "age", "notes", "kind"],
    "additionalProperties": false}}}, "required": ["people"], "additionalProperties": false})");
}

std::string textOf(size_t row) {
  std::string people;
  for (int i = 0; i < 5; ++i)
    absl::StrAppend(
        &people, i ? ", " : "", R"({"name": "Jane )", i, R"( of the river", "age": )", 20 + 7 * i,
        R"(, "notes": ["the first of them came late, and with it the rain", "\"quoted\" words\nand lines", "for the years that were to come there was nothing else"], "kind": "adult", "score": -1.)",
        i, "5}");
  return absl::StrCat("{\"title", row, R"(": "What was told in the evening", "people": [)", people,
                      "]}");
}

/// The longest token that fits, one after the other.
std::vector<int32_t> tokensOf(const Vocabulary &vocabulary, std::string_view text) {
  static const auto byText = [&] {
    std::unordered_map<std::string_view, int32_t> all;
    for (int32_t token = 0; size_t(token) < vocabulary.size(); ++token)
      all.emplace(vocabulary.text(token), token);
    return all;
  }();
  std::vector<int32_t> tokens;
  while (!text.empty()) {
    size_t length = std::min<size_t>(text.size(), vocabulary.depth());
    while (!byText.contains(text.substr(0, length)))
      --length;
    tokens.push_back(byText.at(text.substr(0, length)));
    text.remove_prefix(length);
  }
  return tokens;
}

struct Row {
  Matcher matcher;
  std::vector<int32_t> tokens;
  int32_t drawn;
};

/// Draws a token of each row, of those that its grammar allows or of all.
void runStep(std::vector<Row> &rows, size_t step, std::span<const float> logits, bool masked) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next++) < rows.size();)
      if (step < rows[i].tokens.size() && masked) {
        const auto allowed = rows[i].matcher.allowed({});
        orDie(allowed.status());
        rows[i].drawn = drawToken(logits, {}, allowed->words());
        orDie(rows[i].matcher.pushToken(rows[i].tokens[step]));
      } else {
        rows[i].drawn = drawToken(logits, {});
      }
  };
  std::thread other(work);
  work();
  other.join();
}

void measure(const char *name, Grammars &grammars, const Tokenizer &tokenizer, bool shared,
             int most) {
  std::vector<Row> rows;
  double compiling = 0;
  for (size_t row = 0; row < kRows; ++row) {
    const size_t kind = shared ? 0 : row;
    const auto begin = std::chrono::steady_clock::now();
    auto grammar = grammars.compile({GrammarSource::Kind::jsonSchema, schemaOf(kind, most)});
    orDie(grammar.status());
    compiling = std::max(compiling, millisecondsSince(begin));
    rows.push_back({Matcher(*grammar), tokensOf((*grammar)->vocabulary(), textOf(kind)), 0});
  }
  const std::vector<float> logits(size_t(tokenizer.vocabularySize()), 1.0f);
  const auto timeOf = [&](size_t step, bool masked) {
    const auto begin = std::chrono::steady_clock::now();
    runStep(rows, step, logits, masked);
    return millisecondsSince(begin);
  };
  std::vector<double> times; // that masks add
  for (size_t step = 0; step < rows[0].tokens.size(); ++step) {
    const double plain = timeOf(step, false);
    times.push_back(timeOf(step, true) - plain);
  }
  double sum = 0;
  for (double time : times)
    sum += time;
  std::ranges::sort(times);
  std::printf("%s: %zu steps of %zu rows: mean %.2f ms, median %.2f, p99 %.2f, most %.2f; compiled "
              "in at most %.2f ms\n",
              name, times.size(), kRows, sum / double(times.size()), times[times.size() / 2],
              times[times.size() * 99 / 100], times.back(), compiling);
}

int run(const char *path) {
  const auto package = Package::open(path);
  if (!package.ok())
    return 1;
  const auto tokenizer = loadTokenizer(*package);
  if (!tokenizer.ok())
    return 1;
  Grammars grammars(**tokenizer);
  const auto begin = std::chrono::steady_clock::now();
  (void)grammars.compile({GrammarSource::Kind::jsonObject});
  std::printf("%d tokens; their trie took %.0f ms\n", (*tokenizer)->vocabularySize(),
              millisecondsSince(begin));
  measure("schemas of their own, first time", grammars, **tokenizer, false, 0);
  measure("schemas of their own, again", grammars, **tokenizer, false, 0);
  measure("strings up to 200 characters", grammars, **tokenizer, false, 200);
  measure("strings up to 60 characters", grammars, **tokenizer, false, 60);
  measure("one schema", grammars, **tokenizer, true, 0);
  return 0;
}

} // namespace
} // namespace strata::grammar

int main(int argc, char **argv) { return argc == 2 ? strata::grammar::run(argv[1]) : 2; }
