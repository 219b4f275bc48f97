//===- StrataRun.cpp - strata-run: a package writes text ------------------===//

#include "runtime/base/InputFiles.h"
#include "runtime/base/Status.h"
#include "runtime/text/Prompt.h"
#include "tools/command_line/Devices.h"
#include "tools/command_line/Drafts.h"
#include "tools/command_line/Load.h"
#include "tools/command_line/StandardFiles.h"
#include "tools/command_line/TokenIds.h"
#include "tools/command_line/Tool.h"
#include "tools/run/ActivationDump.h"
#include "tools/run/Interactive.h"
#include "tools/run/RunOptions.h"
#include "tools/run/Session.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace strata {
namespace {

constexpr int64_t kDefaultTokens = 256;
constexpr uint64_t kMostPromptBytes = 16 << 20;

absl::StatusOr<std::string> readPrompt(const RunOptions &options) {
  if (options.prompt)
    return *options.prompt;
  return readText(*options.file, kMostPromptBytes);
}

/// The package and what it says about itself; everything that needs no weights.
struct Model {
  Package package;
  std::unique_ptr<Tokenizer> tokenizer;
  int64_t context;          // tokens a text may have
  std::optional<Chat> chat; // with --chat
  std::unique_ptr<DraftSource> drafts;
  std::unique_ptr<TextGrammar> grammar; // null: texts may be anything

  absl::StatusOr<std::vector<int32_t>> encode(const std::string &text,
                                              const std::string &system) const {
    return chat ? chat->begin(system, text) : encodePrompt(*tokenizer, package.model(), text);
  }
  /// `keep`: whether the token that ends a text stays in it.
  StopRules stopRules(bool keep) const {
    const auto ends = itemsOf(package.model().eos_tokens());
    return {chat ? chat->stops() : std::vector<int32_t>(ends.begin(), ends.end()), keep};
  }

  static absl::StatusOr<Model> load(const RunOptions &options, Console &console) {
    STRATA_ASSIGN(Package package, openPackage(options.package, options.engine.device));
    STRATA_ASSIGN(std::unique_ptr<Tokenizer> tokenizer, loadTokenizer(package));
    int64_t trained = package.model().context();
    if (options.context > trained)
      console.note(absl::StrCat("context ", options.context, " is more than the ", trained,
                                " tokens the model was trained on; the text may decay"));
    Model model{std::move(package),
                std::move(tokenizer),
                options.context ? options.context : trained,
                std::nullopt,
                nullptr,
                nullptr};
    STRATA_ASSIGN(model.grammar, TextGrammar::load(options.grammar, *model.tokenizer));
    STRATA_ASSIGN(model.drafts,
                  loadDrafts(options.drafts, model.package, *model.tokenizer, options.engine));
    if (options.chat) {
      STRATA_ASSIGN(model.chat, loadChat(model.package, *model.tokenizer, options.chatOptions));
    }
    return model;
  }
};

/// How many tokens to generate after a prompt; an error if they cannot fit into the context.
absl::StatusOr<int64_t> tokensAfter(int64_t prompt, const RunOptions &options, int64_t context) {
  if (prompt >= context || (options.tokens && prompt + *options.tokens > context))
    return absl::OutOfRangeError(absl::StrCat(
        "the prompt has ", prompt, " tokens", options.tokens ? " and -n asks for " : "",
        options.tokens ? absl::StrCat(*options.tokens) : "", ", the context is ", context,
        "; --context ", prompt + options.tokens.value_or(kDefaultTokens), " would allow it"));
  const int64_t room = context - prompt;
  return options.untilEnd ? room : std::min(options.tokens.value_or(kDefaultTokens), room);
}

/// A quick measure: the best of a few reads of at most 1 GB, as the first read of pages that were
/// left alone is slow, and others may be disturbed. 0 where it fails, as the text is there, and
/// where no step of generation is to be compared with it.
double measureRead(Engine &engine, const Session &session) {
  double best = 0;
  for (int i = 0; i < 4 && session.generatedSpeed().tokens > 0; ++i)
    best = std::max(best, engine.device().meter().measureRead(1000000000, 0.01).value_or(0));
  return best;
}

EngineOptions engineOptions(const RunOptions &options, int64_t context) {
  EngineOptions result = options.engine;
  result.context = uint32_t(context);
  result.stepTokens = uint32_t(std::min(options.chunk, context));
  return result;
}

/// An engine for texts of so many tokens, and what guesses them.
struct Engines {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Drafter> drafter; // null: nothing does

