//===- QuantizeTest.cpp - weights of 4 and 8 bits -------------------------===//

#include "tools/quantize/Quantize.h"
#include "runtime/base/Json.h"
#include "runtime/base/SmallFloats.h"
#include "test/runtime/TestFolder.h"
#include "tools/quantize/QuantizeRow.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <gtest/gtest.h>

#include <sched.h>

#include <bit>
#include <cmath>
#include <map>
#include <random>
#include <vector>

namespace strata {
namespace {

struct Quantized {
  std::vector<int8_t> values;
  std::vector<uint16_t> scales;
  QuantizationError error;

  explicit Quantized(const std::vector<float> &row)
      : values(row.size()), scales(row.size() / 32),
        error(quantizeRow(row, /*bits=*/8, {values, scales})) {}
};

/// One group, the largest magnitude of which is 127, so that the scale is 1.
std::vector<float> groupOf(std::vector<float> values) {
  values.resize(32);
  values[31] = -127;
  return values;
}

//===----------------------------------------------------------------------===//
// A row
//===----------------------------------------------------------------------===//

TEST(QuantizeRow, RoundsHalvesToEven) {
  Quantized row(groupOf({0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 126.5f, 0.50001f, 2.49999f, -0.f}));
  EXPECT_EQ(fromBf16(row.scales[0]), 1);
  const std::vector<int8_t> first(row.values.begin(), row.values.begin() + 9);
  EXPECT_EQ(first, (std::vector<int8_t>{0, 2, 2, 0, -2, 126, 1, 2, 0}));
  EXPECT_EQ(row.values[31], -127);
}

TEST(QuantizeRow, EachGroupHasAScale) {
  std::vector<float> values(96);
  values[0] = 127, values[32] = -254, values[95] = 63.5f;
  Quantized row(values);
  EXPECT_EQ(fromBf16(row.scales[0]), 1);
  EXPECT_EQ(fromBf16(row.scales[1]), 2);
  EXPECT_EQ(fromBf16(row.scales[2]), 0.5f);
  EXPECT_EQ(row.values[0], 127);
  EXPECT_EQ(row.values[32], -127);
  EXPECT_EQ(row.values[95], 127);
}

TEST(QuantizeRow, ZerosHaveScaleZero) {
  Quantized row(std::vector<float>(32, -0.f));
  EXPECT_EQ(row.scales[0], 0);
  EXPECT_EQ(row.values, std::vector<int8_t>(32, 0));
  EXPECT_EQ(row.error.error, 0);
}

/// The smallest bf16 that is no less than largest / 127, for magnitudes of all sizes.
TEST(QuantizeRow, RoundsScalesUp) {
  std::mt19937 random(1);
  for (int i = 0; i < 100000; ++i) {
    const auto largest = std::bit_cast<float>(uint32_t(random() % 0x7f800000));
    std::vector<float> values(32);
    values[5] = largest;
    const Quantized row(values);
    const uint16_t scale = row.scales[0];
    ASSERT_GE(127.0 * fromBf16(scale), largest) << largest;
    if (scale > 0) {
      ASSERT_LT(127.0 * fromBf16(uint16_t(scale - 1)), largest) << largest;
    }
    ASSERT_GE(row.values[5], largest > 0x1p-118f ? 126 : 0) << largest;
  }
}

TEST(QuantizeRow, ErrorIsAtMostHalfAScale) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(320);
  for (float &value : values)
    value = normal(random);
  const Quantized row(values);
  double error = 0, weight = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double scale = fromBf16(row.scales[i / 32]), lost = row.values[i] * scale - values[i];
    EXPECT_LE(std::abs(lost), scale / 2);
    error += lost * lost, weight += double(values[i]) * values[i];
  }
  EXPECT_NEAR(row.error.error, error, 1e-12 * error);
  EXPECT_NEAR(row.error.weight, weight, 1e-12 * weight);
}

