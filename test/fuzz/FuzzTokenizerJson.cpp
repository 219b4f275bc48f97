#include "runtime/tokenizer/BpeTokenizer.h"
#include "runtime/tokenizer/TokenizerJson.h"

#include <cstdlib>
#include <span>
#include <string_view>

using namespace strata;

/// What compiles also loads, and encodes and decodes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const auto compiled = compileTokenizerJson(text, "tokenizer.json");
  if (!compiled.ok())
    return 0;
  const auto tokenizer =
      BpeTokenizer::load(std::as_bytes(std::span(compiled->tables)), "tokenizer.json");
  if (!tokenizer.ok())
    std::abort();
  const auto ids =
      tokenizer->encode(" The  word's 42\xc3\xa9\xff</s>\n\xef\xac\x81 E\xcc\x81\xe4\xb8\xad.!");
  if (ids.ok() && !tokenizer->decode(*ids).ok())
    std::abort();
  return 0;
}
