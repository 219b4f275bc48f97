//===- PackageFacts.h - what a package's manifest adds up to ----*- C++ -*-===//
#pragma once

#include "runtime/package/Package.h"
#include "tools/command_line/JsonWriter.h"

#include <cstdint>
#include <string>

namespace strata {

/// What one token costs by the plan's formulas, its logits included.
struct TokenCost {
  uint64_t streamed = 0, activations = 0, flops = 0; // bytes, bytes, FLOP
  uint64_t contextBytes = 0, contextFlops = 0;       // for each token of context
};
TokenCost costOf(const package::Program &program);

/// Bytes of all parameters, where they lie.
uint64_t weightBytes(const package::Manifest &manifest);

/// That of the format: "1.4".
std::string versionOf(const Package &package);

/// What a dispatch costs: members of an object that was begun.
void writeCost(JsonWriter &json, const package::Dispatch &dispatch);

} // namespace strata
