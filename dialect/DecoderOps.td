//===- DecoderOps.td - the ops of a decoder ----------------*- tablegen -*-===//
//
// Letters: T tokens of the step, R output rows, H features, N rows of a weight, V vocabulary.
// Constraints are numbered; the verifiers cite them.
//
//===----------------------------------------------------------------------===//
#ifndef STRATA_DECODER_OPS
#define STRATA_DECODER_OPS

include "dialect/DecoderAttrs.td"
include "dialect/DecoderInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Decoder_Op<string name, list<Trait> traits = []> : Op<Decoder_Dialect, name, traits>;

/// A value-semantics op that becomes one kernel.
class Decoder_KernelizedOp<string name, list<Trait> traits = []>
    : Decoder_Op<name, traits # [Pure, DeclareOpInterfaceMethods<Decoder_KernelOpInterface>]>;

def Decoder_Tokens : AnyTypeOf<[1DTensorOf<[I32]>, MemRefRankOf<[I32], [1]>],
                               "token ids [T] of i32">;
def Decoder_Activations : AnyTypeOf<[2DTensorOf<[BF16]>, MemRefRankOf<[BF16], [2]>],
                                    "activations [rows, features] of bf16">;
def Decoder_Matrix : AnyTypeOf<[2DTensorOf<[BF16, F16, F32]>, MemRefRankOf<[BF16, F16, F32], [2]>],
                               "matrix [rows, features] of bf16, f16 or f32">;
def Decoder_Vector : AnyTypeOf<[1DTensorOf<[BF16, F16, F32]>, MemRefRankOf<[BF16, F16, F32], [1]>],
                               "vector [features] of bf16, f16 or f32">;
def Decoder_RotaryTable : AnyTypeOf<[2DTensorOf<[F32]>, MemRefRankOf<[F32], [2]>],
                                    "rotary table [T, dims] of f32">;
def Decoder_Logits : AnyTypeOf<[2DTensorOf<[F32]>, MemRefRankOf<[F32], [2]>],
                               "logits [R, V] of f32">;
def Decoder_Parameter : AnyTypeOf<[AnyStaticShapeTensor, AnyStaticShapeMemRef],
                                  "tensor of the checkpoint, of static shape">;

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

def Decoder_ParameterOp : Decoder_Op<"parameter",
    [Pure, DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a tensor of the checkpoint, by its key";
  let description = [{
    Weights are never inline: the op names the tensor, and the runtime maps it from the file as it
    lies there, in its own element type. Rows need not follow each other: see #decoder.box. A weight whose
    scales are a tensor of their own, as #decoder.quantized tells, names it: `scales`.

    Constraints:
    - parameter_c1: the key is not empty
    - parameter_c2: the number of elements fits 48 bits
    - parameter_c3: elements follow each other, but for #decoder.box and #decoder.quantized
    - parameter_c4: a weight names its scales where they are a tensor of their own, and no other
      parameter does

    ```mlir
    %w = decoder.parameter "model.layers.0.mlp.up_proj.weight" : tensor<1024x256xbf16>
    ```
  }];
  let arguments = (ins StrAttr:$key, OptionalAttr<StrAttr>:$scales);
  let results = (outs Decoder_Parameter:$result);
  let assemblyFormat = "$key (`scales` $scales^)? attr-dict `:` type($result)";
  let builders = [OpBuilder<(ins "::mlir::Type":$type, "::llvm::StringRef":$key), [{
    build($_builder, $_state, type, $_builder.getStringAttr(key), ::mlir::StringAttr());
  }]>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The keys of the tensors that hold it, one for each of getPlanes(type).
    ::llvm::SmallVector<::llvm::StringRef, 2> getKeys();
  }];
}

