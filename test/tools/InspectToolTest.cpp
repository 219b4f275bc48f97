//===- InspectToolTest.cpp - strata-inspect as one calls it ---------------===//

#include "runtime/base/Json.h"
#include "test/runtime/TestFolder.h"
#include "test/runtime/checkpoint/GgufWriter.h"
#include "test/tools/ToolFixture.h"

#include <filesystem>

namespace strata::test {
namespace {

using Names = std::vector<std::string>;

Names keysOf(const JsonObject &object) {
  Names keys;
  for (const JsonMember &member : object.members())
    keys.emplace_back(member.key);
  return keys;
}

/// The first of an array of objects.
JsonObject firstOf(const JsonObject &object, const char *key) {
  return object.array(key)->front().object().value();
}

class Inspect : public Tool {
protected:
  /// A copy of the demonstration model's folder, without its weights.
  std::string copyModel() {
    for (const char *file : {"config.json", "tokenizer.model", "tokenizer_config.json"})
      folder.write(file, contentsOf(std::string(STRATA_DEMO_MODEL "/") + file));
    return folder.path();
  }

  void expectRefused(const std::string &path, const std::string &reason) {
    Result result = run("%i " + path);
    EXPECT_EQ(result.status, 1);
    EXPECT_NE(result.out.find("refused     "), std::string::npos) << result.out;
    EXPECT_NE(result.out.find(reason), std::string::npos) << result.out;
  }
};

TEST_F(Inspect, WrongCommandLines) {
  expectError("%i", 2, "expected one path, found 0");
  expectError("%i a b", 2, "expected one path, found 2");
  expectError("%i %p --tensor", 2, "unknown option --tensor; did you mean --tensors?");
}

TEST_F(Inspect, Folder) {
  Result result = run("%i %d");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, R"(model       demo (NemotronForCausalLM)
parameters  5,380,608
layers      6 of 256 features, 1,024 in the mlp
attention   4 heads, 2 of keys and values, of 64 features, 32 rotated
rope        theta 10000, scale 1
vocabulary  2,048
context     256 tokens
tokens      BOS 2 before every text, EOS 3
tensors     64: 5,380,608 bf16; 10,761,216 bytes
file        model.safetensors, 10,768,088 bytes
tokenizer   2,048 pieces, BOS 2, EOS 3, PAD 0, UNK 1
)");
  Result all = run("%i %d --tensors");
  EXPECT_EQ(all.out.rfind(result.out, 0), 0u);
  EXPECT_NE(all.out.find("\nlm_head.weight                                  bf16  [2048, 256]  "
                         "model.safetensors       6,872\n"),
            std::string::npos)
      << all.out;
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 11 + 1 + 64);
}

TEST_F(Inspect, FolderAsJson) {
  auto document = JsonDocument::parse(run("%i %d --json").out, "output");
  ASSERT_TRUE(document.ok()) << document.status();
  JsonObject model = document->object().value();
  EXPECT_EQ(keysOf(model), (Names{"kind", "path", "config", "files", "tensors", "tokenizer",
                                  "unused", "notes", "refused"}));
  EXPECT_EQ(keysOf(model.object("config").value()),
            (Names{"name",         "architecture", "parameters", "vocabulary", "hidden",
                   "intermediate", "layers",       "heads",      "kv_heads",   "head_dim",
                   "rotary_dims",  "rope_theta",   "rope_scale", "norm_eps",   "tied_embeddings",
                   "context",      "bos_token",    "add_bos",    "eos_tokens", "quantization"}));
  EXPECT_EQ(model.object("config")->number("norm_eps").value(), 1e-5);
  EXPECT_EQ(keysOf(firstOf(model, "files")), (Names{"name", "size"}));
  EXPECT_EQ(keysOf(firstOf(model, "tensors")),
            (Names{"key", "dtype", "shape", "file", "offset", "bytes"}));
  EXPECT_EQ(model.array("tensors")->size(), 64u);
  EXPECT_EQ(keysOf(model.object("tokenizer").value()),
            (Names{"file", "pieces", "bos", "eos", "pad", "unk"}));
}

TEST_F(Inspect, ConfigAlone) {
  Result result = run("%i %d/config.json");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(run("%i %d").out.rfind(result.out, 0), 0u) << result.out;
}

TEST_F(Inspect, FileOfTensors) {
  Result result = run("%i %d/model.safetensors");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "tensors     64: 5,380,608 bf16; 10,761,216 bytes\n"
                        "file        model.safetensors, 10,768,088 bytes\n");
  auto document = JsonDocument::parse(run("cd %d; %i model.safetensors --json").out, "output");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_TRUE(document->object()->find("config")->isNull());
  EXPECT_TRUE(document->object()->find("tokenizer")->isNull());
}

