//===- KernelModel.cpp ----------------------------------------------------===//

#include "test/kernels/KernelModel.h"

#include <algorithm>
#include <random>
#include <sstream>

namespace strata::test {
namespace {

std::string rowsOf(int64_t features, const char *element = "bf16") {
  return "tensor<?x" + std::to_string(features) + "x" + element + ">";
}

/// Writes the ops of a model.
class Writer {
public:
  explicit Writer(const KernelModel &model) : model(model) {}

  std::string write() {
    const KernelModel &m = model;
    int64_t dim = m.headDim ? m.headDim : 8;
    text << "!kv = !decoder.kv_cache<layers = 2, heads = " << m.kvHeads << ", head_dim = " << dim
         << ", page_tokens = 64>\n"
         << "module attributes {decoder.model = #decoder.model<architecture = \"handmade\", name = "
            "\""
         << m.name << "\", context = " << m.context
         << ", bos_token = -1, add_bos = false, eos_tokens = [1]>} {\n"
         << "func.func @forward(%tokens: tensor<?xi32>, %batch: !decoder.batch, %kv: !kv) -> ("
         << rowsOf(m.vocabulary, "f32") << ", !kv) {\n";
    embed("x", "table", m.in);
    if (m.norm)
      for (const char *name : {"gamma", "beta"})
        text << "%" << name << " = decoder.parameter \"" << name << "\" : " << vector(m.in) << "\n";
    std::string cache = "%kv", shown = "%x";
    if (m.bothLayers) {
      shown = layers();
      cache = "%kv1";
    } else if (m.headDim) {
      shown = heads();
      cache = "%kv1";
    } else if (!m.scores) {
      shown = linear();
    }
    logits(shown);
    text << "return %logits, " << cache << " : " << rowsOf(m.vocabulary, "f32") << ", !kv\n}\n}\n";
    return text.str();
  }

private:
  std::string matrix(const std::string &name, int64_t rows, int64_t columns) const {
    std::string fields;
    if (model.sliced)
      fields = "row_stride = " + std::to_string(model.rowStride(columns));
    if (int64_t size = model.groupRows(name))
      fields += (fields.empty() ? "" : ", ") + ("group_rows = " + std::to_string(size)) +
                ", group_stride = " + std::to_string(model.groupStride());
    std::string encoding = fields.empty() ? "" : ", #decoder.box<" + fields + ">";
    if (std::string blocks = model.blocksOf(name); !blocks.empty())
      encoding = ", #decoder.quantized<" + blocks + ">";
    if (model.hasScales(name))
      encoding = ", #decoder.quantized<" + model.numbers +
                 ", group = " + std::to_string(model.scaleGroup) + ", scale = " + model.scaleType +
                 (fields.empty() ? "" : ", box = <" + fields + ">") + ">";
    return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) + "x" + model.type +
           encoding + ">";
  }
  std::string roundClause() const { return model.hasScales() ? " round(i8, group = 32)" : ""; }
  std::string vector(int64_t elements) const {
    return "tensor<" + std::to_string(elements) + "x" + model.normType + ">";
  }
  std::string normClause() const {
    std::string one = model.gammaIncludesOne ? ", gamma_includes_one" : "";
    return model.norm ? " norm(%gamma, %beta, eps = 1.0e-05" + one + ")" : "";
  }
  /// The biases of these weights, their clause and their types; none without biases.
  void declareBiases(const std::vector<std::pair<std::string, int64_t>> &weights) {
    if (model.bias)
      for (const auto &[weight, rows] : weights)
        text << "%" << weight << "_bias = decoder.parameter \"" << weight
             << "_bias\" : " << vector(rows) << "\n";
  }
  std::string biasClause(const std::vector<std::pair<std::string, int64_t>> &weights) const {
    std::string names;
    for (const auto &[weight, rows] : weights)
      names += (names.empty() ? "%" : ", %") + weight + "_bias";
    return model.bias ? " bias(" + names + ")" : "";
  }
  std::string biasTypes(const std::vector<std::pair<std::string, int64_t>> &weights) const {
    std::string types;
    for (const auto &[weight, rows] : weights)
      types += ", " + vector(rows);
    return model.bias ? types : "";
  }
  std::string normTypes() const {
    return model.norm ? ", " + vector(model.in) + ", " + vector(model.in) : "";
  }

