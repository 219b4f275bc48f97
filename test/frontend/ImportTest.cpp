//===- ImportTest.cpp - from an argument to a module ----------------------===//

#include "dialect/Storage.h"
#include "frontend/BuildDecoder.h"
#include "frontend/CheckNesting.h"
#include "frontend/ImportModel.h"
#include "frontend/Parameters.h"
#include "frontend/Presets.h"

#include "mlir/IR/Verifier.h"

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>
#include <set>

using namespace strata;

namespace {

struct PresetCount {
  const char *name;
  int64_t parameters;
};

/// The list made without a module is the module's.
void expectParameters(const ModelConfig &config, mlir::ModuleOp module) {
  std::vector<ParameterShape> expected = listParameters(config);
  auto next = expected.begin();
  std::set<std::string> seen; // tied embeddings are read twice
  module.walk([&](ParameterOp op) {
    if (!seen.insert(op.getKey().str()).second)
      return;
    auto planes = getPlanes(mlir::cast<mlir::ShapedType>(op.getType()));
    for (auto [key, plane] : llvm::zip(op.getKeys(), planes)) {
      ASSERT_NE(next, expected.end()) << key.str();
      EXPECT_EQ(key.str(), next->key);
      auto shape = plane.getShape();
      EXPECT_EQ(std::vector<uint64_t>(shape.begin(), shape.end()), next->shape) << next->key;
      ++next;
    }
  });
  EXPECT_EQ(next, expected.end());
}

class PresetTest : public testing::TestWithParam<PresetCount> {};

TEST_P(PresetTest, ParameterCount) {
  mlir::MLIRContext context;
  absl::StatusOr<ImportedModel> model = importModel(GetParam().name, context);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(getParameterCount(model->module->getOperation()), GetParam().parameters);
  EXPECT_EQ(getParameterCount(*findPreset(GetParam().name)).value(), GetParam().parameters);
  expectParameters(*findPreset(GetParam().name), *model->module);
  EXPECT_EQ(model->checkpoint, nullptr);
  EXPECT_TRUE(model->directory.empty() && !model->tokenizer && model->warnings.empty());
}

INSTANTIATE_TEST_SUITE_P(Import, PresetTest,
                         testing::Values(PresetCount{"nemotron-4-15b", 15628775424},
                                         PresetCount{"nemotron-4-340b", 341029195776},
                                         PresetCount{"minitron-4b", 4190509056},
                                         PresetCount{"minitron-8b", 8271699968},
                                         PresetCount{"nemotron-mini-4b", 4190509056},
                                         PresetCount{"nemotron-4-mini-hindi-4b", 4190509056},
                                         PresetCount{"nemotron-3-8b", 8540135424},
                                         PresetCount{"nemotron-3-22b", 21266116608}));

/// Every checkpoint of the tests, with whatever spelling its config.json uses.
TEST(Import, EveryModelOfTheTests) {
  std::vector<std::string> folders = {STRATA_SOURCE_DIR "/models/demo"};
  for (const auto &entry : std::filesystem::directory_iterator(STRATA_SOURCE_DIR "/test/golden"))
    if (std::filesystem::exists(entry.path() / "config.json"))
      folders.push_back(entry.path());
  EXPECT_GE(folders.size(), 9u);
  for (const std::string &folder : folders) {
    mlir::MLIRContext context;
    absl::StatusOr<ImportedModel> model = importModel(folder, context);
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_NE(model->checkpoint, nullptr) << folder;
    EXPECT_EQ(model->directory, folder);
    EXPECT_TRUE(model->warnings.empty()) << folder << ": " << model->warnings.front();
  }
}

TEST(Import, DemoHasATokenizer) {
  mlir::MLIRContext context;
  std::string folder = STRATA_SOURCE_DIR "/models/demo";
  absl::StatusOr<ImportedModel> model = importModel(folder, context);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->tokenizer->file, folder + "/tokenizer.model");
  EXPECT_EQ(model->tokenizer->name, "tokenizer");
  EXPECT_EQ(model->tokenizer->pieces, 2048);
  auto facts = (*model->module)->getAttrOfType<ModelAttr>(kModelAttrName);
  EXPECT_TRUE(facts.getAddBos());
  EXPECT_EQ(facts.getName().getValue(), "demo");
}

