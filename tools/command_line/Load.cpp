//===- Load.cpp - what a package needs to run -----------------------------===//

#include "tools/command_line/Load.h"

#include "runtime/base/InputFiles.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/Checkpoint.h"
#include "runtime/checkpoint/WeightsFromCheckpoint.h"
#include "tools/command_line/StandardFiles.h"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>

namespace strata {
namespace {

absl::StatusOr<std::string> readAll(std::istream &stream, const std::string &name, uint64_t most) {
  std::string text;
  for (char buffer[1 << 16]; stream.read(buffer, sizeof buffer) || stream.gcount() > 0;) {
    text.append(buffer, size_t(stream.gcount()));
    if (text.size() > most)
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": expected at most ", most, " bytes, found more"));
  }
  return stream.eof() ? absl::StatusOr<std::string>(std::move(text))
                      : absl::ErrnoToStatus(errno, absl::StrCat(name, ": cannot be read"));
}

} // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> loadTokenizer(const Package &package) {
  for (const char *name : {"tokenizer.bpe", "tokenizer"})
    if (auto section = package.findSection(name))
      return loadTokenizer(name, *section, absl::StrCat(package.path(), ": ", name));
  return absl::NotFoundError(absl::StrCat(package.path(), ": section tokenizer: expected one, ",
                                          "found none; the model was compiled without"));
}

absl::StatusOr<Chat> loadChat(const Package &package, const Tokenizer &tokenizer,
                              const ChatOptions &options) {
  const std::optional<ChatForm> form = options.form ? options.form : chatFormOf(package.model());
  if (!form)
    return absl::FailedPreconditionError(
        absl::StrCat(textOf(package.model().chat_template()).empty()
                         ? "the model has no chat template"
                         : "the model's chat template is not supported",
                     "; expected --chat-template nemotron or raw"));
  STRATA_ASSIGN(Chat chat, Chat::create(tokenizer, package.model(), *form));
  STRATA_TRY(chat.check("--system", options.system));
  return chat;
}

absl::StatusOr<Weights> loadWeights(const Package &package, const std::string &folder) {
  if (folder.empty())
    return Weights::fromPackage(package);
  STRATA_ASSIGN(Checkpoint checkpoint, openCheckpoint(folder));
  return weightsFromCheckpoint(package, std::move(checkpoint));
}

absl::StatusOr<std::unique_ptr<DraftSource>> loadDrafts(const std::string &drafts,
                                                        const Package &target,
                                                        const Tokenizer &tokenizer,
                                                        const EngineOptions &engine) {
  STRATA_ASSIGN(auto source, loadDrafts(drafts, target, engine));
  if (source->package) {
    STRATA_ASSIGN(const auto own, loadTokenizer(*source->package));
    STRATA_TRY(annotate(checkSamePieces(tokenizer, *own), absl::StrCat("--drafts: ", drafts)));
  }
  return source;
}

absl::StatusOr<std::string> readText(const std::string &path, uint64_t most) {
  if (path == "-") {
    noteInput(STDIN_FILENO, "standard input");
    STRATA_ASSIGN(std::string text, readAll(std::cin, "standard input", most));
    STRATA_TRY(checkStandardInput());
    return text;
  }
  noteInput(path);
  std::ifstream file(path, std::ios::binary);
  return readAll(file, path, most);
}

} // namespace strata
