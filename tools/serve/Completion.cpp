//===- Completion.cpp - one request for text and its answer ---------------===//

#include "tools/serve/Completion.h"

#include "absl/strings/str_cat.h"

#include <ctime>
#include <utility>

namespace strata::serve {

/// Log-probabilities that take about a millisecond to write.
constexpr int64_t kFewScores = 4096;

/// Takes what the scheduler tells of one text to the server's thread.
class Forwarder : public serving::Listener {
public:
  Forwarder(std::shared_ptr<Completion> completion, size_t index)
      : completion(std::move(completion)), index(index) {}

  void promptScored(std::vector<ScoredToken> tokens) override {
    post([tokens = std::move(tokens)](Completion &to, size_t index) mutable {
      to.promptScored(index, std::move(tokens));
    });
  }
  void generated(serving::Generated part) override {
    post([part = std::move(part)](Completion &to, size_t index) mutable {
      to.generated(index, std::move(part));
    });
  }
  void finished(FinishReason reason, const serving::Usage &usage) override {
    post([reason, usage](Completion &to, size_t index) { to.finished(index, reason, usage); });
  }
  void failed(const absl::Status &status) override {
    post([status](Completion &to, size_t) { to.failed(status); });
  }

private:
  template <typename Call>
  void post(Call call) {
    completion->place.server.post(
        [to = completion, index = index, call = std::move(call)]() mutable { call(*to, index); });
  }

  const std::shared_ptr<Completion> completion;
  const size_t index;
};

Completion::Completion(const Place &place, std::shared_ptr<Exchange> exchange,
                       CompletionRequest request, std::string id)
    : place(place), exchange(std::move(exchange)),
      asked(std::move(request)), head{asked.isChat, std::move(id), place.model.name,
                                      int64_t(std::time(nullptr))},
      texts(asked.requests.size()), left(texts.size()) {}

void Completion::start(const Place &place, std::shared_ptr<Exchange> exchange,
                       CompletionRequest request, std::string id) {
  std::shared_ptr<Completion> made(
      new Completion(place, std::move(exchange), std::move(request), std::move(id)));
  made->submit();
}

void Completion::submit() {
  exchange->onGone([self = weak_from_this()] {
    if (auto completion = self.lock()) {
      completion->over = true;
      completion->cancelAll();
    }
  });
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].choice.index = int64_t(i);
    texts[i].choice.hasScores = asked.requests[i].topLogProbs >= 0;
    if (asked.echo) {
      texts[i].choice.text = asked.promptTexts[i];
      if (texts[i].choice.hasScores)
        texts[i].choice.first = asked.requests[i].prompt.front();
    }
    auto id = place.scheduler.submit(asked.requests[i],
                                     std::make_shared<Forwarder>(shared_from_this(), i));
    if (!id.ok())
      return failed(id.status());
    texts[i].id = *id;
  }
}

void Completion::cancelAll() {
  for (const Text &text : texts)
    if (text.id != 0)
      place.scheduler.cancel(text.id);
}

void Completion::promptScored(size_t index, std::vector<ScoredToken> tokens) {
  texts[index].choice.scores = std::move(tokens);
}

void Completion::generated(size_t index, serving::Generated part) {
  if (over)
    return;
  ChoicePart &choice = texts[index].choice;
  choice.text += part.text;
  for (ScoredToken &score : part.scores)
    choice.scores.push_back(std::move(score));
  if (asked.streams && (!choice.text.empty() || choice.hasScores))
    sendChunk(index, std::exchange(choice, {choice.index, "", {}, choice.hasScores}));
}

void Completion::finished(size_t index, FinishReason reason, const serving::Usage &usage) {
  texts[index].usage = usage;
  texts[index].choice.reason = reason;
  --left;
  if (over)
    return;
  if (asked.streams)
    sendChunk(index, texts[index].choice);
  if (left == 0)
    complete();
}

void Completion::failed(const absl::Status &status) {
  if (over)
    return;
  over = true;
  cancelAll();
  const int code = httpStatusOf(status);
  std::string error = errorJson(code, std::string(status.message()));
  if (streaming) { // too late for the status
    error.pop_back();
    sendEvent(error);
    sendEvent("[DONE]");
    return exchange->end();
  }
  if (code == 429)
    exchange->addHeader("Retry-After", "1");
  exchange->reply(code, "application/json", error);
}

void Completion::sendChunk(size_t index, ChoicePart part) {
  part.begins = !std::exchange(texts[index].begun, true);
  sendEvent(chunkJson(head, place.model.tokenizer, part));
}

void Completion::sendEvent(std::string_view json) {
  if (!std::exchange(streaming, true))
    exchange->begin(200, "text/event-stream");
  exchange->send("data: " + std::string(json) + "\n\n");
}

void Completion::complete() {
  over = true;
  if (!asked.streams)
    return replyWhole();
  if (asked.includesUsage)
    sendEvent(usageJson(head, totalUsage()));
  sendEvent("[DONE]");
  exchange->end();
}

/// At once, or, where there is much to write, when another thread has written it.
void Completion::replyWhole() {
  int64_t scores = 0;
  std::vector<ChoicePart> choices;
  for (Text &text : texts) {
    scores += int64_t(text.choice.scores.size()) * (1 + asked.requests[0].topLogProbs);
    choices.push_back(std::move(text.choice));
  }
  if (scores <= kFewScores)
    return exchange->reply(200, "application/json",
                           answerJson(head, place.model.tokenizer, choices, totalUsage()));
  place.server.runBeside([self = shared_from_this(), choices = std::move(choices)]() mutable {
    std::string json =
        answerJson(self->head, self->place.model.tokenizer, choices, self->totalUsage());
    return [self = std::move(self), json = std::move(json)] {
      self->exchange->reply(200, "application/json", json);
    };
  });
}

/// Choices of one prompt have it together.
serving::Usage Completion::totalUsage() const {
  serving::Usage total;
  for (size_t i = 0; i < texts.size(); ++i) {
    total.generatedTokens += texts[i].usage.generatedTokens;
    if (int64_t(i) % asked.choices == 0) {
      total.promptTokens += texts[i].usage.promptTokens;
      total.cachedTokens += texts[i].usage.cachedTokens;
    }
  }
  return total;
}

} // namespace strata::serve