/// Every op says which module of the checkpoint it stands for; a parameter's key begins with it.
TEST(Import, Names) {
  mlir::MLIRContext context;
  ModelConfig config;
  config.layers = 2;
  mlir::OwningOpRef<mlir::ModuleOp> module = buildDecoder(config, context);
  std::set<std::string> names;
  module->walk([&](mlir::Operation *op) {
    auto name = mlir::dyn_cast<mlir::NameLoc>(op->getLoc());
    ASSERT_TRUE(name) << op->getName().getStringRef().str();
    names.insert(name.getName().str());
    auto parameter = mlir::dyn_cast<ParameterOp>(op);
    EXPECT_TRUE(!parameter || parameter.getKey().starts_with(name.getName().str() + "."));
  });
  for (const char *name :
       {"model", "model.embed_tokens", "model.rotary_emb", "model.layers.1",
        "model.layers.1.input_layernorm", "model.layers.1.self_attn",
        "model.layers.1.self_attn.q_proj", "model.layers.1.self_attn.k_proj",
        "model.layers.1.self_attn.v_proj", "model.layers.1.self_attn.o_proj",
        "model.layers.1.post_attention_layernorm", "model.layers.1.mlp.up_proj",
        "model.layers.1.mlp.act_fn", "model.layers.1.mlp.down_proj", "model.norm", "lm_head"})
    EXPECT_EQ(names.count(name), 1u) << name;
}

TEST(Import, TiedEmbeddingsShareOneParameter) {
  ModelConfig config;
  config.layers = 1;
  int64_t untied = int64_t(*getParameterCount(config).value());
  config.tiedEmbeddings = true;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module = buildDecoder(config, context);
  EXPECT_EQ(getParameterCount(module->getOperation()), untied - config.vocabulary * config.hidden);
}

/// q, k, v and o or up and down, in every layer.
TEST(Import, Biases) {
  ModelConfig config;
  config.layers = 2, config.hidden = 96, config.intermediate = 200;
  config.heads = 4, config.kvHeads = 2, config.headDim = 24;
  const uint64_t plain = *getParameterCount(config).value();
  const int64_t attention = 2 * (96 + 48 + 48 + 96), mlp = 2 * (200 + 96);
  for (auto [attentionBias, mlpBias] : {std::pair{true, false}, {false, true}, {true, true}}) {
    config.attentionBias = attentionBias, config.mlpBias = mlpBias;
    mlir::MLIRContext context;
    mlir::OwningOpRef<mlir::ModuleOp> module = buildDecoder(config, context);
    const int64_t biases = (attentionBias ? attention : 0) + (mlpBias ? mlp : 0);
    EXPECT_EQ(*getParameterCount(config).value(), plain + uint64_t(biases));
    EXPECT_EQ(getParameterCount(module->getOperation()), int64_t(plain) + biases);
    module->walk([&](LinearOp linear) {
      const bool isMlp = getModelName(linear.getLoc()).contains(".mlp.");
      EXPECT_EQ(linear.getBiases().size(), (isMlp ? mlpBias : attentionBias) ? 1u : 0u);
    });
  }
}

/// A checkpoint of one tensor, of which only the description counts.
Checkpoint checkpointOf(const std::string &key, CheckpointTensor tensor) {
  std::string path = testing::TempDir() + "/stored.bin";
  std::ofstream(path) << std::string(*tensor.spanBytes(), '\0');
  Checkpoint checkpoint;
  checkpoint.addFile("stored.bin", *MappedFile::open(path), {});
  EXPECT_TRUE(checkpoint.addTensor(key, std::move(tensor)).ok());
  return checkpoint;
}

ModelConfig smallConfig() {
  ModelConfig config;
  config.vocabulary = 8, config.hidden = 16, config.intermediate = 16, config.layers = 1;
  config.heads = 4, config.kvHeads = 2, config.headDim = 4, config.rotaryDims = 2;
  return config;
}

ParameterOp findParameter(mlir::ModuleOp module, const std::string &key) {
  ParameterOp found;
  module.walk([&](ParameterOp op) { found = op.getKey() == key ? op : found; });
  return found;
}

/// NeMo's linear_qkv: the rows of q lie between those of k and v.
TEST(Import, RowGroupsOfTheCheckpoint) {
  const std::string key = "model.layers.0.self_attn.q_proj.weight";
  mlir::MLIRContext context;
  CheckpointTensor tensor{DType::f16, {16, 16}, 0, 0, Box{.groupRows = 8, .groupStride = 16}};
  Checkpoint checkpoint = checkpointOf(key, tensor);
  auto module = buildDecoder(smallConfig(), context, &checkpoint);
  BoxAttr box = getBox(findParameter(*module, key));
  ASSERT_TRUE(box);
  EXPECT_EQ(box.getRowStride(), 0);
  EXPECT_EQ(box.getGroupRows(), 8);
  EXPECT_EQ(box.getGroupStride(), 16);
  auto type = mlir::cast<mlir::ShapedType>(findParameter(*module, key).getType());
  EXPECT_EQ(getSpanBytes(getPlanes(type).front()), 24 * 16 * 2);
  // A shape that config.json does not agree with is for the check of the checkpoint to refuse.
  tensor.shape = {24, 16};
  Checkpoint other = checkpointOf(key, tensor);
  auto refused = buildDecoder(smallConfig(), context, &other);
  EXPECT_FALSE(getBox(findParameter(*refused, key)));
}

