//===- CheckNesting.h - MLIR text that a recursive parser survives -*- C++ -*-//
#pragma once

#include "absl/status/status.h"

#include <string_view>

namespace strata {

/// The deepest nesting of brackets in MLIR text, aliases expanded. MLIR's parser and printer
/// recurse, and run out of an 8-MiB stack at about 3,900 regions.
inline constexpr size_t kMaxMlirNesting = 1000;

/// Refuses text that is nested deeper, or that aliases of aliases would blow up, before MLIR sees
/// it. Anything else that is wrong with the text is the parser's to find.
absl::Status checkNesting(std::string_view text);

} // namespace strata
