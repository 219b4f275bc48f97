//===- Modules.h - the modules of a model -----------------------*- C++ -*-===//
//
// The model is described here once, for tools with MLIR and without: buildDecoder takes names and
// shapes from here, Parameters.h lists and counts what is stored, and quantization_config is
// checked against the linear modules. What the modules compute is said by BuildDecoder.cpp.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

struct ModelConfig;

/// What a module has.
enum class ModuleKind {
  function,  // no parameters
  embedding, // a table, a row for each token
  norm,      // a weight for each feature
  linear     // a weight for each pair of an output and an input feature; may be quantized
};

/// What a module is for, in the order in which a step comes to them. Those from `block` to `down`
/// are in every layer.
enum class ModuleRole {
  embedding,
  rotaryTable,
  block,
  attention,
  attentionNorm,
  query,
  key,
  value,
  attentionOutput,
  mlpNorm,
  up,
  activation,
  down,
  finalNorm,
  head
};

struct Module {
  std::string path; // "model.layers.3.mlp.up_proj": what Hugging Face calls it
  ModuleKind kind;
  std::vector<int64_t> shape; // of the weight: [rows, columns], of a norm [features]
  bool bias;                  // has one besides, [rows] or [features]
  bool stored;                // has parameters of its own; a tied head uses the embedding's

  std::string weightKey() const { return path + ".weight"; }
  std::string biasKey() const { return path + ".bias"; }
};

/// The module of that role; in `layer`, if every layer has one.
Module describeModule(const ModelConfig &config, ModuleRole role, int64_t layer = 0);

/// All of them, layer by layer, in the order in which a step comes to them.
std::vector<Module> listModules(const ModelConfig &config);

} // namespace strata
