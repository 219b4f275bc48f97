//===- Cache.cpp - how a page of the KV cache is laid out on a CPU --------===//

#include "codegen/cpu/Cache.h"
#include "codegen/Buffers.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

CachePage strata::cpu::cachePageAt(KernelBuilder &b, const KernelArguments &args,
                                   const CacheBuffers &buffers, Value sequence, Value pageIndex,
                                   Value head) {
  KVCacheType type = buffers.type;
  int64_t tokens = type.getPageTokens(), features = type.getHeadDim();
  int64_t layerBytes = tokens * type.getBytesPerToken(), headBytes = layerBytes / type.getHeads();
  Value at = b.add(b.mul(sequence, args.pageTableStride), pageIndex);
  Value page = b.loadIndex(args.buffers[buffers.pageTable], at);
  Value layer = b.add(b.mul(page, type.getPageBytes()), b.mul(args.layer, layerBytes));
  Value keys = b.add(layer, b.mul(head, headBytes));
  Value memory = args.buffers[buffers.cache];
  return {b.view(memory, b.getI32Type(), {features / 2, tokens}, {}, keys),
          b.view(memory, b.getI32Type(), {tokens / 2, features}, {}, b.add(keys, headBytes / 2))};
}

CacheSlot strata::cpu::cacheSlot(KernelBuilder &b, const KernelArguments &args,
                                 const CacheBuffers &buffers, Value token, Value head) {
  int64_t pageTokens = buffers.type.getPageTokens();
  Value position = b.loadIndex(args.buffers[buffers.positions], token);
  Value sequence = b.loadIndex(args.buffers[buffers.sequences], token);
  return {cachePageAt(b, args, buffers, sequence, b.div(position, pageTokens), head),
          b.rem(position, pageTokens)};
}

void strata::cpu::storeKey(KernelBuilder &b, const CacheSlot &slot, Value features, Value row,
                           int64_t headDim) {
  b.loop(b.index(0), b.index(headDim / 2), 1, [&](Value pair) {
    Value even = b.mul(pair, 2);
    Value value =
        b.pairs(b.load(features, {row, even}, 1), b.load(features, {row, b.add(even, 1)}, 1));
    b.store(value, slot.page.keys, {pair, slot.slot});
  });
}

void strata::cpu::storeValue(KernelBuilder &b, const CacheSlot &slot, Value features, Value row,
                             int64_t headDim) {
  Value pair = b.div(slot.slot, 2), odd = b.equal(b.rem(slot.slot, 2), b.index(1));
  b.vectors(headDim, [&](Value i, int64_t lanes) {
    Value value = b.load(features, {row, i}, lanes);
    Value before = b.evens(b.load(slot.page.values, {pair, i}, lanes));
    Value low = b.select(odd, before, value), high = b.select(odd, value, b.f32(0, lanes));
    b.store(b.pairs(low, high), slot.page.values, {pair, i});
  });
}
