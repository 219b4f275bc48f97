#include "test/runtime/tokenizer/SentencePieceReference.h"

#include <gtest/gtest.h>
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

struct SentencePieceReference::Library {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceReference::SentencePieceReference(const std::string &serialized)
    : library(std::make_unique<Library>()) {
  const auto status = library->processor.LoadFromSerializedProto(serialized);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

SentencePieceReference::~SentencePieceReference() = default;

std::vector<int32_t> SentencePieceReference::encode(const std::string &text) const {
  std::vector<int> ids;
  const auto status = library->processor.Encode(text, &ids);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return ids;
}

std::string SentencePieceReference::decode(const std::vector<int32_t> &ids) const {
  std::string text;
  const auto status = library->processor.Decode(ids, &text);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return text;
}

namespace {
/// Sentences from memory.
class Sentences : public sentencepiece::SentenceIterator {
public:
  bool done() const override { return next == sentences.size(); }
  void Next() override { ++next; }
  const std::string &value() const override { return sentences[next]; }
  sentencepiece::util::Status status() const override { return {}; }

private:
  std::vector<std::string> sentences = {
      "in the beginning was the word and the word was with the other words",
      "the quick brown fox jumps over the lazy dog again and again and again",
      "numbers 0 1 2 3 4 5 6 7 8 9 and  double  spaces, caf\xC3\xA9 na\xC3\xAFve "
      "\xE6\x97\xA5\xE6\x9C\xAC",
      "pack my box with five dozen liquor jugs, said the wizard to the others"};
  size_t next = 0;
};
} // namespace

std::string trainSentencePiece(const std::string &options) {
  std::string serialized;
  Sentences sentences;
  const auto status = sentencepiece::SentencePieceTrainer::Train(
      options + " --minloglevel=4 --hard_vocab_limit=false", &sentences, &serialized);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return serialized;
}
