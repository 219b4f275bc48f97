//===- StandardFiles.h - descriptors 0 to 2 ---------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"

namespace strata {

/// The first thing that every main() does. Descriptors 0 to 2 that are closed are taken, so that no
/// file that is opened later, such as memory for kernels, becomes one of them; reading and writing
/// them fails. An error if standard output is closed: there is nowhere for results to go.
absl::Status reserveStandardFiles();

/// Whether standard input could be read as far as it was, since std::cin takes an error for an end.
absl::Status checkStandardInput();

} // namespace strata
