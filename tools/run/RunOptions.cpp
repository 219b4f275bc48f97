//===- RunOptions.cpp -----------------------------------------------------===//

#include "tools/run/RunOptions.h"

#include "runtime/Status.h"
#include "tools/run/CommandLine.h"
#include "tools/run/Devices.h"

namespace strata {
namespace {

constexpr int64_t kMostTokens = 1 << 24;

OptionSetter setOptional(std::optional<std::string> &target) {
  return [&target](const std::string &value) {
    target = value;
    return absl::OkStatus();
  };
}

OptionSetter setTokens(std::optional<int64_t> &target) {
  return [&target](const std::string &value) {
    return setInteger(target.emplace(), 1, kMostTokens)(value);
  };
}

OptionSetter setForm(std::string &target) {
  return [&target](const std::string &value) -> absl::Status {
    if (value != "nemotron" && value != "raw")
      return absl::InvalidArgumentError(
          absl::StrCat("expected nemotron or raw, found \"", value, "\""));
    target = value;
    return absl::OkStatus();
  };
}

OptionSetter setTopK(int32_t &target) {
  return [&target](const std::string &value) -> absl::Status {
    int64_t number = 0;
    STRATA_TRY(setInteger(number, 0, 1 << 20)(value));
    target = int32_t(number);
    return absl::OkStatus();
  };
}

CommandLine table(RunOptions &options) {
  return CommandLine(
      "strata-run", "model.strata -p TEXT | -f FILE | -i | --chat  [options]",
      "Runs a compiled model: writes the prompt and what follows it to stdout.",
      {{"p", "TEXT", "the prompt", setOptional(options.prompt)},
       {"f", "FILE", "a file that holds the prompt; - is stdin", setOptional(options.file)},
       {"i", "", "interactive: each line goes on where the text ended; /help tells more",
        setFlag(options.interactive)},
       {"chat", "", "a conversation: -p or -f is a message, else each line of stdin is one",
        setFlag(options.chat)},
       {"system", "TEXT", "with --chat: what the model is told first",
        setText(options.chatOptions.system)},
       {"chat-template", "FORM",
        "with --chat: nemotron, or raw: messages as they are; default: "
        "the model's own",
        setForm(options.chatOptions.form)},
       {"n", "N", "most tokens to generate; default: 256, or what the context leaves",
        setTokens(options.tokens)},
       {"no-echo", "", "write only what is generated, not the prompt",
        [&options](const std::string &) {
          options.echo = false;
          return absl::OkStatus();
        }},
       {"temp", "T", "temperature, 0 to 10; 0, the default: always the likeliest token",
        setNumber(options.sampling.temperature, 0, 10)},
       {"top-k", "K", "choose among the K likeliest tokens; default 0: all",
        setTopK(options.sampling.topK)},
       {"top-p", "P", "choose among the likeliest tokens that sum up to P; default 1: all",
        setNumber(options.sampling.topP, 0, 1)},
       {"seed", "S", "the same seed gives the same text; default 0",
        setSeed(options.sampling.seed)},
       {"device", "D", "cpu, the default, or cuda[:N]", setDevice(options.device)},
       {"list-devices", "", "the devices that there are", setFlag(options.listDevices)},
       {"threads", "N", "threads; default: one for each CPU", setInteger(options.threads, 1, 1024)},
       {"weights", "DIR", "a checkpoint to take the weights from, instead of the one compiled",
        setText(options.weights)},
       {"context", "N", "most tokens of prompt and text; default: what the model was trained on",
        setInteger(options.context, 1, kMostTokens)},
       {"chunk", "N", "prompt tokens a step; default 512; 1: token by token",
        setInteger(options.chunk, 1, kMostTokens)},
       {"cpu", "TARGET", "which of the package's code to run, e.g. x86-64-v3; default: the best",
        setText(options.cpu)},
       {"dump-activations", "DIR",
        "write every value that the prompt's steps compute to DIR/NAME.npy (f32) before generating",
        setText(options.dump)},
       {"help", "", "this text", setFlag(options.help)},
       {"version", "", "versions, devices and what this CPU can do", setFlag(options.version)}});
}

absl::Status check(RunOptions &options) {
  if (!options.chat && !(options.chatOptions.system + options.chatOptions.form).empty())
    return absl::InvalidArgumentError("expected --chat with --system and --chat-template");
  int sources = options.prompt.has_value() + options.file.has_value() + options.interactive;
  if (options.chat && sources == 0)
    options.interactive = ++sources;
  if (sources != 1)
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of -p, -f and -i, found ", sources));
  if (options.interactive && !options.dump.empty())
    return absl::InvalidArgumentError("expected --dump-activations with -p or -f, found -i");
  return options.sampling.validate();
}

} // namespace

absl::StatusOr<RunOptions> parseRunOptions(int argc, const char *const *argv) {
  RunOptions options;
  CommandLine commandLine = table(options);
  STRATA_ASSIGN(std::vector<std::string> arguments, commandLine.parse(argc, argv));
  if (options.help || options.version || options.listDevices)
    return options;
  if (arguments.size() != 1)
    return absl::InvalidArgumentError(
        absl::StrCat("expected one package, found ", arguments.size()));
  options.package = arguments[0];
  STRATA_TRY(check(options));
  return options;
}

std::string runHelp() {
  RunOptions options;
  return table(options).help();
}

} // namespace strata
