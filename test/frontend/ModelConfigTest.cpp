//===- ModelConfigTest.cpp - config.json, whole and broken ----------------===//

#include "frontend/ModelConfig.h"
#include "frontend/Presets.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>

using namespace strata;

namespace {

/// One member of a config.json: a key and the JSON text of its value, or nothing to leave it out.
struct Edit {
  std::string key;
  std::optional<std::string> value;
};

/// The text of a small valid config.json after `edits`; new keys go to its end.
std::string configText(const std::vector<Edit> &edits = {}) {
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

ModelConfig parseValid(const std::vector<Edit> &edits) {
  absl::StatusOr<ModelConfig> config = parseModelConfig(configText(edits), "config.json");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.value_or(ModelConfig());
}

std::string errorOf(std::string_view text) {
  absl::StatusOr<ModelConfig> config = parseModelConfig(text, "config.json");
  return config.ok() ? "no error" : std::string(config.status().message());
}

//===----------------------------------------------------------------------===//
// Defaults, spellings, rules
//===----------------------------------------------------------------------===//

TEST(ModelConfig, Defaults) {
  ModelConfig config = parseValid({});
  EXPECT_EQ(config.vocabulary, 320);
  EXPECT_EQ(config.hidden, 96);
  EXPECT_EQ(config.intermediate, 256);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.heads, 6);
  EXPECT_EQ(config.kvHeads, 6);    // absent: as many as heads
  EXPECT_EQ(config.headDim, 16);   // absent: hidden / heads
  EXPECT_EQ(config.rotaryDims, 8); // half of it
  EXPECT_EQ(config.ropeTheta, 10000.0f);
  EXPECT_EQ(config.ropeScale, 1.0f);
  EXPECT_EQ(config.normEps, 1e-5f);
  EXPECT_EQ(config.context, 4096);
  EXPECT_EQ(config.bosToken, 2);
  EXPECT_EQ(config.eosTokens, std::vector<int64_t>{3});
  EXPECT_FALSE(config.tiedEmbeddings);
  EXPECT_FALSE(config.addBos);
}

TEST(ModelConfig, NullIsAbsent) {
  ModelConfig config = parseValid({{"num_key_value_heads", "null"},
                                   {"head_dim", "null"},
                                   {"rope_scaling", "null"},
                                   {"quantization_config", "null"},
                                   {"pad_token_id", "null"}});
  EXPECT_EQ(config.kvHeads, 6);
  EXPECT_EQ(config.headDim, 16);
}

TEST(ModelConfig, EverySpelling) {
  for (const char *key : {"head_dim", "kv_channels"})
    EXPECT_EQ(parseValid({{key, "32"}}).headDim, 32) << key;
  for (const char *key : {"norm_eps", "layer_norm_eps"})
    EXPECT_EQ(parseValid({{key, "1e-3"}}).normEps, 1e-3f) << key;
  for (const char *key : {"partial_rotary_factor", "rope_percent", "rope_percentage"})
    EXPECT_EQ(parseValid({{key, "0.25"}}).rotaryDims, 4) << key;
  for (const char *key : {"rope_parameters", "rope_scaling"}) {
    ModelConfig config = parseValid(
        {{key, R"({"rope_type": "default", "rope_theta": 500, "partial_rotary_factor": 1})"}});
    EXPECT_EQ(config.rotaryDims, 16) << key;
    EXPECT_EQ(config.ropeTheta, 500.0f) << key;
    EXPECT_EQ(config.ropeScale, 1.0f) << key;
  }
  EXPECT_EQ(parseValid({{"rope_theta", "1000000"}}).ropeTheta, 1e6f);
  for (const char *key : {"torch_dtype", "dtype"})
    parseValid({{key, "\"float32\""}}); // what the tensors are decides
}

TEST(ModelConfig, SpellingsThatAgree) {
  ModelConfig config = parseValid({{"head_dim", "32"},
                                   {"kv_channels", "32"},
                                   {"rope_percent", "0.25"},
                                   {"rope_percentage", "0.25"},
                                   {"rope_theta", "500"},
                                   {"rope_parameters", R"({"rope_theta": 500.0})"}});
  EXPECT_EQ(config.headDim, 32);
  EXPECT_EQ(config.rotaryDims, 8);
  EXPECT_EQ(config.ropeTheta, 500.0f);
}

TEST(ModelConfig, LinearScaling) {
  for (const char *key : {"rope_scaling", "rope_parameters"})
    for (const char *type : {"type", "rope_type"})
      EXPECT_EQ(parseValid({{key, std::string("{\"") + type + "\": \"linear\", \"factor\": 4}"}})
                    .ropeScale,
                4.0f);
}

TEST(ModelConfig, HeadsNeedNotMakeUpTheHiddenSize) {
  ModelConfig config = parseValid(
      {{"num_attention_heads", "7"}, {"head_dim", "10"}, {"partial_rotary_factor", "0.25"}});
  EXPECT_EQ(config.headDim, 10);
  EXPECT_EQ(config.rotaryDims, 2); // int(10 * 0.25)
}

TEST(ModelConfig, Choices) {
  parseValid({{"hidden_act", "\"relu2\""}, {"normalization", "\"layernorm1p\""}});
  parseValid({{"attention_bias", "false"}, {"mlp_bias", "false"}});
  EXPECT_TRUE(parseValid({{"tie_word_embeddings", "true"}}).tiedEmbeddings);
  EXPECT_EQ(parseValid({{"max_position_embeddings", "16777216"}}).context, 1 << 24);
}

TEST(ModelConfig, Architectures) {
  parseValid({{"model_type", std::nullopt}});
  parseValid({{"architectures", std::nullopt}});
  EXPECT_EQ(parseValid({{"architectures", "[\"NemotronModel\"]"}}).architecture, "NemotronModel");
}

TEST(ModelConfig, SpecialTokens) {
  EXPECT_EQ(parseValid({{"bos_token_id", "null"}}).bosToken, -1);
  EXPECT_EQ(parseValid({{"bos_token_id", "319"}}).bosToken, 319);
  EXPECT_EQ(parseValid({{"eos_token_id", "[3, 5]"}}).eosTokens, (std::vector<int64_t>{3, 5}));
  EXPECT_EQ(parseValid({{"eos_token_id", "5"}}).eosTokens, std::vector<int64_t>{5});
  EXPECT_TRUE(parseValid({{"eos_token_id", "null"}}).eosTokens.empty());
  // Defaults that the vocabulary does not have.
  EXPECT_EQ(parseValid({{"vocab_size", "2"}}).bosToken, -1);
  EXPECT_TRUE(parseValid({{"vocab_size", "2"}}).eosTokens.empty());
}

TEST(ModelConfig, RoundedConstantsStayInRange) {
  EXPECT_LT(parseValid({{"norm_eps", "0.99999999999"}}).normEps, 1.0f);
  EXPECT_GT(parseValid({{"norm_eps", "1e-300"}}).normEps, 0.0f);
  EXPECT_GT(parseValid({{"rope_theta", "1e-300"}}).ropeTheta, 0.0f);
  EXPECT_LT(parseValid({{"rope_theta", "1e300"}}).ropeTheta,
            std::numeric_limits<float>::infinity());
}

//===----------------------------------------------------------------------===//
// Broken files
//===----------------------------------------------------------------------===//

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
     "hidden_size: expected an integer in [1, 65536], found 9223372036854775808"},
    {{{"hidden_size", "18446744073709551616"}},
     "hidden_size: expected a well-formed number of at most 64 bits, found 18446744073709551616"},
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
    {{{"rope_theta", "1e400"}},
     "rope_theta: expected a well-formed number of at most 64 bits, found 1e400"},
    {{{"partial_rotary_factor", "0"}},
     "partial_rotary_factor: expected a number in (0, 1], found 0"},
    {{{"partial_rotary_factor", "1.5"}},
     "partial_rotary_factor: expected a number in (0, 1], found 1.5"},
    {{{"rope_percent", "-0.5"}}, "rope_percent: expected a number in (0, 1], found -0.5"},
    {{{"bos_token_id", "320"}}, "bos_token_id: expected an integer in [0, 319], found 320"},
    {{{"bos_token_id", "-1"}}, "bos_token_id: expected an integer in [0, 319], found -1"},
    {{{"eos_token_id", "320"}}, "eos_token_id: expected an integer in [0, 319], found 320"},
    {{{"eos_token_id", "[3, -5]"}}, "eos_token_id[1]: expected an integer in [0, 319], found -5"},

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
    {{{"torch_dtype", "16"}}, "torch_dtype: expected a string, found 16"},
    {{{"eos_token_id", "{}"}}, "eos_token_id: expected an integer in [0, 319], found an object"},
    {{{"architectures", "\"NemotronForCausalLM\""}},
     "architectures: expected a list, found \"NemotronForCausalLM\""},
    {{{"architectures", "[]"}}, "architectures: expected [\"NemotronForCausalLM\"], found []"},
    {{{"architectures", "[7]"}}, "architectures[0]: expected a string, found 7"},

    // Not a number at all.
    {{{"norm_eps", "NaN"}},
     "not JSON: a bracket, comma or value is missing, misplaced or misspelt"},
    {{{"norm_eps", "Infinity"}},
     "not JSON: a bracket, comma or value is missing, misplaced or misspelt"},
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
    {{{"partial_rotary_factor", "0.1"}},
     "partial_rotary_factor: expected an even number of rotary "
     "dims >= 2, found 1, 0.1 of head_dim 16"},
    {{{"head_dim", "18"}},
     "partial_rotary_factor: expected an even number of rotary dims >= 2, "
     "found 9, 0.5 of head_dim 18"},
    {{{"head_dim", "1"}},
     "partial_rotary_factor: expected an even number of rotary dims >= 2, "
     "found 0, 0.5 of head_dim 1"},
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
    {{{"torch_dtype", "\"bfloat16\""}, {"dtype", "\"float16\""}},
     "dtype: expected \"bfloat16\" as in torch_dtype, found \"float16\""},
    {{{"rope_scaling", R"({"type": "linear", "rope_type": "default", "factor": 2})"}},
     "rope_scaling.type: expected \"default\" as in rope_scaling.rope_type, found \"linear\""},

    // Things that are not supported.
    {{{"hidden_act", "\"silu\""}}, "hidden_act: expected \"relu2\", found \"silu\""},
    {{{"hidden_act", "7"}}, "hidden_act: expected a string, found 7"},
    {{{"normalization", "\"rmsnorm\""}},
     "normalization: expected \"layernorm1p\", found \"rmsnorm\""},
    {{{"attention_bias", "true"}},
     "attention_bias: expected false, found true: linear biases are not supported"},
    {{{"mlp_bias", "true"}},
     "mlp_bias: expected false, found true: linear biases are not supported"},
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
     "quantization_config: expected none, found quant_method \"fp8\": quantized models are not "
     "supported"},
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