TEST(QuantizeRow, WidensEveryF16) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const uint16_t half = uint16_t(bits);
    float found;
    widen(DType::f16, reinterpret_cast<const std::byte *>(&half), {&found, 1});
    const int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    double value =
        exponent ? std::ldexp(1024 + fraction, exponent - 25) : std::ldexp(fraction, -24);
    if (exponent == 31)
      value = fraction ? NAN : INFINITY;
    value = bits & 0x8000 ? -value : value;
    ASSERT_TRUE(std::isnan(value) ? std::isnan(found) : found == float(value)) << bits;
    ASSERT_EQ(std::signbit(found), bool(bits & 0x8000)) << bits;
  }
}

/// The scale is a 7.5th of the largest magnitude, so that one sign of it is clipped.
TEST(QuantizeRow, FourBits) {
  std::vector<float> row(256);
  row[0] = -7.5f, row[1] = 7.5f, row[2] = 2.5f, row[3] = 3.5f, row[4] = -0.49f, row[5] = 6.6f;
  row[128] = 15;
  std::vector<int8_t> values(row.size());
  std::vector<uint16_t> scales(2);
  const QuantizationError error = quantizeRow(row, /*bits=*/4, {values, scales});
  EXPECT_EQ(fromBf16(scales[0]), 1);
  EXPECT_EQ(fromBf16(scales[1]), 2);
  EXPECT_EQ(std::vector<int8_t>(values.begin(), values.begin() + 6),
            (std::vector<int8_t>{-8, 7, 2, 4, 0, 7}));
  EXPECT_EQ(values[128], 7);
  EXPECT_NEAR(error.error, 4 * 0.25 + 0.49 * 0.49 + 0.4 * 0.4 + 1, 1e-6);
}

TEST(QuantizeRow, PacksFours) {
  const std::vector<int8_t> values = {-8, 7, 0, -1, 1, 2, 3, 4};
  std::vector<std::byte> packed(4);
  packFours(values, packed);
  EXPECT_EQ(packed, (std::vector<std::byte>{std::byte{0xf0}, std::byte{0x78}, std::byte{0xa9},
                                            std::byte{0xcb}}));
}

TEST(QuantizeRow, FindsWhatIsNotFinite) {
  std::vector<float> row(64, 1);
  EXPECT_EQ(findNotFinite(row), std::nullopt);
  row[40] = -INFINITY, row[50] = NAN;
  EXPECT_EQ(findNotFinite(row), 40);
}

//===----------------------------------------------------------------------===//
// A model
//===----------------------------------------------------------------------===//

/// A model of one layer, the least there is, with random weights.
class Quantize : public testing::Test {
protected:
  Quantize() {
    config("");
    for (const char *norm : {"model.layers.0.input_layernorm", "model.norm",
                             "model.layers.0.post_attention_layernorm"})
      for (const char *kind : {".weight", ".bias"})
        add(absl::StrCat(norm, kind), {64});
    for (const char *linear : {"q_proj", "k_proj", "v_proj", "o_proj"})
      add(absl::StrCat("model.layers.0.self_attn.", linear, ".weight"), {64, 64});
    add("model.layers.0.mlp.up_proj.weight", {96, 64});
    add("model.layers.0.mlp.down_proj.weight", {64, 96});
    add("model.embed_tokens.weight", {40, 64});
    add("lm_head.weight", {40, 64});
  }

  /// A config.json, `more` being members in front of the others.
  void config(const std::string &more) {
    folder.write("config.json",
                 "{" + more + R"("model_type": "nemotron", "vocab_size": 40, "hidden_size": 64,
                  "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 96})");
  }

  void add(const std::string &key, std::vector<uint64_t> shape) {
    size_t count = 1;
    for (uint64_t size : shape)
      count *= size;
    std::normal_distribution<float> normal(0, 0.02f);
    std::vector<float> values(count);
    for (float &value : values)
      value = fromBf16(uint16_t(std::bit_cast<uint32_t>(normal(random)) >> 16));
    tensors[key] = {std::move(shape), std::move(values)};
  }

