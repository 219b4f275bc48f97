//===- Completion.h - one request for text and its answer -------*- C++ -*-===//
#pragma once

#include "runtime/serving/Scheduler.h"
#include "tools/serve/Answers.h"
#include "tools/serve/CompletionRequest.h"
#include "tools/serve/HttpServer.h"

#include <memory>
#include <string>
#include <vector>

namespace strata::serve {

/// Submits a completion's texts and answers as they come: at once, or piece by piece. Lives on the
/// server's thread, which what the scheduler tells is posted to, until all of its texts are done.
class Completion : public std::enable_shared_from_this<Completion> {
public:
  /// Where completions run and are answered; both outlive them.
  struct Place {
    HttpServer &server;
    serving::Scheduler &scheduler;
    const ServedModel &model;
  };

  static void start(const Place &place, std::shared_ptr<Exchange> exchange,
                    CompletionRequest request, std::string id);

private:
  friend class Forwarder;

  /// What has come of one text.
  struct Text {
    serving::RequestId id = 0;
    ChoicePart choice = {};
    serving::Usage usage = {};
    bool begun = false; // of a stream: its first chunk was sent
  };

  Completion(const Place &place, std::shared_ptr<Exchange> exchange, CompletionRequest request,
             std::string id);

  void submit();
  void cancelAll();
  void promptScored(size_t index, std::vector<ScoredToken> tokens);
  void generated(size_t index, serving::Generated part);
  void finished(size_t index, FinishReason reason, const serving::Usage &usage);
  void failed(const absl::Status &status);
  void sendChunk(size_t index, ChoicePart part);
  void sendEvent(std::string_view json);
  void complete();
  void replyWhole();
  serving::Usage totalUsage() const;

  const Place place;
  const std::shared_ptr<Exchange> exchange;
  const CompletionRequest asked;
  const AnswerHead head;
  std::vector<Text> texts;
  size_t left;            // texts that are not done
  bool streaming = false; // the answer has begun
  bool over = false;      // answered, or the client has gone
};

} // namespace strata::serve
