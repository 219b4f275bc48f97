//===- Checkpoint.h - the tensors of a model folder -------------*- C++ -*-===//
//
// What the compiler and the tools know of a checkpoint: keys, shapes and bytes. Which format the
// files have is the business of openCheckpoint and the readers behind it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/base/MappedFile.h"
#include "runtime/package/BlockSize.h"
#include "runtime/package/Box.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Element types that checkpoints use; the names are those of safetensors, and behind them those of
/// GGUF's quantized weights, in lower case.
enum class DType : uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  f64,
  i64,
  u64,
  c64,
  f4,
  f6_e2m3,
  f6_e3m2,
  q8_0,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs
};

/// How many elements take how many bytes: one, or two of f4, four of f6, a block of quantized
/// weights.
BlockSize blockSize(DType dtype);
/// Whether it is one of GGUF's quantized types: what Blocks.h decodes. A tensor of such a type has
/// its logical shape, a row is whole blocks, and nothing lies between rows.
constexpr bool isQuantized(DType dtype) { return dtype >= DType::q8_0; }
/// "bf16", "f8_e4m3"; for people.
std::string_view name(DType dtype);
/// The other way round; empty for names that do not exist.
std::optional<DType> dtypeNamed(std::string_view name);

/// A tensor, row-major, as it lies in its file.
struct CheckpointTensor {
  DType dtype;
  std::vector<uint64_t> shape; // outermost first; empty for a scalar
  uint32_t file;               // index into Checkpoint::files()
  uint64_t offset;             // bytes from the start of the file to the first row; any alignment
  Box box = {};                // of matrices only: where the rows lie, if others lie between them
  bool includesOne = false; // of the weight of a norm: the values include the 1 that the model adds
  std::span<const std::byte> bytes = {}; // into the mapping: spanBytes() of them from `offset` on

  /// Bytes from the first row to the end of the last, with what is of others between them.
  /// Empty if that does not fit 64 bits or is no whole number of blocks.
  std::optional<uint64_t> spanBytes() const;
};

/// A file that holds tensors.
struct CheckpointFile {
  std::string name; // relative to the folder; '/' between components, none of them "." or ".."
  std::string path; // how to open it, and what errors call it
  std::span<const std::byte> bytes; // all of it
  /// The parts of it that describe the tensors, in the order of their offsets. They and the size
  /// tell whether it is still the same file.
  std::vector<std::span<const std::byte>> header;
};

/// A tokenizer among the files that hold the tensors, in whatever form they have it.
struct StoredTokenizer {
  std::string place; // what errors call it
  /// A serialized ModelProto of SentencePiece, not validated: parseTokenizerModel does that. One of
  /// more than `most` bytes may be refused before it is copied.
  std::function<absl::StatusOr<std::string>(uint64_t most)> read;
};

/// The tensors of a model folder. Owns the mappings that tensors and headers point into, so it must
/// outlive them; move-only, and moving it leaves them valid. Reading from several threads is safe.
class Checkpoint {
public:
  using Tensors = std::map<std::string, CheckpointTensor, std::less<>>;

  /// In the order of their names.
  const std::vector<CheckpointFile> &files() const { return files_; }
  /// By key, in order of the keys.
  const Tensors &tensors() const { return tensors_; }

  /// The tensor, or null. Points into this checkpoint.
  const CheckpointTensor *find(std::string_view key) const;

  /// The tensor, if it is there, has this shape and one of these types. Otherwise an error such as
  /// `DIR/model.safetensors: model.norm.weight: shape is [255], expected [256]`.
  absl::StatusOr<const CheckpointTensor *> require(std::string_view key,
                                                   std::span<const uint64_t> shape,
                                                   std::span<const DType> dtypes) const;

  /// The model's configuration as the text of a config.json, where the files that hold the tensors
  /// hold it, too; empty: it stands in a config.json beside them.
  const std::string &config() const { return config_; }
  /// What errors call the file that it stands in.
  const std::string &configPath() const { return configPath_; }
  /// The SentencePiece model that these files hold; empty if there is none.
  const std::optional<StoredTokenizer> &tokenizer() const { return tokenizer_; }
  /// The folder of the tokenizer and of what else says how texts are read; empty: that of the
  /// checkpoint.
  const std::string &textFolder() const { return textFolder_; }
  /// The Jinja text of the chat template that these files hold; empty if there is none.
  const std::string &chatTemplate() const { return chatTemplate_; }
  /// For people, one line each: files that look like weights and are not read.
  const std::vector<std::string> &notes() const { return notes_; }