  void parameter(const std::string &name, int64_t rows, int64_t columns) {
    text << "%" << name << " = decoder.parameter \"" << name << "\""
         << (model.hasScales(name) ? " scales \"" + name + "_scale\"" : "") << " : "
         << matrix(name, rows, columns) << "\n";
  }

  void embed(const std::string &result, const std::string &table, int64_t features) {
    parameter(table, model.vocabulary, features);
    text << "%" << result << " = decoder.embedding %tokens, %" << table << " : (tensor<?xi32>, "
         << matrix(table, model.vocabulary, features) << ") -> " << rowsOf(features) << "\n";
  }

  std::string linear() {
    const KernelModel &m = model;
    parameter("weight", m.out, m.in);
    declareBiases({{"weight", m.out}});
    if (m.residual)
      embed("r", "residual", m.out);
    text << "%y = decoder.linear %x, [%weight]" << normClause() << roundClause()
         << biasClause({{"weight", m.out}}) << (m.squaredRelu ? " activation(squared_relu)" : "")
         << (m.residual ? " residual(%r)" : "") << " : (" << rowsOf(m.in) << ", "
         << matrix("weight", m.out, m.in) << normTypes() << biasTypes({{"weight", m.out}})
         << (m.residual ? ", " + rowsOf(m.out) : "") << ") -> " << rowsOf(m.out) << "\n";
    return "%y";
  }

  /// The linear that writes a layer of the cache; its first result is named `q`, the cache after it
  /// `newCache`. Its weights are "q", "k" and "v" with a suffix.
  void cacheLayer(int layer, const std::string &suffix, const std::string &cache,
                  const std::string &newCache) {
    const KernelModel &m = model;
    std::string q = "q" + suffix, k = "k" + suffix, v = "v" + suffix;
    parameter(q, m.firstRows(), m.in);
    parameter(k, m.kvFeatures(), m.in);
    parameter(v, m.kvFeatures(), m.in);
    std::vector<std::pair<std::string, int64_t>> weights = {
        {q, m.firstRows()}, {k, m.kvFeatures()}, {v, m.kvFeatures()}};
    declareBiases(weights);
    std::string rotary = rowsOf(m.rotaryDims, "f32");
    if (m.rotaryDims)
      text << "%rotary = decoder.rotary_table %batch {theta = 1.0e4 : f32} : " << rotary << "\n";
    text << "%y" << suffix << ", %" << newCache << " = decoder.linear %x, [%" << q << ", %" << k
         << ", %" << v << "]" << normClause() << roundClause() << biasClause(weights);
    if (m.rotaryDims)
      text << " rope(%rotary, head_dim = " << m.headDim << ", weights = [0, 1])";
    text << " cache(%" << cache << ", %batch, layer = " << layer << ") : (" << rowsOf(m.in) << ", "
         << matrix(q, m.firstRows(), m.in) << ", " << matrix(k, m.kvFeatures(), m.in) << ", "
         << matrix(v, m.kvFeatures(), m.in) << normTypes() << biasTypes(weights)
         << (m.rotaryDims ? ", " + rotary : "") << ", !kv, !decoder.batch) -> ("
         << rowsOf(m.firstRows()) << ", !kv)\n";
  }

  void attention(const std::string &result, const std::string &query, int layer) {
    std::string rows = rowsOf(model.queryFeatures());
    text << "%" << result << " = decoder.attention %" << query
         << ", %kv1, %batch {layer = " << layer << " : i64} : (" << rows
         << ", !kv, !decoder.batch) -> " << rows << "\n";
  }

