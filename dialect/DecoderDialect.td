//===- DecoderDialect.td - the dialect and its types -------*- tablegen -*-===//
#ifndef STRATA_DECODER_DIALECT
#define STRATA_DECODER_DIALECT

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Decoder_Dialect : Dialect {
  let name = "decoder";
  let cppNamespace = "::strata";
  let summary = "What a decoder-only language model computes";
  let description = [{
    The dialect says *what* a decoder-only model is, in the words of its paper; it holds no policy
    and knows no target. One program, `@forward`, runs one *step*: T new tokens of B sequences
    (ragged: each sequence brings as many as it likes), with a paged KV cache.

    Fusion does not lead to another dialect. It folds the cheap ops into *clauses* of the expensive
    ones (`norm`, `activation`, `rope`, `cache`, `residual` on `decoder.linear`), so a half-fused
    program is legal, runs, and can be bisected.

    The same ops stand on tensors (after `import` and `fuse`) and on buffers (after `plan`, where a
    memref's memory space `#decoder.arena<N>` says where the result is written).
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

class Decoder_Type<string name, string typeMnemonic, list<Trait> traits = []>
    : TypeDef<Decoder_Dialect, name, traits> {
  let mnemonic = typeMnemonic;
}

def Decoder_BatchType : Decoder_Type<"Batch", "batch"> {
  let summary = "the shape of one ragged step";
  let description = [{
    T new tokens of B sequences, and the R rows whose logits are wanted. At run time it is four
    arrays of i32: `positions [T]`, `sequences [T]` (which sequence a token belongs to),
    `output_rows [R]` (token indices) and `page_table [B, stride]` (pages of each sequence, in
    order). One sequence is B = 1.
  }];
}

def Decoder_KVCacheType : Decoder_Type<"KVCache", "kv_cache"> {
  let summary = "the paged cache of keys (after rope) and values";
  let description = [{
    For each layer, key and value vectors `[kv heads, head_dim]` of every token seen, in pages of
    `page_tokens` tokens. How a page is laid out inside is the target's business. A value of this
    type is the cache *at a point in the program*; each is overwritten by at most one op, so that
    the cache can live in place.

    Example: `!decoder.kv_cache<layers = 32, heads = 8, head_dim = 128, page_tokens = 64>`
  }];
  let parameters = (ins "int64_t":$layers, "int64_t":$heads, "int64_t":$headDim,
                        "int64_t":$pageTokens);
  let assemblyFormat = [{
    `<` `layers` `=` $layers `,` `heads` `=` $heads `,` `head_dim` `=` $headDim `,`
    `page_tokens` `=` $pageTokens `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Bytes that one token takes in one layer: keys and values, bf16.
    int64_t getBytesPerToken() const { return 2 * 2 * getHeads() * getHeadDim(); }
    /// Bytes of one page: all layers, keys and values.
    int64_t getPageBytes() const { return getLayers() * getPageTokens() * getBytesPerToken(); }
  }];
}

#endif // STRATA_DECODER_DIALECT
