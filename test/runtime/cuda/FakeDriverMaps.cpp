//===- FakeDriverMaps.cpp - tensor maps, which old drivers do not have ----===//

#include "test/runtime/cuda/FakeDriverState.h"

#include <cstring>

using namespace strata::fake;

namespace strata::cuda {
extern "C" {

CUresult cuTensorMapEncodeTiled(CUtensorMap *result, CUtensorMapDataType type, uint32_t rank,
                                void *address, const uint64_t *sizes, const uint64_t *strides,
                                const uint32_t *boxes, const uint32_t *steps, CUtensorMapInterleave,
                                CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                                CUtensorMapFloatOOBfill) {
  ENTER("cuTensorMapEncodeTiled")
  if (rank != 2 || CUdeviceptr(result) % 64 || CUdeviceptr(address) % 16 ||
      !isMemory(CUdeviceptr(address), sizes[1] * strides[0]) || steps[0] != 1 || steps[1] != 1)
    return wrong(CUDA_ERROR_INVALID_VALUE);
  FakeTensorMap map{kMapMagic, address,  sizes[0],       sizes[1],         strides[0],
                    boxes[0],  boxes[1], uint32_t(type), uint32_t(swizzle)};
  static_assert(sizeof map <= sizeof *result);
  memcpy(result, &map, sizeof map);
  ++state().control.maps;
  return CUDA_SUCCESS;
}

} // extern "C"
} // namespace strata::cuda
