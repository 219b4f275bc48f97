//===- Load.h - what a package needs to run ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"
#include "runtime/package/Weights.h"
#include "runtime/text/Chat.h"
#include "runtime/tokenizer/Tokenizer.h"
#include "tools/command_line/Drafts.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace strata {

/// The package's own tokenizer, which must not outlive it; NOT_FOUND if it was compiled without.
absl::StatusOr<std::unique_ptr<Tokenizer>> loadTokenizer(const Package &package);

/// How an option names the form of a conversation, and what is said first in it.
struct ChatOptions {
  std::optional<ChatForm> form; // none: the model's own
  std::string system;
};

/// Conversations with the package's model in the form that was chosen. Errors name the options
/// --chat-template and --system.
absl::StatusOr<Chat> loadChat(const Package &package, const Tokenizer &tokenizer,
                              const ChatOptions &options);

/// The weights in `folder`, a checkpoint; if that is empty, those that the package names.
absl::StatusOr<Weights> loadWeights(const Package &package, const std::string &folder);

/// loadDrafts (Drafts.h), for texts: a smaller model must have the pieces of `tokenizer`, which is
/// the target's; an error names the first token that is another.
absl::StatusOr<std::unique_ptr<DraftSource>> loadDrafts(const std::string &drafts,
                                                        const Package &target,
                                                        const Tokenizer &tokenizer,
                                                        const EngineOptions &engine);

/// All of a file, or of standard input if `path` is "-"; either may be a pipe. More than `most`
/// bytes are an error.
absl::StatusOr<std::string> readText(const std::string &path, uint64_t most);

} // namespace strata