  static absl::StatusOr<Engines> open(const RunOptions &options, const Model &model,
                                      const Weights &weights, int64_t context) {
    const EngineOptions wanted = engineOptions(options, context);
    Engines engines;
    STRATA_ASSIGN(engines.engine, openEngine(model.package, weights, wanted));
    STRATA_ASSIGN(engines.drafter, openDrafter(*model.drafts, wanted));
    return engines;
  }
};

absl::Status dumpPrompt(const RunOptions &options, Engine &engine, std::span<const int32_t> prompt,
                        Console &console) {
  STRATA_ASSIGN(ActivationDump dump, ActivationDump::create(options.dump));
  STRATA_TRY(dumpActivations(engine, prompt, options.chunk, dump));
  console.note(absl::StrCat("wrote ", dump.files(), " values of the prompt's ", prompt.size(),
                            " tokens to ", options.dump));
  return absl::OkStatus();
}

/// The prompt's tokens; `text` becomes what they mean where it was ids.
absl::StatusOr<std::vector<int32_t>> encodePrompt(const RunOptions &options, const Model &model,
                                                  std::string &text) {
  if (!options.isIds)
    return model.encode(text, options.chatOptions.system);
  STRATA_ASSIGN(std::vector<int32_t> ids,
                parseIds(text, *model.tokenizer, options.file.value_or("-p")));
  if (ids.empty())
    return absl::InvalidArgumentError("prompt: expected at least 1 token, found none");
  STRATA_ASSIGN(text, model.tokenizer->decode(ids));
  return ids;
}

absl::Status runPrompt(const RunOptions &options, const Model &model, Console &console) {
  STRATA_ASSIGN(std::string text, readPrompt(options));
  STRATA_ASSIGN(std::vector<int32_t> prompt, encodePrompt(options, model, text));
  STRATA_ASSIGN(int64_t tokens, tokensAfter(int64_t(prompt.size()), options, model.context));
  STRATA_ASSIGN(Weights weights, loadWeights(model.package, options.weights));
  STRATA_ASSIGN(const Engines engines,
                Engines::open(options, model, weights, int64_t(prompt.size()) + tokens));
  Engine &engine = *engines.engine;
  if (!options.dump.empty())
    STRATA_TRY(dumpPrompt(options, engine, prompt, console));
  Session session(engine, *model.tokenizer, model.stopRules(true), options.sampling, options.chunk,
                  console, engines.drafter.get(), model.grammar.get());
  if (!options.noEcho && !model.chat)
    STRATA_TRY(console.write(text));
  STRATA_TRY(session.run(prompt, tokens));
  if (!console.atLineStart())
    STRATA_TRY(console.write("\n"));
  if (!options.tokens && session.text().length() == model.context)
    console.note(absl::StrCat("the context of ", model.context, " tokens is full; --context N ",
                              "allows more"));
  console.note(describeSpeed(session, measureRead(engine, session)));
  return absl::OkStatus();
}

absl::Status runLines(const RunOptions &options, const Model &model, Console &console) {
  STRATA_ASSIGN(Weights weights, loadWeights(model.package, options.weights));
  STRATA_ASSIGN(const Engines engines, Engines::open(options, model, weights, model.context));
  Engine &engine = *engines.engine;
  // The next message begins with the token that ended a reply.
  Session session(engine, *model.tokenizer, model.stopRules(!model.chat), options.sampling,
                  options.chunk, console, engines.drafter.get(), model.grammar.get());
  noteInput(STDIN_FILENO, "standard input");
  bool terminal = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
  InteractiveOptions interactive{
      options.untilEnd ? model.context : options.tokens.value_or(kDefaultTokens), terminal,
      [&] { return describeSpeed(session, measureRead(engine, session)); },
      model.chat ? &*model.chat : nullptr, options.chatOptions.system};
  STRATA_TRY(runInteractive(std::cin, interactive, engine, *model.tokenizer, session, console));
  STRATA_TRY(checkStandardInput());
  console.note(interactive.stats());
  return absl::OkStatus();
}

absl::StatusOr<int> run(const RunOptions &options, Console &console) {
  STRATA_ASSIGN(Model model, Model::load(options, console));
  STRATA_TRY(options.interactive ? runLines(options, model, console)
                                 : runPrompt(options, model, console));
  return 0;
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  using namespace strata;
  RunOptions options;
  return runMain(
      {.program = "strata-run",
       .usage = "model.strata -p TEXT | -f FILE | -i | --chat  [options]",
       .about = "Runs a compiled model: writes the prompt and what follows it to stdout.",
       .options = tableOf(options),
       .path = options.package,
       .engine = &options.engine,
       .check = [&] { return check(options); },
       .run = [&](Console &console) { return run(options, console); }},
      argc, argv);
}
