//===- Gguf.cpp - Nemotron models in GGUF files ---------------------------===//
//
// The names are those of llama.cpp's converter (LLM_ARCH_NEMOTRON). It folds the 1 that the model
// adds to the weights of its norms into them, and does not permute the rows of q and k.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/Gguf.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ConfigText.h"
#include "runtime/checkpoint/GgufFile.h"
#include "runtime/checkpoint/GgufParts.h"
#include "runtime/checkpoint/GgufVocabulary.h"
#include "runtime/checkpoint/RenameTable.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace strata {
namespace {

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

constexpr Renamed kModules[] = {
    {"token_embd", "model.embed_tokens"},
    {"blk.*.attn_norm", "model.layers.*.input_layernorm"},
    {"blk.*.attn_q", "model.layers.*.self_attn.q_proj"},
    {"blk.*.attn_k", "model.layers.*.self_attn.k_proj"},
    {"blk.*.attn_v", "model.layers.*.self_attn.v_proj"},
    {"blk.*.attn_output", "model.layers.*.self_attn.o_proj"},
    {"blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"},
    {"blk.*.ffn_up", "model.layers.*.mlp.up_proj"},
    {"blk.*.ffn_down", "model.layers.*.mlp.down_proj"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
};

/// Hugging Face's key for a module's weight or bias; empty if it is none of Nemotron's.
std::string keyOf(std::string_view name) {
  const size_t dot = std::min(name.rfind('.'), name.size());
  const std::string_view kind = name.substr(dot);
  const std::string module = rename(name.substr(0, dot), kModules);
  const bool isKnown = !module.empty() && (kind == ".weight" || kind == ".bias");
  return isKnown ? module + std::string(kind) : "";
}

absl::Status addTensors(const GgufFile &file, uint32_t index, Checkpoint &checkpoint) {
  for (const GgufTensor &tensor : file.tensors()) {
    std::string key = keyOf(tensor.name);
    if (key.empty())
      return file.error(tensor.name, "expected a tensor of a Nemotron model, found another, which "
                                     "may change the model");
    const bool includesOne = key.ends_with("norm.weight");
    STRATA_TRY(checkpoint.addTensor(std::move(key), {.dtype = tensor.dtype,
                                                     .shape = tensor.shape,
                                                     .file = index,
                                                     .offset = tensor.offset,
                                                     .includesOne = includesOne}));
  }
  return absl::OkStatus();
}

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

/// Keys behind "nemotron." and those of a config.json that mean the same.
constexpr Renamed kIntegers[] = {
    {"vocab_size", "vocab_size"},
    {"context_length", "max_position_embeddings"},
    {"embedding_length", "hidden_size"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
};
constexpr Renamed kReals[] = {
    {"attention.layer_norm_epsilon", "norm_eps"},
    {"rope.freq_base", "rope_theta"},
};
constexpr std::string_view kOthers[] = {
    "attention.value_length", "rope.dimension_count",   "rope.scaling.type",
    "rope.scaling.factor",    "rope.scaling.finetuned", "rope.scaling.original_context_length",
};
constexpr std::string_view kPrefix = "nemotron.";

/// Each of these tokens ends a text: of the whole, of a turn, of a message, and those around code
/// that is filled in, which llama.cpp counts among them.
constexpr std::string_view kEnds[] = {
    "tokenizer.ggml.eos_token_id",     "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",     "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
};

/// Writes the text of a config.json, key by key.
class ConfigWriter {
public:
  ConfigWriter(const GgufFile &file, const Checkpoint &checkpoint)
      : file(file), checkpoint(checkpoint) {}

  absl::StatusOr<std::string> write();

private:
  absl::Status checkKeys();
  absl::Status writeNumbers();
  absl::Status writeRotary();
  absl::Status writeRopeScaling();
  absl::Status writeTokens();
  void writeBiases();
  absl::StatusOr<std::optional<int64_t>> integer(std::string_view key) const {
    return file.integer(absl::StrCat(std::string(kPrefix), std::string(key)));
  }

  const GgufFile &file;
  const Checkpoint &checkpoint;
  ConfigText text{"NemotronForCausalLM", "nemotron"};
};

/// What this file does not know could change the model.
absl::Status ConfigWriter::checkKeys() {
  const auto isIn = [](std::span<const Renamed> table, std::string_view key) {
    return std::ranges::find(table, key, &Renamed::theirs) != table.end();
  };
  for (const auto &[key, value] : file.metadata()) {
    if (!key.starts_with(kPrefix))
      continue;
    const std::string_view own = key.substr(kPrefix.size());
    if (!isIn(kIntegers, own) && !isIn(kReals, own) &&
        std::ranges::find(kOthers, own) == std::end(kOthers))
      return file.error(key, "expected a key that is known for this architecture, found another, "
                             "which may change the model");
  }
  return absl::OkStatus();
}

absl::Status ConfigWriter::writeNumbers() {
  for (const auto &[theirs, ours] : kIntegers) {
    STRATA_ASSIGN(const std::optional<int64_t> value, integer(theirs));
    if (value)
      text.addInteger(ours, *value);
  }
  for (const auto &[theirs, ours] : kReals) {
    const std::string key = absl::StrCat(std::string(kPrefix), std::string(theirs));
    STRATA_ASSIGN(const std::optional<double> value, file.real(key));
    if (value && !std::isfinite(*value))
      return file.error(key, absl::StrCat("expected a finite number, found ", *value));
    if (value)
      text.addNumber(ours, *value);
  }
  // Older files have no vocab_size of their own.
  const CheckpointTensor *table = checkpoint.find("model.embed_tokens.weight");
  if (!file.metadata().contains("nemotron.vocab_size") && table && !table->shape.empty())
    text.addInteger("vocab_size", int64_t(table->shape[0]));
  return absl::OkStatus();
}

/// The fraction of a head that is rotated, from the number of its features that are.
absl::Status ConfigWriter::writeRotary() {
  STRATA_ASSIGN(const std::optional<int64_t> count, integer("rope.dimension_count"));
  STRATA_ASSIGN(const std::optional<int64_t> hidden, integer("embedding_length"));
  STRATA_ASSIGN(const std::optional<int64_t> heads, integer("attention.head_count"));
  STRATA_ASSIGN(const std::optional<int64_t> keyLength, integer("attention.key_length"));
  STRATA_ASSIGN(const std::optional<int64_t> valueLength, integer("attention.value_length"));
  if (!count || !hidden || !heads || *heads <= 0)
    return absl::OkStatus(); // defaults, or an error where the config is read
  const int64_t quotient = *hidden / *heads, headDim = keyLength.value_or(quotient);
  if (valueLength.value_or(headDim) != headDim)
    return file.error(
        "nemotron.attention.value_length",
        absl::StrCat("expected ", headDim, " as in attention.key_length, found ", *valueLength));
  if (headDim != quotient && *count == *hidden / 2 / *heads)
    return file.error("nemotron.rope.dimension_count",
                      absl::StrCat("expected ", headDim / 2,
                                   ", half of attention.key_length, found ", *count,
                                   ", half of embedding_length / attention.head_count: "
                                   "a known error of converters; convert the model anew"));
  if (*count < 1 || *count > headDim)
    return file.error("nemotron.rope.dimension_count",
                      absl::StrCat("expected 1 to ", headDim, ", found ", *count));
  // The reader multiplies by the head's features and drops the fraction.
  double fraction = double(*count) / double(headDim);
  if (fraction * double(headDim) < double(*count))
    fraction = std::nextafter(fraction, 1.0);
  text.addNumber("partial_rotary_factor", fraction);
  return absl::OkStatus();
}

absl::Status ConfigWriter::writeRopeScaling() {
  STRATA_ASSIGN(const auto type, file.string("nemotron.rope.scaling.type"));
  STRATA_ASSIGN(const auto factor, file.real("nemotron.rope.scaling.factor"));
  if (!type || *type == "none")
    return absl::OkStatus();
  if (*type != "linear" || !factor || !std::isfinite(*factor))
    return file.error("nemotron.rope.scaling.type",
                      absl::StrCat("expected none, or linear and a factor, found ",
                                   printable(*type), factor ? "" : " without a factor"));
  text.add("rope_scaling", absl::StrFormat(R"({"type": "linear", "factor": %.17g})", *factor));
  return absl::OkStatus();
}

absl::Status ConfigWriter::writeTokens() {
  STRATA_ASSIGN(const std::optional<int64_t> bos, file.integer("tokenizer.ggml.bos_token_id"));
  if (bos)
    text.addInteger("bos_token_id", *bos);
  std::vector<int64_t> ends;
  for (std::string_view key : kEnds) {
    STRATA_ASSIGN(const std::optional<int64_t> token, file.integer(key));
    if (token && std::ranges::find(ends, *token) == ends.end())
      ends.push_back(*token);
  }
  if (!ends.empty())
    text.add("eos_token_id", absl::StrCat("[", absl::StrJoin(ends, ", "), "]"));
  // As llama.cpp has it, texts of a SentencePiece model begin with BOS unless the file says no.
  STRATA_ASSIGN(const auto addBos, file.boolean("tokenizer.ggml.add_bos_token"));
  STRATA_ASSIGN(const auto model, file.string("tokenizer.ggml.model"));
  if (addBos || model == "llama")
    text.addBoolean("add_bos_token", addBos.value_or(true));
  return absl::OkStatus();
}

/// The format has no key for biases: a layer has them where their tensors are. Of the others the
/// compiler says which are missing.
void ConfigWriter::writeBiases() {
  const auto hasAny = [&](std::string_view part) {
    return std::ranges::any_of(checkpoint.tensors(), [&](const auto &entry) {
      const std::string_view key = entry.first;
      return key.find(part) != key.npos && key.ends_with("_proj.bias");
    });
  };
  text.addBoolean("attention_bias", hasAny(".self_attn."));
  text.addBoolean("mlp_bias", hasAny(".mlp."));
}

absl::StatusOr<std::string> ConfigWriter::write() {
  STRATA_TRY(checkKeys());
  STRATA_TRY(writeNumbers());
  STRATA_TRY(writeRotary());
  STRATA_TRY(writeRopeScaling());
  STRATA_TRY(writeTokens());
  writeBiases();
  text.addBoolean("tie_word_embeddings", !checkpoint.find("lm_head.weight"));
  return text.finish();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

constexpr int64_t kQuantizationVersion = 2; // of how blocks are laid out

/// That a file is, or begins, a model that is known.
absl::Status checkModel(const GgufFile &file) {
  STRATA_TRY(checkFirstPart(file));
  STRATA_ASSIGN(const auto found, file.string("general.architecture"));
  if (found != "nemotron")
    return file.error("general.architecture",
                      absl::StrCat("expected nemotron, the one architecture supported, found ",
                                   found ? printable(*found) : "none"));
  STRATA_ASSIGN(const auto quantization, file.integer("general.quantization_version"));
  if (quantization.value_or(kQuantizationVersion) == kQuantizationVersion)
    return absl::OkStatus();
  return file.error("general.quantization_version",
                    absl::StrCat("expected ", kQuantizationVersion, ", found ", *quantization));
}

/// Reads a file, adds it and its tensors.
absl::StatusOr<GgufFile> addFile(const std::string &folder, const std::string &name,
                                 GgufFile::CheckMetadata check, Checkpoint &checkpoint) {
  const std::string path = (std::filesystem::path(folder) / name).string();
  STRATA_ASSIGN(MappedFile mapping, MappedFile::open(path));
  STRATA_ASSIGN(GgufFile file, GgufFile::read(mapping.bytes(), path, check));
  const uint32_t index = checkpoint.addFile(name, std::move(mapping), {file.header()});
  STRATA_TRY(addTensors(file, index, checkpoint));
  return file;
}

/// Adds the other files of a model.
absl::Status addParts(const GgufFile &first, const std::string &folder, const std::string &name,
                      Checkpoint &checkpoint) {
  STRATA_ASSIGN(const std::vector<std::string> others, findParts(first, folder, name));
  int64_t number = 0;
  for (const std::string &other : others) {
    ++number;
    const auto check = [&](const GgufFile &file) { return checkPart(file, first, number); };
    STRATA_TRY(addFile(folder, other, check, checkpoint).status());
  }
  return checkTensorCount(first, checkpoint.tensors().size());
}

} // namespace

absl::Status readGguf(const std::string &folder, const std::string &name, Checkpoint &checkpoint) {
  STRATA_ASSIGN(GgufFile file, addFile(folder, name, checkModel, checkpoint));
  STRATA_TRY(addParts(file, folder, name, checkpoint));
  const std::string path = checkpoint.files().front().path;
  checkpoint.setCatalogue(path);
  STRATA_ASSIGN(std::string config, ConfigWriter(file, checkpoint).write());
  checkpoint.setConfig(std::move(config), path);
  STRATA_ASSIGN(const auto chat, file.string("tokenizer.chat_template"));
  checkpoint.setChatTemplate(std::string(chat.value_or("")));
  STRATA_ASSIGN(const bool tokenizes, hasVocabulary(file));
  if (tokenizes)
    checkpoint.setTokenizer(
        {absl::StrCat(path, ": tokenizer.ggml"),
         [file = std::move(file)](uint64_t) { return sentencePieceModel(file); }});
  return absl::OkStatus();
}

} // namespace strata
