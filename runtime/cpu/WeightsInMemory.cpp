//===- WeightsInMemory.cpp - random weights made by all cores -------------===//

#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/Status.h"
#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/RandomWeights.h"
#include "runtime/package/Weights.h"

#include <algorithm>

namespace strata::cpu {
namespace {

constexpr uint64_t kPieceValues = 1 << 16; // that a thread makes at once: whole blocks

/// Values of a parameter and where they belong.
struct Piece {
  RandomValues values;
  std::span<std::byte> to;
};

uint64_t alignUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

uint64_t memoryFor(const Weights::Parameters &parameters) {
  uint64_t sum = 0;
  for (std::span<const std::byte> parameter : parameters)
    sum += alignUp(parameter.size());
  return sum;
}

absl::StatusOr<AnonymousMemory> reserve(uint64_t bytes) {
  if (bytes > availableMemory())
    return absl::ResourceExhaustedError(absl::StrCat("random weights: ", formatBytes(bytes),
                                                     " are needed, ",
                                                     formatBytes(availableMemory()), " available"));
  return AnonymousMemory::reserve(bytes, "random weights");
}

void addPieces(std::vector<Piece> &pieces, const RandomValues &all, std::span<std::byte> to) {
  const uint64_t bytes = blockSize(all.dtype).bytesOf(kPieceValues).value();
  RandomValues values = all;
  for (uint64_t done = 0; done < to.size(); done += bytes, values.first += kPieceValues)
    pieces.push_back({values, to.subspan(done, std::min(bytes, to.size() - done))});
}

absl::Status make(const std::vector<Piece> &pieces) {
  STRATA_ASSIGN(auto pool, ThreadPool::create(availableCpus()));
  pool->run([&](int worker) {
    Range slice = sliceOf(int64_t(pieces.size()), worker, pool->threads());
    for (int64_t i = slice.begin; i < slice.end; ++i)
      makeRandomValues(pieces[size_t(i)].values, pieces[size_t(i)].to);
  });
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Weights> inMemory(const Package &package, const Weights &weights) {
  if (!weights.seed())
    return weights;
  STRATA_ASSIGN(AnonymousMemory reserved, reserve(memoryFor(weights.parameters())));
  auto memory = std::make_shared<AnonymousMemory>(std::move(reserved));
  Weights::Parameters made;
  std::vector<Piece> pieces;
  std::byte *next = memory->data();
  for (const package::Parameter *parameter : itemsOf(package.manifest().parameters())) {
    std::span to(next, size_t(parameterBytes(*parameter)));
    const std::string key = textOf(parameter->key());
    addPieces(pieces,
              {parameter->dtype(), *weights.seed(), randomStream(key), 0, parameter->scales()}, to);
    made.emplace_back(to);
    next += alignUp(to.size());
  }
  STRATA_TRY(make(pieces));
  return Weights(std::move(made), std::move(memory));
}

} // namespace strata::cpu