  /// Writes the checkpoint, as bf16 or as f32.
  void save(DType dtype = DType::bf16) {
    std::string header, data;
    for (const auto &[key, tensor] : tensors) {
      const size_t begin = data.size();
      for (float value : tensor.values) {
        const auto *bytes = reinterpret_cast<const char *>(&value);
        data.append(dtype == DType::f32 ? bytes : bytes + 2, dtype == DType::f32 ? 4 : 2);
      }
      absl::StrAppend(&header, header.empty() ? "{" : ", ", "\"", key, "\": {\"dtype\": \"",
                      dtype == DType::f32 ? "F32" : "BF16", "\", \"shape\": [",
                      absl::StrJoin(tensor.shape, ","), "], \"data_offsets\": [", begin, ", ",
                      data.size(), "]}");
    }
    folder.write("model.safetensors", safetensors(header + "}", data));
  }

  absl::StatusOr<QuantizeSummary> quantize(const std::string &to, uint64_t shardBytes = 1 << 30) {
    return quantizeModel({folder.path(), out.path(to), shardBytes},
                         [](const QuantizeProgress &) { return absl::OkStatus(); });
  }

  /// What `to` holds, which must be whole.
  Checkpoint open(const std::string &to) {
    auto checkpoint = openCheckpoint(out.path(to));
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    return std::move(checkpoint).value();
  }

  void expectError(const std::string &message) {
    const absl::Status status = quantize("failed").status();
    EXPECT_NE(std::string(status.message()).find(message), std::string::npos) << status;
    EXPECT_TRUE(std::filesystem::is_empty(out.path())) << "something is left of a failure";
  }

  struct Tensor {
    std::vector<uint64_t> shape;
    std::vector<float> values;
  };
  TestFolder folder, out;
  std::mt19937 random{3};
  std::map<std::string, Tensor> tensors;
};

/// By the definition, in numbers that round nowhere else.
int8_t expectedValue(float weight, float scale) {
  return scale == 0 ? 0 : int8_t(std::nearbyint(double(weight) / double(scale)));
}

TEST_F(Quantize, LinearsOnly) {
  save();
  auto summary = quantize("q");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->linears, 7);
  EXPECT_EQ(summary->notes, std::vector<std::string>());
  EXPECT_GT(summary->greatestError, 0.003);
  EXPECT_LT(summary->greatestError, 0.01);
  const Checkpoint found = open("q");
  uint64_t bytes = 0;
  for (const auto &[key, tensor] : tensors) {
    const bool linear = tensor.shape.size() == 2 && key != "model.embed_tokens.weight";
    const CheckpointTensor *stored = found.find(key), *scales = found.find(key + "_scale");
    ASSERT_TRUE(stored) << key;
    EXPECT_EQ(stored->shape, tensor.shape);
    bytes += stored->bytes.size() + (scales ? scales->bytes.size() : 0);
    ASSERT_EQ(stored->dtype, linear ? DType::i8 : DType::bf16);
    ASSERT_EQ(scales != nullptr, linear) << key;
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      uint16_t bits;
      if (linear) {
        std::memcpy(&bits, scales->bytes.data() + i / 32 * 2, 2);
        ASSERT_EQ(int8_t(stored->bytes[i]), expectedValue(tensor.values[i], fromBf16(bits))) << key;
      } else {
        std::memcpy(&bits, stored->bytes.data() + i * 2, 2);
        ASSERT_EQ(fromBf16(bits), tensor.values[i]) << key;
      }
    }
    if (linear) {
      EXPECT_EQ(scales->shape, (std::vector<uint64_t>{tensor.shape[0], tensor.shape[1] / 32}));
    }
  }
  EXPECT_EQ(summary->bytesAfter, bytes);
  EXPECT_EQ(found.tensors().size(), tensors.size() + 7);
}

