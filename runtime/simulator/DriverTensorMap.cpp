//===- DriverTensorMap.cpp - cuTensorMapEncodeTiled -----------------------===//

#include "runtime/simulator/Driver.h"
#include "runtime/simulator/TensorMap.h"

#include <cstring>

namespace strata::cuda {

using namespace strata::simulator;

static uint8_t bytesOf(CUtensorMapDataType type) {
  switch (type) {
  case CU_TENSOR_MAP_DATA_TYPE_UINT8:
    return 1;
  case CU_TENSOR_MAP_DATA_TYPE_UINT16:
  case CU_TENSOR_MAP_DATA_TYPE_FLOAT16:
  case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16:
    return 2;
  case CU_TENSOR_MAP_DATA_TYPE_UINT64:
  case CU_TENSOR_MAP_DATA_TYPE_INT64:
  case CU_TENSOR_MAP_DATA_TYPE_FLOAT64:
    return 8;
  default:
    return 4;
  }
}

/// What the driver documents as required.
static bool isValid(const TensorMap &map, const uint32_t *elementStrides) {
  if (map.address % 16)
    return false;
  for (uint32_t dimension = 0; dimension != map.rank; ++dimension) {
    uint32_t box = map.boxes[dimension];
    if (!map.sizes[dimension] || !box || box > 256 || elementStrides[dimension] != 1)
      return false;
    if (dimension && (map.strides[dimension - 1] % 16 || map.strides[dimension - 1] >> 40))
      return false;
  }
  size_t row = size_t(map.boxes[0]) * map.elementBytes;
  return row % 16 == 0 && (!map.swizzle || row <= size_t(16) << map.swizzle);
}

CUresult cuTensorMapEncodeTiled(CUtensorMap *result, CUtensorMapDataType type, uint32_t rank,
                                void *globalAddress, const uint64_t *globalSizes,
                                const uint64_t *globalStrides, const uint32_t *boxSizes,
                                const uint32_t *elementStrides, CUtensorMapInterleave interleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                                CUtensorMapFloatOOBfill) {
  if (rank == 0 || rank > TensorMap::maxRank || uintptr_t(result) % 64)
    return CUDA_ERROR_INVALID_VALUE;
  TensorMap map;
  map.rank = uint8_t(rank);
  map.elementBytes = bytesOf(type);
  map.swizzle = uint8_t(swizzle);
  map.address = uint64_t(globalAddress);
  for (uint32_t dimension = 0; dimension != rank; ++dimension) {
    if (globalSizes[dimension] >> 32)
      return CUDA_ERROR_INVALID_VALUE;
    map.sizes[dimension] = uint32_t(globalSizes[dimension]);
    map.boxes[dimension] = boxSizes[dimension];
    if (dimension)
      map.strides[dimension - 1] = globalStrides[dimension - 1];
  }
  if (!isValid(map, elementStrides))
    return CUDA_ERROR_INVALID_VALUE;
  size_t row = size_t(map.boxes[0]) * map.elementBytes;
  if (interleave || (swizzle && row != size_t(16) << swizzle))
    return CUDA_ERROR_NOT_SUPPORTED; // interleaving, and rows shorter than the swizzle
  std::memcpy(result, &map, sizeof map);
  return CUDA_SUCCESS;
}

} // namespace strata::cuda
