//===- Interactive.cpp ----------------------------------------------------===//

#include "tools/run/Interactive.h"

#include "runtime/base/Status.h"

#include <algorithm>
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
              Generation &generation, Console &console)
      : options(options), engine(engine), tokenizer(tokenizer), generation(generation),
        console(console) {}

  absl::Status run(std::istream &input) {
    for (std::string line; ask(), std::getline(input, line);) {
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
      generation.clear();
    else if (command == "/stats")
      console.note(absl::StrCat(options.stats(), "; context: ", generation.length(), " of ",
                                engine.context(), " tokens"));
    else
      console.note(absl::StrCat("unknown command ", command, "; /help shows them"));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<int32_t>> encode(const std::string &line) const {
    const bool begins = generation.length() == 0;
    if (options.chat)
      return begins ? options.chat->begin(line) : options.chat->next(line, generation.endsLine());
    return begins ? encodeBeginning(tokenizer, engine.model(), line)
                  : tokenizer.encode("\n" + line);
  }

  absl::Status add(const std::string &line) {
    auto tokens = encode(line);
    if (!tokens.ok())
      return console.note(std::string(tokens.status().message())), absl::OkStatus();
    int64_t left = engine.context() - generation.length() - int64_t(tokens->size());
    if (left < 1)
      return console.note(absl::StrCat("the line has ", tokens->size(), " tokens, ",
                                       engine.context() - generation.length(),
                                       " are left of the context; /clear begins a new text")),
             absl::OkStatus();
    STRATA_TRY(generation.run(*tokens, std::min(options.tokens, left)));
    if (options.chat)
      generation.dropEnd(); // the next message begins with it
    return console.atLineStart() ? absl::OkStatus() : console.write("\n");
  }

  const InteractiveOptions &options;
  Engine &engine;
  const Tokenizer &tokenizer;
  Generation &generation;
  Console &console;
};

} // namespace

absl::Status runInteractive(std::istream &input, const InteractiveOptions &options, Engine &engine,
                            const Tokenizer &tokenizer, Generation &generation, Console &console) {
  return Interactive(options, engine, tokenizer, generation, console).run(input);
}

absl::StatusOr<std::vector<int32_t>>
encodeBeginning(const Tokenizer &tokenizer, const package::Model &model, const std::string &text) {
  STRATA_ASSIGN(std::vector<int32_t> tokens, tokenizer.encode(text));
  if (model.add_bos() || (tokens.empty() && model.bos_token() >= 0))
    tokens.insert(tokens.begin(), model.bos_token());
  if (tokens.empty())
    return absl::InvalidArgumentError("prompt: expected at least 1 token, found none");
  return tokens;
}

} // namespace strata
