//===- SpecialTokens.h - tokens that begin and end a text -------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"

#include <cstdint>
#include <filesystem>

namespace strata {

class JsonObject;
struct ModelConfig;

/// bos_token_id and eos_token_id of a config.json, against the vocabulary in `config`.
absl::Status readSpecialTokens(const JsonObject &json, ModelConfig &config);

/// What generation_config.json and tokenizer_config.json in `folder` say of them, where present.
absl::Status readTokenFiles(const std::filesystem::path &folder, ModelConfig &config);

} // namespace strata
