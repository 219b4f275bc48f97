//===- Answers.h - what OpenAI's clients get back ---------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "runtime/serving/Metrics.h"
#include "runtime/serving/Request.h"
#include "tools/serve/CompletionRequest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace strata::serve {

/// The status of HTTP that an error is, and the object that tells of it.
int httpStatusOf(const absl::Status &status);
std::string errorJson(int httpStatus, std::string_view message);

/// What stands in every answer and chunk of one request.
struct AnswerHead {
  bool isChat;
  std::string id, model;
  int64_t created; // seconds since 1970
};

/// A choice of an answer, or, in a chunk, what is new of it.
struct ChoicePart {
  int64_t index;
  std::string text;
  std::optional<FinishReason> reason = {}; // in chunks: null until the last
  /// Log-probabilities, where they were asked for. `first` is a token that has none: the prompt's.
  bool hasScores = false;
  std::optional<int32_t> first = {};
  std::vector<ScoredToken> scores = {};
  bool begins = false; // of a chunk of a conversation: names the role
};

std::string answerJson(const AnswerHead &head, const Tokenizer &tokenizer,
                       const std::vector<ChoicePart> &choices, const serving::Usage &usage);
std::string chunkJson(const AnswerHead &head, const Tokenizer &tokenizer, const ChoicePart &choice);
/// The chunk behind the last, where usage was asked for.
std::string usageJson(const AnswerHead &head, const serving::Usage &usage);

/// How one token reads: its text, or its piece where it is no text alone.
std::string tokenText(const Tokenizer &tokenizer, int32_t token);

std::string modelsJson(const ServedModel &model, int64_t created);
std::string modelJson(const ServedModel &model, int64_t created);
std::string tokenizerJson(const ServedModel &model);
/// Prometheus' text format 0.0.4.
std::string metricsText(const serving::Metrics &metrics, const std::string &model);

} // namespace strata::serve
