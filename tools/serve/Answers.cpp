//===- Answers.cpp - what OpenAI's clients get back -----------------------===//

#include "tools/serve/Answers.h"

#include "absl/strings/str_cat.h"
#include "tools/command_line/JsonWriter.h"

#include <algorithm>
#include <set>

namespace strata::serve {
namespace {

constexpr auto kOneLine = JsonWriter::Layout::oneLine;

const char *nameOf(FinishReason reason) {
  return reason == FinishReason::length ? "length" : "stop";
}

/// Without the line's end: an event has its own.
std::string taken(JsonWriter &json) {
  std::string text = json.take();
  text.pop_back();
  return text;
}

void writeReason(JsonWriter &json, const ChoicePart &choice) {
  json.key("finish_reason");
  if (choice.reason)
    json.value(nameOf(*choice.reason));
  else
    json.null();
}

//===----------------------------------------------------------------------===//
// Log-probabilities
//===----------------------------------------------------------------------===//

/// As others have it, because -infinity is no number of JSON.
double logProbOf(const TokenLogProb &token) { return std::max(token.logProb, -9999.0); }

/// {"text": -1.5, …}: the token itself among them. Of tokens that read the same the likeliest.
void writeTop(JsonWriter &json, const Tokenizer &tokenizer, const ScoredToken &score) {
  json.beginObject(kOneLine);
  std::set<std::string> seen;
  const auto write = [&](const TokenLogProb &token) {
    const std::string text = tokenText(tokenizer, token.token);
    if (seen.insert(text).second)
      json.key(text).exactly(logProbOf(token));
  };
  for (const TokenLogProb &token : score.top)
    write(token);
  write(score.token);
  json.endObject();
}

/// Of a completion: parallel lists.
void writeScores(JsonWriter &json, const Tokenizer &tokenizer, const ChoicePart &choice) {
  json.beginObject(kOneLine);
  std::vector<std::string> texts;
  if (choice.first)
    texts.push_back(tokenText(tokenizer, *choice.first));
  for (const ScoredToken &score : choice.scores)
    texts.push_back(tokenText(tokenizer, score.token.token));
  json.list("tokens", texts);
  json.key("token_logprobs").beginArray(kOneLine);
  if (choice.first)
    json.null();
  for (const ScoredToken &score : choice.scores)
    json.exactly(logProbOf(score.token));
  json.endArray();
  json.key("top_logprobs").beginArray(kOneLine);
  if (choice.first)
    json.null();
  for (const ScoredToken &score : choice.scores)
    writeTop(json, tokenizer, score);
  json.endArray();
  json.key("text_offset").beginArray(kOneLine);
  size_t offset = 0;
  for (const std::string &text : texts) {
    json.value(offset);
    offset += text.size();
  }
  json.endArray().endObject();
}

void writeChatToken(JsonWriter &json, const Tokenizer &tokenizer, const TokenLogProb &token) {
  const std::string text = tokenText(tokenizer, token.token);
  json.member("token", text).key("logprob").exactly(logProbOf(token));
  json.key("bytes").beginArray(kOneLine);
  for (char byte : text)
    json.value(unsigned(uint8_t(byte)));
  json.endArray();
}

/// Of a conversation: an object a token.
void writeChatScores(JsonWriter &json, const Tokenizer &tokenizer, const ChoicePart &choice) {
  json.beginObject(kOneLine).key("content").beginArray(kOneLine);
  for (const ScoredToken &score : choice.scores) {
    json.beginObject(kOneLine);
    writeChatToken(json, tokenizer, score.token);
    json.key("top_logprobs").beginArray(kOneLine);
    for (const TokenLogProb &token : score.top) {
      json.beginObject(kOneLine);
      writeChatToken(json, tokenizer, token);
      json.endObject();
    }
    json.endArray().endObject();
  }
  json.endArray().endObject();
}

void writeLogProbs(JsonWriter &json, bool isChat, const Tokenizer &tokenizer,
                   const ChoicePart &choice) {
  json.key("logprobs");
  if (!choice.hasScores)
    json.null();
  else if (isChat)
    writeChatScores(json, tokenizer, choice);
  else
    writeScores(json, tokenizer, choice);
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

void writeHead(JsonWriter &json, const AnswerHead &head, bool isChunk) {
  const char *kind = !head.isChat ? "text_completion"
                     : isChunk    ? "chat.completion.chunk"
                                  : "chat.completion";
  json.member("id", head.id)
      .member("object", kind)
      .member("created", head.created)
      .member("model", head.model);
}

void writeUsage(JsonWriter &json, const serving::Usage &usage) {
  json.key("usage")
      .beginObject(kOneLine)
      .member("prompt_tokens", usage.promptTokens)
      .member("completion_tokens", usage.generatedTokens)
      .member("total_tokens", usage.promptTokens + usage.generatedTokens)
      .key("prompt_tokens_details")
      .beginObject(kOneLine)
      .member("cached_tokens", usage.cachedTokens)
      .endObject()
      .endObject();
}

void writeChoice(JsonWriter &json, const AnswerHead &head, const Tokenizer &tokenizer,
                 const ChoicePart &choice, bool isChunk) {
  json.beginObject(kOneLine).member("index", choice.index);
  if (!head.isChat) {
    json.member("text", choice.text);
  } else {
    json.key(isChunk ? "delta" : "message").beginObject(kOneLine);
    if (!isChunk || choice.begins)
      json.member("role", "assistant");
    if (!isChunk || choice.begins || !choice.text.empty())
      json.member("content", choice.text);
    json.endObject();
  }
  writeLogProbs(json, head.isChat, tokenizer, choice);
  writeReason(json, choice);
  json.endObject();
}

} // namespace

int httpStatusOf(const absl::Status &status) {
  switch (status.code()) {
  case absl::StatusCode::kInvalidArgument:
  case absl::StatusCode::kOutOfRange:
    return 400;
  case absl::StatusCode::kResourceExhausted:
    return 429;
  case absl::StatusCode::kUnavailable:
  case absl::StatusCode::kCancelled: // by the end of the server: other clients have gone
    return 503;
  case absl::StatusCode::kDeadlineExceeded:
    return 504;
  default:
    return 500;
  }
}

/// The field that a message begins with, as "body: stop[1]: expected …" does; empty: none.
static std::string_view fieldOf(std::string_view message) {
  constexpr std::string_view kBody = "body: ";
  if (message.starts_with(kBody))
    message.remove_prefix(kBody.size());
  const size_t end = message.find_first_not_of(
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]");
  return end != message.npos && message.substr(end).starts_with(": ") ? message.substr(0, end) : "";
}

std::string errorJson(int httpStatus, std::string_view message) {
  const char *type = httpStatus == 401   ? "authentication_error"
                     : httpStatus == 404 ? "not_found_error"
                     : httpStatus == 429 ? "rate_limit_error"
                     : httpStatus < 500  ? "invalid_request_error"
                     : httpStatus == 503 ? "unavailable_error"
                                         : "server_error";
  JsonWriter json;
  json.beginObject(kOneLine)
      .key("error")
      .beginObject(kOneLine)
      .member("message", message)
      .member("type", type)
      .key("param");
  if (const std::string_view field = fieldOf(message); httpStatus == 400 && !field.empty())
    json.value(field);
  else
    json.null();
  json.member("code", httpStatus).endObject().endObject();
  return json.take();
}

std::string answerJson(const AnswerHead &head, const Tokenizer &tokenizer,
                       const std::vector<ChoicePart> &choices, const serving::Usage &usage) {
  JsonWriter json;
  json.beginObject(kOneLine);
  writeHead(json, head, /*isChunk=*/false);
  json.key("choices").beginArray(kOneLine);
  for (const ChoicePart &choice : choices)
    writeChoice(json, head, tokenizer, choice, /*isChunk=*/false);
  json.endArray();
  writeUsage(json, usage);
  json.endObject();
  return json.take();
}

std::string chunkJson(const AnswerHead &head, const Tokenizer &tokenizer,
                      const ChoicePart &choice) {
  JsonWriter json;
  json.beginObject(kOneLine);
  writeHead(json, head, /*isChunk=*/true);
  json.key("choices").beginArray(kOneLine);
  writeChoice(json, head, tokenizer, choice, /*isChunk=*/true);
  json.endArray().endObject();
  return taken(json);
}

std::string usageJson(const AnswerHead &head, const serving::Usage &usage) {
  JsonWriter json;
  json.beginObject(kOneLine);
  writeHead(json, head, /*isChunk=*/true);
  json.key("choices").beginArray(kOneLine).endArray();
  writeUsage(json, usage);
  json.endObject();
  return taken(json);
}

std::string tokenText(const Tokenizer &tokenizer, int32_t token) {
  Detokenizer decoder(tokenizer, Detokenizer::Start::continuation);
  const std::string text = decoder.push(token);
  return text.empty() ? std::string(tokenizer.piece(token)) : text;
}

static void writeModel(JsonWriter &json, const ServedModel &model, int64_t created) {
  json.beginObject(kOneLine)
      .member("id", model.name)
      .member("object", "model")
      .member("created", created)
      .member("owned_by", "strata")
      .member("root", model.name)
      .key("parent")
      .null()
      .member("max_model_len", model.context)
      .endObject();
}

std::string modelsJson(const ServedModel &model, int64_t created) {
  JsonWriter json;
  json.beginObject(kOneLine).member("object", "list").key("data").beginArray(kOneLine);
  writeModel(json, model, created);
  json.endArray().endObject();
  return json.take();
}

std::string modelJson(const ServedModel &model, int64_t created) {
  JsonWriter json;
  writeModel(json, model, created);
  return json.take();
}

std::string tokenizerJson(const ServedModel &model) {
  const Tokenizer &tokenizer = model.tokenizer;
  JsonWriter json;
  json.beginObject(kOneLine);
  const auto special = [&](const char *key, std::optional<int32_t> id) {
    json.key(key);
    if (id)
      json.value(tokenizer.piece(*id));
    else
      json.null();
  };
  special("bos_token", tokenizer.bosId());
  special("eos_token", tokenizer.eosId());
  special("pad_token", tokenizer.padId());
  special("unk_token", tokenizer.unkId());
  json.member("vocab_size", tokenizer.vocabularySize());
  json.member("model_max_length", model.context);
  json.key("chat_template").null(); // conversations are written by the server
  json.endObject();
  return json.take();
}

//===----------------------------------------------------------------------===//
// Metrics
//===----------------------------------------------------------------------===//

namespace {

class MetricsWriter {
public:
  explicit MetricsWriter(const std::string &model)
      : label(absl::StrCat("model_name=\"", model, "\"")) {}

