//===- Chat.cpp - conversations in the form a model was tuned for ---------===//

#include "runtime/text/Chat.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/text/Prompt.h"

#include <algorithm>

namespace strata {
namespace {

constexpr char kSystem[] = "<extra_id_0>", kTurn[] = "<extra_id_1>";

std::string strip(const std::string &text) {
  const std::string clean = wellFormed(text);
  const size_t begin = whiteSpaceAtBegin(clean);
  if (begin == clean.size())
    return "";
  return clean.substr(begin, clean.size() - whiteSpaceAtEnd(clean) - begin);
}

} // namespace

std::optional<ChatForm> chatFormOf(const package::Model &model) {
  if (textOf(model.chat_template()) == "nemotron")
    return ChatForm::nemotron;
  return std::nullopt;
}

Chat::Chat(const Tokenizer &tokenizer, const package::Model &model, ChatForm form)
    : tokenizer(&tokenizer), model(&model), form(form) {
  const auto ends = itemsOf(model.eos_tokens());
  stopIds.assign(ends.begin(), ends.end());
}

absl::StatusOr<Chat> Chat::create(const Tokenizer &tokenizer, const package::Model &model,
                                  ChatForm form) {
  Chat chat(tokenizer, model, form);
  if (form == ChatForm::nemotron)
    STRATA_TRY(chat.findPieces());
  return chat;
}

absl::Status Chat::findPieces() {
  for (auto [name, id] : {std::pair(kSystem, &systemMarker), std::pair(kTurn, &turnMarker)}) {
    const std::optional<int32_t> found = tokenizer->idOf(name);
    if (!found)
      return absl::FailedPreconditionError(absl::StrCat("chat template nemotron: expected a token ",
                                                        name, ", the tokenizer has none"));
    *id = *found;
  }
  stopIds.push_back(turnMarker);
  if (const std::optional<int32_t> end = tokenizer->idOf("</s>"))
    stopIds.push_back(*end);
  // What an end of line adds to a text; alone, it might be encoded with a space before it.
  STRATA_ASSIGN(const auto before, encodeFromMarker(absl::StrCat(kTurn, "x")));
  STRATA_ASSIGN(lineEnd, encodeFromMarker(absl::StrCat(kTurn, "x\n")));
  if (lineEnd.size() <= before.size() || !std::equal(before.begin(), before.end(), lineEnd.begin()))
    return absl::FailedPreconditionError(
        "chat template nemotron: expected a token for the end of a line, the tokenizer has none");
  lineEnd.erase(lineEnd.begin(), lineEnd.begin() + ptrdiff_t(before.size()));
  return absl::OkStatus();
}

absl::Status Chat::check(const std::string &what, const std::string &text) const {
  if (form == ChatForm::raw)
    return absl::OkStatus();
  STRATA_ASSIGN(const std::vector<int32_t> ids, tokenizer->encode(text));
  for (int32_t id : ids)
    if (id == systemMarker || id == turnMarker || tokenizer->isControl(id))
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": expected text, found the token ", quote(tokenizer->piece(id))));
  return absl::OkStatus();
}

/// The ids of `text`, which begins with a marker, as they are where it does not begin the whole
/// text: some tokenizers put a space before that.
absl::StatusOr<std::vector<int32_t>> Chat::encodeFromMarker(const std::string &text) const {
  STRATA_ASSIGN(std::vector<int32_t> ids, tokenizer->encode(text));
  const auto marker = std::find(ids.begin(), ids.end(), turnMarker);
  if (marker == ids.end())
    return absl::FailedPreconditionError(
        absl::StrCat("chat template nemotron: ", kTurn, " is not found in texts by the tokenizer"));
  ids.erase(ids.begin(), marker);
  return ids;
}

absl::StatusOr<std::vector<int32_t>> Chat::begin(const std::string &system,
                                                 const std::string &message) const {
  if (form == ChatForm::raw)
    return encodePrompt(*tokenizer, *model, message);
  STRATA_TRY(check("system", system));
  STRATA_TRY(check("message", message));
  const std::string told = strip(system);
  return tokenizer->encode(absl::StrCat(kSystem, "System", told.empty() ? "" : "\n", told, "\n\n",
                                        kTurn, "User\n", strip(message), "\n", kTurn,
                                        "Assistant\n"));
}

/// That users and replies take turns.
static absl::Status checkTurns(std::span<const ChatMessage> turns, bool continues) {
  if (turns.empty())
    return absl::InvalidArgumentError("expected a message of the user, found none");
  for (size_t i = 0; i < turns.size(); ++i)
    if (turns[i].role != (i % 2 ? ChatRole::assistant : ChatRole::user))
      return absl::InvalidArgumentError(absl::StrCat(
          "expected messages of user and assistant by turns behind that of the system, found ",
          "another order at the ", i + 1, ". of them"));
  if (turns.back().role != (continues ? ChatRole::assistant : ChatRole::user))
    return absl::InvalidArgumentError(
        absl::StrCat("expected the last message to be the ", continues ? "assistant's" : "user's"));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> Chat::conversation(std::span<const ChatMessage> messages,
                                                        bool continues) const {
  std::string system;
  if (!messages.empty() && messages.front().role == ChatRole::system) {
    system = messages.front().text;
    messages = messages.subspan(1);
  }
  STRATA_TRY(checkTurns(messages, continues));
  if (form == ChatForm::raw) {
    std::string text = system;
    for (const ChatMessage &message : messages)
      text += message.text;
    return encodePrompt(*tokenizer, *model, text);
  }
  STRATA_TRY(check("system", system));
  const std::string told = strip(system);
  std::string text = absl::StrCat(kSystem, "System", told.empty() ? "" : "\n", told, "\n");
  for (const ChatMessage &message : messages) {
    STRATA_TRY(check("message", message.text));
    const bool isBrokenOff = continues && &message == &messages.back();
    absl::StrAppend(&text, "\n", kTurn, message.role == ChatRole::user ? "User\n" : "Assistant\n",
                    isBrokenOff ? wellFormed(message.text) : strip(message.text));
  }
  return tokenizer->encode(continues ? text : absl::StrCat(text, "\n", kTurn, "Assistant\n"));
}

absl::StatusOr<std::vector<int32_t>> Chat::next(const std::string &message, bool lineEnded) const {
  if (form == ChatForm::raw)
    return tokenizer->encode(message);
  STRATA_TRY(check("message", message));
  STRATA_ASSIGN(
      std::vector<int32_t> ids,
      encodeFromMarker(absl::StrCat(kTurn, "User\n", strip(message), "\n", kTurn, "Assistant\n")));
  if (!lineEnded)
    ids.insert(ids.begin(), lineEnd.begin(), lineEnd.end());
  return ids;
}

} // namespace strata
