#include "test/runtime/TestPackage.h"
#include "tools/serve/CompletionRequest.h"

#include <cstdlib>

using namespace strata;
using namespace strata::serve;

namespace {

constexpr int64_t kContext = 64;

/// The fake model, whose tokens are the pieces of the demonstration model's tokenizer.
const ServedModel &model() {
  static const std::string pieces = contentsOf(STRATA_DEMO_MODEL "/tokenizer.model");
  static const Package package =
      Package::open(TestFolder().write("fake.strata", test::fakeModel(pieces).encode())).value();
  static const auto tokenizer =
      loadTokenizer("tokenizer", *package.findSection("tokenizer"), "fake").value();
  static const Chat chat = Chat::create(*tokenizer, package.model(), ChatForm::raw).value();
  static const ServedModel served{package, *tokenizer, &chat, "fake", kContext};
  return served;
}

} // namespace

/// What is accepted is inside its limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view body(reinterpret_cast<const char *>(data), size);
  for (const auto &asked : {parseCompletion(model(), body), parseChatCompletion(model(), body)}) {
    if (!asked.ok())
      continue;
    const size_t texts = asked->requests.size();
    if (texts == 0 || texts > 256 || asked->choices < 1 || texts % size_t(asked->choices) != 0)
      std::abort();
    for (const serving::Request &request : asked->requests)
      if (!request.validate(model().package.model().vocabulary(), kContext).ok())
        std::abort();
  }
  return 0;
}