  std::string heads() {
    cacheLayer(1, "", "kv", "kv1");
    if (!model.attends)
      return "%y";
    if (model.tableQueries)
      embed("asked", "queries", model.queryFeatures());
    attention("a", model.tableQueries ? "asked" : "y", 1);
    return "%a";
  }

  std::string layers() {
    const KernelModel &m = model;
    cacheLayer(1, "", "kv", "kv0");
    cacheLayer(0, "0", "kv0", "kv1");
    embed("asked", "queries", m.queryFeatures());
    attention("a", "asked", 1);
    attention("a0", "asked", 0);
    parameter("weight", m.out, m.out);
    std::string rows = rowsOf(m.out);
    text << "%sum = decoder.linear %a, [%weight] residual(%a0) : (" << rows << ", "
         << matrix("weight", m.out, m.out) << ", " << rows << ") -> " << rows << "\n";
    return "%sum";
  }

  void logits(const std::string &shown) {
    const KernelModel &m = model;
    int64_t features = m.scores ? m.in : m.out;
    parameter("scores", m.vocabulary, features);
    text << "%logits = decoder.logits " << shown << ", %scores, %batch"
         << (m.scores ? normClause() + roundClause() : "") << " : (" << rowsOf(features) << ", "
         << matrix("scores", m.vocabulary, features) << ", !decoder.batch"
         << (m.scores ? normTypes() : "") << ") -> " << rowsOf(m.vocabulary, "f32") << "\n";
  }

  const KernelModel &model;
  std::ostringstream text;
};

KernelModel queries(KernelModel model) {
  model.out = model.queryFeatures();
  return model;
}

} // namespace

std::string KernelModel::mlir() const { return Writer(*this).write(); }

std::string KernelModel::blocksOf(const std::string &parameter) const {
  if (parameter == "v" && !valueBlocks.empty())
    return valueBlocks;
  return parameter == "table" || isTested(parameter) ? blocks : "";
}

bool KernelModel::isTested(const std::string &parameter) const {
  if (scores)
    return parameter == "scores";
  return headDim ? parameter == "q" || parameter == "k" || parameter == "v" : parameter == "weight";
}

int64_t KernelModel::groupRows(const std::string &weight) const {
  if (!grouped)
    return 0;
  if (headDim)
    return weight == "q" ? group * headDim : weight == "k" || weight == "v" ? headDim : 0;
  return weight == "weight" ? 40 : 0; // units and tiles of rows begin and end inside
}

int64_t KernelModel::groupStride() const { return headDim ? (group + 2) * headDim : 59; }

std::string KernelModel::operation() const {
  std::string text = scores ? "logits" : "linear";
  if (type != "bf16")
    text = type + " " + text;
  if (hasScales())
    text = numbers + " " + text;
  if (!blocks.empty())
    text = blocks + (valueBlocks.empty() ? "" : " and " + valueBlocks) + " " + text;
  if (grouped)
    text = "grouped " + text;
  if (sliced)
    text = "sliced " + text;
  if (norm)
    text += " norm";
  if (bias)
    text += " bias";
  if (squaredRelu)
    text += " activation";
  if (rotaryDims)
    text += " rope";
  if (residual)
    text += " residual";
  if (headDim)
    text += " cache";
  if (attends)
    text = tableQueries ? "attention" : text + ", attention";
  return text;
}

