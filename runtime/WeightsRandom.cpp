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
#include <map>
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

/// Memory that is filled for itself: of a parameter, or of all of a type.
struct Region {
  uint64_t offset, bytes;
  package::DType dtype;
};

struct Layout {
  std::vector<uint64_t> offsets; // of the parameters
  std::vector<Region> regions;
  uint64_t bytes = 0;

  uint64_t add(uint64_t size, package::DType dtype) {
    regions.push_back({bytes, size, dtype});
    bytes += alignUp(size);
    return regions.back().offset;
  }
};

Layout layOutApart(const Package &package) {
  Layout layout;
  for (const package::Parameter *parameter : items(package.manifest().parameters()))
    layout.offsets.push_back(layout.add(parameterBytes(*parameter), parameter->dtype()));
  return layout;
}

Layout layOutShared(const Package &package) {
  Layout layout;
  std::map<package::DType, uint64_t> largest, offsets;
  for (const package::Parameter *parameter : items(package.manifest().parameters())) {
    uint64_t &bytes = largest[parameter->dtype()];
    bytes = std::max(bytes, parameterBytes(*parameter));
  }
  for (auto [dtype, bytes] : largest)
    offsets[dtype] = layout.add(bytes, dtype);
  for (const package::Parameter *parameter : items(package.manifest().parameters()))
    layout.offsets.push_back(offsets[parameter->dtype()]);
  return layout;
}

absl::StatusOr<AnonymousMemory> reserve(uint64_t bytes) {
  if (bytes > availableMemory())
    return absl::ResourceExhaustedError(absl::StrCat("random weights: ", formatBytes(bytes),
                                                     " are needed, ",
                                                     formatBytes(availableMemory()), " available"));
  return AnonymousMemory::reserve(bytes, "random weights");
}

absl::Status fill(std::byte *memory, const std::vector<Region> &regions, uint64_t seed) {
  Table tables[4];
  std::vector<Fill> fills;
  for (const Region &region : regions) {
    Table &table = tables[size_t(region.dtype)];
    if (table.empty())
      table = makeTable(region.dtype, seed);
    for (uint64_t done = 0; done < region.bytes; done += kStretch)
      fills.push_back({memory + region.offset + done, std::min(kStretch, region.bytes - done),
                       seed + fills.size(), &table});
  }
  STRATA_ASSIGN(auto pool, cpu::ThreadPool::create(cpu::availableCpus()));
  pool->run([&](int worker) {
    cpu::Range slice = cpu::sliceOf(int64_t(fills.size()), worker, pool->threads());
    for (int64_t i = slice.begin; i < slice.end; ++i)
      fills[size_t(i)].run();
  });
  return absl::OkStatus();
}

} // namespace

absl::StatusOr<Weights> Weights::random(const Package &package, uint64_t seed, bool shared) {
  Layout layout = shared ? layOutShared(package) : layOutApart(package);
  STRATA_ASSIGN(AnonymousMemory reserved, reserve(layout.bytes));
  auto memory = std::make_shared<AnonymousMemory>(std::move(reserved));
  STRATA_TRY(fill(memory->data(), layout.regions, seed));
  Parameters spans;
  for (const package::Parameter *parameter : items(package.manifest().parameters()))
    spans.emplace_back(memory->data() + layout.offsets[spans.size()], parameterBytes(*parameter));
  return Weights(std::move(spans), std::move(memory));
}

} // namespace strata
