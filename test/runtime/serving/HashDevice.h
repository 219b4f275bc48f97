//===- HashDevice.h - a device whose model is a hash, for tests -*- C++ -*-===//
#pragma once

#include "runtime/base/Philox.h"
#include "runtime/engine/Device.h"
#include "runtime/engine/Likeliest.h"
#include "runtime/engine/StepWork.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace strata::test {

/// Logits are a hash of all tokens up to theirs, which are read from the pages of the KV cache: so
/// a text is right only if its own pages were written and are still there.
class HashDevice : public Device, private Meter {
public:
  /// What a step fails with; OK, as a rule.
  using Fault = std::function<absl::Status()>;

  HashDevice(const package::Program &program, int64_t vocabulary, uint32_t pages, Fault fault)
      : description(program), vocabulary(vocabulary), count(pages), fault(std::move(fault)),
        memory(size_t(pages) * program.page_tokens(), -1) {}

  const package::Program &program() const override { return description; }
  const std::string &target() const override { return name; }
  uint32_t pages() const override { return count; }
  int threads() const override { return 1; }
  bool fixedPageTables() const override { return false; }
  StepProbe &probe() override { std::abort(); }
  Meter &meter() override { return *this; }

  absl::Status poisonPages(std::span<const int32_t> fresh) override {
    for (int32_t page : fresh)
      std::fill_n(memory.begin() + ptrdiff_t(page) * description.page_tokens(),
                  description.page_tokens(), -1);
    return absl::OkStatus();
  }

  absl::StatusOr<DeviceStep> run(const StepInputs &inputs,
                                 std::span<const RowOutput> outputs) override {
    if (absl::Status status = fault(); !status.ok())
      return status;
    for (int64_t i = 0; i < inputs.tokens; ++i)
      slot(inputs, inputs.sequenceOfToken[i], inputs.positions[i]) = inputs.tokenIds[i];
    logits.clear();
    drawn.assign(outputs.size(), 0);
    for (int64_t row = 0; row < inputs.outputRows; ++row) {
      addRow(inputs, inputs.outputTokens[row]);
      if (!outputs.empty() && outputs[size_t(row)].draw)
        drawn[size_t(row)] = drawToken(std::span(logits).last(size_t(vocabulary)),
                                       *outputs[size_t(row)].draw, outputs[size_t(row)].allowed);
    }
    DeviceStep step;
    for (const package::Dispatch *dispatch : itemsOf(description.dispatches()))
      step.work +=
          workOf(*dispatch->cost(), description.kernels()->Get(dispatch->kernel())->axis(), inputs);
    step.logits = logits;
    step.tokens = drawn;
    return step;
  }

  /// What its meter says.
  static constexpr double kReadCeiling = 1e9, kFlopCeiling = 2e9;

  /// On two threads.
  void forEach(int64_t units, absl::FunctionRef<void(int64_t)> body) override {
    std::atomic<int64_t> next = 0;
    const auto work = [&] {
      for (int64_t unit; (unit = next++) < units;)
        body(unit);
    };
    if (units <= 1)
      return work();
    std::thread other(work);
    work();
    other.join();
  }

  /// Behind this token logits are no numbers.
  static constexpr int32_t kBroken = 2047;

  /// The row of logits behind `tokens`.
  static std::vector<float> rowAfter(std::span<const int32_t> tokens, int64_t vocabulary) {
    uint64_t hash = 1;
    for (int32_t token : tokens)
      hash = hash * 6364136223846793005u + uint64_t(token) + 1;
    std::vector<float> row;
    for (int64_t v = 0; v < vocabulary; ++v)
      row.push_back(tokens.back() == kBroken ? std::numeric_limits<float>::quiet_NaN()
                                             : float(philoxUniform(hash, uint64_t(v)) * 20));
    return row;
  }

private:
  absl::StatusOr<double> measureRead(uint64_t, double) override { return kReadCeiling; }
  absl::StatusOr<double> measureFlops() override { return kFlopCeiling; }
  std::string flopInstruction() const override { return "hash"; }

  int32_t &slot(const StepInputs &inputs, int32_t sequence, int64_t position) {
    const int64_t size = description.page_tokens();
    const int32_t page = inputs.pageTable[sequence * inputs.pageTableStride + position / size];
    return memory[size_t(page * size + position % size)];
  }

  void addRow(const StepInputs &inputs, int32_t token) {
    std::vector<int32_t> tokens;
    for (int64_t position = 0; position <= inputs.positions[token]; ++position)
      tokens.push_back(slot(inputs, inputs.sequenceOfToken[token], position));
    const std::vector<float> row = rowAfter(tokens, vocabulary);
    logits.insert(logits.end(), row.begin(), row.end());
  }

  const package::Program &description;
  const int64_t vocabulary;
  const uint32_t count;
  const Fault fault;
  const std::string name = "hash";
  std::vector<int32_t> memory; // the token of each slot
  std::vector<float> logits;
  std::vector<int32_t> drawn;
};

} // namespace strata::test