// A table.
// clang-format off
static std::vector<KernelModel> listModels() {
  return {
      // Odd sizes: tails of every tile, of tokens, rows and features.
      {.name = "plain", .vocabulary = 200, .in = 136, .out = 200},
      {.name = "residual", .vocabulary = 136, .in = 1304, .out = 136, .residual = true},
      {.name = "norm", .vocabulary = 72, .in = 200, .out = 72, .norm = true},
      // Rows of whole tiles; 16 of them are too many to be normalized in a GPU's decode form.
      {.name = "norm_wide", .vocabulary = 72, .in = 2048, .out = 72, .norm = true},
      {.name = "norm_relu", .vocabulary = 136, .in = 2144, .out = 136, .norm = true,
       .squaredRelu = true},
      {.name = "bias", .vocabulary = 136, .in = 328, .out = 136, .bias = true, .residual = true},
      {.name = "norm_bias_relu", .vocabulary = 200, .in = 136, .out = 200, .norm = true,
       .bias = true, .squaredRelu = true},
      {.name = "logits_norm", .vocabulary = 601, .in = 200, .norm = true, .scores = true},
      {.name = "logits_many", .vocabulary = 4500, .in = 16, .scores = true},
      // Other types, other places.
      {.name = "f16", .vocabulary = 136, .in = 1224, .out = 136, .norm = true, .residual = true,
       .type = "f16", .normType = "f32"},
      {.name = "f16_bias", .vocabulary = 136, .in = 328, .out = 136, .bias = true, .type = "f16",
       .normType = "f32"},
      {.name = "f32", .vocabulary = 136, .in = 328, .out = 136, .norm = true, .squaredRelu = true,
       .type = "f32", .normType = "f32", .gammaIncludesOne = true},
      {.name = "norm_f16", .vocabulary = 72, .in = 200, .out = 72, .norm = true,
       .normType = "f16"},
      {.name = "norm_one", .vocabulary = 72, .in = 200, .out = 72, .norm = true,
       .gammaIncludesOne = true},
      {.name = "groups", .vocabulary = 200, .in = 136, .out = 200, .grouped = true},
      {.name = "groups_f16", .vocabulary = 200, .in = 72, .out = 200, .type = "f16",
       .grouped = true},
      {.name = "columns", .vocabulary = 200, .in = 136, .out = 200, .sliced = true},
      {.name = "columns_wide", .vocabulary = 136, .in = 2144, .out = 136, .residual = true,
       .sliced = true},
      {.name = "columns_f16", .vocabulary = 136, .in = 1224, .out = 136, .type = "f16",
       .sliced = true},
      {.name = "columns_f32", .vocabulary = 136, .in = 328, .out = 136, .type = "f32",
       .sliced = true},
      {.name = "columns_groups", .vocabulary = 200, .in = 136, .out = 200, .grouped = true,
       .sliced = true},
      {.name = "logits_columns", .vocabulary = 331, .in = 200, .norm = true, .scores = true,
       .sliced = true},
      {.name = "logits_f16", .vocabulary = 331, .in = 200, .norm = true, .scores = true,
       .type = "f16"},
      {.name = "logits_f32", .vocabulary = 331, .in = 200, .scores = true, .type = "f32"},
      // Rows that are no whole pairs, nor begin at one; 95 are 48 pairs, three whole vectors.
      {.name = "odd", .vocabulary = 137, .in = 1305, .out = 137, .residual = true},
      {.name = "odd_norm", .vocabulary = 71, .in = 95, .out = 71, .norm = true, .bias = true,
       .squaredRelu = true},
      {.name = "odd_f16", .vocabulary = 137, .in = 2057, .out = 137, .norm = true, .type = "f16",
       .normType = "f32"},
      {.name = "odd_f32", .vocabulary = 137, .in = 327, .out = 137, .norm = true, .type = "f32",
       .normType = "f16", .gammaIncludesOne = true},
      {.name = "odd_columns", .vocabulary = 200, .in = 135, .out = 200, .grouped = true,
       .sliced = true},
      {.name = "odd_logits", .vocabulary = 331, .in = 201, .norm = true, .scores = true},
      {.name = "even", .vocabulary = 142, .in = 78, .out = 142, .norm = true, .residual = true},
      // Weights of 8 bits: stretches, vectors and tiles of groups, whole and not.
      {.name = "int8", .vocabulary = 200, .in = 544, .out = 200, .scaleType = "bf16"},
      {.name = "int8_residual", .vocabulary = 136, .in = 1056, .out = 136, .residual = true,
       .scaleType = "f16"},
      {.name = "int8_norm_relu", .vocabulary = 72, .in = 96, .out = 72, .norm = true,
       .squaredRelu = true, .normType = "f32", .scaleType = "f32"},
      {.name = "int8_wide", .vocabulary = 72, .in = 2048, .out = 72, .norm = true,
       .gammaIncludesOne = true, .scaleType = "bf16"},
      {.name = "int8_bias", .vocabulary = 72, .in = 96, .out = 72, .bias = true,
       .squaredRelu = true, .scaleType = "bf16"},
      {.name = "int8_logits", .vocabulary = 601, .in = 160, .scores = true, .scaleType = "bf16"},
      {.name = "int8_logits_norm", .vocabulary = 331, .in = 32, .norm = true, .scores = true,
       .scaleType = "f32"},
      {.name = "int8_columns", .vocabulary = 136, .in = 544, .out = 136, .sliced = true,
       .scaleType = "bf16"},
      {.name = "int8_groups", .vocabulary = 200, .in = 96, .out = 200, .grouped = true,
       .sliced = true, .scaleType = "f32"},
      queries({.name = "int8_layer", .vocabulary = 192, .in = 192, .norm = true, .headDim = 64,
               .group = 3, .rotaryDims = 32, .attends = true, .scaleType = "bf16"}),
      queries({.name = "int8_qkv40", .vocabulary = 120, .in = 256, .norm = true, .headDim = 40,
               .group = 3, .rotaryDims = 20, .scaleType = "f16"}),
      // Words of several weights, groups of every size.
      {.name = "int4", .vocabulary = 200, .in = 544, .out = 200, .scaleType = "bf16",
       .numbers = "i4"},
      {.name = "int4_g64", .vocabulary = 136, .in = 1088, .out = 136, .residual = true,
       .scaleType = "f16", .numbers = "i4", .scaleGroup = 64},
      {.name = "int4_g128", .vocabulary = 72, .in = 1408, .out = 72, .norm = true,
       .squaredRelu = true, .scaleType = "bf16", .numbers = "i4", .scaleGroup = 128},
      {.name = "int4_g256", .vocabulary = 72, .in = 1280, .out = 72, .bias = true,
       .scaleType = "f32", .numbers = "i4", .scaleGroup = 256},
      {.name = "int4_rows", .vocabulary = 136, .in = 1056, .out = 136, .scaleType = "bf16",
       .numbers = "i4", .scaleGroup = 1056},
      {.name = "int4_logits", .vocabulary = 331, .in = 384, .norm = true, .scores = true,
       .scaleType = "bf16", .numbers = "i4", .scaleGroup = 128},
      queries({.name = "int4_qkv", .vocabulary = 120, .in = 256, .norm = true, .headDim = 64,
               .group = 3, .rotaryDims = 32, .scaleType = "bf16", .numbers = "i4",
               .scaleGroup = 128}),
      {.name = "int8_g128", .vocabulary = 136, .in = 1152, .out = 136, .scaleType = "bf16",
       .scaleGroup = 128},
      {.name = "int8_rows", .vocabulary = 72, .in = 800, .out = 72, .norm = true,
       .scaleType = "f32", .scaleGroup = 800},
      {.name = "int8_packed", .vocabulary = 200, .in = 544, .out = 200, .scaleType = "bf16",
       .numbers = "i8_packed"},
      {.name = "int8_packed_g64", .vocabulary = 72, .in = 1088, .out = 72, .norm = true,
       .scaleType = "f16", .numbers = "i8_packed", .scaleGroup = 64},
      // Blocks: those of 32 weights, whole and odd vectors of them; of 256, one, some, and many.
      {.name = "q8_0", .vocabulary = 200, .in = 544, .out = 200, .blocks = "q8_0"},
      {.name = "q8_0_wide", .vocabulary = 72, .in = 2048, .out = 72, .norm = true,
       .blocks = "q8_0"},
      {.name = "q4_0", .vocabulary = 136, .in = 1056, .out = 136, .residual = true,
       .blocks = "q4_0"},
      {.name = "q4_1", .vocabulary = 72, .in = 96, .out = 72, .norm = true, .squaredRelu = true,
       .blocks = "q4_1"},
      {.name = "q5_0", .vocabulary = 72, .in = 96, .out = 72, .bias = true, .blocks = "q5_0"},
      {.name = "q5_1_logits", .vocabulary = 331, .in = 544, .norm = true, .scores = true,
       .blocks = "q5_1"},
      {.name = "q4_k", .vocabulary = 136, .in = 768, .out = 136, .blocks = "q4_k"},
      {.name = "q4_k_logits", .vocabulary = 331, .in = 2048, .norm = true, .scores = true,
       .blocks = "q4_k"},
      {.name = "q5_k", .vocabulary = 136, .in = 768, .out = 136, .norm = true, .residual = true,
       .blocks = "q5_k"},
      {.name = "q6_k", .vocabulary = 200, .in = 256, .out = 200, .blocks = "q6_k"},
      {.name = "q6_k_wide", .vocabulary = 72, .in = 1280, .out = 72, .norm = true,
       .squaredRelu = true, .blocks = "q6_k"},
      {.name = "iq4_nl", .vocabulary = 72, .in = 544, .out = 72, .blocks = "iq4_nl"},
      {.name = "iq4_xs", .vocabulary = 136, .in = 768, .out = 136, .bias = true,
       .blocks = "iq4_xs"},
      queries({.name = "q4_k_qkv", .vocabulary = 120, .in = 256, .norm = true, .headDim = 64,
               .group = 3, .rotaryDims = 32, .blocks = "q4_k", .valueBlocks = "q6_k"}),
      // Rows as long as those of models are, and of a number of blocks that is no multiple of 8.
      {.name = "q4_k_reads", .vocabulary = 40, .in = 3072, .out = 64, .blocks = "q4_k"},
      {.name = "q6_k_reads", .vocabulary = 40, .in = 3072, .out = 64, .blocks = "q6_k"},
      {.name = "q8_0_reads", .vocabulary = 40, .in = 3072, .out = 64, .blocks = "q8_0"},
      // q through logits.
      queries({.name = "odd_qkv40", .vocabulary = 120, .in = 77, .norm = true, .headDim = 40,
               .group = 3, .rotaryDims = 20}),
      queries({.name = "qkv40", .vocabulary = 120, .in = 200, .norm = true, .headDim = 40,
               .group = 3, .rotaryDims = 20}),
      queries({.name = "qkv128", .vocabulary = 128, .in = 72, .norm = true, .headDim = 128,
               .rotaryDims = 64}),
      queries({.name = "qkv192", .vocabulary = 192, .in = 64, .norm = true, .headDim = 192,
               .rotaryDims = 96}),
      queries({.name = "far", .vocabulary = 64, .in = 16, .headDim = 16, .rotaryDims = 16,
               .context = 4224}),
      queries({.name = "qkv40_bias", .vocabulary = 120, .in = 72, .norm = true, .bias = true,
               .headDim = 40, .group = 3, .rotaryDims = 20}),
      // k and v through attention.
      queries({.name = "layer16_bias", .vocabulary = 96, .in = 40, .norm = true, .bias = true,
               .headDim = 16, .kvHeads = 2, .group = 3, .rotaryDims = 8, .attends = true}),
      queries({.name = "layer64", .vocabulary = 192, .in = 72, .norm = true, .headDim = 64,
               .group = 3, .rotaryDims = 32, .attends = true}),
      queries({.name = "layer16", .vocabulary = 96, .in = 40, .norm = true, .headDim = 16,
               .kvHeads = 2, .group = 3, .rotaryDims = 8, .attends = true}),
      queries({.name = "layer_groups", .vocabulary = 96, .in = 40, .norm = true, .headDim = 16,
               .kvHeads = 2, .group = 3, .rotaryDims = 8, .attends = true, .grouped = true}),
      queries({.name = "layer_columns", .vocabulary = 96, .in = 40, .norm = true, .headDim = 16,
               .kvHeads = 2, .group = 3, .rotaryDims = 8, .attends = true, .sliced = true}),
      queries({.name = "layer_f32", .vocabulary = 96, .in = 40, .norm = true, .headDim = 40,
               .kvHeads = 2, .rotaryDims = 20, .attends = true, .type = "f32", .normType = "f32",
               .gammaIncludesOne = true, .grouped = true}),
      // Attention alone, over any keys and values.
      queries({.name = "attention16", .vocabulary = 344, .in = 64, .headDim = 16, .kvHeads = 2,
               .attends = true, .tableQueries = true, .context = 4224}),
      queries({.name = "attention40", .vocabulary = 240, .in = 160, .headDim = 40, .kvHeads = 2,
               .group = 3, .attends = true, .tableQueries = true}),
      queries({.name = "attention64", .vocabulary = 384, .in = 128, .headDim = 64, .group = 6,
               .attends = true, .tableQueries = true}),
      queries({.name = "attention128", .vocabulary = 256, .in = 256, .headDim = 128, .group = 2,
               .attends = true, .tableQueries = true}),
      queries({.name = "both_layers", .vocabulary = 128, .in = 128, .headDim = 16, .kvHeads = 2,
               .group = 2, .attends = true, .tableQueries = true, .bothLayers = true}),
      queries({.name = "attention192", .vocabulary = 192, .in = 384, .headDim = 192,
               .attends = true, .tableQueries = true}),
  };
}
// clang-format on

