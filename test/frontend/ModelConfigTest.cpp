//===- ModelConfigTest.cpp - what config.json and its neighbours say ------===//

#include "test/frontend/ConfigText.h"

#include "frontend/ModelConfig.h"
#include "frontend/Parameters.h"
#include "frontend/Presets.h"

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>

using namespace strata;

namespace {

ModelConfig parseValid(const std::vector<Edit> &edits) {
  absl::StatusOr<ModelConfig> config = parseModelConfig(configText(edits), "config.json");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.value_or(ModelConfig());
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

TEST(ModelConfig, Quantization) {
  EXPECT_FALSE(parseValid({}).schemeOf("model.layers.0.mlp.up_proj"));
  ModelConfig config = parseValid({{"quantization_config", quantizationText()}});
  ASSERT_TRUE(config.schemeOf("model.layers.0.mlp.up_proj"));
  EXPECT_EQ(*config.schemeOf("model.layers.0.mlp.up_proj"), WeightScheme());
  EXPECT_FALSE(config.schemeOf("lm_head"));
}

/// The scheme of modules in a valid quantization_config with `from` replaced by `to`.
WeightScheme schemeIn(const std::string &from, const std::string &to) {
  ModelConfig config = parseValid({{"quantization_config", quantizationText(from, to)}});
  const WeightScheme *scheme = config.schemeOf("model.layers.0.mlp.up_proj");
  EXPECT_TRUE(scheme) << to;
  return scheme ? *scheme : WeightScheme();
}

TEST(ModelConfig, QuantizationSchemes) {
  const std::string format = R"("format": "int-quantized")";
  EXPECT_EQ(schemeIn(format, R"("format": "pack-quantized")"),
            (WeightScheme{.bits = 8, .packed = true, .group = 32}));
  EXPECT_EQ(schemeIn(R"("targets")", R"("format": "pack-quantized", "targets")"),
            (WeightScheme{.bits = 8, .packed = true, .group = 32}));
  EXPECT_EQ(schemeIn(R"("group",
                  "group_size": 32)",
                     R"("channel")"),
            (WeightScheme{.group = 0}));
  EXPECT_EQ(schemeIn(R"("strategy": "group",
                  "group_size": 32)",
                     R"("group_size": -1)"),
            (WeightScheme{.group = 0}));
  EXPECT_EQ(schemeIn(R"("input_activations": null)",
                     R"("input_activations": {"num_bits": 8, "type": "int", "symmetric": true,
                        "strategy": "token", "dynamic": true, "observer": null})"),
            WeightScheme());
}

/// A group with these targets, of `bits`.
std::string groupText(const std::string &targets, int bits) {
  return R"({"format": "pack-quantized", "targets": [)" + targets +
         R"(], "weights": {"num_bits": )" + std::to_string(bits) +
         R"(, "type": "int", "group_size": 32}})";
}

/// Names go before patterns, patterns before classes, and "ignore" before all of them.
TEST(ModelConfig, QuantizationTargets) {
  const std::string text =
      R"({"quant_method": "compressed-tensors", "format": "mixed-precision",
          "quantization_status": "compressed", "config_groups": {"a": )" +
      groupText(R"("Linear")", 8) + R"(, "b": )" +
      groupText(R"("re:.*up_proj$", "re:model.layers.[01].self_attn.(q|k)_proj")", 4) +
      R"(, "c": )" + groupText(R"("model.layers.1.mlp.up_proj")", 8) +
      R"(}, "ignore": ["re:.*lm_head", "re:up_proj", "model.layers.0.self_attn.q_proj"]})";
  ModelConfig config = parseValid({{"quantization_config", text}});
  auto bits = [&](const char *module) {
    const WeightScheme *scheme = config.schemeOf(module);
    return scheme ? scheme->bits : 0;
  };
  EXPECT_EQ(bits("model.layers.0.mlp.up_proj"), 4);
  EXPECT_EQ(bits("model.layers.1.mlp.up_proj"), 8);
  EXPECT_EQ(bits("model.layers.0.mlp.down_proj"), 8);
  EXPECT_EQ(bits("model.layers.0.self_attn.q_proj"), 0);
  EXPECT_EQ(bits("model.layers.0.self_attn.k_proj"), 4);
  EXPECT_EQ(bits("model.layers.0.self_attn.v_proj"), 8);
  EXPECT_EQ(bits("lm_head"), 0);
}

