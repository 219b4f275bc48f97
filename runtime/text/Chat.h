//===- Chat.h - conversations in the form a model was tuned for -*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// How the turns of a conversation stand in a text. nemotron, for the first of them:
///
///     <extra_id_0>System\n{system}\n\n
///     <extra_id_1>User\n{message}\n
///     <extra_id_1>Assistant\n
///
/// (\n is a line's end, and there are no others); raw: the messages as they are, and no system. The
/// white space around messages is left out in all forms but raw.
enum class ChatForm : uint8_t { nemotron, raw };

/// The form a model was tuned for, if it is one of these.
std::optional<ChatForm> chatFormOf(const package::Model &model);

enum class ChatRole : uint8_t { system, user, assistant };

/// Who said what.
struct ChatMessage {
  ChatRole role = ChatRole::user;
  std::string text;
};

/// Writes the turns of a conversation as token ids. Uses the tokenizer and the model's facts, which
/// must outlive it. All const functions may be called from several threads.
class Chat {
public:
  /// FAILED_PRECONDITION names the piece that the tokenizer lacks.
  static absl::StatusOr<Chat> create(const Tokenizer &tokenizer, const package::Model &model,
                                     ChatForm form);

  /// A conversation's beginning, up to where the reply starts. `system`: what the model is told
  /// first; may be empty. INVALID_ARGUMENT if one of the texts has strings that would end its turn.
  absl::StatusOr<std::vector<int32_t>> begin(const std::string &system,
                                             const std::string &message) const;
  /// A whole conversation, up to where the next reply starts: perhaps a system message, then turns
  /// of the user and replies by turns, the user's last. INVALID_ARGUMENT says which message is
  /// wrong.
  /// `continues`: the last message is a reply that was broken off, and the ids end where it does.
  absl::StatusOr<std::vector<int32_t>> conversation(std::span<const ChatMessage> messages,
                                                    bool continues = false) const;
  /// What follows a reply, the token that ended it left out; `lineEnded`: the reply did so itself.
  absl::StatusOr<std::vector<int32_t>> next(const std::string &message, bool lineEnded) const;
  /// Whether a text may stand in a turn; the error calls it `what`.
  absl::Status check(const std::string &what, const std::string &text) const;

  ChatForm chatForm() const { return form; }
  /// Each ends a reply.
  const std::vector<int32_t> &stops() const { return stopIds; }

private:
  Chat(const Tokenizer &tokenizer, const package::Model &model, ChatForm form);

  absl::Status findPieces();
  absl::StatusOr<std::vector<int32_t>> encodeFromMarker(const std::string &text) const;

  const Tokenizer *tokenizer;
  const package::Model *model;
  ChatForm form;
  int32_t systemMarker = -1, turnMarker = -1; // of nemotron
  std::vector<int32_t> lineEnd;               // behind a text
  std::vector<int32_t> stopIds;
};

} // namespace strata
