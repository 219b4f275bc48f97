//===- Devices.h - options that name devices --------------------*- C++ -*-===//
#pragma once

#include "runtime/package/Package.h"
#include "tools/command_line/CommandLine.h"

#include <string>

namespace strata {

/// Takes what parseDeviceName takes: "cpu", "cuda" or "cuda:N".
OptionSetter setDevice(std::string &target);

/// Opens a package to be run on a device; an error if it has no program for that.
absl::StatusOr<Package> openPackage(const std::string &path, const std::string &device);

} // namespace strata
