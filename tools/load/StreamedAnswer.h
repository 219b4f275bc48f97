//===- StreamedAnswer.h - a completion that comes in pieces -----*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::load {

using Clock = std::chrono::steady_clock;

/// Cuts the data of server-sent events out of bytes that come in any pieces. Comments and the other
/// fields are left out.
class EventStream {
public:
  void push(std::string_view bytes, absl::FunctionRef<void(std::string_view)> event);

private:
  void endLine(absl::FunctionRef<void(std::string_view)> event);

  std::string line, data;
  bool hasData = false, afterReturn = false; // the last byte was \r, which ended a line
};

/// What the server says of tokens; none where it does not.
struct ToldUsage {
  std::optional<int64_t> promptTokens, cachedTokens, generatedTokens;
};

/// The stream of one completion with one choice.
class StreamedAnswer {
public:
  /// Takes what came at a time. INVALID_ARGUMENT: an event is no chunk of a completion; INTERNAL:
  /// it tells of an error. What comes after an error is ignored.
  absl::Status push(std::string_view bytes, Clock::time_point now);
  /// To be asked once the answer has ended: UNAVAILABLE if it lacks its end, or has no text.
  absl::Status end() const;

  /// When each chunk came that brought text.
  const std::vector<Clock::time_point> &texts() const { return arrivals; }
  const ToldUsage &usage() const { return told; }

private:
  absl::Status takeEvent(std::string_view data, Clock::time_point now);

  EventStream events;
  std::vector<Clock::time_point> arrivals;
  ToldUsage told;
  absl::Status failed;
  bool done = false;
};

} // namespace strata::load
