//===- Chat.cpp -----------------------------------------------------------===//

#include "tools/run/Chat.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "tools/run/Interactive.h"

#include <algorithm>

namespace strata {
namespace {

constexpr char kSystem[] = "<extra_id_0>", kTurn[] = "<extra_id_1>";
constexpr char kForms[] = "--chat-template nemotron or raw";

std::string strip(const std::string &text) {
  const std::string clean = wellFormed(text);
  const size_t begin = whiteSpaceAtBegin(clean);
  if (begin == clean.size())
    return "";
  return clean.substr(begin, clean.size() - whiteSpaceAtEnd(clean) - begin);
}

absl::StatusOr<std::string> chooseForm(const package::Model &model, const std::string &wanted) {
  if (!wanted.empty())
    return wanted;
  const std::string form = text(model.chat_template());
  if (form == "nemotron")
    return form;
  return absl::FailedPreconditionError(
      form.empty() ? absl::StrCat("the model has no chat template; expected ", kForms)
                   : absl::StrCat("the model's chat template is not supported; expected ", kForms));
}

} // namespace

Chat::Chat(const Tokenizer &tokenizer, const package::Model &model, const ChatOptions &options)
    : tokenizer(&tokenizer), model(&model), options(options) {
  const auto ends = items(model.eos_tokens());
  stopIds.assign(ends.begin(), ends.end());
}

absl::StatusOr<Chat> Chat::create(const Tokenizer &tokenizer, const package::Model &model,
                                  const ChatOptions &options) {
  Chat chat(tokenizer, model, options);
  STRATA_ASSIGN(chat.options.form, chooseForm(model, options.form));
  if (chat.options.form == "raw")
    return chat;
  STRATA_TRY(chat.findPieces());
  STRATA_TRY(chat.checkMessage("--system", options.system));
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

absl::Status Chat::checkMessage(const std::string &what, const std::string &message) const {
  STRATA_ASSIGN(const std::vector<int32_t> ids, tokenizer->encode(message));
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

absl::StatusOr<std::vector<int32_t>> Chat::begin(const std::string &message) const {
  if (options.form == "raw")
    return encodeBeginning(*tokenizer, *model, message);
  STRATA_TRY(checkMessage("message", message));
  const std::string system = strip(options.system);
  return tokenizer->encode(absl::StrCat(kSystem, "System", system.empty() ? "" : "\n", system,
                                        "\n\n", kTurn, "User\n", strip(message), "\n", kTurn,
                                        "Assistant\n"));
}

absl::StatusOr<std::vector<int32_t>> Chat::next(const std::string &message, bool lineEnded) const {
  if (options.form == "raw")
    return tokenizer->encode(message);
  STRATA_TRY(checkMessage("message", message));
  STRATA_ASSIGN(
      std::vector<int32_t> ids,
      encodeFromMarker(absl::StrCat(kTurn, "User\n", strip(message), "\n", kTurn, "Assistant\n")));
  if (!lineEnded)
    ids.insert(ids.begin(), lineEnd.begin(), lineEnd.end());
  return ids;
}

} // namespace strata
