//===- ServeOptions.cpp - the command line of strata-serve ----------------===//

#include "tools/serve/ServeOptions.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/base/Status.h"
#include "tools/command_line/Tool.h"

#include <cstdlib>

namespace strata::serve {

std::vector<Option> tableOf(ServeOptions &options) {
  return {
      {"host", "ADDRESS", "where to listen; default 127.0.0.1: clients of this machine alone",
       setText(options.http.host)},
      {"port", "N", "default 8000; 0: any that is free, which is printed",
       setInteger(options.http.port, 0, 65535)},
      {"api-key", "KEY", "what clients must show; others of this machine can see it",
       setText(options.apiKey)},
      {"api-key-file", "FILE",
       "a file that holds the key; STRATA_API_KEY in the environment does "
       "as well",
       setText(options.apiKeyFile)},
      {"model-name", "NAME", "what clients call the model; default: its own name",
       setText(options.name)},
      {"chat-template", "FORM", "nemotron, or raw: messages as they are; default: the model's own",
       setChoice<std::optional<ChatForm>>(
           options.chat.form, {{"nemotron", ChatForm::nemotron}, {"raw", ChatForm::raw}})},
      {"weights", "DIR", "a checkpoint to take the weights from, instead of the one compiled",
       setText(options.weights)},
      {"context", "N", "most tokens of a text; default: what the model was trained on",
       setInteger(options.context, 1, kMostTokens)},
      {"sequences", "N", "the KV cache has room for so many texts of the whole context; default 4",
       setInteger(options.sequences, 1, 1 << 16)},
      {"running", "N", "most texts that are written at a time; default 64",
       setInteger(options.scheduler.mostRunning, 1, 1 << 16)},
      {"waiting", "N",
       "most that wait beside them, before clients are told to come later; default 256",
       setInteger(options.scheduler.mostWaiting, 0, 1 << 20)},
      {"step-tokens", "N",
       "most tokens of a step: fewer shorten the pauses that long prompts bring to others; default "
       "512",
       setInteger(options.scheduler.stepTokens, 1, kMostTokens)},
      {"target-itl", "MS",
       "milliseconds between two tokens of a text: beside texts that are written, a step has so "
       "many "
       "tokens of prompts that it takes no longer, by what steps have cost, but 16 in any case; "
       "default 0: as many as a step may have",
       setInteger(options.scheduler.targetItl, 0, 3'600'000)},
      {"prefix-cache", "on|off", "whether texts that begin alike are computed once; default on",
       setChoice(options.scheduler.prefixCache, {{"on", true}, {"off", false}})},
      draftsOption(options.drafts),
      {"drain", "SECONDS", "on SIGTERM and Ctrl-C: how long what runs may go on; default 8",
       setInteger(options.drainSeconds, 0, 86400)},
      {"page", "on|off", "whether / is a page for people, to chat and to look on; default on",
       setChoice(options.page, {{"on", true}, {"off", false}})}};
}

absl::Status check(const ServeOptions &options) {
  if (!options.apiKey.empty() && !options.apiKeyFile.empty())
    return absl::InvalidArgumentError("expected one of --api-key and --api-key-file, found both");
  return absl::OkStatus();
}

absl::StatusOr<std::string> findApiKey(const ServeOptions &options) {
  if (!options.apiKeyFile.empty()) {
    STRATA_ASSIGN(const std::string text, readText(options.apiKeyFile, 4096));
    const std::string key(absl::StripAsciiWhitespace(text));
    if (key.empty())
      return absl::InvalidArgumentError(
          absl::StrCat(options.apiKeyFile, ": expected a key, found nothing"));
    return key;
  }
  if (!options.apiKey.empty())
    return options.apiKey;
  const char *key = std::getenv("STRATA_API_KEY");
  return std::string(key ? key : "");
}

} // namespace strata::serve