  /// For readers of a format: adds a file; `header` points into it. Returns its index.
  uint32_t addFile(std::string name, MappedFile mapping,
                   std::vector<std::span<const std::byte>> header);
  /// For readers of a format: one more part of a file's header; it overlaps no other.
  void addHeader(uint32_t file, std::span<const std::byte> part);
  /// For readers of a format: adds a tensor of a file added before, without its `bytes`. The caller
  /// has checked that they lie inside. A box with nothing of others in it becomes none. Of two
  /// under one key, the one counts whose file expectAt names; if that is neither, it is missing.
  /// Without any expectAt, an error.
  absl::Status addTensor(std::string key, CheckpointTensor tensor);

  /// For the reader of an index, before tensors are added: which file is to hold the tensor.
  void expectAt(std::string_view key, std::string_view file) { places.emplace(key, file); }
  /// For readers: `require` is going to say KEY: WHY of a tensor that is not there, or of two
  /// that cannot be told apart.
  void setMissing(std::string key, std::string why) { missing[std::move(key)] = std::move(why); }

  /// For readers of formats with several names for the same: each key becomes what `rename` makes
  /// of it, which must be unique.
  void renameTensors(const std::function<std::string(std::string_view)> &rename);

  void setConfig(std::string text, std::string path) {
    config_ = std::move(text);
    configPath_ = std::move(path);
  }
  /// What `read` captures may point into files added before.
  void setTokenizer(StoredTokenizer tokenizer) { tokenizer_ = std::move(tokenizer); }
  void setTextFolder(std::string path) { textFolder_ = std::move(path); }
  void setChatTemplate(std::string jinja) { chatTemplate_ = std::move(jinja); }
  void addNote(std::string line) { notes_.push_back(std::move(line)); }

  /// Where the keys are listed, for errors about absent ones: the only file, or the index.
  void setCatalogue(std::string path) { catalogue = std::move(path); }

private:
  std::vector<MappedFile> mappings; // one for each of files_
  std::vector<CheckpointFile> files_;
  Tensors tensors_;
  std::string config_, configPath_;
  std::optional<StoredTokenizer> tokenizer_;
  std::string textFolder_, chatTemplate_;
  std::vector<std::string> notes_;
  std::string catalogue;
  std::map<std::string, std::string, std::less<>> places;  // files that an index names
  std::map<std::string, std::string, std::less<>> missing; // why tensors are not there
};

/// Opens the checkpoint at `path`: a .gguf or .nemo file, or a folder with one of, the first to be
/// preferred, model.safetensors, the shards that model.safetensors.index.json names,
/// pytorch_model.bin, the shards that pytorch_model.bin.index.json names, one .gguf file,
/// model_config.yaml and what else is in a .nemo file, context/model.yaml of NeMo 2, one .nemo
/// file, and all shards of a model whose index is missing; of a repository in the Hub's cache, the
/// revision that its refs/main names. Reads what describes the tensors, not the tensors. A folder
/// that holds weights of another format is UNIMPLEMENTED, naming the file found; one without any is
/// NOT_FOUND.
absl::StatusOr<Checkpoint> openCheckpoint(const std::string &path);

/// Whether openCheckpoint takes the file `path` by itself, as its name tells, or its first bytes: a
/// .gguf or .nemo file.
bool isCheckpointFile(const std::string &path);

/// Whether openTensorFile takes the file `path`, as its name tells: a .safetensors or .bin file.
bool isTensorFile(const std::string &path);

/// Opens a file that holds tensors, but no model by itself; any name before the ending will do.
absl::StatusOr<Checkpoint> openTensorFile(const std::string &path);

/// The folder that the files of the checkpoint at `path` are in: `path`, its revision if it is a
/// repository in the Hub's cache, or that of the file.
std::string checkpointFolder(const std::string &path);

/// Where a tokenizer, a chat template and the like are to be found: the folder that the checkpoint
/// names, if it was opened and does, or checkpointFolder(path).
std::string textFolder(const std::string &path, const Checkpoint *checkpoint);

/// "[256, 1024]", as error messages write shapes.
std::string formatShape(std::span<const uint64_t> shape);

} // namespace strata
