//===- ModelConfig.h - what a Nemotron config.json says ---------*- C++ -*-===//
//
// Sizes and constants of one model, complete and checked: aliases resolved, defaults filled in,
// every value inside its limits. The keys are those of Hugging Face's NemotronConfig and of the
// older and converted files in circulation.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "frontend/Quantization.h"
#include "runtime/checkpoint/Checkpoint.h"

#include "absl/status/statusor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A target that has no kernels for a configuration.
struct UnsupportedTarget {
  std::string target;
  std::string reason; // file, key, what is expected and what is found
};

/// A decoder of the Nemotron family. The defaults are those of Hugging Face's NemotronConfig, which
/// are Nemotron-4 15B's (arXiv 2402.16819).
struct ModelConfig {
  std::string name;                                 // for people: the folder's or the preset's
  std::string architecture = "NemotronForCausalLM"; // as in config.json

  int64_t vocabulary = 256000;  // rows of the embedding and of the logits
  int64_t hidden = 6144;        // features of the residual stream
  int64_t intermediate = 24576; // features inside the mlp
  int64_t layers = 32;
  int64_t heads = 48;    // of the queries; a multiple of kvHeads
  int64_t kvHeads = 8;   // of keys and values
  int64_t headDim = 128; // features of a head; heads * headDim need not be hidden

  int64_t rotaryDims = 64;     // leading features of a head that are rotated; if odd, one more is;
                               // 0: none
  float ropeTheta = 10000;     // base of the rotary frequencies
  float ropeScale = 1;         // positions are divided by it: linear interpolation where > 1
  float normEps = 1e-5f;       // added to the variance
  bool tiedEmbeddings = false; // the logits use the embedding's table
  bool attentionBias = false;  // the linear modules of attention have biases
  bool mlpBias = false;        // and those of the mlp
  std::string activation = "squared_relu"; // inside the mlp: as decoder.activation calls it

  DType dtype = DType::bf16; // of the parameters where there is no checkpoint: or f16, f32
  std::string dtypeProblem;  // why that cannot be told; empty: it can
  std::optional<Quantization> quantization; // of the linear modules; none: they are as others are

  int64_t context = 4096; // tokens trained on; no limit of the compiled model

  int64_t bosToken = 2;                 // begins a text; -1 if there is none
  bool addBos = false;                  // whether every text begins with bosToken
  bool addBosKnown = false;             // tokenizer_config.json says so, or that it does not
  std::vector<int64_t> eosTokens = {3}; // each ends a generation; may be empty
  std::string chatTemplate;             // "nemotron", "unknown" or empty (ChatTemplate.h)

  std::vector<std::string> notes; // for people, one line each: what was read in another way than it
                                  // looks
  std::vector<UnsupportedTarget> unsupported;

  /// How the weight of the linear module of this name is quantized; null: it is not.
  const WeightScheme *schemeOf(std::string_view linear) const {
    return quantization ? quantization->schemeOf(linear) : nullptr;
  }
};

/// Parses the text of a config.json alone; errors call it `file`. `name` stays empty, `addBos`
/// false.
absl::StatusOr<ModelConfig> parseModelConfig(std::string_view text, std::string file);

/// Reads the config.json at `path`, and beside it, where present: generation_config.json, whose end
/// tokens win, and tokenizer_config.json, which says whether texts begin with bosToken and how
/// conversations are written. The name is that of the folder they lie in.
absl::StatusOr<ModelConfig> readModelConfig(const std::string &path);

/// A configuration and the file that it is in.
struct FoundConfig {
  ModelConfig config;
  std::string path;
};

/// The configuration of the model that the user named, a folder or a file: the one that the files
/// of its checkpoint hold themselves, called after `argument` and with the neighbours that
/// readModelConfig reads; else config.json beside them. If there is neither, the checkpoint's error
/// where it has one.
absl::StatusOr<FoundConfig> findModelConfig(const std::string &argument,
                                            const absl::StatusOr<Checkpoint> &checkpoint);

/// Largest config.json and generation_config.json.
inline constexpr uint64_t kMaxConfigBytes = uint64_t(1) << 20;

/// The most bytes that the parameters of a model may take.
inline constexpr uint64_t kMaxModelBytes = uint64_t(1) << 48;

} // namespace strata
