//===- StopTexts.cpp - strings that end a text ----------------------------===//

#include "runtime/serving/StopTexts.h"

#include <algorithm>
#include <utility>

namespace strata::serving {

std::string StopTexts::push(std::string_view piece) {
  if (stopped)
    return {};
  held += piece;
  // The one that is complete first, as if bytes came one by one.
  size_t begin = 0, end = std::string::npos;
  for (const std::string &text : texts)
    if (const size_t at = held.find(text); at != std::string::npos)
      if (at + text.size() < end || (at + text.size() == end && at < begin)) {
        begin = at;
        end = at + text.size();
      }
  if (end != std::string::npos) {
    stopped = true;
    return std::exchange(held, {}).substr(0, begin);
  }
  std::string certain = held.substr(0, held.size() - heldBack());
  held.erase(0, certain.size());
  return certain;
}

std::string StopTexts::flush() { return std::exchange(held, {}); }

/// Bytes at the end that one of the strings begins with, as many as there are.
size_t StopTexts::heldBack() const {
  size_t most = 0;
  for (const std::string &text : texts)
    for (size_t count = std::min(text.size() - 1, held.size()); count > most; --count)
      if (held.ends_with(std::string_view(text).substr(0, count))) {
        most = count;
        break;
      }
  return most;
}

} // namespace strata::serving