/// What compressed-tensors writes besides, none of which changes what a weight means.
TEST(ModelConfig, QuantizationAsWritten) {
  for (const char *more :
       {R"("ignore": null)", R"("ignore": ["model.layers.1.mlp.up_proj"], "version": "0.20.0")",
        R"("kv_cache_scheme": null, "sparsity_config": {}, "transform_config": {})",
        R"("global_compression_ratio": 1.5)"})
    EXPECT_TRUE(
        parseValid({{"quantization_config", quantizationText(R"("ignore": ["lm_head"])", more)}})
            .schemeOf("lm_head"))
        << more;
  for (const char *more : {R"("observer": "memoryless_minmax", "observer_kwargs": {"x": 1})",
                           R"("scale_dtype": null, "zp_dtype": "torch.int8", "actorder": null)"})
    EXPECT_TRUE(parseValid({{"quantization_config", quantizationText(R"("dynamic": false)", more)}})
                    .quantization)
        << more;
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
  EXPECT_EQ(parseValid({}).dtype, DType::bf16);
  for (const char *key : {"torch_dtype", "dtype"}) {
    EXPECT_EQ(parseValid({{key, "\"float32\""}}).dtype, DType::f32) << key;
    EXPECT_EQ(parseValid({{key, "\"float16\""}}).dtype, DType::f16) << key;
    EXPECT_EQ(parseValid({{key, "\"bfloat16\""}}).dtype, DType::bf16) << key;
  }
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

TEST(ModelConfig, RotaryDimsAreCutDownToWholeNumbersEvenOrOdd) {
  auto dims = [](const char *headDim, const char *fraction) {
    return parseValid({{"head_dim", headDim}, {"partial_rotary_factor", fraction}}).rotaryDims;
  };
  EXPECT_EQ(dims("64", "0.33"), 21); // 22 are rotated
  EXPECT_EQ(dims("18", "0.5"), 9);
  EXPECT_EQ(dims("16", "0.1"), 1);
  EXPECT_EQ(dims("16", "0.01"), 0); // and nothing is rotated
}

TEST(ModelConfig, TargetsThatHaveNoKernelsForIt) {
  auto reasons = [](const char *headDim) {
    std::vector<std::string> found;
    for (const auto &[target, reason] : parseValid({{"head_dim", headDim}}).unsupported)
      found.push_back(target + ": " + reason.substr(reason.find("head_dim")));
    return found;
  };
  const std::string cpu = "cpu: head_dim: expected a multiple of 2 for the target cpu, found ",
                    cuda = "cuda: head_dim: expected a multiple of 8 for the target cuda, found ";
  EXPECT_EQ(reasons("16"), std::vector<std::string>());
  EXPECT_EQ(reasons("20"), std::vector<std::string>{cuda + "20"});
  EXPECT_EQ(reasons("13"), (std::vector<std::string>{cpu + "13", cuda + "13"}));
}

TEST(ModelConfig, Choices) {
  parseValid({{"hidden_act", "\"relu2\""}, {"normalization", "\"layernorm1p\""}});
  EXPECT_EQ(parseValid({{"hidden_act", "\"relu2\""}}).activation, "squared_relu");
  const ModelConfig biases = parseValid({{"attention_bias", "true"}, {"mlp_bias", "false"}});
  EXPECT_TRUE(biases.attentionBias);
  EXPECT_FALSE(biases.mlpBias);
  EXPECT_TRUE(parseValid({{"mlp_bias", "true"}}).mlpBias);
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

TEST_F(ModelFolder, ChatTemplates) {
  const auto recognized = [&](const std::string &tokenizerConfig) {
    write("tokenizer_config.json", tokenizerConfig);
    return read().value().chatTemplate;
  };
  const std::string nemotron =
      R"("{{'<extra_id_0>System'}}{% if s %}{{'\n' + s}}{% endif %}{{'\n\n'}}{{'<extra_id_1>User\n' + m + '\n'}})"
      R"({{'<extra_id_1>Assistant\n'}}")";
  EXPECT_EQ(recognized("{}"), "");
  EXPECT_EQ(recognized("{\"chat_template\": null}"), "");
  EXPECT_EQ(recognized("{\"chat_template\": \"[INST] {{ m }} [/INST]\"}"), "unknown");
  EXPECT_EQ(recognized("{\"chat_template\": " + nemotron + "}"), "nemotron");
  EXPECT_EQ(recognized(R"({"chat_template": [{"name": "tool_use", "template": "x"},
                           {"name": "default", "template": )" +
                       nemotron + "}]}"),
            "nemotron");
  write("chat_template.jinja",
        "{{'<extra_id_0>System'}}{{'\n\n'}}<extra_id_1>User\n<extra_id_1>Assistant\n");
  EXPECT_EQ(recognized("{}"), "unknown") << "no end of line in a string";
  write("chat_template.jinja",
        "{{'<extra_id_0>System'}}{{'\n'}}<extra_id_1>User\n<extra_id_1>Assistant\n");
  EXPECT_EQ(recognized("{}"), "nemotron");
  EXPECT_EQ(recognized("{\"chat_template\": 3}"), "nemotron") << "the file comes first";
  std::filesystem::remove(folder + "/chat_template.jinja");
  EXPECT_EQ(recognized("{\"chat_template\": 3}"), "unknown");
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
  write("generation_config.json", "{\"eos_token_id\": [320, \"3\"]}");
  EXPECT_EQ(read().status().message(),
            folder + "/generation_config.json: eos_token_id[1]: expected an integer, found \"3\"");
  write("generation_config.json", "{}");
  write("tokenizer_config.json", "{\"add_bos_token\": \"yes\"}");
  EXPECT_EQ(read().status().message(),
            folder + "/tokenizer_config.json: add_bos_token: expected true or false, found "
                     "\"yes\"");
}

