//===- PackageIndices.h - are the manifest's numbers in range? --*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "runtime/package/Package_generated.h"

namespace strata {

/// Checks every string, index, range and size of a manifest whose tables FlatBuffers has verified;
/// all but the sections' places in the file, which the caller checks. Errors name the field.
absl::Status verifyIndices(const package::Manifest &manifest);

} // namespace strata
