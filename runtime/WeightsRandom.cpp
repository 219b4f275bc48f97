//===- WeightsRandom.cpp - random weights, and when they are made ---------===//

#include "runtime/AnonymousMemory.h"
#include "runtime/RandomWeights.h"
#include "runtime/Status.h"
#include "runtime/Weights.h"
#include "runtime/cpu/ThreadPool.h"

#include <algorithm>

namespace strata {
namespace {

constexpr uint64_t kPieceValues = 1 << 16; // that a thread makes at once

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
  uint64_t bytes = kPieceValues * elementBytes(all.dtype);
  for (uint64_t done = 0; done < to.size(); done += bytes) {
    RandomValues values = all;
    values.first = done / elementBytes(all.dtype);
    pieces.push_back({values, to.subspan(done, std::min(bytes, to.size() - done))});
  }
}

absl::Status make(const std::vector<Piece> &pieces) {
  STRATA_ASSIGN(auto pool, cpu::ThreadPool::create(cpu::availableCpus()));
  pool->run([&](int worker) {
    cpu::Range slice = cpu::sliceOf(int64_t(pieces.size()), worker, pool->threads());
    for (int64_t i = slice.begin; i < slice.end; ++i)
      makeRandomValues(pieces[size_t(i)].values, pieces[size_t(i)].to);
  });
  return absl::OkStatus();
}

} // namespace

Weights Weights::random(const Package &package, uint64_t seed) {
  Parameters spans;
  for (const package::Parameter *parameter : items(package.manifest().parameters()))
    spans.emplace_back(static_cast<const std::byte *>(nullptr), parameterBytes(*parameter));
  Weights weights(std::move(spans), nullptr);
  weights.toBeMade = seed;
  return weights;
}

absl::StatusOr<Weights> Weights::inMemory(const Package &package) const {
  if (!toBeMade)
    return *this;
  STRATA_ASSIGN(AnonymousMemory reserved, reserve(memoryFor(spans)));
  auto memory = std::make_shared<AnonymousMemory>(std::move(reserved));
  Parameters made;
  std::vector<Piece> pieces;
  std::byte *next = memory->data();
  for (const package::Parameter *parameter : items(package.manifest().parameters())) {
    std::span to(next, size_t(parameterBytes(*parameter)));
    const std::string key = text(parameter->key());
    addPieces(pieces,
              {parameter->dtype(), *toBeMade, randomStream(key), 0, key.ends_with(kScaleKeySuffix)},
              to);
    made.emplace_back(to);
    next += alignUp(to.size());
  }
  STRATA_TRY(make(pieces));
  return Weights(std::move(made), std::move(memory));
}

} // namespace strata
