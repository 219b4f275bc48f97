#include "runtime/tokenizer/SentencePieceTokenizer.h"

#include <cstdlib>
#include <string_view>

using namespace strata;

/// What the validator accepts does not make SentencePiece crash.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char *>(data), size);
  const auto tokenizer = SentencePieceTokenizer::load(bytes, "tokenizer.model");
  if (!tokenizer.ok())
    return 0;
  const auto ids = tokenizer->encode(" The  word 42\xc3\xa9\xff</s>\n");
  if (ids.ok() && !tokenizer->decode(*ids).ok())
    std::abort();
  return 0;
}
