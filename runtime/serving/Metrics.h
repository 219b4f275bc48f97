//===- Metrics.h - what a scheduler counts ----------------------*- C++ -*-===//
#pragma once

#include "runtime/drafts/DraftCounts.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace strata::serving {

/// How many values were at most so large: Prometheus' histogram.
class Histogram {
public:
  explicit Histogram(std::initializer_list<double> bounds)
      : limits(bounds), counts(bounds.size()) {}

  void add(double value);

  std::span<const double> bounds() const { return limits; }
  /// Of the values that are at most bounds()[index].
  uint64_t upTo(size_t index) const;
  uint64_t count() const { return total; }
  double sum() const { return added; }

private:
  std::vector<double> limits;
  std::vector<uint64_t> counts; // of one bucket each
  uint64_t total = 0;
  double added = 0;
};

/// How requests ended.
enum class Outcome : uint8_t { stop, length, cancelled, failed };
inline constexpr size_t kOutcomes = 4;

struct Metrics {
  int64_t running = 0, waiting = 0;  // requests
  uint32_t pages = 0, freePages = 0; // of the KV cache; free: or only remembered
  uint64_t promptTokens = 0, cachedTokens = 0, generatedTokens = 0, steps = 0, preemptions = 0;
  DraftCounts drafts;
  std::array<uint64_t, kOutcomes> ended = {}; // requests by Outcome
  // Of all steps: what they took, sampling included, and what they had to move and compute at
  // least, by the package's formulas.
  double stepSeconds = 0, stepBytes = 0, stepFlops = 0;
  // Seconds.
  Histogram timeToFirstToken{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 80};
  Histogram interTokenLatency{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5};
  Histogram requestLatency{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500};
  Histogram queueTime{0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40, 80};

  uint64_t &of(Outcome outcome) { return ended[size_t(outcome)]; }
};

} // namespace strata::serving
