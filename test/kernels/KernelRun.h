//===- KernelRun.h - a model of one kernel on a device ----------*- C++ -*-===//
#pragma once

#include "runtime/engine/Engine.h"
#include "test/kernels/KernelModel.h"
#include "test/kernels/Reference.h"

#include <map>
#include <optional>
#include <tuple>

namespace strata::test {

using Parameters = std::map<std::string, Matrix>;
using Tokens = std::vector<int32_t>;

/// Runs a model's package beside the reference and compares every row of logits.
class KernelRun {
public:
  /// `device` is "cuda", which runs the best code that there is, "cuda_sim_90a" or a level of the
  /// CPU. Opens `sequences` sequences, 0 and on; fails, or
  /// skips the test, if that cannot be.
  KernelRun(const KernelModel &model, const std::string &device, Parameters parameters, bool exact);
  bool ready() const { return engine != nullptr; }

  struct Part {
    int32_t sequence;
    Tokens tokens;
    LogitRows rows = LogitRows::all;
  };
  /// One step; every row that comes back is compared.
  void step(const std::vector<Part> &parts);
  /// What drawToken says of a step's logits, and what the device says; every row of an empty
  /// sequence, one draw each.
  struct Drawn {
    Tokens expected, found;
  };
  Drawn draw(const Tokens &tokens, const std::vector<RowOutput> &outputs);
  /// Logits of every row of an empty sequence.
  std::vector<float> logits(const Tokens &tokens);
  /// Forgets all tokens but `length` of a sequence.
  void rewind(int32_t sequence, int64_t length);
  int64_t length(int32_t sequence) const { return int64_t(histories[size_t(sequence)].size()); }

  static constexpr int32_t kSequences = 20;

private:
  bool isCuda() const { return device.starts_with("cuda"); }
  /// Whether the kernels for this step, or those for the keys and values before it, round weights
  /// in blocks to bf16.
  bool roundsWeights() const;
  void open();
  void checkRow(int32_t sequence, int64_t position, std::span<const float> found, int64_t row);
  /// What logits show of a token.
  const Row &expected(int32_t sequence, int64_t position);
  /// What a product is with its bias, if the model has any.
  Row addBias(const std::string &weight, Row y) const;
  Row computeExpected(const Tokens &history, int64_t position);
  /// The linear's product with a parameter, rotated if `roped`.
  const Row &part(const std::string &weight, int32_t token, int64_t position, bool roped);
  /// decoder.embedding of a table.
  Row embed(const std::string &table, int32_t token) const;
  /// What linear and logits multiply with.
  Row input(int32_t token);
  /// A weight; of i8, times its scales.
  const Matrix &weight(const std::string &name);
  /// With the keys and values of weights "k" and "v", or of those with a suffix.
  Row attention(const Tokens &history, int64_t position, const std::string &suffix = "");

  const KernelModel &model;
  const std::string device;
  Parameters parameters;
  Reference reference;
  std::optional<Package> package;
  std::optional<Weights> weights;
  std::unique_ptr<Engine> engine;
  std::vector<Tokens> histories;
  std::map<std::tuple<std::string, int32_t, int64_t>, Row> rows; // of part()
  std::map<std::string, Matrix> weightValues; // of weight(), where they are not stored so
  // Of tokens, where they do not depend on the position, by whether weights are rounded.
  std::map<std::pair<int32_t, bool>, Row> results;
  Row result;
  int64_t tokens = 0; // of the step
  int complaints = 0;
};

} // namespace strata::test
