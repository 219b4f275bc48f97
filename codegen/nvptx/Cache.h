//===- Cache.h - how a page of the KV cache is laid out on a GPU -*- C++ -*-===//
//
// Page p holds, for each layer, first the keys, then the values of `page_tokens` tokens, both as
// [heads][page_tokens][head_dim] bf16: a head's part of a page is one contiguous piece.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Buffers.h"
#include "codegen/nvptx/OpKernels.h"

namespace strata::nvptx {

/// Keys and values of one page and layer.
struct CachePage {
  Value keys, values;
};
/// A page and a token's slot in it.
struct CacheSlot {
  CachePage page;
  Value slot;
};

/// Page `pageIndex` of a sequence of the step.
CachePage cachePageAt(KernelBuilder &b, const KernelArguments &args, const CacheBuffers &buffers,
                      Value sequence, Value pageIndex);

/// Where the key and value of the step's token `token` go.
CacheSlot cacheSlot(KernelBuilder &b, const KernelArguments &args, const CacheBuffers &buffers,
                    Value token);

} // namespace strata::nvptx
