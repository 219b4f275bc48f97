//===- ConfigText.h - writing the text of a config.json ---------*- C++ -*-===//
#pragma once

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata {

/// A config.json, for formats that spell the configuration otherwise. Its reader checks the values.
class ConfigText {
public:
  /// Of an architecture as Hugging Face calls it, and its model_type.
  ConfigText(std::string_view architecture, std::string_view modelType)
      : text(absl::StrCat(R"({"architectures": [")", std::string(architecture),
                          R"("], "model_type": ")", std::string(modelType), R"(")")) {}

  /// The value is JSON.
  void add(std::string_view key, std::string_view json) {
    absl::StrAppend(&text, ", \"", std::string(key), "\": ", std::string(json));
  }
  void addInteger(std::string_view key, int64_t value) { add(key, absl::StrCat(value)); }
  /// A finite number, with all its digits.
  void addNumber(std::string_view key, double value) { add(key, absl::StrFormat("%.17g", value)); }
  void addBoolean(std::string_view key, bool value) { add(key, value ? "true" : "false"); }

  std::string finish() const { return text + "}"; }

private:
  std::string text;
};

} // namespace strata
