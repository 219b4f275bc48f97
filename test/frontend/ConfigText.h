//===- ConfigText.h - config.json files for tests ---------------*- C++ -*-===//
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

/// One member of a config.json: a key and the JSON text of its value, or nothing to leave it out.
struct Edit {
  std::string key;
  std::optional<std::string> value;
};

/// A valid quantization_config, with `from` replaced by `to`.
inline std::string quantizationText(const std::string &from = "", const std::string &to = "") {
  std::string text = R"({"quant_method": "compressed-tensors", "format": "int-quantized",
    "quantization_status": "compressed", "config_groups": {"group_0": {"targets": ["Linear"],
      "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "group",
                  "group_size": 32, "dynamic": false}, "input_activations": null}},
    "ignore": ["lm_head"]})";
  return text.replace(text.find(from), from.size(), to);
}

/// The text of a small valid config.json after `edits`; new keys go to its end.
inline std::string configText(const std::vector<Edit> &edits = {}) {
  std::vector<Edit> members = {{"architectures", "[\"NemotronForCausalLM\"]"},
                               {"model_type", "\"nemotron\""},
                               {"vocab_size", "320"},
                               {"hidden_size", "96"},
                               {"intermediate_size", "256"},
                               {"num_hidden_layers", "2"},
                               {"num_attention_heads", "6"}};
  for (const Edit &edit : edits) {
    auto place = std::ranges::find(members, edit.key, &Edit::key);
    if (place == members.end())
      members.push_back(edit);
    else
      place->value = edit.value;
  }
  std::string text;
  for (const Edit &member : members)
    if (member.value)
      text += (text.empty() ? "{\"" : ", \"") + member.key + "\": " + *member.value;
  return text + "}";
}
