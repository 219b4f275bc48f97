//===- Devices.cpp - options that name devices ----------------------------===//

#include "tools/command_line/Devices.h"

#include "runtime/Devices.h"
#include "runtime/base/Status.h"

namespace strata {

OptionSetter setDevice(std::string &target) {
  return [&target](const std::string &value) -> absl::Status {
    STRATA_TRY(parseDeviceName(value).status());
    target = value;
    return absl::OkStatus();
  };
}

absl::StatusOr<Package> openPackage(const std::string &path, const std::string &device) {
  STRATA_ASSIGN(const DeviceName name, parseDeviceName(device));
  STRATA_ASSIGN(Package package, Package::open(path));
  STRATA_TRY(package.code(name.kind).status());
  return package;
}

} // namespace strata