/// Shapes that nobody chose, whose rows are no whole pairs.
static void addRandomOddShapes(std::vector<KernelModel> &models) {
  std::mt19937 generator(9);
  auto odd = [&](int64_t end) { return 1 + 2 * int64_t(generator() % uint32_t(end / 2)); };
  for (int i = 0; i != 6; ++i) {
    KernelModel model{.name = "odd_random" + std::to_string(i),
                      .vocabulary = 130,
                      .in = odd(i < 3 ? 40 : 1500),
                      .out = odd(200)};
    model.vocabulary = std::max(model.out, model.vocabulary);
    model.type = i % 3 == 1 ? "f16" : "bf16";
    model.residual = i % 2 == 1;
    models.push_back(model);
  }
}

/// Shapes of 8 bits.
static void addRandomInt8Shapes(std::vector<KernelModel> &models) {
  std::mt19937 generator(8);
  auto below = [&](int64_t end) { return int64_t(generator() % uint32_t(end)); };
  for (int i = 0; i != 6; ++i) {
    KernelModel model{.name = "int8_random" + std::to_string(i),
                      .vocabulary = 130,
                      .in = kRoundingGroup * (1 + below(50)),
                      .out = 2 * (1 + below(100)),
                      .scaleType = i % 2 ? "bf16" : "f32"};
    model.vocabulary = std::max(model.out, model.vocabulary);
    model.norm = i >= 4;
    model.residual = i % 3 == 1;
    models.push_back(model);
  }
}

const std::vector<KernelModel> &kernelModels() {
  static const std::vector<KernelModel> models = [] {
    std::vector<KernelModel> all = listModels();
    addRandomInt8Shapes(all);
    addRandomOddShapes(all);
    return all;
  }();
  return models;
}

} // namespace strata::test
