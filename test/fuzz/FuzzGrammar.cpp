#include "runtime/base/MappedFile.h"
#include "runtime/grammar/Grammars.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"

#include <cstdlib>

using namespace strata;
using namespace strata::grammar;

/// A grammar, a regular expression or, in the other target, a schema: what is accepted says which
/// tokens may follow, and these do follow, as far as a few of them go.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const auto tokenizer =
      SentencePieceTokenizer::load(readFile(STRATA_DEMO_MODEL "/tokenizer.model", 1 << 20).value(),
                                   "model")
          .value();
  static const auto vocabulary = std::make_shared<const Vocabulary>(tokenizer);
  if (size == 0)
    return 0;
  const std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  const auto grammar = parseGrammar({STRATA_FUZZ_SCHEMA   ? GrammarSource::Kind::jsonSchema
                                     : (data[0] & 1) != 0 ? GrammarSource::Kind::regex
                                                          : GrammarSource::Kind::gbnf,
                                     text});
  if (!grammar.ok())
    return 0;
  const auto compiled = CompiledGrammar::create(*grammar, vocabulary);
  if (!compiled.ok())
    return 0;
  CompiledGrammar::Place place = (*compiled)->start();
  for (int steps = 0; steps < 4; ++steps) {
    const auto allowed = (*compiled)->tokensAfter(place);
    if (!allowed.ok())
      return 0; // a limit
    int32_t token = int32_t(data[size / 2] * 7) % int32_t(vocabulary->size());
    size_t tried = 0;
    while (tried < vocabulary->size() && !(*allowed)->contains(token)) {
      token = (token + 1) % int32_t(vocabulary->size());
      ++tried;
    }
    if (tried == vocabulary->size())
      return 0;
    const auto next = (*compiled)->after(place, vocabulary->text(token));
    if (!next.ok())
      return 0;
    if (*next == Configurations::kNone)
      std::abort();
    place = *next;
  }
  return 0;
}
