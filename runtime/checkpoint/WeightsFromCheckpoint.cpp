//===- WeightsFromCheckpoint.cpp - weights of another folder --------------===//

#include "runtime/checkpoint/WeightsFromCheckpoint.h"

#include "runtime/base/Status.h"

namespace strata {
namespace {

/// The same types have the same names.
DType checkpointType(package::DType dtype) {
  return dtypeNamed(package::EnumNameDType(dtype)).value(); // the package is verified
}

/// Whether the kernels read this tensor as it lies: its rows, and what the 1 of a norm is in.
absl::Status verifyLayout(const package::Parameter &expected, const CheckpointTensor &found,
                          const std::string &file) {
  auto mismatch = [&](const auto &...parts) {
    return absl::FailedPreconditionError(absl::StrCat(file, ": ", textOf(expected.key()), ": ",
                                                      parts..., "; compile the model again"));
  };
  if (Box box = boxOf(expected); found.box != box)
    return mismatch("expected rows ", describe(box), " as when compiled, found them ",
                    describe(found.box));
  if (found.includesOne != expected.includes_one())
    return mismatch("expected values ", expected.includes_one() ? "with" : "without",
                    " the 1 of the norm as when compiled, found them ",
                    found.includesOne ? "with" : "without", " it");
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Weights> weightsFromCheckpoint(const Package &package, Checkpoint checkpoint) {
  auto owner = std::make_shared<Checkpoint>(std::move(checkpoint));
  Weights::Parameters spans;
  for (const package::Parameter *parameter : itemsOf(package.manifest().parameters())) {
    std::vector<uint64_t> shape(itemsOf(parameter->shape()).begin(),
                                itemsOf(parameter->shape()).end());
    DType dtype = checkpointType(parameter->dtype());
    STRATA_ASSIGN(const CheckpointTensor *tensor,
                  owner->require(textOf(parameter->key()), shape, {&dtype, 1}));
    STRATA_TRY(verifyLayout(*parameter, *tensor, owner->files()[tensor->file].path));
    spans.push_back(tensor->bytes);
  }
  return Weights(std::move(spans), std::move(owner));
}

} // namespace strata
