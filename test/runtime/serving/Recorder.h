//===- Recorder.h - what becomes of a request, for tests --------*- C++ -*-===//
#pragma once

#include "runtime/serving/Request.h"

#include <atomic>
#include <functional>
#include <future>
#include <optional>
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

} // namespace strata::test
