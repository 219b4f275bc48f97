//===- Cache.cpp - how a page of the KV cache is laid out on a GPU --------===//

#include "codegen/nvptx/Cache.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

CachePage strata::nvptx::cachePageAt(KernelBuilder &b, const KernelArguments &args,
                                     const CacheBuffers &buffers, Value sequence, Value pageIndex) {
  KVCacheType type = buffers.type;
  Value at = b.add(b.mul(sequence, args.pageTableStride), pageIndex);
  Value page = b.loadIndex(args.buffers[buffers.pageTable], at);
  int64_t layerBytes = type.getPageTokens() * type.getBytesPerToken();
  Value keys = b.add(b.mul(page, type.getPageBytes()), b.mul(args.layer, layerBytes));
  auto view = [&](Value offset) {
    return b.view(args.buffers[buffers.cache], b.getBF16Type(),
                  {type.getHeads(), type.getPageTokens(), type.getHeadDim()}, {}, offset);
  };
  return {view(keys), view(b.add(keys, layerBytes / 2))};
}

CacheSlot strata::nvptx::cacheSlot(KernelBuilder &b, const KernelArguments &args,
                                   const CacheBuffers &buffers, Value token) {
  int64_t pageTokens = buffers.type.getPageTokens();
  Value position = b.loadIndex(args.buffers[buffers.positions], token);
  Value sequence = b.loadIndex(args.buffers[buffers.sequences], token);
  return {cachePageAt(b, args, buffers, sequence, b.div(position, pageTokens)),
          b.rem(position, pageTokens)};
}