/// With one KV head nothing lies between a group's rows and the next: an ordinary matrix.
TEST(Import, GroupsWithoutGapsAreNone) {
  for (Box box : {Box{.groupRows = 16, .groupStride = 24}, Box{.groupRows = 8, .groupStride = 8}}) {
    const std::string key = "model.layers.0.self_attn.q_proj.weight";
    mlir::MLIRContext context;
    Checkpoint checkpoint = checkpointOf(key, {DType::bf16, {16, 16}, 0, 0, box});
    auto module = buildDecoder(smallConfig(), context, &checkpoint);
    EXPECT_FALSE(getBox(findParameter(*module, key)));
  }
}

TEST(Import, NormsThatIncludeTheOne) {
  mlir::MLIRContext context;
  CheckpointTensor tensor{DType::f32, {16}, 0, 0, Box(), /*includesOne=*/true};
  Checkpoint checkpoint = checkpointOf("model.norm.weight", tensor);
  auto module = buildDecoder(smallConfig(), context, &checkpoint);
  std::vector<bool> includesOne;
  module->walk([&](LayerNormOp op) { includesOne.push_back(op.getGammaIncludesOne()); });
  EXPECT_EQ(includesOne, (std::vector<bool>{false, false, true}));
  auto type = mlir::cast<mlir::ShapedType>(findParameter(*module, "model.norm.weight").getType());
  EXPECT_TRUE(type.getElementType().isF32());
}

/// Without a checkpoint config.json tells the type.
TEST(Import, TypeOfTheConfig) {
  ModelConfig config = smallConfig();
  config.dtype = DType::f32;
  mlir::MLIRContext context;
  auto module = buildDecoder(config, context);
  module->walk([](ParameterOp op) {
    EXPECT_TRUE(mlir::cast<mlir::ShapedType>(op.getType()).getElementType().isF32());
  });
}

std::string typeOf(mlir::ModuleOp module, const std::string &key) {
  std::string text;
  if (ParameterOp found = findParameter(module, key))
    llvm::raw_string_ostream(text) << found.getType();
  return text;
}

/// All its linear modules quantized.
ModelConfig quantizedConfig(WeightScheme scheme = {}) {
  ModelConfig config = smallConfig();
  config.hidden = 64, config.intermediate = 96, config.headDim = 16;
  config.quantization = Quantization{{{*ModulePattern::parse("Linear"), scheme}}, {}};
  return config;
}

/// Linear modules have weights of i8 and scales, but for those that are ignored.
TEST(Import, QuantizedLinears) {
  ModelConfig config = quantizedConfig();
  config.quantization->ignored = {*ModulePattern::parse("model.layers.0.mlp.up_proj")};
  mlir::MLIRContext context;
  auto module = buildDecoder(config, context);
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*module)));
  expectParameters(config, *module);
  EXPECT_EQ(typeOf(*module, "model.layers.0.mlp.down_proj.weight"),
            "tensor<64x96xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>");
  EXPECT_EQ(findParameter(*module, "model.layers.0.mlp.down_proj.weight").getScales(),
            "model.layers.0.mlp.down_proj.weight_scale");
  EXPECT_EQ(typeOf(*module, "model.layers.0.mlp.up_proj.weight"), "tensor<96x64xbf16>");
  EXPECT_EQ(typeOf(*module, "lm_head.weight"),
            "tensor<8x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>");
  EXPECT_EQ(typeOf(*module, "model.embed_tokens.weight"), "tensor<8x64xbf16>");
}

/// Several numbers in a word; a scale for each group, or for each row.
TEST(Import, PackedLinears) {
  mlir::MLIRContext context;
  auto four = buildDecoder(quantizedConfig({.bits = 4, .packed = true, .group = 32}), context);
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*four)));
  EXPECT_EQ(typeOf(*four, "model.layers.0.mlp.down_proj.weight_packed"),
            "tensor<64x96xbf16, #decoder.quantized<i4, group = 32, scale = bf16>>");
  EXPECT_EQ(findParameter(*four, "model.layers.0.mlp.down_proj.weight_packed").getScales(),
            "model.layers.0.mlp.down_proj.weight_scale");
  auto eight = buildDecoder(quantizedConfig({.bits = 8, .packed = true, .group = 0}), context);
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*eight)));
  EXPECT_EQ(typeOf(*eight, "model.layers.0.mlp.down_proj.weight_packed"),
            "tensor<64x96xbf16, #decoder.quantized<i8_packed, group = 96, scale = bf16>>");
}

