//===- WeightsRandom.cpp - weights for measuring speed --------------------===//
//
// One table of normal values a dtype, and each parameter filled with stretches of it from random
// places: as fast as copying, and no value that a kernel could profit from.
//
//===----------------------------------------------------------------------===//

#include "runtime/AnonymousMemory.h"
#include "runtime/Status.h"
#include "runtime/Weights.h"
#include "runtime/cpu/ThreadPool.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

namespace strata {
namespace {

constexpr uint64_t kTableValues = 1 << 18;
constexpr uint64_t kStretch = 1 << 15; // bytes copied at once
constexpr float kDeviation = 0.02f;

/// splitmix64: a hash of consecutive numbers.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Box-Muller on the i-th pair of uniform numbers.
float normal(uint64_t seed, uint64_t i) {
  uint64_t bits = mix(seed ^ mix(i));
  double u = (double(bits >> 32) + 1) * 0x1p-32, v = double(uint32_t(bits)) * 0x1p-32;
  return float(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v)) * kDeviation;
}

uint16_t toBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Rounds toward zero; what is too small for a normal number becomes zero.
uint16_t toF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  return uint16_t(magnitude < 0x38800000 ? sign : sign | ((magnitude - 0x38000000) >> 13));
}

using Table = std::vector<std::byte>;

Table makeTable(package::DType dtype, uint64_t seed) {
  uint64_t size = elementBytes(dtype);
  Table table(kTableValues * size); // i32 stays zero
  for (uint64_t i = 0; i < kTableValues && dtype != package::DType::i32; ++i) {
    float value = normal(seed, i);
    uint16_t half = dtype == package::DType::bf16 ? toBf16(value) : toF16(value);
    memcpy(&table[i * size], size == 2 ? static_cast<void *>(&half) : &value, size);
  }
  return table;
}

/// One copy: a stretch of a parameter.
struct Fill {
  std::byte *to;
  uint64_t bytes, seed;
  const Table *table;

  void run() const {
    uint64_t places = (table->size() - kStretch) / 64;
    memcpy(to, table->data() + mix(seed) % places * 64, bytes);
  }
};

uint64_t alignUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

absl::StatusOr<AnonymousMemory> reserveFor(const Package &package) {
  uint64_t sum = 0;
  for (const package::Parameter *parameter : items(package.manifest().parameters()))
    sum += alignUp(parameterBytes(*parameter));
  if (sum > availableMemory())
    return absl::ResourceExhaustedError(absl::StrCat("random weights: ", formatBytes(sum),
                                                     " are needed, ",
                                                     formatBytes(availableMemory()), " available"));
  return AnonymousMemory::reserve(sum, "random weights");
}

} // namespace

absl::StatusOr<Weights> Weights::random(const Package &package, uint64_t seed) {
  STRATA_ASSIGN(AnonymousMemory reserved, reserveFor(package));
  auto memory = std::make_shared<AnonymousMemory>(std::move(reserved));
  Table tables[4];
  Parameters spans;
  std::vector<Fill> fills;
  std::byte *next = memory->data();
  for (const package::Parameter *parameter : items(package.manifest().parameters())) {
    Table &table = tables[size_t(parameter->dtype())];
    if (table.empty())
      table = makeTable(parameter->dtype(), seed);
    uint64_t bytes = parameterBytes(*parameter);
    for (uint64_t done = 0; done < bytes; done += kStretch)
      fills.push_back({next + done, std::min(kStretch, bytes - done), seed + fills.size(), &table});
    spans.emplace_back(next, bytes);
    next += alignUp(bytes);
  }
  STRATA_ASSIGN(auto pool, cpu::ThreadPool::create(cpu::availableCpus()));
  pool->run([&](int worker) {
    cpu::Range slice = cpu::sliceOf(int64_t(fills.size()), worker, pool->threads());
    for (int64_t i = slice.begin; i < slice.end; ++i)
      fills[size_t(i)].run();
  });
  return Weights(std::move(spans), std::move(memory));
}

} // namespace strata
