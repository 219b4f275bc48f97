//===- Recorder.h - what becomes of a request, for tests --------*- C++ -*-===//
#pragma once

#include "runtime/serving/Request.h"

#include <atomic>
#include <functional>
#include <future>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace strata::test {

/// Keeps what it hears, and lets a test wait for the end.
class Recorder : public serving::Listener {
public:
  void promptScored(std::vector<ScoredToken> tokens) override { prompt = std::move(tokens); }
  void generated(serving::Generated part) override {
    text += part.text;
    tokens.insert(tokens.end(), part.tokens.begin(), part.tokens.end());
    for (ScoredToken &score : part.scores)
      scores.push_back(std::move(score));
    ++parts;
    if (onPart)
      onPart();
  }
  void finished(FinishReason why, const serving::Usage &used) override {
    reason = why;
    usage = used;
    done.set_value();
  }
  void failed(const absl::Status &why) override {
    status = why;
    done.set_value();
  }
  void wait() { done.get_future().wait(); }

  std::string text;
  std::vector<int32_t> tokens;
  std::vector<ScoredToken> scores, prompt;
  std::atomic<int> parts = 0;
  std::function<void()> onPart;
  std::optional<FinishReason> reason;
  absl::Status status;
  serving::Usage usage;

private:
  std::promise<void> done;
};

inline serving::Request prompt(std::vector<int32_t> tokens, int64_t most) {
  return {.prompt = std::move(tokens), .mostTokens = most};
}

/// Of all lengths, always the same.
inline std::vector<serving::Request> mixedPrompts(int32_t vocabulary) {
  std::vector<serving::Request> requests;
  std::mt19937 random(1);
  for (int i = 0; i < 30; ++i) {
    std::vector<int32_t> tokens(1 + random() % 40);
    for (int32_t &token : tokens)
      token = int32_t(random() % uint32_t(vocabulary));
    requests.push_back(prompt(tokens, 1 + random() % 20));
  }
  return requests;
}

} // namespace strata::test
