#include "runtime/checkpoint/Blocks.h"
#include "runtime/checkpoint/Gguf.h"

#include "test/fuzz/FuzzFile.h"

using namespace strata;

/// Decodes what the file holds: any bytes are weights.
static void decodeAll(const Checkpoint &checkpoint) {
  for (const auto &[key, tensor] : checkpoint.tensors()) {
    if (!isQuantized(tensor.dtype))
      continue;
    const BlockSize size = blockSize(tensor.dtype);
    std::vector<float> weights(tensor.bytes.size() / size.bytes * size.elements);
    decodeBlocks(tensor.dtype, tensor.bytes, weights);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const FuzzFile file(data, size);
  Checkpoint checkpoint;
  if (readGguf(FuzzFile::folder(), file.name(), checkpoint).ok()) {
    checkInside(checkpoint);
    decodeAll(checkpoint);
  }
  return 0;
}
