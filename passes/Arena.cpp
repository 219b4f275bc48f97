//===- Arena.cpp - greedy packing by size ---------------------------------===//

#include "passes/Arena.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <limits>

using namespace llvm;
using namespace strata;

/// The start of the smallest gap that fits `bytes` between `placed`, which are sorted by offset and
/// may overlap each other; failing that, their end.
static int64_t findGap(int64_t bytes, ArrayRef<const Stretch *> placed) {
  int64_t end = 0, best = -1, bestSize = std::numeric_limits<int64_t>::max();
  for (const Stretch *other : placed) {
    int64_t size = other->offset - end;
    if (size >= bytes && size < bestSize) {
      best = end;
      bestSize = size;
    }
    end = std::max(end, other->offset + other->bytes);
  }
  return best >= 0 ? best : end;
}

int64_t strata::packArena(MutableArrayRef<Stretch> stretches) {
  SmallVector<Stretch *> order;
  for (Stretch &stretch : stretches)
    order.push_back(&stretch);
  llvm::stable_sort(order, [](const Stretch *a, const Stretch *b) { return a->bytes > b->bytes; });

  int64_t total = 0;
  SmallVector<const Stretch *> placed;
  for (Stretch *stretch : order) {
    SmallVector<const Stretch *> rivals;
    llvm::copy_if(placed, std::back_inserter(rivals),
                  [&](const Stretch *other) { return stretch->isLiveWith(*other); });
    stretch->offset = findGap(stretch->bytes, rivals);
    total = std::max(total, stretch->offset + stretch->bytes);
    // `placed` stays sorted by offset, so every `rivals` is.
    placed.insert(
        llvm::upper_bound(placed, stretch,
                          [](const Stretch *a, const Stretch *b) { return a->offset < b->offset; }),
        stretch);
  }
  return total;
}
