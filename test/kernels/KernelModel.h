//===- KernelModel.h - models of one kernel ---------------------*- C++ -*-===//
//
// A model whose logits are the result of one kernel, or of the few that make its result visible:
// decoder.embedding brings any rows that a table has, and decoder.logits with an identity shows
// them as they are.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::test {

/// Features of an input that share a scale, where it is rounded to bytes.
inline constexpr int64_t kRoundingGroup = 32;

struct KernelModel {
  std::string name;
  int64_t vocabulary; // rows of every table and of the weight of logits
  int64_t in;         // features of the table
  int64_t out = 0;    // features of the result that is shown

  // decoder.linear, or with `scores` decoder.logits, which then is what is tested
  bool norm = false, bias = false, squaredRelu = false, residual = false, scores = false;

  // With headDim: a linear of q, k and v with a cache, layer 1 of 2; with bothLayers one for layer
  // 0 as well, and shown is the sum of both layers' attention.
  int64_t headDim = 0, kvHeads = 1, group = 1;
  int64_t rotaryDims = 0;    // 0: no rope
  bool attends = false;      // shown is the result of attention, or else q
  bool tableQueries = false; // attention's queries are rows of a table, not q
  bool bothLayers = false;   // of such queries
  int64_t context = 256;

  // How parameters are stored
  std::string type = "bf16", normType = "bf16"; // of matrices; of gamma, beta and biases
  bool gammaIncludesOne = false;
  bool grouped = false; // rows of linear's weights in groups: of q, k and v as NeMo has them
  bool sliced = false;  // each matrix is some columns of a larger one
  std::string scaleType =
      ""; // not empty: weights of what is tested are `numbers`, with scales of this type
  std::string numbers = "i8";          // or i4, i8_packed
  int64_t scaleGroup = kRoundingGroup; // features that share a scale
  std::string blocks = "";             // not empty: these weights and the table are in such blocks
  std::string valueBlocks = "";        // of the weight of v, where it is in others

  int64_t queryFeatures() const { return headDim * kvHeads * group; }
  int64_t kvFeatures() const { return headDim * kvHeads; }
  /// Rows of a group of a weight, and from one to the next; 0: they follow each other.
  int64_t groupRows(const std::string &weight) const;
  int64_t groupStride() const;
  /// Elements from one row of a matrix to the next.
  int64_t rowStride(int64_t columns) const {
    return !sliced ? columns : hasScales() ? 3 * columns : 2 * columns + 24;
  }
  /// Rows of the weight of q.
  int64_t firstRows() const { return tableQueries ? headDim : queryFeatures(); }
  bool hasScales() const { return !scaleType.empty(); }
  bool isQuantized() const { return hasScales() || !blocks.empty(); }
  /// Whether a parameter is such a weight.
  bool hasScales(const std::string &parameter) const { return hasScales() && isTested(parameter); }
  /// The blocks that a parameter is in; empty: in none.
  std::string blocksOf(const std::string &parameter) const;
  /// Weights of f32, and those with scales beside them, are not for GPUs.
  bool runsOnCuda() const { return type != "f32" && !hasScales(); }
  /// Whether it is a weight of what is tested.
  bool isTested(const std::string &parameter) const;
  /// What is tested, for messages: "linear norm activation".
  std::string operation() const;
  /// The text that strata-compile reads.
  std::string mlir() const;
};

inline constexpr float kEps = 1e-5f, kTheta = 1e4f;

/// Of x86-64; what tiles multiply is tried without them, too.
inline std::vector<std::string> cpuLevels() {
  return {"x86-64-v4-amx", "x86-64-v4-amx-emulated", "x86-64-v4-bf16", "x86-64-v3"};
}

/// Linear and logits; heads of q, k and v; attention.
const std::vector<KernelModel> &kernelModels();

} // namespace strata::test
