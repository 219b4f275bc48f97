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

} // namespace

std::string recognizeChatTemplate(std::string_view jinja) {
  // A line's end in a string of Jinja is an escape, or itself, however the file spells it.
  const std::string text = absl::StrReplaceAll({jinja.data(), jinja.size()},
                                               {{"\\n", "\n"}, {"\r\n", "\n"}, {"\"", "'"}});
  const bool hasTurns = containsInOrder(
      text, {"<extra_id_0>System", "'\n'", "<extra_id_1>User\n", "<extra_id_1>Assistant\n"});
  const bool hasOthers = text.find("<|") != text.npos || text.find("[INST]") != text.npos ||
                         text.find("<extra_id_2>") != text.npos;
  return hasTurns && !hasOthers ? "nemotron" : "unknown";
}

/// The member that is called default, of an object of templates or a list of named ones.
static std::optional<JsonValue> findDefault(const JsonValue &value) {
  if (value.isObject())
    return value.object()->findNonNull("default");
  if (!value.isArray())
    return std::nullopt;
  const std::vector<JsonValue> entries = *value.array();
  for (const JsonValue &entry : entries) {
    const auto name = entry.isObject() ? entry.object()->findNonNull("name") : std::nullopt;
    if (name && name->isString() && *name->string() == "default")
      return entry.object()->findNonNull("template");
  }
  return std::nullopt;
}

static bool isEmpty(const JsonValue &value) {
  return (value.isString() && value.string()->empty()) ||
         (value.isArray() && value.array()->empty()) ||
         (value.isObject() && value.object()->members().empty());
}

std::string readChatTemplate(const JsonObject &json) {
  const auto value = json.findNonNull("chat_template");
  if (!value || isEmpty(*value))
    return "";
  const auto chosen = value->isString() ? value : findDefault(*value);
  return chosen && chosen->isString() ? recognizeChatTemplate(*chosen->string()) : "unknown";
}

absl::StatusOr<std::string> readChatTemplateFile(const std::filesystem::path &folder) {
  const auto file = folder / "chat_template.jinja";
  if (std::error_code ignored; !exists(file, ignored))
    return std::string();
  STRATA_ASSIGN(const std::string text, readFile(file, kMaxTemplateBytes));
  return recognizeChatTemplate(text);
}

} // namespace strata
