//===- Devices.h - naming and listing devices -------------------*- C++ -*-===//
#pragma once

#include "tools/run/CommandLine.h"

#include <string>

namespace strata {

/// Takes "cpu", "cuda" or "cuda:N".
OptionSetter setDevice(std::string &target);

/// What --list-devices prints: a line for the CPU and one for each GPU, or why there is none.
std::string describeDevices();

} // namespace strata
