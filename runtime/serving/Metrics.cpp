//===- Metrics.cpp - what a scheduler counts ------------------------------===//

#include "runtime/serving/Metrics.h"

#include <algorithm>
#include <numeric>

namespace strata::serving {

void Histogram::add(double value) {
  ++total;
  added += value;
  auto bucket = std::lower_bound(limits.begin(), limits.end(), value) - limits.begin();
  if (size_t(bucket) < counts.size())
    ++counts[size_t(bucket)];
}

uint64_t Histogram::upTo(size_t index) const {
  return std::accumulate(counts.begin(), counts.begin() + ptrdiff_t(index) + 1, uint64_t(0));
}

} // namespace strata::serving
