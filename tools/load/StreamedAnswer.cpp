//===- StreamedAnswer.cpp - a completion that comes in pieces -------------===//

#include "tools/load/StreamedAnswer.h"

#include "runtime/base/Json.h"
#include "runtime/base/Status.h"

#include <utility>

namespace strata::load {
namespace {

constexpr IntegerRange kCount{0, int64_t(1) << 40};

absl::StatusOr<ToldUsage> parseUsage(const JsonObject &usage) {
  ToldUsage told;
  STRATA_ASSIGN(told.promptTokens, usage.optionalInteger("prompt_tokens", kCount));
  STRATA_ASSIGN(told.generatedTokens, usage.optionalInteger("completion_tokens", kCount));
  STRATA_ASSIGN(const auto details, usage.optionalObject("prompt_tokens_details"));
  if (details) {
    STRATA_ASSIGN(told.cachedTokens, details->optionalInteger("cached_tokens", kCount));
  }
  return told;
}

absl::StatusOr<bool> bringsText(const JsonObject &chunk) {
  if (!chunk.findNonNull("choices"))
    return false;
  STRATA_ASSIGN(const std::vector<JsonValue> choices, chunk.array("choices"));
  for (const JsonValue &choice : choices) {
    STRATA_ASSIGN(const JsonObject object, choice.object());
    STRATA_ASSIGN(const auto text, object.optionalString("text"));
    if (text && !text->empty())
      return true;
  }
  return false;
}

} // namespace

//===----------------------------------------------------------------------===//
// EventStream
//===----------------------------------------------------------------------===//

/// A line ends with \n, \r or both.
void EventStream::push(std::string_view bytes, absl::FunctionRef<void(std::string_view)> event) {
  for (const char byte : bytes) {
    if (byte == '\n' && std::exchange(afterReturn, false))
      continue;
    afterReturn = byte == '\r';
    if (byte == '\n' || byte == '\r')
      endLine(event);
    else
      line += byte;
  }
}

/// An empty line ends an event.
void EventStream::endLine(absl::FunctionRef<void(std::string_view)> event) {
  if (line.empty()) {
    if (std::exchange(hasData, false))
      event(data);
    data.clear();
  } else if (line.starts_with("data:")) {
    if (std::exchange(hasData, true))
      data += '\n';
    data += std::string_view(line).substr(line.starts_with("data: ") ? 6 : 5);
  }
  line.clear();
}

//===----------------------------------------------------------------------===//
// StreamedAnswer
//===----------------------------------------------------------------------===//

absl::Status StreamedAnswer::push(std::string_view bytes, Clock::time_point now) {
  events.push(bytes, [&](std::string_view data) {
    if (failed.ok() && !done)
      failed = takeEvent(data, now);
  });
  return failed;
}

absl::Status StreamedAnswer::takeEvent(std::string_view data, Clock::time_point now) {
  done = data == "[DONE]";
  if (done)
    return absl::OkStatus();
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(data, "event", &duplicates));
  STRATA_ASSIGN(const JsonObject chunk, document.object());
  if (chunk.findNonNull("error")) {
    STRATA_ASSIGN(const JsonObject error, chunk.object("error"));
    STRATA_ASSIGN(const std::string_view message, error.string("message"));
    return absl::InternalError(std::string(message));
  }
  STRATA_ASSIGN(const bool hasText, bringsText(chunk));
  if (hasText)
    arrivals.push_back(now);
  STRATA_ASSIGN(const auto usage, chunk.optionalObject("usage"));
  if (usage) {
    STRATA_ASSIGN(told, parseUsage(*usage));
  }
  return absl::OkStatus();
}

absl::Status StreamedAnswer::end() const {
  STRATA_TRY(failed);
  if (!done)
    return absl::UnavailableError("the stream ended without [DONE]");
  if (arrivals.empty())
    return absl::UnavailableError("the stream brought no text");
  return absl::OkStatus();
}

} // namespace strata::load
