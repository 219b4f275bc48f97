//===- BpeMerges.cpp - byte-pair encoding ---------------------------------===//
#include "runtime/tokenizer/BpeMerges.h"

#include <algorithm>

namespace strata {

const bpe::Merge *BpeMerges::find(int32_t left, int32_t right) const {
  if (!tables->merges())
    return nullptr;
  const auto &begins = *tables->merge_begins();
  const auto *first = reinterpret_cast<const bpe::Merge *>(tables->merges()->Data());
  const bpe::Merge *begin = first + begins.Get(left), *end = first + begins.Get(left + 1);
  const bpe::Merge *found =
      std::lower_bound(begin, end, uint32_t(right), [](const bpe::Merge &merge, uint32_t wanted) {
        return merge.right() < wanted;
      });
  return found != end && found->right() == uint32_t(right) ? found : nullptr;
}

/// Ids in a list that shrinks; an id stays at the index where its text begins.
class BpeMerges::Word {
public:
  Word(const BpeMerges &merges, std::vector<int32_t> &ids) : merges(merges), ids(ids) {
    links.reserve(ids.size());
    for (int32_t i = 0; i < int32_t(ids.size()); ++i)
      links.push_back({i - 1, i + 1});
    for (int32_t i = 0; i + 1 < int32_t(ids.size()); ++i)
      propose(i);
    std::make_heap(queue.begin(), queue.end());
  }

  void mergeAll() {
    while (!queue.empty()) {
      std::pop_heap(queue.begin(), queue.end());
      const Candidate best = queue.back();
      queue.pop_back();
      if (isCurrent(best))
        merge(best);
    }
    std::erase(ids, kGone);
  }

private:
  static constexpr int32_t kGone = -1;

  struct Links {
    int32_t previous, next;
  };
  struct Candidate {
    uint32_t rank;
    int32_t at;
    int32_t result;
    bool operator<(const Candidate &other) const { // of a heap whose top is the largest
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };

  bool hasNext(int32_t at) const { return links[at].next < int32_t(ids.size()); }

  bool propose(int32_t at) {
    const bpe::Merge *merge = merges.find(ids[at], ids[links[at].next]);
    if (merge)
      queue.push_back({merge->rank(), at, int32_t(merge->result())});
    return merge;
  }

  /// A candidate outlives its pair when one of the two is merged with another.
  bool isCurrent(const Candidate &candidate) const {
    if (ids[candidate.at] == kGone || !hasNext(candidate.at))
      return false;
    const bpe::Merge *merge = merges.find(ids[candidate.at], ids[links[candidate.at].next]);
    return merge && int32_t(merge->result()) == candidate.result;
  }

  void merge(const Candidate &candidate) {
    const int32_t at = candidate.at, right = links[at].next;
    ids[at] = candidate.result;
    ids[right] = kGone;
    links[at].next = links[right].next;
    if (hasNext(at)) {
      links[links[at].next].previous = at;
      if (propose(at))
        std::push_heap(queue.begin(), queue.end());
    }
    if (links[at].previous >= 0 && propose(links[at].previous))
      std::push_heap(queue.begin(), queue.end());
  }

  const BpeMerges &merges;
  std::vector<int32_t> &ids;
  std::vector<Links> links;
  std::vector<Candidate> queue;
};

void BpeMerges::apply(std::vector<int32_t> &ids) const {
  if (ids.size() > 1)
    Word(*this, ids).mergeAll();
}

} // namespace strata