TEST(ModelConfig, Malformed) {
  EXPECT_GE(std::size(kMalformed), 60u);
  for (const Malformed &malformed : kMalformed)
    EXPECT_EQ(errorOf(configText(malformed.edits)), "config.json: " + malformed.message);
}

TEST(ModelConfig, NotAConfig) {
  for (auto [text, message] :
       {std::pair<std::string, std::string>{"", "not JSON: there is nothing but whitespace"},
        {"null", "expected an object, found null"},
        {"[]", "expected an object, found a list"},
        {"{}", "architectures: missing, expected [\"NemotronForCausalLM\"]"},
        {"\xEF\xBB\xBF" + configText(),
         "begins with a byte-order mark, expected UTF-8 without one"},
        {"{\"a\": \"\xFF\"}", "not UTF-8"},
        {"{\"a\": 1, \"a\": 2}", "a: key stands more than once in its object"}})
    EXPECT_EQ(errorOf(text), "config.json: " + message);
}

TEST(ModelConfig, CutAnywhere) {
  std::string text = configText();
  for (size_t size = 0; size != text.size(); ++size)
    EXPECT_TRUE(errorOf(text.substr(0, size)).starts_with("config.json: ")) << size;
}

/// Random bytes changed: an error that names the file, or a valid config.
TEST(ModelConfig, Mutated) {
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

TEST(ModelConfig, DeepNesting) {
  for (size_t depth : {65, 100000}) {
    std::string deep = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_NE(errorOf(configText({{"ignored", deep}})), "no error") << depth;
  }
  EXPECT_EQ(errorOf(configText({{"ignored", "{\"any\": [1, 2.5, null]}"}})), "no error");
}

//===----------------------------------------------------------------------===//
// The files beside config.json
//===----------------------------------------------------------------------===//

/// A folder of its own for each test.
class ModelFolder : public testing::Test {
protected:
  ModelFolder()
      : folder(testing::TempDir() + "/" +
               testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    write("config.json", configText());
  }
  ~ModelFolder() override { std::filesystem::remove_all(folder); }

  void write(const std::string &name, const std::string &text) {
    std::ofstream(folder + "/" + name) << text;
  }
  absl::StatusOr<ModelConfig> read() { return readModelConfig(folder + "/config.json"); }

  std::string folder;
};

TEST_F(ModelFolder, Alone) {
  absl::StatusOr<ModelConfig> config = read();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->name, "Alone");
  EXPECT_FALSE(config->addBos);
}