// One model in every format (test/formats): the same but for the files.
TEST_F(Inspect, EveryFormat) {
  for (const char *path : {"safetensors", "safetensors-shards", "bin", "bin-shards", "gguf",
                           "gguf/formats.gguf", "nemo", "nemo/formats.nemo", "nemo-zarr"}) {
    Result result = run("%i " STRATA_FORMATS "/" + std::string(path));
    // The norms of GGUF files are f32, which not every version compiles.
    if (std::string(path).rfind("gguf", 0) != 0) {
      EXPECT_EQ(result.status, 0) << path << "\n" << result.out << result.err;
      EXPECT_NE(result.out.find("tensors     24: 24,896 bf16; 49,792 bytes\n"), std::string::npos)
          << path << "\n"
          << result.out;
    }
    for (const char *part : {"layers      2 of 32 features, 64 in the mlp\n", "vocabulary  64\n",
                             "parameters  24,896\n"})
      EXPECT_NE(result.out.find(part), std::string::npos) << path << "\n" << result.out;
  }
}

/// Quantized tensors have the shape and the number of their weights, and the bytes of their blocks.
TEST_F(Inspect, QuantizedTensors) {
  gguf::Writer file{{{"general.architecture", gguf::text("nemotron")}},
                    {{"token_embd.weight", {64, 40}, 2}, {"output.weight", {256, 2}, 14, 1440}},
                    std::string(1440 + 420, '\0')};
  const std::string path = folder.write("m.gguf", file.write());
  EXPECT_NE(run("%i " + path).out.find("tensors     2: 2,560 q4_0, 512 q6_k; 1,860 bytes\n"),
            std::string::npos);
  auto document = JsonDocument::parse(run("%i " + path + " --json").out, "output");
  ASSERT_TRUE(document.ok()) << document.status();
  const JsonObject tensor = firstOf(*document->object(), "tensors");
  EXPECT_EQ(*tensor.string("key"), "lm_head.weight");
  EXPECT_EQ(*tensor.string("dtype"), "q6_k");
  EXPECT_EQ(*tensor.integer("bytes"), 420);
}

TEST_F(Inspect, FilesThatCannotBeRead) {
  expectError("%i /no/such/file", 1, "/no/such/file: no such file or folder");
  expectError("%i %d/README.md", 1,
              "expected a package, a model folder, a config.json, a .gguf, .nemo, .safetensors or "
              ".bin file");
  expectError("%i %d/tokenizer_config.json", 1, "tokenizer_config.json: ");
  std::string cut = contentsOf(STRATA_DEMO_MODEL "/model.safetensors").substr(0, 100);
  expectError("%i " + folder.write("cut.safetensors", cut), 1, "cut.safetensors: ");
  expectError("%i " + folder.write("cut.strata", contentsOf(package).substr(0, 900)), 1,
              "cut.strata: file size: expected ");
  expectError("%i " + folder.write("noise.strata", std::string(900, 'x')), 1,
              "noise.strata: magic: not a package");
  expectError("%i %d >/dev/full", 1, "standard output");
}

TEST_F(Inspect, FoldersThatAreRefused) {
  expectRefused(copyModel(), "no weights in this folder");
  folder.write("model.safetensors", safetensors("{}"));
  expectRefused(folder.path(), "56 more tensors like these");
  std::filesystem::remove(folder.path() + "/model.safetensors");
  std::filesystem::create_symlink(STRATA_DEMO_MODEL "/model.safetensors",
                                  folder.path() + "/model.safetensors");
  EXPECT_EQ(run("%i " + folder.path()).status, 0);
  folder.write("tokenizer.model", "noise");
  expectRefused(folder.path(), "tokenizer.model: ");
  folder.write("config.json", "{\"architectures\": [\"LlamaForCausalLM\"]}");
  expectRefused(folder.path(), "config.json: ");
}

TEST_F(Inspect, TensorsThatDoNotFit) {
  std::string config = contentsOf(copyModel() + "/config.json");
  std::filesystem::create_symlink(STRATA_DEMO_MODEL "/model.safetensors",
                                  folder.path() + "/model.safetensors");
  auto change = [&](const std::string &from, const std::string &to) {
    std::string changed = config;
    folder.write("config.json", changed.replace(changed.find(from), from.size(), to));
  };
  change("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 5");
  Result fewer = run("%i " + folder.path());
  EXPECT_EQ(fewer.status, 0);
  EXPECT_NE(fewer.out.find("not used    10 tensors: model.layers.5."), std::string::npos)
      << fewer.out;
  change("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 7");
  expectRefused(folder.path(), "model.layers.6.input_layernorm.weight");
  change("\"intermediate_size\": 1024", "\"intermediate_size\": 1000");
  expectRefused(folder.path(),
                "model.layers.0.mlp.up_proj.weight: shape is [1024, 256], expected [1000, 256]");
}

