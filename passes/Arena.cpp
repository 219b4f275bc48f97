//===- Arena.cpp - greedy packing by size ---------------------------------===//

#include "passes/Arena.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <limits>

using namespace llvm;
using namespace strata;

/// The start of the smallest gap that fits `bytes` between `placed`, which are sorted by offset and
/// may overlap each other; failing that, their end.
static int64_t findGap(int64_t bytes, ArrayRef<const LiveRange *> placed) {
  int64_t end = 0, best = -1, bestSize = std::numeric_limits<int64_t>::max();
  for (const LiveRange *other : placed) {
    int64_t size = other->offset - end;
    if (size >= bytes && size < bestSize) {
      best = end;
      bestSize = size;
    }
    end = std::max(end, other->offset + other->bytes);
  }
  return best >= 0 ? best : end;
}

int64_t strata::packArena(MutableArrayRef<LiveRange> ranges) {
  SmallVector<LiveRange *> order;
  for (LiveRange &range : ranges)
    order.push_back(&range);
  llvm::stable_sort(order,
                    [](const LiveRange *a, const LiveRange *b) { return a->bytes > b->bytes; });

  int64_t total = 0;
  SmallVector<const LiveRange *> placed;
  for (LiveRange *range : order) {
    SmallVector<const LiveRange *> rivals;
    llvm::copy_if(placed, std::back_inserter(rivals),
                  [&](const LiveRange *other) { return range->isLiveWith(*other); });
    range->offset = findGap(range->bytes, rivals);
    total = std::max(total, range->offset + range->bytes);
    // `placed` stays sorted by offset, so every `rivals` is.
    placed.insert(llvm::upper_bound(
                      placed, range,
                      [](const LiveRange *a, const LiveRange *b) { return a->offset < b->offset; }),
                  range);
  }
  return total;
}
