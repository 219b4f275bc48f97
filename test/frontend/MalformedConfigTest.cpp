//===- MalformedConfigTest.cpp - config.json, broken ----------------------===//

#include "test/frontend/ConfigText.h"

#include "frontend/ModelConfig.h"

#include "gtest/gtest.h"

#include <iterator>
#include <random>

using namespace strata;

namespace {

std::string errorOf(std::string_view text) {
  absl::StatusOr<ModelConfig> config = parseModelConfig(text, "config.json");
  return config.ok() ? "no error" : std::string(config.status().message());
}

struct Malformed {
  std::vector<Edit> edits;
  std::string message; // after "config.json: "
};

const Malformed kMalformed[] = {
    // Missing.
    {{{"vocab_size", {}}}, "vocab_size: missing, expected an integer in [1, 1048576]"},
    {{{"hidden_size", {}}}, "hidden_size: missing, expected an integer in [1, 65536]"},
    {{{"intermediate_size", {}}},
     "intermediate_size: missing, expected an integer in [1, 1048576]"},
    {{{"num_hidden_layers", {}}}, "num_hidden_layers: missing, expected an integer in [1, 1024]"},
    {{{"num_attention_heads", {}}},
     "num_attention_heads: missing, expected an integer in [1, 1024]"},
    {{{"architectures", {}}, {"model_type", {}}},
     "architectures: missing, expected [\"NemotronForCausalLM\"]"},

    // Out of range.
    {{{"vocab_size", "-1"}}, "vocab_size: expected an integer in [1, 1048576], found -1"},
    {{{"vocab_size", "0"}}, "vocab_size: expected an integer in [1, 1048576], found 0"},
    {{{"vocab_size", "1048577"}}, "vocab_size: expected an integer in [1, 1048576], found 1048577"},
    {{{"hidden_size", "-96"}}, "hidden_size: expected an integer in [1, 65536], found -96"},
    {{{"hidden_size", "0"}}, "hidden_size: expected an integer in [1, 65536], found 0"},
    {{{"hidden_size", "65537"}}, "hidden_size: expected an integer in [1, 65536], found 65537"},
    {{{"hidden_size", "2147483648"}},
     "hidden_size: expected an integer in [1, 65536], found 2147483648"},
    {{{"hidden_size", "4294967392"}}, // 96 in 32 bits
     "hidden_size: expected an integer in [1, 65536], found 4294967392"},
    {{{"hidden_size", "9223372036854775808"}},
     "hidden_size: expected an integer in [1, 65536], found 9223372036854775808 in line 1"},
    {{{"hidden_size", "18446744073709551616"}},
     "hidden_size: expected an integer in [1, 65536], found 18446744073709551616 in line 1"},
    {{{"intermediate_size", "0"}},
     "intermediate_size: expected an integer in [1, 1048576], found 0"},
    {{{"intermediate_size", "-256"}},
     "intermediate_size: expected an integer in [1, 1048576], found -256"},
    {{{"intermediate_size", "1048577"}},
     "intermediate_size: expected an integer in [1, 1048576], found 1048577"},
    {{{"num_hidden_layers", "0"}}, "num_hidden_layers: expected an integer in [1, 1024], found 0"},
    {{{"num_hidden_layers", "-2"}},
     "num_hidden_layers: expected an integer in [1, 1024], found -2"},
    {{{"num_hidden_layers", "1025"}},
     "num_hidden_layers: expected an integer in [1, 1024], found 1025"},
    {{{"num_attention_heads", "0"}},
     "num_attention_heads: expected an integer in [1, 1024], found 0"},
    {{{"num_attention_heads", "1025"}},
     "num_attention_heads: expected an integer in [1, 1024], found 1025"},
    {{{"num_key_value_heads", "0"}},
     "num_key_value_heads: expected an integer in [1, 1024], found 0"},
    {{{"head_dim", "0"}}, "head_dim: expected an integer in [1, 1024], found 0"},
    {{{"head_dim", "1025"}}, "head_dim: expected an integer in [1, 1024], found 1025"},
    {{{"kv_channels", "-16"}}, "kv_channels: expected an integer in [1, 1024], found -16"},
    {{{"max_position_embeddings", "0"}},
     "max_position_embeddings: expected an integer in [1, 16777216], found 0"},
    {{{"max_position_embeddings", "16777217"}},
     "max_position_embeddings: expected an integer in [1, 16777216], found 16777217"},
    {{{"norm_eps", "0"}}, "norm_eps: expected a number in (0, 1), found 0"},
    {{{"norm_eps", "1"}}, "norm_eps: expected a number in (0, 1), found 1"},
    {{{"norm_eps", "-1e-5"}}, "norm_eps: expected a number in (0, 1), found -1e-05"},
    {{{"layer_norm_eps", "2.5"}}, "layer_norm_eps: expected a number in (0, 1), found 2.5"},
    {{{"rope_theta", "0"}}, "rope_theta: expected a number above 0, found 0"},
    {{{"rope_theta", "-10000.0"}}, "rope_theta: expected a number above 0, found -10000.0"},
    {{{"rope_theta", "1e400"}}, "rope_theta: expected a number above 0, found 1e400 in line 1"},
    {{{"partial_rotary_factor", "-0.1"}},
     "partial_rotary_factor: expected a number in [0, 1], found -0.1"},
    {{{"partial_rotary_factor", "1.5"}},
     "partial_rotary_factor: expected a number in [0, 1], found 1.5"},
    {{{"rope_percent", "-0.5"}}, "rope_percent: expected a number in [0, 1], found -0.5"},

    // Another type.
    {{{"hidden_size", "96.0"}}, "hidden_size: expected an integer in [1, 65536], found 96.0"},
    {{{"hidden_size", "1.5"}}, "hidden_size: expected an integer in [1, 65536], found 1.5"},
    {{{"hidden_size", "\"96\""}}, "hidden_size: expected an integer in [1, 65536], found \"96\""},
    {{{"hidden_size", "null"}}, "hidden_size: expected an integer in [1, 65536], found null"},
    {{{"hidden_size", "[96]"}}, "hidden_size: expected an integer in [1, 65536], found a list"},
    {{{"num_hidden_layers", "2.5"}},
     "num_hidden_layers: expected an integer in [1, 1024], found 2.5"},
    {{{"vocab_size", "true"}}, "vocab_size: expected an integer in [1, 1048576], found true"},
    {{{"rope_theta", "\"10000\""}}, "rope_theta: expected a number above 0, found \"10000\""},
    {{{"rope_parameters", "10000"}}, "rope_parameters: expected an object, found 10000"},
    {{{"tie_word_embeddings", "1"}}, "tie_word_embeddings: expected true or false, found 1"},
    {{{"attention_bias", "0"}}, "attention_bias: expected true or false, found 0"},
    {{{"mlp_bias", "\"no\""}}, "mlp_bias: expected true or false, found \"no\""},
    {{{"eos_token_id", "{}"}}, "eos_token_id: expected an integer, found an object"},
    {{{"architectures", "\"NemotronForCausalLM\""}},
     "architectures: expected a list, found \"NemotronForCausalLM\""},
    {{{"architectures", "[]"}}, "architectures: expected [\"NemotronForCausalLM\"], found []"},
    {{{"architectures", "[7]"}}, "architectures[0]: expected a string, found 7"},

    // Not a number at all.
    {{{"norm_eps", "NaN"}}, "norm_eps: expected a number in (0, 1), found NaN in line 1"},
    {{{"norm_eps", "Infinity"}}, "norm_eps: expected a number in (0, 1), found Infinity in line 1"},
    {{{"hidden_size", "0x60"}}, "not JSON: a number is malformed"},

    // Sizes that do not fit each other.
    {{{"num_attention_heads", "7"}},
     "head_dim: missing, expected a value, as hidden_size 96 / "
     "num_attention_heads 7 is not whole"},
    {{{"hidden_size", "65536"}, {"num_attention_heads", "1"}},
     "head_dim: expected at most 1024, found 65536 = hidden_size 65536 / num_attention_heads 1"},
    {{{"num_key_value_heads", "4"}},
     "num_key_value_heads: expected a divisor of num_attention_heads 6, found 4"},
    {{{"num_key_value_heads", "12"}},
     "num_key_value_heads: expected a divisor of num_attention_heads 6, found 12"},
    // Of 17 dims 18 are rotated, which a head of 17 does not have.
    {{{"head_dim", "17"}, {"partial_rotary_factor", "1"}},
     "partial_rotary_factor: expected at most 16 rotary dims, found 17, 1 of head_dim 17"},
    {{{"hidden_size", "65536"},
      {"intermediate_size", "1048576"},
      {"num_hidden_layers", "1024"},
      {"num_attention_heads", "64"}},
     "expected a model of at most 281474976710656 bytes, found a larger one: 1024 layers of 65536 "
     "x "
     "1048576"},

    // Spellings that disagree.
    {{{"head_dim", "16"}, {"kv_channels", "32"}},
     "kv_channels: expected 16 as in head_dim, found 32"},
    {{{"norm_eps", "1e-5"}, {"layer_norm_eps", "1e-6"}},
     "layer_norm_eps: expected 1e-05 as in norm_eps, found 1e-06"},
    {{{"rope_percent", "0.5"}, {"rope_percentage", "0.25"}},
     "rope_percentage: expected 0.5 as in rope_percent, found 0.25"},
    {{{"partial_rotary_factor", "0.5"}, {"rope_parameters", R"({"partial_rotary_factor": 1.0})"}},
     "rope_parameters.partial_rotary_factor: expected 0.5 as in partial_rotary_factor, found 1.0"},
    {{{"rope_theta", "10000"}, {"rope_parameters", R"({"rope_theta": 500.5})"}},
     "rope_parameters.rope_theta: expected 10000 as in rope_theta, found 500.5"},
    {{{"rope_scaling", R"({"type": "linear", "rope_type": "default", "factor": 2})"}},
     "rope_scaling.type: expected \"default\" as in rope_scaling.rope_type, found \"linear\""},

    // Things that are not supported.
    {{{"hidden_act", "\"silu\""}}, "hidden_act: expected \"relu2\", found \"silu\""},
    {{{"hidden_act", "7"}}, "hidden_act: expected a string, found 7"},
    {{{"normalization", "\"rmsnorm\""}},
     "normalization: expected \"layernorm1p\", found \"rmsnorm\""},
    {{{"rope_scaling", R"({"type": "dynamic", "factor": 2})"}},
     "rope_scaling.rope_type: expected \"default\" or \"linear\", found \"dynamic\""},
    {{{"rope_parameters", R"({"rope_type": "yarn", "factor": 2})"}},
     "rope_parameters.rope_type: expected \"default\" or \"linear\", found \"yarn\""},
    {{{"rope_scaling", R"({"type": "linear"})"}},
     "rope_scaling.factor: missing, expected a number of at least 1"},
    {{{"rope_scaling", R"({"type": "linear", "factor": 0.5})"}},
     "rope_scaling.factor: expected a number in [1, 16777216], found 0.5"},
    {{{"rope_scaling", R"({"factor": 2})"}},
     "rope_scaling.rope_type: missing, expected \"default\" or \"linear\""},
    {{{"quantization_config", R"({"quant_method": "fp8"})"}},
     "quantization_config.quant_method: expected \"compressed-tensors\", found \"fp8\": its "
     "weights "
     "are floating point of 8 bits; quantize the model that it was made of by strata-quantize"},
    {{{"quantization_config", "\"fp8\""}},
     "quantization_config: expected an object, found \"fp8\""},

    // Other architectures, some of the same brand.
    {{{"architectures", "[\"MistralForCausalLM\"]"}, {"model_type", "\"mistral\""}},
     "architectures[0]: expected \"NemotronForCausalLM\", the one architecture supported, found "
     "\"MistralForCausalLM\""},
    {{{"architectures", "[\"LlamaForCausalLM\"]"}, {"model_type", "\"llama\""}},
     "architectures[0]: expected \"NemotronForCausalLM\", the one architecture supported, found "
     "\"LlamaForCausalLM\""},
    {{{"architectures", "[\"DeciLMForCausalLM\"]"}, {"model_type", "\"nemotron-nas\""}},
     "architectures[0]: expected \"NemotronForCausalLM\", the one architecture supported, found "
     "\"DeciLMForCausalLM\""},
    {{{"architectures", "[\"NemotronHForCausalLM\"]"}, {"model_type", "\"nemotron_h\""}},
     "architectures[0]: expected \"NemotronForCausalLM\", the one architecture supported, found "
     "\"NemotronHForCausalLM\""},
    {{{"architectures", {}}, {"model_type", "\"nemotron_h\""}},
     "model_type: expected \"nemotron\", the one architecture supported, found \"nemotron_h\""},
    {{{"model_type", "\"deci\""}},
     "model_type: expected \"nemotron\", the one architecture supported, found \"deci\""},
    {{{"architectures", "[\"NemotronModel\"]"}, {"model_type", {}}},
     "architectures[0]: expected \"NemotronForCausalLM\", the one architecture supported, found "
     "\"NemotronModel\""},
};

TEST(MalformedConfig, Messages) {
  EXPECT_GE(std::size(kMalformed), 60u);
  for (const Malformed &malformed : kMalformed)
    EXPECT_EQ(errorOf(configText(malformed.edits)), "config.json: " + malformed.message);
}

/// What is changed in a valid quantization_config, and the error, after its place.
constexpr struct {
  const char *from, *to, *message;
} kQuantizations[] = {
    {R"("quant_method": "compressed-tensors", )", "", ".quant_method: missing, expected a string"},
    {"int-quantized", "float-quantized",
     R"(.format: expected "int-quantized" or "pack-quantized", found "float-quantized", where )"
     "numbers are floating point of 8 bits"},
    {"int-quantized", "nvfp4-pack-quantized",
     R"(.format: expected "int-quantized" or "pack-quantized", found "nvfp4-pack-quantized", where )"
     "numbers are floating point of 4 bits"},
    {"int-quantized", "mixed-precision",
     ".config_groups.group_0.format: expected \"int-quantized\" or \"pack-quantized\", found "
     "\"mixed-precision\""},
    {R"("compressed-tensors")", R"("awq")",
     R"(.quant_method: expected "compressed-tensors", found "awq": rows of its weights are packed )"
     "across outputs; quantize the model that it was made of by strata-quantize"},
    {R"("compressed-tensors")", R"("gptq")",
     R"(.quant_method: expected "compressed-tensors", found "gptq": rows of its weights are packed )"
     "across inputs; quantize the model that it was made of by strata-quantize"},
    {"compressed\"", "frozen\"", R"(.quantization_status: expected "compressed", found "frozen")"},
    {R"("config_groups": {)", R"("config_groups": {"group_1": {}, )",
     ".config_groups.group_1.targets: missing, expected a list"},
    {R"("Linear")", R"("Linear", "Embedding")",
     R"(.config_groups.group_0.targets[1]: expected linear modules, found "Embedding")"},
    {R"("Linear")", "", ".config_groups: expected targets, found none"},
    {"Linear", "re:a(?=b)",
     ".config_groups.group_0.targets[0]: \"re:a(?=b)\": (?=\u2026) is not supported"},
    {"8", "4", ".config_groups.group_0.weights.num_bits: expected 8, found 4"},
    {R"("int")", R"("float")",
     R"(.config_groups.group_0.weights.type: expected "int", found "float")"},
    {R"("symmetric": true)", R"("symmetric": false)",
     ".config_groups.group_0.weights.symmetric: expected true, found false"},
    {R"("strategy": "group")", R"("strategy": "tensor")",
     R"(.config_groups.group_0.weights.strategy: expected "group" or "channel", found "tensor")"},
    {"32", "48",
     ".config_groups.group_0.weights.group_size: expected 32, 64, 128 or 256, found 48"},
    {R"("dynamic": false)", R"("dynamic": true)",
     ".config_groups.group_0.weights.dynamic: expected false, found true"},
    {R"("dynamic": false)", R"("actorder": "group")",
     R"(.config_groups.group_0.weights.actorder: expected null, "weight" or "static", found )"
     "\"group\", where a group's features do not follow each other"},
    {R"("dynamic": false)", R"("zero": 1)",
     ".config_groups.group_0.weights.zero: expected no such key, found 1"},
    {R"("input_activations": null)", R"("input_activations": {"num_bits": 4})",
     ".config_groups.group_0.input_activations.num_bits: expected 8, found 4"},
    {R"("input_activations": null)",
     R"("input_activations": {"num_bits": 8, "type": "int", "dynamic": false})",
     ".config_groups.group_0.input_activations.dynamic: expected true, found false: scales of "
     "inputs that are stored are not read"},
    {R"("input_activations")", R"("inputs")",
     ".config_groups.group_0.inputs: expected no such key, found null"},
    {R"("ignore")", R"("kv_cache_scheme": {"num_bits": 8}, "ignore")",
     ".kv_cache_scheme: expected null, found an object"},
    {R"("ignore")", R"("speed": 3, "ignore")", ".speed: expected no such key, found 3"},
    {"lm_head", "re:(", ".ignore[0]: \"re:(\": expected \")\", found the end"},
};

TEST(MalformedConfig, Quantization) {
  for (const auto &[from, to, message] : kQuantizations)
    EXPECT_EQ(errorOf(configText({{"quantization_config", quantizationText(from, to)}})),
              std::string("config.json: quantization_config") + message);
  EXPECT_EQ(errorOf(configText(
                {{"quantization_config", quantizationText()}, {"intermediate_size", "272"}})),
            "config.json: quantization_config: expected linear modules whose features are a "
            "multiple of 32, found model.layers.0.mlp.down_proj with 272");
}

TEST(MalformedConfig, NotAConfig) {
  for (auto [text, message] :
       {std::pair<std::string, std::string>{"", "not JSON: there is nothing but whitespace"},
        {"null", "expected an object, found null"},
        {"[]", "expected an object, found a list"},
        {"{}", "architectures: missing, expected [\"NemotronForCausalLM\"]"},
        {"\xEF\xBB\xBF" + configText(),
         "begins with a byte-order mark, expected UTF-8 without one"},
        {"{\"a\": \"\xFF\"}", "not UTF-8"}})
    EXPECT_EQ(errorOf(text), "config.json: " + message);
}

TEST(MalformedConfig, CutAnywhere) {
  std::string text = configText();
  for (size_t size = 0; size != text.size(); ++size)
    EXPECT_TRUE(errorOf(text.substr(0, size)).starts_with("config.json: ")) << size;
}

/// Random bytes changed: an error that names the file, or a valid config.
TEST(MalformedConfig, Mutated) {
  std::string text = configText({{"rope_scaling", R"({"type": "linear", "factor": 2})"},
                                 {"eos_token_id", "[3, 5]"},
                                 {"kv_channels", "16"}});
  std::minstd_rand random(1);
  for (int i = 0; i != 10000; ++i) {
    std::string mutated = text;
    for (size_t changes = 1 + random() % 3; changes != 0; --changes)
      mutated[random() % text.size()] = "0123456789-.eE\"{}[]:, \\\0\xFF"[random() % 26];
    std::string error = errorOf(mutated);
    EXPECT_TRUE(error == "no error" || error.starts_with("config.json: ")) << mutated << error;
  }
}

TEST(MalformedConfig, DeepNesting) {
  for (size_t depth : {65, 100000}) {
    std::string deep = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_NE(errorOf(configText({{"ignored", deep}})), "no error") << depth;
  }
  EXPECT_EQ(errorOf(configText({{"ignored", "{\"any\": [1, 2.5, null]}"}})), "no error");
}

} // namespace
