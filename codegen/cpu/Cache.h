//===- Cache.h - how a page of the KV cache is laid out on a CPU -*- C++ -*-===//
//
// Page p holds, for each layer and head, first the keys, then the values of `page_tokens` tokens,
// so that a head's part of a page is one stream:
//
//   keys    [head_dim / 2][page_tokens] pairs: the scores of a page are products with a broadcast
//           pair of the query, token by token in the lanes, without horizontal sums
//   values  [page_tokens / 2][head_dim] pairs of two tokens: products with a broadcast pair of
//           their weights. The odd half is zero until its token comes, so that a whole pair may be
//           read
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Buffers.h"
#include "codegen/cpu/OpKernels.h"

namespace strata::cpu {

/// Keys and values of one page, layer and head, and a token's slot in it.
struct CachePage {
  Value keys, values;
};
struct CacheSlot {
  CachePage page;
  Value slot;
};

/// The page that holds tokens [pageIndex * page_tokens, ...) of a sequence.
CachePage cachePageAt(KernelBuilder &b, const KernelArguments &args, const CacheBuffers &buffers,
                      Value sequence, Value pageIndex, Value head);

/// Where the key and value of the step's token `token` go.
CacheSlot cacheSlot(KernelBuilder &b, const KernelArguments &args, const CacheBuffers &buffers,
                    Value token, Value head);

/// Stores head_dim features, f32 at `features`[row, 0..], as the key or the value of a slot. The
/// tokens of a head must come in order, from one thread.
void storeKey(KernelBuilder &b, const CacheSlot &slot, Value features, Value row, int64_t headDim);
void storeValue(KernelBuilder &b, const CacheSlot &slot, Value features, Value row,
                int64_t headDim);

} // namespace strata::cpu
