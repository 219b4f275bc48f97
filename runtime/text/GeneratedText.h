//===- GeneratedText.h - a text that a model goes on with -------*- C++ -*-===//
//
// What is known of one text while a model writes it, and nothing of who runs the model: a command
// line that has one of these, or a scheduler that has many and puts what is pending of several into
// one step.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/status.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// What ends a text beside its length.
struct StopRules {
  std::vector<int32_t> tokens; // each of them ends the text and adds no characters to it
  bool keep = true;            // whether the token that ended it stays in the text
};

/// Why nothing more is generated.
enum class FinishReason : uint8_t {
  stop,     // a stop token came
  length,   // as many tokens came as were asked for, or as the context has room for
  cancelled // from outside
};

/// The tokens of a text, how many of them the model has seen, and the characters of those that it
/// generated:
///
///     text.begin(prompt, 256)
///     until text.finished():
///       until text.pending() is empty:
///         run the first n of them through the model; text.markSeen(n)
///       show text.push(the token that was sampled)
///
/// and so on with begin, which adds another prompt to the same text. A copy is a text of its own:
/// with one made before begin, a prompt can be taken back. Uses the tokenizer, which must outlive
/// it.
class GeneratedText {
public:
  /// `context`: most tokens that the text may have.
  GeneratedText(const Tokenizer &tokenizer, int64_t context, StopRules rules);

  /// Adds a prompt, after which at most `most` (> 0) tokens are generated, and no more than the
  /// context has room for. INVALID_ARGUMENT if there is nothing to run, OUT_OF_RANGE if the prompt
  /// leaves no room for a token; then nothing has changed.
  absl::Status begin(std::span<const int32_t> prompt, int64_t most);

  /// All tokens so far, prompts included.
  std::span<const int32_t> tokens() const { return ids; }
  int64_t length() const { return int64_t(ids.size()); }
  /// How many more the context has room for.
  int64_t room() const { return context - length(); }
  /// The first tokens, as many as the model has seen: what its sequence holds.
  int64_t seen() const { return int64_t(seenTokens); }
  /// The tokens behind them. They go through the model before the next token is sampled.
  std::span<const int32_t> pending() const { return tokens().subspan(seenTokens); }
  /// The first `count` tokens that are pending went through the model.
  void markSeen(int64_t count);

  /// Adds the token that was sampled; nothing is pending, and the text is not finished. Returns the
  /// characters that are complete with it, at the end all that are left: whole UTF-8 characters.
  std::string push(int32_t token);
  /// Finishes the text, if it is not finished; returns the characters that are left.
  std::string end(FinishReason why);

  /// The tokens that end it.
  std::span<const int32_t> stops() const { return rules.tokens; }
  /// Why no token may follow; nothing while one may.
  std::optional<FinishReason> finished() const { return reason; }
  /// Whether the characters since the last prompt end with the end of a line.
  bool endsLine() const { return lineEnded; }

private:
  bool isStop(int32_t token) const;
  std::string finish(FinishReason why, std::string text);
  std::string noteLine(std::string text);

  const Tokenizer *tokenizer;
  int64_t context;
  StopRules rules;
  std::vector<int32_t> ids;
  size_t seenTokens = 0;
  // Since the last prompt.
  Detokenizer decoder;
  int64_t left = 0; // tokens that may still be generated
  std::optional<FinishReason> reason;
  bool lineEnded = false;
};

} // namespace strata