TEST_F(Quantize, ConfigGainsOneMember) {
  save();
  ASSERT_TRUE(quantize("q").ok());
  auto document = JsonDocument::parseFile(out.path("q/config.json"), 1 << 20);
  ASSERT_TRUE(document.ok()) << document.status();
  const JsonObject config = *document->object();
  EXPECT_EQ(config.members().size(), 7);
  const JsonObject quantization = *config.object("quantization_config");
  EXPECT_EQ(*quantization.string("quant_method"), "compressed-tensors");
  EXPECT_EQ(*quantization.string("format"), "int-quantized");
  EXPECT_TRUE(quantization.array("ignore")->empty());
  const JsonObject group = *quantization.object("config_groups")->object("group_0");
  EXPECT_EQ(*group.object("weights")->integer("group_size"), 32);
}

/// Numbers of 4 bits are packed, the head's, too; their shape stands beside them.
TEST_F(Quantize, FourBits) {
  save();
  const auto summary = quantizeModel({folder.path(), out.path("q"), 1 << 30, /*bits=*/4},
                                     [](const QuantizeProgress &) { return absl::OkStatus(); });
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->linears, 7);
  const Checkpoint found = open("q");
  EXPECT_EQ(found.find("model.embed_tokens.weight")->dtype, DType::bf16);
  for (const char *linear : {"model.layers.0.mlp.down_proj", "lm_head"}) {
    const std::string key = absl::StrCat(linear, ".weight");
    const Tensor &tensor = tensors[key];
    const uint64_t rows = tensor.shape[0], columns = tensor.shape[1];
    EXPECT_EQ(found.find(key), nullptr);
    const CheckpointTensor *packed = found.find(key + "_packed"),
                           *scales = found.find(key + "_scale"),
                           *shape = found.find(key + "_shape");
    ASSERT_TRUE(packed && scales && shape) << key;
    EXPECT_EQ(packed->dtype, DType::i32);
    EXPECT_EQ(packed->shape, (std::vector<uint64_t>{rows, columns / 8}));
    EXPECT_EQ(scales->shape, (std::vector<uint64_t>{rows, columns / 32}));
    uint64_t stored[2];
    ASSERT_EQ(shape->bytes.size(), sizeof stored);
    std::memcpy(stored, shape->bytes.data(), sizeof stored);
    EXPECT_EQ(stored[0], rows);
    EXPECT_EQ(stored[1], columns);
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      uint16_t bits;
      std::memcpy(&bits, scales->bytes.data() + i / 32 * 2, 2);
      const int number = int(uint8_t(packed->bytes[i / 2]) >> i % 2 * 4 & 15) - 8;
      const int expected = int(std::nearbyint(double(tensor.values[i]) / double(fromBf16(bits))));
      ASSERT_EQ(number, std::min(expected, 7)) << key << " " << i;
    }
  }
}

TEST_F(Quantize, TiedHeadStaysTheEmbedding) {
  config(R"("tie_word_embeddings": true, )");
  tensors.erase("lm_head.weight");
  save();
  auto summary = quantize("q");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->linears, 6);
  EXPECT_EQ(open("q").find("lm_head.weight"), nullptr);
  EXPECT_EQ(summary->notes, std::vector<std::string>());
  EXPECT_NE(contentsOf(out.path("q/config.json")).find(R"("ignore": ["lm_head"])"),
            std::string::npos);
}

/// As in transformers, the checkpoint decides over the flag.
TEST_F(Quantize, HeadOfItsOwnIsQuantized) {
  config(R"("tie_word_embeddings": true, )");
  save();
  auto summary = quantize("q");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->linears, 7);
  EXPECT_TRUE(open("q").find("lm_head.weight"));
  EXPECT_EQ(summary->notes,
            std::vector<std::string>{folder.path("config.json") +
                                     ": tie_word_embeddings: not followed, as lm_head.weight is "
                                     "another tensor than model.embed_tokens.weight"});
}

