//===- Quantize.h - a model with weights of 4 or 8 bits ---------*- C++ -*-===//
#pragma once

#include "frontend/Quantization.h"

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

struct QuantizeOptions {
  std::string model;                   // a folder, a .gguf or .nemo file
  std::string folder;                  // to be written: new, or empty
  uint64_t shardBytes = 5'000'000'000; // of tensors in a file, at most, if one tensor is not more
  int64_t bits = 8;                    // of a weight: 4 or 8
  int64_t group = kQuantizationGroup;  // weights of a row that share a scale: 32, 64 or 128
};

/// How far a quantization is.
struct QuantizeProgress {
  std::string key;    // the tensor that comes next
  uint64_t done, all; // bytes read of those to be read
};

struct QuantizeSummary {
  uint64_t linears = 0;                     // weights that were quantized
  uint64_t bytesBefore = 0, bytesAfter = 0; // of the model's tensors
  double greatestError = 0;       // of a tensor: the norm of the error over that of the tensor
  std::string greatestKey;        // whose error that is
  std::vector<std::string> notes; // for people, one line each: files and tensors that are left out
};

/// Writes a folder that holds the model with the weights of its linears quantized, as
/// docs/quantization.md describes it: safetensors, config.json, tokenizer. The folder appears when
/// it is complete. `report` is called before each tensor; an error that it returns ends the work.
/// Equal inputs give equal bytes.
absl::StatusOr<QuantizeSummary>
quantizeModel(const QuantizeOptions &options,
              absl::FunctionRef<absl::Status(const QuantizeProgress &)> report);

} // namespace strata