/// Logits that use the embedding's table: it is never quantized.
TEST(Import, QuantizedAndTied) {
  ModelConfig config = quantizedConfig();
  config.tiedEmbeddings = true;
  mlir::MLIRContext context;
  auto module = buildDecoder(config, context);
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*module)));
  expectParameters(config, *module);
  EXPECT_EQ(typeOf(*module, "lm_head.weight"), "");
}

/// The scales' type is that of the file.
TEST(Import, ScalesOfTheCheckpoint) {
  Checkpoint checkpoint = checkpointOf("lm_head.weight_scale", {DType::f16, {8, 2}, 0, 0});
  mlir::MLIRContext context;
  auto module = buildDecoder(quantizedConfig(), context, &checkpoint);
  EXPECT_EQ(typeOf(*module, "lm_head.weight"),
            "tensor<8x64xbf16, #decoder.quantized<i8, group = 32, scale = f16>>");
}

//===----------------------------------------------------------------------===//
// MLIR text
//===----------------------------------------------------------------------===//

std::string repeated(const std::string &text, size_t times) {
  std::string result;
  for (size_t i = 0; i != times; ++i)
    result += text;
  return result;
}

bool isRefused(const std::string &text) { return !checkNesting(text).ok(); }

TEST(CheckNesting, Brackets) {
  for (const char *pair : {"()", "[]", "{}", "<>"})
    for (size_t depth : {1000, 1001, 100000})
      EXPECT_EQ(isRefused(repeated({pair[0]}, depth) + repeated({pair[1]}, depth)), depth > 1000);
}

TEST(CheckNesting, WhatIsNoBracket) {
  EXPECT_FALSE(isRefused(repeated("\"(\" ", 2000)));
  EXPECT_FALSE(isRefused(repeated("\"\\\"(\" ", 2000)));
  EXPECT_FALSE(isRefused(repeated("// (\n", 2000)));
  EXPECT_FALSE(isRefused(repeated("d0 <= 0 ", 2000)));
  EXPECT_TRUE(isRefused(repeated("(a -> ", 2000)));
  EXPECT_TRUE(isRefused(repeated("(a >= ", 2000)));
  EXPECT_FALSE(isRefused(repeated("-> ", 2000)));
}

TEST(CheckNesting, Aliases) {
  std::string chain = "!t0 = i32\n", twice = chain, flat = chain;
  for (size_t i = 1; i != 2000; ++i) {
    std::string name = "!t" + std::to_string(i), last = "!t" + std::to_string(i - 1);
    chain += name + " // comment\n = tuple<" + last + ">\n";
    flat += name + " = tuple<!t0>\n";
    if (i < 100)
      twice += name + " = tuple<" + last + ", " + last + ">\n";
  }
  EXPECT_TRUE(isRefused(chain));
  EXPECT_TRUE(isRefused(twice));
  EXPECT_FALSE(isRefused(flat));
  // The text of a function is no part of the alias before it.
  EXPECT_FALSE(isRefused("!t = i32\nfunc.func @f(%x: !t) {" + repeated(" %y = a : !t\n", 100000)));
}

TEST(CheckNesting, AffineExpressions) {
  EXPECT_TRUE(isRefused("affine_map<() -> ()>"));
  EXPECT_TRUE(isRefused("#a = affine_set<(d0) : (d0 >= 0)>"));
  EXPECT_FALSE(isRefused("\"affine_map\" // affine_map"));
}

/// Whatever is deep is refused before MLIR's parser recurses into it.
TEST(Import, DeepTextDoesNotCrash) {
  std::string path = testing::TempDir() + "/deep.mlir";
  for (size_t depth : {990, 100000})
    for (auto [before, inside, after] :
         {std::array<std::string, 3>{"module {", "module { ", "}"},
          {"module attributes {a = ", "[", "]"},
          {"module attributes {a = ", "tuple<", ">"},
          {"module attributes {a = affine_map<(d0) -> (", "-", "d0)>"},
          {"module attributes {a = affine_map<(d0) -> (", "d0 + 1 + ", "d0)>"}}) {
      std::string close = after.starts_with("d0") ? after : repeated(after, depth);
      std::ofstream(path) << before << repeated(inside, depth) << close << "}";
      mlir::MLIRContext context;
      EXPECT_FALSE(importModel(path, context).ok());
    }
  std::filesystem::remove(path);
}

} // namespace
