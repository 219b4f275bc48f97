#include "runtime/serving/StopTexts.h"
#include "runtime/tokenizer/TextStream.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

using namespace strata;

namespace {

/// Takes what the fuzzer has made from its beginning.
struct Input {
  std::string_view rest;

  size_t number(size_t below) {
    if (rest.empty())
      return 0;
    const auto value = static_cast<uint8_t>(rest[0]);
    rest.remove_prefix(1);
    return value % below;
  }
  std::string_view part(size_t most) {
    const std::string_view taken = rest.substr(0, number(most + 1));
    rest.remove_prefix(std::min(taken.size(), rest.size()));
    return taken;
  }
};

struct Ended {
  std::string text;
  bool found;
  bool operator==(const Ended &) const = default;
};

/// By the definition: the shortest beginning of the text that ends with one of the strings.
Ended byDefinition(const std::vector<std::string> &strings, const std::string &text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string &string : strings)
      if (std::string_view(text).substr(0, end).ends_with(string))
        longest = std::max(longest, string.size());
    if (longest)
      return {text.substr(0, end - longest), true};
  }
  return {text, false};
}

} // namespace

/// Bytes as a model spells them, cut anywhere: decoded to UTF-8 and then searched, part by part,
/// they give what the definition says of the whole; and what comes is whole characters.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Input input{{reinterpret_cast<const char *>(data), size}};
  std::vector<std::string> strings;
  for (size_t count = input.number(4); count > 0; --count)
    if (std::string string = wellFormed(input.part(6)); !string.empty())
      strings.push_back(std::move(string));
  TextStream decoder;
  serving::StopTexts stops(strings);
  std::string whole, come;
  const auto push = [&](const std::string &characters) {
    whole += characters;
    const std::string part = stops.push(characters);
    if (!isWellFormed(part))
      std::abort();
    come += part;
  };
  while (!input.rest.empty())
    push(decoder.push(input.part(5)));
  push(decoder.flush());
  come += stops.flush();
  if (Ended{come, stops.found()} != byDefinition(strings, whole))
    std::abort();
  return 0;
}
