//===- TensorMaps.cpp - matrices that kernels copy boxes of by TMA --------===//

#include "runtime/cuda/TensorMaps.h"

#include "runtime/base/Status.h"

namespace strata::cuda {
namespace {

CUtensorMapDataType typeOf(package::DType dtype) {
  switch (dtype) {
  case package::DType::bf16:
    return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
  case package::DType::f16:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  case package::DType::f32:
    return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  case package::DType::i32:
    return CU_TENSOR_MAP_DATA_TYPE_INT32;
  default:
    return CU_TENSOR_MAP_DATA_TYPE_UINT8; // not reached: the package is verified
  }
}

// CUDA's numbers are those of the package.
CUtensorMapSwizzle swizzleOf(package::Swizzle swizzle) {
  using package::Swizzle;
  static_assert(int(Swizzle::none) == CU_TENSOR_MAP_SWIZZLE_NONE &&
                int(Swizzle::b32) == CU_TENSOR_MAP_SWIZZLE_32B &&
                int(Swizzle::b64) == CU_TENSOR_MAP_SWIZZLE_64B &&
                int(Swizzle::b128) == CU_TENSOR_MAP_SWIZZLE_128B && Swizzle::MAX == Swizzle::b128);
  return CUtensorMapSwizzle(swizzle);
}

} // namespace

absl::StatusOr<CUtensorMap> encodeTensorMap(const Driver &driver, const package::TensorMap &map,
                                            CUdeviceptr address, int64_t length) {
  CUtensorMap result;
  // The dimension that is contiguous comes first.
  uint64_t sizes[] = {map.columns(), uint64_t(map.rows()) * uint64_t(length)};
  uint64_t strides[] = {map.row_bytes()};
  uint32_t boxes[] = {map.box_columns(), map.box_rows()}, steps[] = {1, 1};
  STRATA_TRY(driver.cuTensorMapEncodeTiled(
      &result, typeOf(map.dtype()), 2u, reinterpret_cast<void *>(address), &sizes[0], &strides[0],
      &boxes[0], &steps[0], CU_TENSOR_MAP_INTERLEAVE_NONE, swizzleOf(map.swizzle()),
      CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE));
  return result;
}

absl::Status ParameterMaps::add(const Driver &driver, const package::TensorMap &map,
                                uint64_t parameter, CUdeviceptr address) {
  std::pair key(&map, parameter);
  if (encoded.count(key))
    return absl::OkStatus();
  STRATA_ASSIGN(CUtensorMap made, encodeTensorMap(driver, map, address, 1));
  encoded.emplace(key, made);
  return absl::OkStatus();
}

} // namespace strata::cuda
