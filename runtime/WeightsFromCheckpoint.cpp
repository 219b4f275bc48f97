//===- WeightsFromCheckpoint.cpp ------------------------------------------===//

#include "runtime/WeightsFromCheckpoint.h"

#include "runtime/Status.h"

namespace strata {
namespace {

DType checkpointType(package::DType dtype) {
  switch (dtype) {
  case package::DType::bf16:
    return DType::bf16;
  case package::DType::f16:
    return DType::f16;
  case package::DType::f32:
    return DType::f32;
  case package::DType::i32:
    return DType::i32;
  }
  return DType::u8; // not reached: the package is verified
}

} // namespace

absl::StatusOr<Weights> weightsFromCheckpoint(const Package &package, Checkpoint checkpoint) {
  auto owner = std::make_shared<Checkpoint>(std::move(checkpoint));
  Weights::Parameters spans;
  for (const package::Parameter *parameter : items(package.manifest().parameters())) {
    std::vector<uint64_t> shape(items(parameter->shape()).begin(), items(parameter->shape()).end());
    DType dtype = checkpointType(parameter->dtype());
    STRATA_ASSIGN(const CheckpointTensor *tensor,
                  owner->require(text(parameter->key()), shape, {&dtype, 1}));
    spans.push_back(tensor->bytes);
  }
  return Weights(std::move(spans), std::move(owner));
}

} // namespace strata