TEST_F(Inspect, Package) {
  Result result = run("%i %p");
  EXPECT_EQ(result.status, 0) << result.err;
  for (const char *part :
       {"model       fake (Fake)\n", "layers      2 of 1 features\n", "tokens      BOS 1, EOS 15\n",
        "tokenizer   2,048 pieces, BOS 2, EOS 3, PAD 0, UNK 1\n", "\n\ncpu         x86-64 (elf, ",
        "\nplan        5 dispatches of 4 kernels\n",
        "\narena       12 bytes x tokens of the step, rounded up to 16\n",
        "\nKV cache    16 bytes a token, in pages of 4 tokens, 64 bytes\n",
        "\na token     8,192 bytes streamed, 92 of activations, 18 FLOP\n",
        "\n            and 4 bytes, 2 FLOP for each token of context\n"})
    EXPECT_NE(result.out.find(part), std::string::npos) << part << "in\n" << result.out;
  Result all = run("%i %p --plan --tensors");
  EXPECT_EQ(all.out.rfind(result.out, 0), 0u);
  EXPECT_NE(all.out.find("\nattend  attend      0          4         0  attend.sum f32[1]\n"),
            std::string::npos)
      << all.out;
  EXPECT_NE(all.out.find("\nscale  f32  [2048]  embedded  8,192\n"), std::string::npos) << all.out;
}

TEST_F(Inspect, PackageAsJson) {
  auto document = JsonDocument::parse(run("%i %p --json").out, "output");
  ASSERT_TRUE(document.ok()) << document.status();
  JsonObject package = document->object().value();
  EXPECT_EQ(keysOf(package),
            (Names{"kind", "path", "size", "format", "compiler", "model", "weights_dir",
                   "weights_error", "files", "parameters", "sections", "tokenizer", "programs"}));
  EXPECT_EQ(keysOf(package.object("model").value()),
            (Names{"name", "architecture", "parameters", "vocabulary", "hidden", "layers",
                   "context", "bos_token", "add_bos", "eos_tokens"}));
  EXPECT_EQ(keysOf(firstOf(package, "parameters")),
            (Names{"key", "dtype", "shape", "row_stride", "group_rows", "group_stride", "storage",
                   "file", "offset", "bytes"}));
  EXPECT_EQ(keysOf(firstOf(package, "sections")), (Names{"name", "offset", "size"}));
  JsonObject program = firstOf(package, "programs");
  EXPECT_EQ(keysOf(program),
            (Names{"device", "code", "arena_bytes_per_token", "arena_token_multiple", "page_tokens",
                   "page_bytes", "per_token", "kernels", "dispatches"}));
  EXPECT_EQ(keysOf(firstOf(program, "code")), (Names{"target", "format", "section"}));
  EXPECT_EQ(
      keysOf(program.object("per_token").value()),
      (Names{"streamed_bytes", "activation_bytes", "flops", "context_bytes", "context_flops"}));
  JsonObject kernel = firstOf(program, "kernels"), variant = firstOf(kernel, "variants");
  EXPECT_EQ(keysOf(kernel), (Names{"name", "axis", "variants"}));
  EXPECT_EQ(keysOf(variant), (Names{"up_to", "up_to_run", "mode", "phases"}));
  EXPECT_EQ(keysOf(firstOf(variant, "phases")),
            (Names{"symbol", "axis", "divisor", "factor", "block", "shared_bytes", "maps"}));
  JsonObject dispatch = firstOf(program, "dispatches");
  EXPECT_EQ(keysOf(dispatch), (Names{"name", "kernel", "layer", "fixed_bytes", "row_bytes",
                                     "row_flops", "context_bytes", "context_flops", "results"}));
  EXPECT_EQ(keysOf(firstOf(dispatch, "results")), (Names{"name", "dtype", "features"}));
}

TEST_F(Inspect, PackageWithoutItsWeights) {
  std::string unbound = folder.write("unbound.strata", [&] {
    TestPackage changed = fakeModel(tokenizer);
    changed.manifest.parameters[0]->storage = package::Storage::unbound;
    changed.layout();
    return changed.encode();
  }());
  Result result = run("%i " + unbound);
  EXPECT_EQ(result.status, 0) << "the package itself is good";
  EXPECT_NE(result.out.find("\n            not usable: "), std::string::npos) << result.out;
  EXPECT_EQ(run("%i " + unbound + " --json").out.find("\"weights_error\": null"),
            std::string::npos);
}

} // namespace
} // namespace strata::test