TEST_F(Quantize, TypeOfTheWeightsDoesNotMatter) {
  save(DType::f32);
  ASSERT_TRUE(quantize("f32").ok());
  save(DType::bf16);
  ASSERT_TRUE(quantize("bf16").ok());
  const Checkpoint wide = open("f32"), narrow = open("bf16");
  for (const auto &[key, tensor] : narrow.tensors())
    if (tensor.dtype == DType::i8) {
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, wide.find(key)->bytes)) << key;
    }
  EXPECT_EQ(wide.find("model.norm.weight")->dtype, DType::f32);
}

TEST_F(Quantize, EqualBytesOnAnyNumberOfThreads) {
  save();
  ASSERT_TRUE(quantize("all").ok());
  cpu_set_t before, one;
  sched_getaffinity(0, sizeof before, &before);
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before))
      CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
  const auto summary = quantize("one");
  sched_setaffinity(0, sizeof before, &before);
  ASSERT_TRUE(summary.ok());
  EXPECT_EQ(contentsOf(out.path("all/model.safetensors")),
            contentsOf(out.path("one/model.safetensors")));
}

TEST_F(Quantize, DataIsAligned) {
  save();
  ASSERT_TRUE(quantize("q").ok());
  const Checkpoint found = open("q");
  EXPECT_EQ(found.find("model.embed_tokens.weight")->offset % 64, 0);
}

