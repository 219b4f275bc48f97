//===- Interactive.h - strata-run -i ----------------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "runtime/text/Chat.h"
#include "tools/run/Session.h"

#include <functional>
#include <istream>

namespace strata {

struct InteractiveOptions {
  int64_t tokens;                     // most to generate after a line
  bool prompts;                       // show "> " on stderr
  std::function<std::string()> stats; // what /stats prints
  const Chat *chat = nullptr;         // lines are messages of a conversation
  std::string system = {};            // what the model is told first in it
};

/// Reads lines until /exit or the end of `input`; each is added to the text, the first after BOS if
/// the model wants one, later ones on lines of their own; or each is a message and the text a
/// reply. Wrong commands and lines that do not fit are told and change nothing; only errors that
/// later lines would meet too end it.
absl::Status runInteractive(std::istream &input, const InteractiveOptions &options, Engine &engine,
                            const Tokenizer &tokenizer, Session &session, Console &console);

} // namespace strata
