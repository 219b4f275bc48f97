//===- TensorMaps.h - matrices that kernels copy boxes of by TMA -*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cuda/Driver.h"
#include "runtime/package/Package.h"

#include <map>
#include <utility>

namespace strata::cuda {

/// The tensor map of a buffer at `address`, `length` being the length of the map's axis. The map is
/// verified; errors are the driver's.
absl::StatusOr<CUtensorMap> encodeTensorMap(const Driver &driver, const package::TensorMap &map,
                                            CUdeviceptr address, int64_t length);

/// Maps of parameters, which no step changes.
class ParameterMaps {
public:
  absl::Status add(const Driver &driver, const package::TensorMap &map, uint64_t parameter,
                   CUdeviceptr address);
  void clear() { encoded.clear(); }
  const CUtensorMap &find(const package::TensorMap &map, uint64_t parameter) const {
    return encoded.at({&map, parameter});
  }

private:
  std::map<std::pair<const package::TensorMap *, uint64_t>, CUtensorMap> encoded;
};

} // namespace strata::cuda
