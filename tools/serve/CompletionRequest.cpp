//===- CompletionRequest.cpp - OpenAI's requests as ours ------------------===//

#include "tools/serve/CompletionRequest.h"

#include "absl/strings/numbers.h"
#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/text/Prompt.h"
#include "tools/serve/GrammarRequest.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace strata::serve {
namespace {

constexpr int64_t kMostPrompts = 256, kMostChoices = 8;
constexpr int64_t kMostTexts = 256;            // of all prompts
constexpr int64_t kMostPromptScores = 1 << 22; // an answer is made as a whole
constexpr int64_t kDefaultTokens = 16;         // of a completion, as OpenAI has it

/// Fields that change the answer and are not supported, unless they have the value that means
/// nothing: null, false, an empty string or list, or what is named here.
struct Refused {
  const char *key, *harmless;
};
constexpr Refused kRefused[] = {{"suffix", ""},
                                {"tools", ""},
                                {"tool_choice", "none"},
                                {"functions", ""},
                                {"function_call", "none"},
                                {"guided_whitespace_pattern", ""},
                                {"use_beam_search", ""},
                                {"prompt_embeds", ""},
                                {"audio", ""},
                                {"bad_words", ""},
                                {"prompt_logprobs", ""},
                                {"truncate_prompt_tokens", ""}};

absl::StatusOr<bool> isHarmless(const JsonValue &value, std::string_view harmless) {
  if (value.isNull())
    return true;
  if (value.isString()) {
    STRATA_ASSIGN(const std::string_view text, value.string());
    return text.empty() || text == harmless;
  }
  if (value.isArray()) {
    STRATA_ASSIGN(const auto items, value.array());
    return items.empty();
  }
  if (value.isObject()) { // {"type": "text"}
    STRATA_ASSIGN(const JsonObject object, value.object());
    const auto type = object.find("type");
    return type && type->isString() && *type->string() == harmless;
  }
  const auto truth = value.boolean();
  return truth.ok() && !*truth;
}

absl::Status refuseUnsupported(const JsonObject &body) {
  for (const auto &[key, harmless] : kRefused)
    if (const auto value = body.find(key)) {
      STRATA_ASSIGN(const bool fine, isHarmless(*value, harmless));
      if (!fine)
        return body.error(key, "is not supported");
    }
  return absl::OkStatus();
}

template <typename Target>
absl::Status readNumber(const JsonObject &body, const char *key, Target &target) {
  STRATA_ASSIGN(const std::optional<double> value, body.optionalNumber(key));
  if (value)
    target = Target(*value);
  return absl::OkStatus();
}

absl::Status readInteger(const JsonObject &body, const char *key, int64_t &target,
                         IntegerRange range) {
  STRATA_ASSIGN(const std::optional<int64_t> value, body.optionalInteger(key, range));
  if (value)
    target = *value;
  return absl::OkStatus();
}

absl::Status readFlag(const JsonObject &body, const char *key, bool &target) {
  STRATA_ASSIGN(const std::optional<bool> value, body.optionalBoolean(key));
  if (value)
    target = *value;
  return absl::OkStatus();
}

/// A string or a list of them.
absl::Status readStops(const JsonObject &body, std::vector<std::string> &stops) {
  const auto value = body.findNonNull("stop");
  if (!value)
    return absl::OkStatus();
  std::vector<JsonValue> items{*value};
  if (value->isArray()) {
    STRATA_ASSIGN(items, value->array());
  }
  for (const JsonValue &item : items) {
    STRATA_ASSIGN(const std::string_view text, item.string());
    if (!text.empty())
      stops.emplace_back(text);
  }
  return absl::OkStatus();
}

/// {"50256": -100}.
absl::Status readBias(const JsonObject &body, std::vector<std::pair<int32_t, float>> &bias) {
  STRATA_ASSIGN(const auto object, body.optionalObject("logit_bias"));
  if (!object)
    return absl::OkStatus();
  for (const JsonMember &member : object->members()) {
    int32_t token;
    if (!absl::SimpleAtoi(std::string(member.key), &token))
      return body.error("logit_bias",
                        absl::StrCat("expected token ids as keys, found ", quote(member.key)));
    STRATA_ASSIGN(const double value, member.value.number());
    bias.emplace_back(token, float(value));
  }
  return absl::OkStatus();
}

absl::Status readSampling(const JsonObject &body, serving::Request &request) {
  SamplingParams &sampling = request.sampling;
  sampling.temperature = 1;
  STRATA_TRY(readNumber(body, "temperature", sampling.temperature));
  STRATA_TRY(readNumber(body, "top_p", sampling.topP));
  STRATA_TRY(readNumber(body, "min_p", sampling.minP));
  int64_t topK = 0, seed = 0;
  STRATA_TRY(readInteger(body, "top_k", topK, {-1, 1 << 20}));
  sampling.topK = int32_t(std::max<int64_t>(topK, 0)); // -1: all
  STRATA_TRY(readInteger(body, "seed", seed, {}));
  sampling.seed = std::bit_cast<uint64_t>(seed);
  STRATA_TRY(readNumber(body, "repetition_penalty", request.adjustments.repetition));
  STRATA_TRY(readNumber(body, "frequency_penalty", request.adjustments.frequency));
  STRATA_TRY(readNumber(body, "presence_penalty", request.adjustments.presence));
  return readBias(body, request.adjustments.bias);
}

absl::Status readEnds(const JsonObject &body, serving::Request &request) {
  STRATA_TRY(readStops(body, request.stopTexts));
  STRATA_TRY(readFlag(body, "ignore_eos", request.ignoreEnd));
  STRATA_TRY(readInteger(body, "min_tokens", request.leastTokens, {0, INT32_MAX}));
  if (body.findNonNull("stop_token_ids")) {
    STRATA_ASSIGN(const auto ids, body.integers("stop_token_ids", {0, INT32_MAX}));
    request.stopTokens.assign(ids.begin(), ids.end());
  }
  return absl::OkStatus();
}

/// What both kinds of request have, but for prompts and log-probabilities.
absl::Status readCommon(const ServedModel &model, const JsonObject &body, CompletionRequest &result,
                        serving::Request &request) {
  STRATA_TRY(refuseUnsupported(body));
  STRATA_TRY(readSampling(body, request));
  STRATA_TRY(readEnds(body, request));
  STRATA_ASSIGN(request.grammar, readGrammar(*model.grammars, body));
  STRATA_TRY(readInteger(body, "n", result.choices, {1, kMostChoices}));
  int64_t best = result.choices;
  STRATA_TRY(readInteger(body, "best_of", best, {}));
  if (best != result.choices)
    return body.error("best_of", "is not supported");
  STRATA_TRY(readInteger(body, "speculative.n_max", request.mostDrafts, {0, 1 << 20}));
  STRATA_TRY(readFlag(body, "stream", result.streams));
  STRATA_ASSIGN(const auto stream, body.optionalObject("stream_options"));
  if (stream)
    STRATA_TRY(readFlag(*stream, "include_usage", result.includesUsage));
  return absl::OkStatus();
}

/// Checks each prompt's request and puts it into the result, `choices` times with seeds of their
/// own.
absl::Status addRequests(const ServedModel &model, const serving::Request &common,
                         std::vector<std::vector<int32_t>> prompts, CompletionRequest &result) {
  if (const int64_t texts = int64_t(prompts.size()) * result.choices; texts > kMostTexts)
    return absl::InvalidArgumentError(absl::StrCat("prompt: expected at most ", kMostTexts,
                                                   " texts of all prompts with n, found ", texts));
  for (std::vector<int32_t> &prompt : prompts) {
    serving::Request request = common;
    request.prompt = std::move(prompt);
    STRATA_TRY(request.validate(model.package.model().vocabulary(), model.context));
    for (int64_t choice = 0; choice < result.choices; ++choice) {
      result.requests.push_back(request);
      result.requests.back().sampling.seed += uint64_t(choice);
    }
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Completions
//===----------------------------------------------------------------------===//

absl::StatusOr<std::vector<int32_t>> encodeText(const ServedModel &model, const JsonValue &value,
                                                bool special) {
  STRATA_ASSIGN(const std::string_view text, value.string());
  auto ids = special ? encodePrompt(model.tokenizer, model.package.model(), std::string(text))
                     : model.tokenizer.encode(text);
  return ids.ok() ? ids : value.error(std::string(ids.status().message()));
}

absl::StatusOr<std::vector<int32_t>> readIds(const JsonValue &value) {
  STRATA_ASSIGN(const auto ids, value.integers({0, INT32_MAX}));
  return std::vector<int32_t>(ids.begin(), ids.end());
}

/// A text, a list of token ids, or a list of either.
absl::StatusOr<std::vector<std::vector<int32_t>>> readPrompts(const ServedModel &model,
                                                              const JsonObject &body) {
  bool special = true;
  STRATA_TRY(readFlag(body, "add_special_tokens", special));
  const auto value = body.findNonNull("prompt");
  if (!value)
    return body.error("prompt", "expected a text, token ids or a list of either, found none");
  std::vector<std::vector<int32_t>> prompts;
  if (!value->isArray()) {
    STRATA_ASSIGN(prompts.emplace_back(), encodeText(model, *value, special));
    return prompts;
  }
  STRATA_ASSIGN(const auto items, value->array());
  if (items.empty())
    return value->error("expected at least 1 prompt, found none");
  if (!items[0].isString() && !items[0].isArray()) {
    STRATA_ASSIGN(prompts.emplace_back(), readIds(*value));
    return prompts;
  }
  if (int64_t(items.size()) > kMostPrompts)
    return value->error(
        absl::StrCat("expected at most ", kMostPrompts, " prompts, found ", items.size()));
  for (const JsonValue &item : items) {
    STRATA_ASSIGN(prompts.emplace_back(),
                  item.isString() ? encodeText(model, item, special) : readIds(item));
  }
  return prompts;
}

absl::Status checkScores(const CompletionRequest &result) {
  int64_t scores = 0;
  for (const serving::Request &request : result.requests)
    if (request.promptLogProbs)
      scores += int64_t(request.prompt.size()) * (1 + request.topLogProbs);
  if (scores > kMostPromptScores)
    return absl::InvalidArgumentError(absl::StrCat("logprobs: expected at most ", kMostPromptScores,
                                                   " of all prompts, found ", scores));
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<CompletionRequest> parseCompletion(const ServedModel &model, std::string_view text) {
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, "body", &duplicates));
  STRATA_ASSIGN(const JsonObject body, document.object());
  CompletionRequest result;
  serving::Request common;
  common.mostTokens = kDefaultTokens;
  STRATA_TRY(readCommon(model, body, result, common));
  STRATA_TRY(readInteger(body, "max_tokens", common.mostTokens, {0, INT32_MAX}));
  STRATA_TRY(
      readInteger(body, "logprobs", common.topLogProbs, {0, serving::Request::kMostTopLogProbs}));
  STRATA_TRY(readFlag(body, "echo", result.echo));
  common.promptLogProbs = result.echo && common.topLogProbs >= 0;
  STRATA_ASSIGN(auto prompts, readPrompts(model, body));
  STRATA_TRY(addRequests(model, common, std::move(prompts), result));
  STRATA_TRY(checkScores(result));
  for (const serving::Request &request : result.requests)
    if (result.echo)
      result.promptTexts.push_back(model.tokenizer.decode(request.prompt).value_or(""));
  return result;
}

//===----------------------------------------------------------------------===//
// Conversations
//===----------------------------------------------------------------------===//

namespace {

/// A text, or a list of parts that are texts.
absl::StatusOr<std::string> readContent(const JsonObject &message) {
  const auto value = message.findNonNull("content");
  if (!value)
    return std::string();
  if (!value->isArray()) {
    STRATA_ASSIGN(const std::string_view text, value->string());
    return std::string(text);
  }
  STRATA_ASSIGN(const auto parts, value->array());
  std::string text;
  for (const JsonValue &part : parts) {
    STRATA_ASSIGN(const JsonObject object, part.object());
    STRATA_ASSIGN(const std::string_view type, object.string("type"));
    if (type != "text")
      return object.error("type", absl::StrCat("expected \"text\", found ", quote(type)));
    STRATA_ASSIGN(const std::string_view piece, object.string("text"));
    text += piece;
  }
  return text;
}

absl::StatusOr<std::vector<ChatMessage>> readMessages(const JsonObject &body) {
  STRATA_ASSIGN(const auto items, body.array("messages"));
  std::vector<ChatMessage> messages;
  for (const JsonValue &item : items) {
    STRATA_ASSIGN(const JsonObject object, item.object());
    STRATA_ASSIGN(const std::string_view name, object.string("role"));
    ChatMessage message;
    if (name == "system" || name == "developer")
      message.role = ChatRole::system;
    else if (name == "user")
      message.role = ChatRole::user;
    else if (name == "assistant")
      message.role = ChatRole::assistant;
    else
      return object.error("role",
                          absl::StrCat("expected system, user or assistant, found ", quote(name)));
    STRATA_ASSIGN(message.text, readContent(object));
    messages.push_back(std::move(message));
  }
  return messages;
}

absl::Status readChatLogProbs(const JsonObject &body, serving::Request &request) {
  bool wanted = false;
  STRATA_TRY(readFlag(body, "logprobs", wanted));
  int64_t top = 0;
  STRATA_TRY(readInteger(body, "top_logprobs", top, {0, serving::Request::kMostTopLogProbs}));
  request.topLogProbs = wanted ? top : -1;
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<CompletionRequest> parseChatCompletion(const ServedModel &model,
                                                      std::string_view text) {
  if (!model.chat)
    return absl::InvalidArgumentError(
        "messages: the model has no chat template; strata-serve --chat-template chooses one");
  JsonDocument::Notes duplicates;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, "body", &duplicates));
  STRATA_ASSIGN(const JsonObject body, document.object());
  CompletionRequest result;
  result.isChat = true;
  serving::Request common;
  STRATA_TRY(readCommon(model, body, result, common));
  STRATA_TRY(readChatLogProbs(body, common));
  STRATA_ASSIGN(const std::vector<ChatMessage> messages, readMessages(body));
  bool continues = false;
  STRATA_TRY(readFlag(body, "continue_final_message", continues));
  auto prompt = model.chat->conversation(messages, continues);
  if (!prompt.ok())
    return body.error("messages", std::string(prompt.status().message()));
  common.mostTokens = std::max<int64_t>(model.context - int64_t(prompt->size()), 1);
  STRATA_TRY(readInteger(body, "max_tokens", common.mostTokens, {1, INT32_MAX}));
  STRATA_TRY(readInteger(body, "max_completion_tokens", common.mostTokens, {1, INT32_MAX}));
  const std::vector<int32_t> &stops = model.chat->stops();
  common.stopTokens.insert(common.stopTokens.end(), stops.begin(), stops.end());
  STRATA_TRY(addRequests(model, common, {*std::move(prompt)}, result));
  return result;
}

} // namespace strata::serve
