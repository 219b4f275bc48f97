#include "runtime/checkpoint/ShardIndex.h"

#include "test/fuzz/FuzzFile.h"

using namespace strata;

/// Every shard holds one tensor, called after it.
static absl::Status readShard(const std::string &, const std::string &name,
                              Checkpoint &checkpoint) {
  if (name.find('/') != std::string::npos || name == "." || name == "..")
    std::abort();
  const uint32_t file = checkpoint.addFile(name, MappedFile(), {});
  return checkpoint.addTensor("tensor." + name, {DType::u8, {0}, file, 0});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const FuzzFile file(data, size);
  Checkpoint checkpoint;
  if (readShards(FuzzFile::folder(), file.name(), readShard, checkpoint).ok())
    checkInside(checkpoint);
  return 0;
}