TEST_F(ModelFolder, NotesTellWhatIsNotFollowed) {
  write("config.json", configText({{"eos_token_id", "[3, 320, -1]"}, {"bos_token_id", "320"}}));
  write("tokenizer_config.json", "{\"add_eos_token\": true}");
  absl::StatusOr<ModelConfig> config = read();
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->bosToken, -1);
  EXPECT_EQ(config->eosTokens, std::vector<int64_t>{3});
  const std::string file = folder + "/config.json: ";
  EXPECT_EQ(
      config->notes,
      (std::vector<std::string>{
          file + "bos_token_id: expected an id in [0, 319], found 320; left out",
          file + "eos_token_id[1]: expected an id in [0, 319], found 320; left out",
          file + "eos_token_id[2]: expected an id in [0, 319], found -1; left out",
          folder + "/tokenizer_config.json: add_eos_token: not followed, as text is to go on"}));
}

/// A checkpoint tells its types itself; only where there is none does it matter.
TEST(ModelConfig, TypesThatAreNoneAreToldOf) {
  EXPECT_EQ(parseValid({{"torch_dtype", "\"auto\""}}).dtypeProblem,
            "config.json: torch_dtype: expected \"bfloat16\", \"float16\" or \"float32\", as there "
            "are no weights, found \"auto\"");
  EXPECT_NE(parseValid({{"dtype", "16"}}).dtypeProblem, "");
  const ModelConfig both =
      parseValid({{"torch_dtype", "\"float8_e4m3fn\""}, {"dtype", "\"float16\""}});
  EXPECT_EQ(both.dtype, DType::f16) << "the younger key";
  EXPECT_EQ(both.dtypeProblem, "");
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
