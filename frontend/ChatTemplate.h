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

/// The name of the template of a model folder: in `json`, its tokenizer_config.json, or in
/// chat_template.jinja beside it. Empty if there is none.
absl::StatusOr<std::string> readChatTemplate(const JsonObject &json,
                                             const std::filesystem::path &folder);

} // namespace strata
