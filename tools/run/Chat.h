//===- Chat.h - conversations in the form a model was tuned for -*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

struct ChatOptions {
  std::string form;   // "nemotron", "raw"; empty: the model's own
  std::string system; // what the model is told first; may be empty
};

/// Writes the turns of a conversation as token ids. Uses the tokenizer and the model's facts, which
/// must outlive it.
///
///     nemotron
///     <extra_id_0>System\n{system}\n\n<extra_id_1>User\n{message}\n<extra_id_1>Assistant\n raw the
///     messages as they are
///
/// The white space around messages is left out in all forms but raw.
class Chat {
public:
  /// Errors name the form that is not known, or the piece that the tokenizer lacks.
  static absl::StatusOr<Chat> create(const Tokenizer &tokenizer, const package::Model &model,
                                     const ChatOptions &options);

  /// A conversation's beginning, up to where the reply starts. INVALID_ARGUMENT if the message has
  /// strings that would end its turn.
  absl::StatusOr<std::vector<int32_t>> begin(const std::string &message) const;
  /// What follows a reply, the token that ended it left out; `lineEnded`: the reply did so itself.
  absl::StatusOr<std::vector<int32_t>> next(const std::string &message, bool lineEnded) const;

  /// Each ends a reply.
  const std::vector<int32_t> &stops() const { return stopIds; }

private:
  Chat(const Tokenizer &tokenizer, const package::Model &model, const ChatOptions &options);

  absl::Status findPieces();
  absl::Status checkMessage(const std::string &what, const std::string &message) const;
  absl::StatusOr<std::vector<int32_t>> encodeFromMarker(const std::string &text) const;

  const Tokenizer *tokenizer;
  const package::Model *model;
  ChatOptions options;
  int32_t systemMarker = -1, turnMarker = -1; // of nemotron
  std::vector<int32_t> lineEnd;               // behind a text
  std::vector<int32_t> stopIds;
};

} // namespace strata
