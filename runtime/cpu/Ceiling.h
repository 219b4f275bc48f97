//===- Ceiling.h - what this machine can do at most -------------*- C++ -*-===//
//
// Every figure of speed is quoted beside one of these, measured in the same process on the same
// threads, just before and after: bandwidth wanders by half from second to second.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/CpuFeatures.h"

#include <cstddef>
#include <span>
#include <vector>

namespace strata::cpu {

/// Reads memory as the matrix-vector kernels do, and does nothing with it: each thread one
/// sequential stream through its share of each range.
class ReadCeiling {
public:
  /// `ranges` must outlive it. At most `mostBytes` of them are read a pass.
  ReadCeiling(const CpuFeatures &features, std::vector<std::span<const std::byte>> ranges,
              uint64_t mostBytes);

  /// Bytes a second, over as many passes as take `seconds`, at least one; 0 without ranges.
  double measure(ThreadPool &pool, double seconds) const;

private:
  void (*read)(const std::byte *from, int64_t bytes);
  std::vector<std::span<const std::byte>> ranges;
  uint64_t bytes = 0;
};

/// The rate of the best dot-product instruction among `features`, on registers: of those that
/// multiply numbers, or of those that multiply bytes.
class FlopCeiling {
public:
  FlopCeiling(const CpuFeatures &features, bool bytes);

  /// FLOP/s of all threads together, in some milliseconds; 0 if no instruction is known.
  double measure(ThreadPool &pool) const;
  /// "vdpbf16ps zmm".
  const char *instruction() const { return kind->name; }

  struct Kind {
    const char *name, *feature;
    bool bytes;
    double flops; // of one round
    void (*run)(int64_t rounds);
  };

private:
  const Kind *kind;
};

} // namespace strata::cpu
