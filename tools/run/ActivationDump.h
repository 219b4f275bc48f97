//===- ActivationDump.h - a step's values as files --------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/engine/Engine.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace strata {

/// Writes what dispatches compute into a folder: NAME.npy for each value, f32 [rows, features], the
/// rows of one step behind those of the last; and at the end index.json.
class ActivationDump {
public:
  /// Makes the folder; it is an error if there is something in it already.
  static absl::StatusOr<ActivationDump> create(const std::string &folder);

  absl::Status add(const ComputedValue &value);
  /// The values in the order in which they were computed, and what was run.
  absl::Status writeIndex(const Engine &engine, std::span<const int32_t> tokens) const;

  int64_t files() const { return int64_t(values.size()); }

private:
  struct Value {
    std::string name, dispatch, dtype;
    uint64_t rows, features;
  };

  explicit ActivationDump(std::string folder) : folder(std::move(folder)) {}

  std::string folder;
  std::vector<Value> values;
  std::map<std::string, size_t, std::less<>> numbers; // of the values, by name
};

/// Runs `tokens` (at most `chunk` a step) as a sequence of its own and dumps what is computed: the
/// logits of the last token, of everything else all rows. FAILED_PRECONDITION if the package does
/// not say what its dispatches compute.
absl::Status dumpActivations(Engine &engine, std::span<const int32_t> tokens, int64_t chunk,
                             ActivationDump &dump);

} // namespace strata
