//===- RunOptions.cpp - the command line of strata-run --------------------===//

#include "tools/run/RunOptions.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Status.h"
#include "tools/command_line/Drafts.h"
#include "tools/command_line/Tool.h"

#include <iterator>
#include <utility>

namespace strata {
namespace {

OptionSetter setTokens(RunOptions &options) {
  return [&options](const std::string &value) {
    options.untilEnd = value == "-1";
    return options.untilEnd ? absl::OkStatus() : setInteger(options.tokens, 1, kMostTokens)(value);
  };
}

} // namespace

std::vector<Option> tableOf(RunOptions &options) {
  std::vector<Option> table = {
      {"p", "TEXT", "the prompt", setText(options.prompt)},
      {"f", "FILE", "a file that holds the prompt; - is stdin", setText(options.file)},
      {"ids", "", "the prompt is token ids, separated by spaces or commas; no BOS is added",
       setFlag(options.isIds)},
      {"i", "", "interactive: each line goes on where the text ended; /help tells more",
       setFlag(options.interactive)},
      {"chat", "", "a conversation: -p or -f is a message, else each line of stdin is one",
       setFlag(options.chat)},
      {"system", "TEXT", "with --chat: what the model is told first",
       setText(options.chatOptions.system)},
      {"chat-template", "FORM",
       "with --chat: nemotron, or raw: messages as they are; default: the model's own",
       setChoice<std::optional<ChatForm>>(
           options.chatOptions.form, {{"nemotron", ChatForm::nemotron}, {"raw", ChatForm::raw}})},
      {"n", "N",
       "most tokens to generate, -1: until the text ends or the context is full; default: 256, or "
       "what the context leaves",
       setTokens(options)},
      {"no-echo", "", "write only what is generated, not the prompt", setFlag(options.noEcho)},
      {"temp", "T", "temperature, 0 to 10; 0, the default: always the likeliest token",
       setNumber(options.sampling.temperature, 0, 10)},
      {"top-k", "K", "choose among the K likeliest tokens; default 0: all",
       setInteger(options.sampling.topK, 0, 1 << 20)},
      {"top-p", "P", "choose among the likeliest tokens that sum up to P; default 1: all",
       setNumber(options.sampling.topP, 0, 1)},
      {"seed", "S", "the same seed gives the same text; default 0", setSeed(options.sampling.seed)},
      {"weights", "DIR", "a checkpoint to take the weights from, instead of the one compiled",
       setText(options.weights)},
      {"context", "N", "most tokens of prompt and text; default: what the model was trained on",
       setInteger(options.context, 1, kMostTokens)},
      {"chunk", "N", "prompt tokens a step; default 512; 1: token by token",
       setInteger(options.chunk, 1, kMostTokens)},
      draftsOption(options.drafts),
      {"dump-activations", "DIR",
       "write every value that the prompt's steps compute to DIR/NAME.npy (f32) before generating",
       setText(options.dump)}};
  std::vector<Option> grammar = tableOf(options.grammar);
  std::move(grammar.begin(), grammar.end(), std::back_inserter(table));
  return table;
}

absl::Status check(RunOptions &options) {
  if (!options.chat && (options.chatOptions.form || !options.chatOptions.system.empty()))
    return absl::InvalidArgumentError("expected --chat with --system and --chat-template");
  int sources = options.prompt.has_value() + options.file.has_value() + options.interactive;
  if (options.chat && sources == 0)
    options.interactive = ++sources;
  if (sources != 1)
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of -p, -f and -i, found ", sources));
  if (options.isIds && (options.interactive || options.chat))
    return absl::InvalidArgumentError("expected --ids with -p or -f, found -i or --chat");
  if (options.interactive && !options.dump.empty())
    return absl::InvalidArgumentError("expected --dump-activations with -p or -f, found -i");
  STRATA_TRY(options.grammar.validate());
  return options.sampling.validate();
}

} // namespace strata
