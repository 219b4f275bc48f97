//===- Devices.h - the kinds of device there are ----------------*- C++ -*-===//
//
// Where the rooms of the runtime meet: a line of the table in Devices.cpp is a kind of device.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/engine/Device.h"
#include "runtime/package/Package.h"
#include "runtime/package/Weights.h"

#include <memory>
#include <string>

namespace strata {

/// A device of this machine: "cpu", "cuda" (the first one) or "cuda:N".
struct DeviceName {
  std::string kind; // as programs of packages name it
  int ordinal = 0;
};
absl::StatusOr<DeviceName> parseDeviceName(const std::string &name);

/// Opens a device by name. Package and weights must outlive it.
absl::StatusOr<std::unique_ptr<Device>> openDevice(const std::string &name, const Package &package,
                                                   const Weights &weights,
                                                   const DeviceOptions &options);

/// The devices of this machine, for people, a line each.
std::string describeDevices();

} // namespace strata
