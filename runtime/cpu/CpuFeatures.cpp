//===- CpuFeatures.cpp - what this CPU can execute ------------------------===//

#include "runtime/cpu/CpuFeatures.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace strata::cpu {
namespace {

enum Register { eax, ebx, ecx, edx };

// Register files that the operating system must save, as bits of XCR0.
constexpr uint64_t kNone = 0;
constexpr uint64_t kYmm = 0x6;
constexpr uint64_t kZmm = 0xe6;
constexpr uint64_t kTile = 0x60000;

struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  Register where;
  int bit;
  uint64_t state;
};

constexpr Feature kFeatures[] = {
    {"sse3", 1, 0, ecx, 0, kNone},         {"ssse3", 1, 0, ecx, 9, kNone},
    {"cx16", 1, 0, ecx, 13, kNone},        {"sse4.1", 1, 0, ecx, 19, kNone},
    {"sse4.2", 1, 0, ecx, 20, kNone},      {"movbe", 1, 0, ecx, 22, kNone},
    {"popcnt", 1, 0, ecx, 23, kNone},      {"lzcnt", 0x80000001, 0, ecx, 5, kNone},
    {"bmi", 7, 0, ebx, 3, kNone},          {"bmi2", 7, 0, ebx, 8, kNone},
    {"avx", 1, 0, ecx, 28, kYmm},          {"fma", 1, 0, ecx, 12, kYmm},
    {"f16c", 1, 0, ecx, 29, kYmm},         {"avx2", 7, 0, ebx, 5, kYmm},
    {"avxvnni", 7, 1, eax, 4, kYmm},       {"avx512f", 7, 0, ebx, 16, kZmm},
    {"avx512dq", 7, 0, ebx, 17, kZmm},     {"avx512ifma", 7, 0, ebx, 21, kZmm},
    {"avx512cd", 7, 0, ebx, 28, kZmm},     {"avx512bw", 7, 0, ebx, 30, kZmm},
    {"avx512vl", 7, 0, ebx, 31, kZmm},     {"avx512vbmi", 7, 0, ecx, 1, kZmm},
    {"avx512vbmi2", 7, 0, ecx, 6, kZmm},   {"avx512vnni", 7, 0, ecx, 11, kZmm},
    {"avx512bitalg", 7, 0, ecx, 12, kZmm}, {"avx512vpopcntdq", 7, 0, ecx, 14, kZmm},
    {"avx512bf16", 7, 1, eax, 5, kZmm},    {"avx512fp16", 7, 0, edx, 23, kZmm},
    {"amx-bf16", 7, 0, edx, 22, kTile},    {"amx-tile", 7, 0, edx, 24, kTile},
    {"amx-int8", 7, 0, edx, 25, kTile},
};

bool cpuidBit(const Feature &feature) {
  uint32_t registers[4] = {};
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[eax], &registers[ebx],
                         &registers[ecx], &registers[edx]))
    return false;
  return registers[feature.where] >> feature.bit & 1;
}

uint64_t readXcr0() {
  constexpr Feature osxsave = {"osxsave", 1, 0, ecx, 27, kNone};
  if (!cpuidBit(osxsave))
    return 0;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

/// The kernel saves the 8 kB of tiles only for processes that have asked for them (Linux 5.16).
/// Returns why it refuses, or nothing.
std::string requestTiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18; // asm/prctl.h
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0)
    return "";
  return strerror(errno);
}

} // namespace

CpuFeatures CpuFeatures::detect() {
  std::set<std::string, std::less<>> names;
  uint64_t saved = readXcr0();
  std::string refusal = (saved & kTile) == kTile ? requestTiles() : "";
  if (!refusal.empty())
    saved &= ~kTile;
  for (const Feature &feature : kFeatures)
    if ((saved & feature.state) == feature.state && cpuidBit(feature))
      names.insert(feature.name);
  return CpuFeatures(std::move(names), std::move(refusal));
}

std::vector<std::string> CpuFeatures::missing(const std::vector<std::string> &wanted) const {
  std::vector<std::string> result;
  for (const std::string &name : wanted)
    if (!has(name))
      result.push_back(name);
  return result;
}

std::string CpuFeatures::refusal(const std::vector<std::string> &lacking) const {
  bool needsTiles = std::any_of(lacking.begin(), lacking.end(),
                                [](const std::string &name) { return name.starts_with("amx-"); });
  if (tileRefusal.empty() || !needsTiles)
    return "";
  return absl::StrCat("; the kernel refuses the use of tiles: ", tileRefusal);
}

std::string CpuFeatures::toString() const { return absl::StrJoin(names, " "); }

} // namespace strata::cpu