def Decoder_EmbeddingOp : Decoder_KernelizedOp<"embedding"> {
  let summary = "the row of each token";
  let description = [{
    `result[t] = table[tokens[t]]`, rounded to bf16 where the table is of another type. The runtime
    has checked that 0 <= tokens[t] < V.

    Constraints:
    - embedding_c1: the result has as many features as the table has columns
    - embedding_c2: scales of the table are in its blocks, if it has any

    ```mlir
    func.func @forward(%tokens: tensor<?xi32>, %table: tensor<2048x256xbf16>) -> tensor<?x256xbf16> {
      %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<2048x256xbf16>) -> tensor<?x256xbf16>
      return %x : tensor<?x256xbf16>
    }
    ```
  }];
  let arguments = (ins Decoder_Tokens:$tokens, Decoder_Matrix:$table);
  let results = (outs Decoder_Activations:$result);
  let assemblyFormat = "$tokens `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Decoder_RotaryTableOp : Decoder_KernelizedOp<"rotary_table"> {
  let summary = "cosines and sines of the step's positions";
  let description = [{
    For token t and i < columns/2, with `frequency(i) = theta^(-2i/dims) / scale`:
    `result[t, i] = cos(position[t] * frequency(i))` and `result[t, columns/2 + i] = sin(…)`.
    The denominator is the number of rotary dims, not head_dim (RoPE, arXiv 2104.09864, section
    3.4.2, applied to part of the head): `dims`, or the columns where it is not given. An odd number
    of dims has one column more, as features are rotated in pairs. Frequency and angle are f32, as in training; one table
    serves all layers. `scale` > 1 is linear position interpolation (arXiv 2306.15595).

    Constraints:
    - rotary_table_c1: the result has an even number > 0 of columns
    - rotary_table_c2: theta and scale are finite and positive
    - rotary_table_c3: `dims`, where it is given, is the number of columns or one less

    ```mlir
    func.func @forward(%batch: !decoder.batch) -> tensor<?x32xf32> {
      %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x32xf32>
      return %r : tensor<?x32xf32>
    }
    ```
  }];
  let arguments = (ins Decoder_BatchType:$batch, F32Attr:$theta,
                       DefaultValuedAttr<F32Attr, "1.0f">:$scale,
                       OptionalAttr<I64Attr>:$dims);
  let results = (outs Decoder_RotaryTable:$result);
  let assemblyFormat = "$batch attr-dict `:` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// The expensive ops, with their clauses
//===----------------------------------------------------------------------===//

def Decoder_LinearOp : Decoder_KernelizedOp<"linear",
    [AttrSizedOperandSegments, Decoder_NormOpInterface, Decoder_ProductOpInterface,
     Decoder_CacheWriterOpInterface]> {
  let summary = "products with one or more weights, and what is fused to them";
  let description = [{
    `y_i = input * weight_i^T` for each weight, accumulated in f32 and rounded to bf16 once, after
    the clauses. Weights are row-major `[out, in]` as in the checkpoint, each of its own type;
    several of them (q, k, v) share one op instead of a packed copy. Clauses, in the order in which
    they act:

    - `norm(gamma, beta, eps)`: the input is layer_norm(input) first; `gamma_includes_one` as there
    - `round(i8, group = N)`: the input, after its norm still in f32, is rounded, see
      #decoder.rounding. What a checkpoint's format says of its inputs is there from import on; else
      a target may choose it (decoder-round-inputs). With quantized weights, products of features that share both scales are
      summed exactly, the sums times these in f32; where a target multiplies by matrix tiles of
      bf16, both factors are rounded to that instead
    - `bias(b, …)`: y_i = y_i + b_i, one for each weight
    - `activation(a)`: y = a(y), see decoder.activation
    - `rope(table, head_dim, weights)`: the results of the weights listed are rotated
    - `residual(r)`: y = r + y
    - `cache(kv, batch, layer)`: the last two results are keys and values; they go into the cache
      instead of becoming results, and the op's last result is the cache with them in it

    Constraints:
    - linear_c1: every weight has as many columns as the input has features
    - linear_c2: one result for each weight, with as many features as the weight has rows; with
      `cache`, one for each but the last two, then the cache
    - linear_c3: gamma and beta have as many elements as the input has features, and come with eps;
      gamma_includes_one needs a gamma
    - linear_c4: the weights of `rope` are in range, distinct and ascending; their rows are a
      multiple of head_dim; the table has at most head_dim columns
    - linear_c5: `residual` and `activation` need exactly one weight, and no rope or cache;
      the residual has the result's type but for the memory space
    - linear_c6: with `cache` there are at least three weights, the last two have heads * head_dim
      rows, and the layer exists
    - linear_c7: there is at least one weight
    - linear_c8: the input's features are a multiple of the group in which it is rounded
    - linear_c9: there are no biases, or one for each weight with as many elements as it has rows

    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>,
                       %up: tensor<1024x256xbf16>, %down: tensor<256x1024xbf16>,
                       %down_bias: tensor<256xbf16>) -> tensor<?x256xbf16> {
      %u = decoder.linear %x, [%up] norm(%g, %b, eps = 1.0e-05) activation(squared_relu)
             : (tensor<?x256xbf16>, tensor<1024x256xbf16>, tensor<256xbf16>, tensor<256xbf16>)
            -> tensor<?x1024xbf16>
      %y = decoder.linear %u, [%down] bias(%down_bias) residual(%x)
             : (tensor<?x1024xbf16>, tensor<256x1024xbf16>, tensor<256xbf16>, tensor<?x256xbf16>)
            -> tensor<?x256xbf16>
      return %y : tensor<?x256xbf16>
    }
    func.func @quantized(%x: tensor<?x256xbf16>) -> tensor<?x1024xbf16> {
      %w = decoder.parameter "up.weight" scales "up.weight_scale"
             : tensor<1024x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
      %y = decoder.linear %x, [%w] round(i8, group = 32)
             : (tensor<?x256xbf16>, tensor<1024x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>)
            -> tensor<?x1024xbf16>
      return %y : tensor<?x1024xbf16>
    }
    ```
  }];
  let arguments = (ins
    Decoder_Activations:$input, Variadic<Decoder_Matrix>:$weights,
    Optional<Decoder_Vector>:$gamma, Optional<Decoder_Vector>:$beta, OptionalAttr<F32Attr>:$eps,
    UnitAttr:$gamma_includes_one, OptionalAttr<Decoder_RoundingAttr>:$rounding,
    Variadic<Decoder_Vector>:$biases, OptionalAttr<Decoder_ActivationAttr>:$activation,
    Optional<Decoder_RotaryTable>:$rotary, OptionalAttr<I64Attr>:$head_dim,
    OptionalAttr<DenseI64ArrayAttr>:$roped,
    Optional<Decoder_Activations>:$residual,
    Optional<Decoder_KVCacheType>:$cache, Optional<Decoder_BatchType>:$batch,
    OptionalAttr<I64Attr>:$layer,
    OptionalAttr<Decoder_ArenaAttr>:$workspace);
  let results = (outs Variadic<AnyTypeOf<[Decoder_Activations, Decoder_KVCacheType]>>:$results);
  let assemblyFormat = [{
    $input `,` `[` $weights `]`
    (`norm` `(` $gamma^ `,` $beta `,` `eps` `=` $eps
      (`,` `gamma_includes_one` $gamma_includes_one^)? `)`)?
    (`round` `` $rounding^)?
    (`bias` `(` $biases^ `)`)?
    (`activation` `` $activation^)?
    (`rope` `(` $rotary^ `,` `head_dim` `=` $head_dim `,` `weights` `=` $roped `)`)?
    (`residual` `(` $residual^ `)`)?
    (`cache` `(` $cache^ `,` $batch `,` `layer` `=` $layer `)`)?
    (`workspace` $workspace^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [
    // The product of one weight, with a bias or null.
    OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$input, "::mlir::Value":$weight,
                   "::mlir::Value":$bias, "::strata::RoundingAttr":$rounding)>
  ];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{
    // ProductOpInterface and CacheWriterOpInterface
    ::llvm::SmallVector<::strata::EpilogueStep, 4> getEpilogue(unsigned weight);
    ::mlir::Value getProduct(unsigned weight) {
      return weight < getNumProducts() ? getResult(weight) : ::mlir::Value();
    }
    ::mlir::Value getWrittenCache() { return getCache(); }

    /// Weights whose products are results: all, or all but keys and values with a cache clause.
    unsigned getNumProducts() { return getWeights().size() - (getCache() ? 2 : 0); }
    /// Whether the product of weight `i` is rotated.
    bool isRoped(int64_t i) { return getRoped() && ::llvm::is_contained(*getRoped(), i); }
    /// Rows of all weights together.
    int64_t getOutFeatures();
  }];
}

def Decoder_AttentionOp : Decoder_KernelizedOp<"attention"> {
  let summary = "causal attention of the step's queries over the cache";
  let description = [{
    For token t at position p and query head j, with KV head `j / (query heads / kv heads)`:
    `softmax(q . K^T / sqrt(head_dim)) V` over the cached tokens 0..p of the token's sequence
    (grouped-query attention, arXiv 2305.13245). Scores and softmax are f32. The step's own keys
    and values are in `cache` already.

    Constraints:
    - attention_c1: the query has query heads * head_dim features, and query heads is a multiple of
      the cache's heads
    - attention_c2: the result has the query's shape
    - attention_c3: the layer exists in the cache

    ```mlir
    func.func @forward(%q: tensor<?x256xbf16>, %batch: !decoder.batch,
        %kv: !decoder.kv_cache<layers = 6, heads = 2, head_dim = 64, page_tokens = 64>) -> tensor<?x256xbf16> {
      %a = decoder.attention %q, %kv, %batch {layer = 0 : i64}
             : (tensor<?x256xbf16>, !decoder.kv_cache<layers = 6, heads = 2, head_dim = 64, page_tokens = 64>,
                !decoder.batch) -> tensor<?x256xbf16>
      return %a : tensor<?x256xbf16>
    }
    ```
  }];
  let arguments = (ins Decoder_Activations:$query, Decoder_KVCacheType:$cache,
                       Decoder_BatchType:$batch, I64Attr:$layer,
                       OptionalAttr<Decoder_ArenaAttr>:$workspace);
  let results = (outs Decoder_Activations:$result);
  let assemblyFormat = [{
    $query `,` $cache `,` $batch attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Decoder_LogitsOp : Decoder_KernelizedOp<"logits",
    [AttrSizedOperandSegments, Decoder_NormOpInterface, Decoder_ProductOpInterface]> {
  let summary = "scores of the vocabulary for the rows that are wanted";
  let description = [{
    `result[r] = x[output_rows[r]] * weight^T`, f32 as it comes out of the accumulator. The step
    says which rows are wanted: usually the last token of each sequence, none while a prompt is
    still being read, all of them for scoring. The clauses `norm` and `round` act as on
    `decoder.linear`.

    Constraints:
    - logits_c1: the weight has as many columns as the input has features
    - logits_c2: the result has as many columns as the weight has rows
    - logits_c3: gamma and beta have as many elements as the input has features, and come with eps;
      gamma_includes_one needs a gamma
    - logits_c4: the input's features are a multiple of the group in which it is rounded

    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %w: tensor<2048x256xbf16>, %batch: !decoder.batch) -> tensor<?x2048xf32> {
      %l = decoder.logits %x, %w, %batch
             : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x2048xf32>
      return %l : tensor<?x2048xf32>
    }
    ```
  }];
  let arguments = (ins
    Decoder_Activations:$input, Decoder_Matrix:$weight, Decoder_BatchType:$batch,
    Optional<Decoder_Vector>:$gamma, Optional<Decoder_Vector>:$beta, OptionalAttr<F32Attr>:$eps,
    UnitAttr:$gamma_includes_one, OptionalAttr<Decoder_RoundingAttr>:$rounding,
    OptionalAttr<Decoder_ArenaAttr>:$workspace);
  let results = (outs Decoder_Logits:$result);
  let assemblyFormat = [{
    $input `,` $weight `,` $batch
    (`norm` `(` $gamma^ `,` $beta `,` `eps` `=` $eps
      (`,` `gamma_includes_one` $gamma_includes_one^)? `)`)?
    (`round` `` $rounding^)?
    (`workspace` $workspace^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let builders = [
    OpBuilder<(ins "::mlir::Type":$type, "::mlir::Value":$input, "::mlir::Value":$weight,
                   "::mlir::Value":$batch, "::strata::RoundingAttr":$rounding)>
  ];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    // KernelOpInterface and ProductOpInterface
    ::strata::Axis getAxis() { return ::strata::Axis::Outputs; }
    ::mlir::OperandRange getWeights() { return getODSOperands(1); }
    ::llvm::SmallVector<::strata::EpilogueStep, 4> getEpilogue(unsigned) { return {}; }
    ::mlir::Value getProduct(unsigned) { return getResult(); }
  }];
}

//===----------------------------------------------------------------------===//
// The cheap ops: each can be folded into a clause
//===----------------------------------------------------------------------===//

def Decoder_LayerNormOp : Decoder_KernelizedOp<"layer_norm", [Decoder_NormOpInterface]> {
  let summary = "LayerNorm1P: layer normalization with a gamma that is usually zero-centred";
  let description = [{
    `(x - mean) / sqrt(variance + eps) * (1 + gamma) + beta` over the features, all of it in f32;
    the variance is biased (LayerNorm, arXiv 1607.06450; gamma + 1 as in Nemotron-4, arXiv
    2402.16819). With `gamma_includes_one` the 1 is not added: GGUF files hold gamma + 1.

    Constraints:
    - layer_norm_c1: gamma and beta have as many elements as the input has features
    - layer_norm_c2: the result has the input's shape
    - layer_norm_c3: eps is finite and in (0, 1)

    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>) -> tensor<?x256xbf16> {
      %h = decoder.layer_norm %x, %g, %b {eps = 1.0e-5 : f32}
             : (tensor<?x256xbf16>, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x256xbf16>
      return %h : tensor<?x256xbf16>
    }
    ```
  }];
  let arguments = (ins Decoder_Activations:$input, Decoder_Vector:$gamma, Decoder_Vector:$beta,
                       F32Attr:$eps, UnitAttr:$gamma_includes_one);
  let results = (outs Decoder_Activations:$result);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Decoder_RopeOp : Decoder_KernelizedOp<"rope"> {
  let summary = "rotary position embedding of the first dims of each head";
  let description = [{
    In each head of head_dim features, with `dims` columns of the table and i < dims/2:
    `(x[i], x[i + dims/2])` is rotated by the table's angle i (rotate-half pairing inside the
    rotary dims); features from `dims` on pass through.

    Constraints:
    - rope_c1: the features are a multiple of head_dim, and the table has at most head_dim columns
    - rope_c2: the result has the input's shape

    ```mlir
    func.func @forward(%q: tensor<?x256xbf16>, %table: tensor<?x32xf32>) -> tensor<?x256xbf16> {
      %r = decoder.rope %q, %table {head_dim = 64 : i64}
             : (tensor<?x256xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
      return %r : tensor<?x256xbf16>
    }
    ```
  }];
  let arguments = (ins Decoder_Activations:$input, Decoder_RotaryTable:$table, I64Attr:$head_dim);
  let results = (outs Decoder_Activations:$result);
  let assemblyFormat = "$input `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Decoder_CacheAppendOp : Decoder_KernelizedOp<"cache_append",
    [Decoder_CacheWriterOpInterface]> {
  let summary = "the cache with the step's keys and values in it";
  let description = [{
    Stores `keys[t]` and `values[t]` at the token's position of its sequence.

    Constraints:
    - cache_append_c1: keys and values have heads * head_dim features
    - cache_append_c2: the layer exists in the cache

    ```mlir
    !kv = !decoder.kv_cache<layers = 6, heads = 2, head_dim = 64, page_tokens = 64>
    func.func @forward(%k: tensor<?x128xbf16>, %v: tensor<?x128xbf16>, %kv: !kv, %batch: !decoder.batch) -> !kv {
      %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64}
               : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !decoder.batch) -> !kv
      return %kv1 : !kv
    }
    ```
  }];
  let arguments = (ins Decoder_Activations:$keys, Decoder_Activations:$values,
                       Decoder_KVCacheType:$cache, Decoder_BatchType:$batch, I64Attr:$layer);
  let results = (outs Decoder_KVCacheType:$result);
  let assemblyFormat = [{
    $keys `,` $values `,` $cache `,` $batch attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
  let extraClassDeclaration = [{ ::mlir::Value getWrittenCache() { return getCache(); } }];
}

def Decoder_ActivationOp : Decoder_KernelizedOp<"activation", [SameOperandsAndResultShape]> {
  let summary = "a function of each feature by itself";
  let description = [{
    - `squared_relu`: `max(x, 0)^2` (Primer, arXiv 2109.08668)

    ```mlir
    func.func @forward(%x: tensor<?x1024xbf16>) -> tensor<?x1024xbf16> {
      %y = decoder.activation(squared_relu) %x : (tensor<?x1024xbf16>) -> tensor<?x1024xbf16>
      return %y : tensor<?x1024xbf16>
    }
    ```
  }];
  let arguments = (ins Decoder_ActivationAttr:$activation, Decoder_Activations:$input);
  let results = (outs Decoder_Activations:$result);
  let assemblyFormat = "`` $activation $input attr-dict `:` functional-type(operands, results)";
}

def Decoder_AddOp : Decoder_KernelizedOp<"add", [Commutative, SameOperandsAndResultShape]> {
  let summary = "the sum of two activations: the residual stream";
  let description = [{
    ```mlir
    func.func @forward(%x: tensor<?x256xbf16>, %y: tensor<?x256xbf16>) -> tensor<?x256xbf16> {
      %z = decoder.add %x, %y : (tensor<?x256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
      return %z : tensor<?x256xbf16>
    }
    ```
  }];
  let arguments = (ins Decoder_Activations:$lhs, Decoder_Activations:$rhs);
  let results = (outs Decoder_Activations:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

#endif // STRATA_DECODER_OPS
