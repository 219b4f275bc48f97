//===- ChatTemplate.cpp - recognizes the conversation of a template -------===//

#include "frontend/ChatTemplate.h"

#include "runtime/base/Json.h"
#include "runtime/base/MappedFile.h"
#include "runtime/base/Status.h"

#include "absl/strings/str_replace.h"

namespace strata {
namespace {

constexpr uint64_t kMaxTemplateBytes = uint64_t(1) << 20;

/// The parts stand in the text one behind the other.
bool containsInOrder(std::string_view text, std::initializer_list<std::string_view> parts) {
  size_t at = 0;
  for (std::string_view part : parts) {
    at = text.find(part, at);
    if (at == text.npos)
      return false;
    at += part.size();
  }
  return true;
}

/// A string, or a list of named ones.
absl::StatusOr<std::string> readTemplate(const JsonValue &value) {
  if (value.isString()) {
    STRATA_ASSIGN(const std::string_view text, value.string());
    return std::string(text);
  }
  STRATA_ASSIGN(const std::vector<JsonValue> entries, value.array());
  for (const JsonValue &entry : entries) {
    STRATA_ASSIGN(const JsonObject named, entry.object());
    STRATA_ASSIGN(const std::string_view name, named.string("name"));
    STRATA_ASSIGN(const std::string_view text, named.string("template"));
    if (name == "default")
      return std::string(text);
  }
  return value.error("expected a template named default, found none");
}
} // namespace

std::string recognizeChatTemplate(std::string_view jinja) {
  // A line's end in a string of Jinja is an escape, or itself.
  const std::string text =
      absl::StrReplaceAll({jinja.data(), jinja.size()}, {{"\\n", "\n"}, {"\"", "'"}});
  const bool hasTurns = containsInOrder(
      text, {"<extra_id_0>System", "'\n'", "<extra_id_1>User\n", "<extra_id_1>Assistant\n"});
  const bool hasOthers = text.find("<|") != text.npos || text.find("[INST]") != text.npos ||
                         text.find("<extra_id_2>") != text.npos;
  return hasTurns && !hasOthers ? "nemotron" : "unknown";
}

absl::StatusOr<std::string> readChatTemplate(const JsonObject &json,
                                             const std::filesystem::path &folder) {
  if (const auto value = json.findNonNull("chat_template")) {
    STRATA_ASSIGN(const std::string text, readTemplate(*value));
    return recognizeChatTemplate(text);
  }
  const auto file = folder / "chat_template.jinja";
  if (std::error_code ignored; !exists(file, ignored))
    return std::string();
  STRATA_ASSIGN(const std::string text, readFile(file, kMaxTemplateBytes));
  return recognizeChatTemplate(text);
}

} // namespace strata
