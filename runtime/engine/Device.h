//===- Device.h - where the steps of an engine run --------------*- C++ -*-===//
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/engine/Meter.h"
#include "runtime/engine/Sampler.h"
#include "runtime/engine/StepInputs.h"
#include "runtime/engine/StepProbe.h"
#include "runtime/engine/StepWork.h"
#include "runtime/package/Package.h"
#include "runtime/package/Weights.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace strata {

struct DeviceOptions {
  int threads = 0;           // of the host; 0: one for each CPU this process may use
  std::string target = {};   // of the code to run; empty: the best
  uint64_t context = 1;      // most tokens of a sequence
  uint64_t sequences = 1;    // the KV cache has room for this many of `context` tokens
  uint64_t stepTokens = 512; // of a step that memory is set aside for
  bool poison = false;       // see EngineOptions
  bool batchInvariant = false;

  package::VariantMode mode() const {
    return batchInvariant ? package::VariantMode::batch_invariant : package::VariantMode::usual;
  }
};

/// Marks an error after which the device can never be used again in this process, and tells
/// whether one is so.
void markLost(absl::Status &status);
bool isLost(const absl::Status &status);

/// What is wanted of one of the R rows that a step has logits of: a token, logits, both, or
/// nothing.
struct RowOutput {
  std::optional<Draw> draw = {};
  bool logits = false;
  AllowedTokens allowed = {}; // of the draw
};

/// What a device did in a step. Spans are on the host and valid until the next step. What was not
/// asked for of a row may be anything, of all rows empty.
struct DeviceStep {
  std::span<const float> logits;   // [R, vocabulary]
  std::span<const int32_t> tokens; // [R], as drawToken tells them
  Work work;
};

/// Has a program's code, its parameters, the pages of the KV cache and the memory of a step, and
/// runs the program. Threads: one thread creates it, calls it and destroys it.
class Device {
public:
  virtual ~Device() = default;

  /// The program that it runs.
  virtual const package::Program &program() const = 0;
  /// Name of the code that was chosen, e.g. "x86-64-v4-bf16".
  virtual const std::string &target() const = 0;
  /// Pages of the KV cache.
  virtual uint32_t pages() const = 0;
  /// Threads of the host that work on a step; 0: the work is not the host's.
  virtual int threads() const = 0;
  /// Whether page tables must have the same stride in every step.
  virtual bool fixedPageTables() const = 0;

  /// Fills pages with 0xFF (NaN as bf16 and f32).
  virtual absl::Status poisonPages(std::span<const int32_t> pages) = 0;
  /// Runs all dispatches on the step's inputs. `outputs`: one a row; none: all logits.
  virtual absl::StatusOr<DeviceStep> run(const StepInputs &inputs,
                                         std::span<const RowOutput> outputs) = 0;

  /// Calls body(unit) once for each of [0, units), on all threads of the host that work on steps;
  /// where the work is not the host's, one after the other. Not while a step runs.
  virtual void forEach(int64_t units, absl::FunctionRef<void(int64_t unit)> body);

  /// Looks into its steps.
  virtual StepProbe &probe() = 0;
  /// Measures what it can do at most.
  virtual Meter &meter() = 0;

protected:
  Device() = default;
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;
};

/// Indices of the parameters that every step reads from end to end; those of which a step reads
/// single rows (an embedding) are not among them.
std::vector<uint64_t> streamedParameters(const package::Program &program);

/// Pages that hold `sequences` of `context` tokens; an error if they are too many to be numbered.
absl::StatusOr<uint32_t> cachePages(const package::Program &program, const DeviceOptions &options);

} // namespace strata
