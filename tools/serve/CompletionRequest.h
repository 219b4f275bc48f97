//===- CompletionRequest.h - OpenAI's requests as ours ----------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/grammar/Grammars.h"
#include "runtime/package/Package.h"
#include "runtime/serving/Request.h"
#include "runtime/text/Chat.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::serve {

/// What requests are read with.
struct ServedModel {
  const Package &package;
  const Tokenizer &tokenizer;
  const Chat *chat; // null: conversations are refused
  std::string name; // as clients call it
  int64_t context;  // most tokens of a text
  /// Of all requests.
  std::shared_ptr<grammar::Grammars> grammars = std::make_shared<grammar::Grammars>(tokenizer);
};

/// A body of /v1/completions or /v1/chat/completions.
struct CompletionRequest {
  std::vector<serving::Request> requests; // of each prompt `choices`, one behind the other
  int64_t choices = 1;                    // n
  bool isChat = false;
  bool echo = false;                    // the answer begins with the prompt
  std::vector<std::string> promptTexts; // of the requests, where they are to be echoed
  bool streams = false, includesUsage = false;
};

/// INVALID_ARGUMENT names the field, what it may be and what it is; fields that mean nothing here
/// are left alone, those that would change the answer are refused by name.
absl::StatusOr<CompletionRequest> parseCompletion(const ServedModel &model, std::string_view body);
absl::StatusOr<CompletionRequest> parseChatCompletion(const ServedModel &model,
                                                      std::string_view body);

} // namespace strata::serve
