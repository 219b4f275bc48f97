//===- Interactive.h - strata-run -i ----------------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "tools/run/Chat.h"
#include "tools/run/Generation.h"

#include <functional>
#include <istream>

namespace strata {

struct InteractiveOptions {
  int64_t tokens;                     // most to generate after a line
  bool prompts;                       // show "> " on stderr
  std::function<std::string()> stats; // what /stats prints
  const Chat *chat = nullptr;         // lines are messages of a conversation
};

/// Reads lines until /exit or the end of `input`; each is added to the text, the first after BOS if
/// the model wants one, later ones on lines of their own; or each is a message and the text a
/// reply. Wrong commands and lines that do not fit are told and change nothing; only errors that
/// later lines would meet too end it.
absl::Status runInteractive(std::istream &input, const InteractiveOptions &options, Engine &engine,
                            const Tokenizer &tokenizer, Generation &generation, Console &console);

/// The tokens of a text that begins: BOS, if the model wants one or there is nothing else.
absl::StatusOr<std::vector<int32_t>>
encodeBeginning(const Tokenizer &tokenizer, const package::Model &model, const std::string &text);

} // namespace strata
