//===- StreamedChunks.h - what servers stream, for tests --------*- C++ -*-===//
#pragma once

#include <string>

namespace strata::test {

/// A chunk that brings a text, as an event.
inline std::string chunk(const std::string &text) {
  return "data: {\"object\": \"text_completion\", \"choices\": [{\"index\": 0, \"text\": \"" +
         text + "\", \"finish_reason\": null}], \"usage\": null}\n\n";
}

inline const std::string kUsage = "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 7, "
                                  "\"completion_tokens\": 5, \"total_tokens\": 12, "
                                  "\"prompt_tokens_details\": {\"cached_tokens\": 4}}}\n\n";
inline const std::string kDone = "data: [DONE]\n\n";

} // namespace strata::test
