//===- ChatTemplate.h - which conversation a model was tuned for -*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace strata {

class JsonObject;

/// The name that packages give to a chat template, a Jinja program, which is never run:
/// "nemotron" for one that writes Nemotron's turns, "unknown" for others.
std::string recognizeChatTemplate(std::string_view jinja);

/// The name of the template under `chat_template` of a tokenizer_config.json: a text, or of several
/// the one called default; "unknown" if none is called so, or it is no text. Empty if there is
/// none.
std::string readChatTemplate(const JsonObject &json);

/// The name of the template in chat_template.jinja; empty if there is no such file in `folder`.
absl::StatusOr<std::string> readChatTemplateFile(const std::filesystem::path &folder);

} // namespace strata