  void add(const char *name, const char *type, const char *help, double value) {
    head(name, type, help);
    line(name, "", value);
  }
  void head(const char *name, const char *type, const char *help) {
    absl::StrAppend(&text, "# HELP strata:", name, " ", help, "\n# TYPE strata:", name, " ", type,
                    "\n");
  }
  void line(const std::string &name, const std::string &more, double value) {
    absl::StrAppend(&text, "strata:", name, "{", label, more, "} ", value, "\n");
  }
  void histogram(const std::string &name, const char *help, const serving::Histogram &values) {
    head(name.c_str(), "histogram", help);
    for (size_t i = 0; i < values.bounds().size(); ++i)
      line(name + "_bucket", absl::StrCat(",le=\"", values.bounds()[i], "\""),
           double(values.upTo(i)));
    line(name + "_bucket", ",le=\"+Inf\"", double(values.count()));
    line(name + "_sum", "", values.sum());
    line(name + "_count", "", double(values.count()));
  }

  std::string text;

private:
  const std::string label;
};

} // namespace

std::string metricsText(const serving::Metrics &metrics, const std::string &model) {
  MetricsWriter writer(model);
  writer.add("num_requests_running", "gauge", "Requests that take part in steps.",
             double(metrics.running));
  writer.add("num_requests_waiting", "gauge", "Requests that wait.", double(metrics.waiting));
  writer.add("kv_cache_usage_perc", "gauge", "Share of the KV cache's pages in use, 0 to 1.",
             metrics.pages ? 1 - double(metrics.freePages) / metrics.pages : 0);
  writer.add("prompt_tokens_total", "counter", "Tokens of prompts that were computed.",
             double(metrics.promptTokens));
  writer.add("prefix_cache_hits_total", "counter",
             "Tokens of prompts that were found in the cache.", double(metrics.cachedTokens));
  writer.add("generation_tokens_total", "counter", "Tokens that were generated.",
             double(metrics.generatedTokens));
  writer.add("num_preemptions_total", "counter", "Requests whose pages were taken away.",
             double(metrics.preemptions));
  writer.add("steps_total", "counter", "Steps of the engine.", double(metrics.steps));
  const DraftCounts &drafts = metrics.drafts;
  writer.add("spec_decode_num_drafts_total", "counter", "Times that a text was guessed further.",
             double(drafts.drafts));
  writer.add("spec_decode_num_draft_tokens_total", "counter", "Tokens that were guessed.",
             double(drafts.tokens));
  writer.add("spec_decode_num_accepted_tokens_total", "counter",
             "Tokens that were guessed and accepted.", double(drafts.accepted));
  writer.head("spec_decode_num_accepted_tokens_per_pos_total", "counter",
              "Tokens that were guessed and accepted, by their place behind the text.");
  for (size_t i = 0; i < drafts.acceptedAt.size(); ++i)
    writer.line("spec_decode_num_accepted_tokens_per_pos_total",
                absl::StrCat(",position=\"", i, "\""), double(drafts.acceptedAt[i]));
  writer.head("request_success_total", "counter", "Requests that ended, and why.");
  const char *reasons[serving::kOutcomes] = {"stop", "length", "abort", "error"};
  for (size_t i = 0; i < serving::kOutcomes; ++i)
    writer.line("request_success_total", absl::StrCat(",finished_reason=\"", reasons[i], "\""),
                double(metrics.ended[i]));
  writer.histogram("time_to_first_token_seconds", "From arrival to the first token.",
                   metrics.timeToFirstToken);
  writer.histogram("inter_token_latency_seconds", "From one token to the next.",
                   metrics.interTokenLatency);
  writer.histogram("e2e_request_latency_seconds", "From arrival to the end.",
                   metrics.requestLatency);
  writer.histogram("request_queue_time_seconds", "From arrival to the first step.",
                   metrics.queueTime);
  return writer.text;
}

} // namespace strata::serve
