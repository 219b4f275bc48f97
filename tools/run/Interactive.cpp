//===- Interactive.cpp - prompts from a terminal, one after the other -----===//

#include "tools/run/Interactive.h"

#include "runtime/base/Status.h"
#include "runtime/text/Prompt.h"

#include <cstdio>

namespace strata {
namespace {

constexpr const char *kHelp =
    "A line is added to the text, or with --chat a message, and the model goes on from there.\n"
    "Ctrl-C stops it.\n"
    "  /clear  begins a new text\n"
    "  /stats  tokens, speed and what is left of the context\n"
    "  /exit   ends, as the end of the input does\n"
    "  /help   this\n";

class Interactive {
public:
  Interactive(const InteractiveOptions &options, Engine &engine, const Tokenizer &tokenizer,
              Session &session, Console &console)
      : options(options), engine(engine), tokenizer(tokenizer), session(session), console(console) {
  }

  absl::Status run(std::istream &input) {
    for (std::string line; ask(), std::getline(input, line);) {
      if (line.ends_with('\r')) // a file of DOS
        line.pop_back();
      if (line == "/exit")
        return absl::OkStatus();
      STRATA_TRY(line.rfind('/', 0) == 0 ? obey(line) : add(line));
    }
    return absl::OkStatus();
  }

private:
  void ask() const {
    if (options.prompts)
      fputs("> ", stderr);
  }

  absl::Status obey(const std::string &command) {
    if (command == "/help")
      fputs(kHelp, stderr);
    else if (command == "/clear")
      return session.clear();
    else if (command == "/stats")
      console.note(absl::StrCat(options.stats(), "; context: ", session.text().length(), " of ",
                                engine.context(), " tokens"));
    else
      console.note(absl::StrCat("unknown command ", command, "; /help shows them"));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<int32_t>> encode(const std::string &line) const {
    const bool begins = session.text().length() == 0;
    if (options.chat)
      return begins ? options.chat->begin(options.system, line)
                    : options.chat->next(line, session.text().endsLine());
    return begins ? encodePrompt(tokenizer, engine.model(), line) : tokenizer.encode("\n" + line);
  }

  /// Why so many tokens cannot be added; empty if they can.
  std::string refusal(size_t tokens) const {
    const int64_t room = session.text().room();
    if (tokens == 0 && session.text().pending().empty())
      return "the line has no tokens";
    if (int64_t(tokens) >= room)
      return absl::StrCat("the line has ", tokens, " tokens, ", room,
                          " are left of the context; /clear begins a new text");
    return "";
  }

  absl::Status add(const std::string &line) {
    auto tokens = encode(line);
    const std::string why =
        tokens.ok() ? refusal(tokens->size()) : std::string(tokens.status().message());
    if (!why.empty())
      return console.note(why), absl::OkStatus();
    STRATA_TRY(session.run(*tokens, options.tokens));
    return console.atLineStart() ? absl::OkStatus() : console.write("\n");
  }

  const InteractiveOptions &options;
  Engine &engine;
  const Tokenizer &tokenizer;
  Session &session;
  Console &console;
};

} // namespace

absl::Status runInteractive(std::istream &input, const InteractiveOptions &options, Engine &engine,
                            const Tokenizer &tokenizer, Session &session, Console &console) {
  return Interactive(options, engine, tokenizer, session, console).run(input);
}

} // namespace strata
