#include "runtime/checkpoint/Safetensors.h"

#include "test/fuzz/FuzzFile.h"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const FuzzFile file(data, size);
  Checkpoint checkpoint;
  if (readSafetensors(FuzzFile::folder(), file.name(), checkpoint).ok())
    checkInside(checkpoint);
  return 0;
}