TEST_F(ModelFolder, Neighbours) {
  write("generation_config.json", "{\"eos_token_id\": [3, 5]}");
  write("tokenizer_config.json", "{\"add_bos_token\": true}");
  absl::StatusOr<ModelConfig> config = read();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->eosTokens, (std::vector<int64_t>{3, 5}));
  EXPECT_TRUE(config->addBos);
}

TEST_F(ModelFolder, NeighboursThatSayNothing) {
  write("config.json", configText({{"eos_token_id", "7"}}));
  write("generation_config.json", "{\"eos_token_id\": null}");
  write("tokenizer_config.json", "{}");
  absl::StatusOr<ModelConfig> config = read();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->eosTokens, std::vector<int64_t>{7});
  EXPECT_FALSE(config->addBos);
}

TEST_F(ModelFolder, BrokenNeighbours) {
  write("generation_config.json", "{\"eos_token_id\": 320}");
  EXPECT_EQ(read().status().message(),
            folder + "/generation_config.json: eos_token_id: expected an integer in [0, 319], "
                     "found 320");
  write("generation_config.json", "{}");
  write("tokenizer_config.json", "{\"add_bos_token\": \"yes\"}");
  EXPECT_EQ(read().status().message(),
            folder + "/tokenizer_config.json: add_bos_token: expected true or false, found "
                     "\"yes\"");
  write("config.json", configText({{"bos_token_id", "null"}}));
  write("tokenizer_config.json", "{\"add_bos_token\": true}");
  EXPECT_EQ(read().status().message(),
            folder + "/tokenizer_config.json: add_bos_token: expected false, as config.json has no "
                     "bos_token_id, found true");
}

