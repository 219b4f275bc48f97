//===- Devices.h - naming and listing devices -------------------*- C++ -*-===//
#pragma once

#include "runtime/package/Package.h"
#include "tools/command_line/CommandLine.h"

#include <string>

namespace strata {

/// Takes "cpu", "cuda" or "cuda:N".
OptionSetter setDevice(std::string &target);

/// Opens a package to be run on a device; an error if it has no program for that.
absl::StatusOr<Package> openPackage(const std::string &path, const std::string &device);

/// What --list-devices prints: a line for the CPU and one for each GPU, or why there is none.
std::string describeDevices();

} // namespace strata
