//===- DecoderCanonicalize.td - rewrites that always pay ---*- tablegen -*-===//
#ifndef STRATA_DECODER_CANONICALIZE
#define STRATA_DECODER_CANONICALIZE

include "dialect/Decoder.td"
include "mlir/IR/PatternBase.td"

def Equal : Constraint<CPred<"$0 == $1">, "are equal">;
def HasOneUse : Constraint<CPred<"$0.hasOneUse()">, "has one use">;

// append(k2, v2, append(k1, v1, kv)) of the same step and layer: the first is overwritten unread.
def OverwrittenCacheAppend : Pat<
  (Decoder_CacheAppendOp $k2, $v2,
    (Decoder_CacheAppendOp:$first $k1, $v1, $cache, $batch, $layer1), $batch, $layer2),
  (Decoder_CacheAppendOp $k2, $v2, $cache, $batch, $layer2),
  [(HasOneUse $first), (Equal $layer1, $layer2)]>;

#endif // STRATA_DECODER_CANONICALIZE