TEST_F(ModelFolder, NoConfig) {
  std::filesystem::remove(folder + "/config.json");
  EXPECT_EQ(read().status().code(), absl::StatusCode::kNotFound);
  std::filesystem::create_directory(folder + "/config.json");
  EXPECT_FALSE(read().ok());
}

TEST_F(ModelFolder, TooLarge) {
  write("config.json", std::string((1 << 20) + 1, ' '));
  EXPECT_FALSE(read().ok());
}

//===----------------------------------------------------------------------===//
// Presets
//===----------------------------------------------------------------------===//

TEST(Presets, Unknown) {
  EXPECT_EQ(findPreset("nemotron4-15b").status().message(),
            "unknown preset \"nemotron4-15b\"; did you mean nemotron-4-15b? presets are "
            "nemotron-4-15b, nemotron-4-340b, minitron-4b, minitron-8b, nemotron-mini-4b, "
            "nemotron-4-mini-hindi-4b, nemotron-3-8b, nemotron-3-22b");
}

/// The preset of Nemotron-4 15B is what a NemotronConfig without a value holds.
TEST(Presets, DefaultsAreNemotron4) {
  absl::StatusOr<ModelConfig> preset = findPreset("nemotron-4-15b");
  ASSERT_TRUE(preset.ok());
  EXPECT_EQ(getParameterCount(*preset).value(), getParameterCount(ModelConfig()).value());
}

} // namespace
