#include "runtime/checkpoint/DistributedTorch.h"

#include <cstdint>
#include <cstdlib>

using namespace strata;

/// Chunks lie inside of their tensors, whatever the pickle said.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const auto tensors = readDistributedMetadata(std::as_bytes(std::span(data, size)), "input");
  if (!tensors.ok())
    return 0;
  for (const DistributedTensor &tensor : *tensors)
    for (const TensorChunk &chunk : tensor.chunks) {
      if (chunk.offsets.size() != tensor.shape.size() || chunk.sizes.size() != tensor.shape.size())
        std::abort();
      for (size_t i = 0; i != tensor.shape.size(); ++i)
        if (chunk.offsets[i] > tensor.shape[i] ||
            chunk.sizes[i] > tensor.shape[i] - chunk.offsets[i])
          std::abort();
    }
  return 0;
}