TEST_F(Quantize, Shards) {
  save();
  ASSERT_TRUE(quantize("one").ok());
  ASSERT_TRUE(quantize("many", 10'000).ok());
  const Checkpoint one = open("one"), many = open("many");
  EXPECT_FALSE(std::filesystem::exists(out.path("many/model.safetensors")));
  ASSERT_EQ(many.files().size(), 5);
  EXPECT_EQ(many.files()[0].name, "model-00001-of-00005.safetensors");
  for (const CheckpointFile &file : many.files())
    EXPECT_LE(file.bytes.size() - file.header[0].size(), 10'000) << file.name;
  EXPECT_EQ(many.tensors().size(), one.tensors().size());
  for (const auto &[key, tensor] : one.tensors())
    EXPECT_TRUE(std::ranges::equal(tensor.bytes, many.find(key)->bytes)) << key;
}

TEST_F(Quantize, TensorLargerThanAShard) {
  save();
  ASSERT_TRUE(quantize("q", 1).ok());
  EXPECT_EQ(open("q").files().size(), tensors.size() + 7);
}

TEST_F(Quantize, CopiesTheTokenizer) {
  save();
  const char *names[] = {"tokenizer.model", "tokenizer.json", "tokenizer_config.json",
                         "special_tokens_map.json", "generation_config.json"};
  for (const char *name : names)
    folder.write(name, "{}");
  folder.write("notes.txt", "mine");
  ASSERT_TRUE(quantize("q").ok());
  for (const char *name : names)
    EXPECT_EQ(contentsOf(out.path(absl::StrCat("q/", name))), "{}") << name;
  EXPECT_FALSE(std::filesystem::exists(out.path("q/notes.txt")));
}

//===----------------------------------------------------------------------===//
// What is refused, and what is left then
//===----------------------------------------------------------------------===//

TEST_F(Quantize, NotFiniteIsNamed) {
  tensors["model.layers.0.mlp.up_proj.weight"].values[64 * 7 + 5] = NAN;
  tensors["model.layers.0.mlp.up_proj.weight"].values[64 * 90] = INFINITY;
  save();
  expectError("model.safetensors: model.layers.0.mlp.up_proj.weight: expected finite numbers, "
              "found an infinity or NaN at [7, 5]");
}

TEST_F(Quantize, FeaturesMustFillGroups) {
  folder.write("config.json",
               R"({"model_type": "nemotron", "vocab_size": 40, "hidden_size": 64,
                   "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 100})");
  add("model.layers.0.mlp.up_proj.weight", {100, 64});
  add("model.layers.0.mlp.down_proj.weight", {64, 100});
  save();
  expectError("model.layers.0.mlp.down_proj.weight: expected a multiple of 32 features, found 100");
}

TEST_F(Quantize, WrongModels) {
  tensors.erase("model.norm.bias");
  save();
  expectError("model.safetensors: model.norm.bias: missing, expected a tensor of shape [64]");
  add("model.norm.bias", {64});
  save();
  config(R"("quantization_config": null, )");
  expectError("config.json: quantization_config: expected no such key, found null");
  config(R"("quantization_config": {"quant_method": "gptq"}, )");
  expectError("config.json: quantization_config.quant_method: ");
  std::filesystem::remove(folder.path("config.json"));
  expectError("config.json: ");
}

TEST_F(Quantize, OutputMustBeNew) {
  save();
  out.write("file", "mine");
  EXPECT_TRUE(absl::IsAlreadyExists(quantize("file").status()));
  ASSERT_TRUE(quantize("q").ok());
  EXPECT_EQ(quantize("q").status().message(),
            out.path("q") + ": expected no such file, or an empty folder, found one that is not");
  EXPECT_TRUE(absl::IsNotFound(quantize("no/such/parent").status()));
  EXPECT_EQ(contentsOf(out.path("file")), "mine");
}

TEST_F(Quantize, EmptyFolderIsFilled) {
  save();
  std::filesystem::create_directory(out.path("q"));
  ASSERT_TRUE(quantize("q").ok());
  ASSERT_TRUE(quantize("slash/").ok());
  std::filesystem::create_directory(out.path("target"));
  std::filesystem::create_directory_symlink(out.path("target"), out.path("link"));
  ASSERT_TRUE(quantize("link").ok());
  EXPECT_EQ(contentsOf(out.path("target/model.safetensors")),
            contentsOf(out.path("q/model.safetensors")));
}

TEST_F(Quantize, NothingIsLeftOfAnInterruption) {
  save();
  uint64_t tensorsSeen = 0, done = 0;
  const auto status =
      quantizeModel({folder.path(), out.path("q"), 1 << 30}, [&](const QuantizeProgress &progress) {
        EXPECT_GE(progress.done, done);
        EXPECT_LT(progress.done, progress.all);
        done = progress.done;
        return ++tensorsSeen == 5 ? absl::CancelledError("stop") : absl::OkStatus();
      }).status();
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(tensorsSeen, 5);
  EXPECT_TRUE(std::filesystem::is_empty(out.path()));
}

//===----------------------------------------------------------------------===//
// Formats
//===----------------------------------------------------------------------===//

/// f32 that are exact in bf16, as GGUF has norms, as bf16.
std::string narrowed(const std::string &wide) {
  std::string narrow;
  for (size_t i = 0; i < wide.size(); i += 4) {
    EXPECT_EQ(wide.substr(i, 2), std::string(2, '\0'));
    narrow += wide.substr(i + 2, 2);
  }
  return narrow;
}

/// One model in every format that is read (test/formats): the same weights from all of them.
TEST(QuantizeFormats, SameWeights) {
  TestFolder out;
  std::map<std::string, std::string> expected; // of the first format
  for (const char *format : {"safetensors", "safetensors-shards", "bin", "bin-shards",
                             "gguf/formats.gguf", "nemo/formats.nemo", "nemo-zarr"}) {
    const std::string to = out.path(std::filesystem::path(format).stem().string());
    std::filesystem::remove_all(to);
    const auto summary = quantizeModel({absl::StrCat(STRATA_FORMATS, "/", format), to},
                                       [](const QuantizeProgress &) { return absl::OkStatus(); });
    ASSERT_TRUE(summary.ok()) << summary.status();
    const auto checkpoint = openCheckpoint(to);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    std::map<std::string, std::string> found;
    for (const auto &[key, tensor] : checkpoint->tensors()) {
      ASSERT_EQ(tensor.bytes.size(), tensor.spanBytes());
      const std::string bytes(reinterpret_cast<const char *>(tensor.bytes.data()),
                              tensor.bytes.size());
      found[key] = tensor.dtype == DType::f32 ? narrowed(bytes) : bytes;
    }
    if (expected.empty())
      expected = found;
    EXPECT_TRUE(found == expected) << format;
  }
}

} // namespace
} // namespace strata
