//===- ScriptedDrafter.h - guesses that a test makes up ---------*- C++ -*-===//
#pragma once

#include "runtime/drafts/Drafter.h"
#include "test/runtime/serving/HashEngine.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace strata::test {

/// Guesses by a function of the tokens so far, one token after the other.
class ScriptedDrafter : public Drafter {
public:
  using Script = std::function<int32_t(std::span<const int32_t> tokens)>;

  explicit ScriptedDrafter(Script script) : script(std::move(script)) {}

  int32_t open() override {
    texts.insert(++last);
    return last;
  }
  void close(int32_t text) override { EXPECT_EQ(texts.erase(text), 1u); }
  absl::Status draft(std::span<DraftRequest> requests) override {
    for (DraftRequest &request : requests) {
      EXPECT_TRUE(texts.contains(request.text));
      std::vector<int32_t> tokens(request.tokens.begin(), request.tokens.end());
      while (int64_t(request.drafts.size()) < request.most) {
        tokens.push_back(script(tokens));
        request.drafts.push_back(tokens.back());
      }
    }
    return absl::OkStatus();
  }

private:
  const Script script;
  std::set<int32_t> texts;
  int32_t last = 0;
};

/// What the hash's model goes on with, but wrong after each `right` tokens.
inline ScriptedDrafter::Script wrongAfter(size_t right) {
  return [right](std::span<const int32_t> tokens) {
    const int32_t next = std::max(0, findLikeliest(HashDevice::rowAfter(tokens, kVocabulary)));
    return tokens.size() % (right + 1) == 0 ? (next + 1) % int32_t(kVocabulary - 1) : next;
  };
}

} // namespace strata::test
