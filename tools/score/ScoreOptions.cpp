//===- ScoreOptions.cpp - strata-score's command line ---------------------===//

#include "tools/score/ScoreOptions.h"

#include "absl/strings/str_cat.h"
#include "tools/command_line/Tool.h"

namespace strata {

const char *const kAboutScore =
    "Measures how likely a model finds a text. -f gives its perplexity: exp of the mean of -log "
    "p\n"
    "over the tokens scored. Without --stride these are the second half of each chunk of N "
    "tokens,\n"
    "each chunk begun with BOS, as llama-perplexity does it; with --stride all tokens but the\n"
    "first, once, in windows that overlap, as Hugging Face's guide to perplexity does it.\n"
    "--pairs gives log p of continuations, as lm-evaluation-harness asks for it: of each line\n"
    "{\"context\": ..., \"continuation\": ...} the sum over the continuation's tokens (natural\n"
    "logarithm), their number, and whether greedy decoding would have written them. Context and\n"
    "continuation are encoded together; the continuation's tokens are those behind as many as "
    "the\n"
    "context alone has. Spaces that end the context count as the continuation's.\n"
    "--logits writes those behind each token of the windows; row i says how likely token i + 1 "
    "is.\n"
    "Where windows overlap, a token's are of the window that the next token is scored in.\n"
    "--kl gives how far the model is from another, a base, as llama-perplexity's --kl-divergence\n"
    "does, in one pass over the text: KL(base || model) of the tokens scored.";

std::vector<Option> tableOf(ScoreOptions &options) {
  return {{"f", "FILE", "a text; - is stdin", setText(options.text)},
          {"pairs", "FILE", "lines of JSON, each a pair; - is stdin", setText(options.pairs)},
          {"c", "N",
           "tokens of a window; default 512, or the model's context if that is less; with "
           "--pairs the model's context",
           setInteger(options.context, 2, kMostTokens)},
          {"stride", "N", "windows begin N tokens apart, at most -c; default: chunks",
           setInteger(options.stride, 1, kMostTokens)},
          {"chunks", "N", "only the first N windows; default: all",
           setInteger(options.chunks, 1, kMostTokens)},
          {"ids", "", "with -f: token ids, separated by spaces or commas; no BOS is added",
           setFlag(options.isIds)},
          {"no-bos", "", "no BOS, even if the model wants one", setFlag(options.noBos)},
          {"o", "FORMAT",
           "text, the default; json (with --pairs a line for each); or tokens: json with ids and "
           "log p of the tokens scored, too, with -f a line for each window",
           setChoice(options.format, {{"text", ScoreFormat::text},
                                      {"json", ScoreFormat::json},
                                      {"tokens", ScoreFormat::tokens}})},
          {"logits", "FILE",
           "with -f: writes the logits behind each token as .npy, f32 [tokens, vocabulary]",
           setText(options.logits)},
          {"kl", "BASE.strata",
           "with -f: compares with this package, of a model of the same tokenizer, as the one in "
           "bf16 that was quantized",
           setText(options.base)},
          {"weights", "DIR", "a checkpoint to take the weights from, instead of the one compiled",
           setText(options.weights)},
          {"kl-weights", "DIR", "the same for --kl's", setText(options.baseWeights)}};
}

absl::Status check(const ScoreOptions &options) {
  int sources = !options.text.empty() + !options.pairs.empty();
  if (sources != 1)
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of -f and --pairs, found ", sources));
  if (!options.pairs.empty() && options.isIds)
    return absl::InvalidArgumentError("expected --ids with -f, found --pairs");
  if (!options.pairs.empty() && !options.logits.empty())
    return absl::InvalidArgumentError("expected --logits with -f, found --pairs");
  if (!options.pairs.empty() && !options.base.empty())
    return absl::InvalidArgumentError("expected --kl with -f, found --pairs");
  if (!options.pairs.empty() && (options.stride || options.chunks))
    return absl::InvalidArgumentError("expected --stride and --chunks with -f, found --pairs");
  if (!options.base.empty() && !options.logits.empty())
    return absl::InvalidArgumentError("expected one of --kl and --logits, found 2");
  if (!options.base.empty() && options.format == ScoreFormat::tokens)
    return absl::InvalidArgumentError("-o: expected text or json with --kl, found tokens");
  if (!options.baseWeights.empty() && options.base.empty())
    return absl::InvalidArgumentError("expected --kl-weights with --kl, found none");
  return absl::OkStatus();
}

} // namespace strata
