//===- DecoderAttrs.td - attributes ------------------------*- tablegen -*-===//
#ifndef STRATA_DECODER_ATTRS
#define STRATA_DECODER_ATTRS

include "dialect/DecoderDialect.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

class Decoder_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Decoder_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Decoder_ArenaAttr : Decoder_Attr<"Arena", "arena"> {
  let summary = "a place in the arena: the memory space of an activation after `plan`";
  let description = [{
    The buffer starts `offset * T` bytes into the arena, T being the tokens of the step rounded up
    to the arena's token multiple. Offsets are multiples of 64, so every buffer is aligned for any T.
  }];
  let parameters = (ins "int64_t":$offset);
  let assemblyFormat = "`<` $offset `>`";
}

def Decoder_BoxAttr : Decoder_Attr<"Box", "box", [
    DeclareAttrInterfaceMethods<MemRefLayoutAttrInterface, ["verifyLayout"]>,
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "a matrix that is part of a larger one: rows and columns of it";
  let description = [{
    Row r is stored as row `s = r / group_rows * group_stride + r % group_rows`, and begins
    `s * row_stride` elements behind the first. Where groups are not given, s is r; where the row
    stride is not, it is the columns. Elements of a row follow each other.

    Some columns of a matrix are a row stride, its own columns: what a device multiplies of `o_proj`
    and `down_proj` where a model is split over several. Some heads of NeMo's q, k and v are groups:
    it stores the three as one matrix, in which the heads of a KV group stand together. Where the
    first row or column of the matrix begins is no business of the box, but of the parameter's
    place in its file.

    It is the encoding of a parameter's tensor type, and after `plan` the layout of its memref. A
    matrix whose rows follow each other has none.

    Constraints:
    - box_c1: there is a row stride or groups; group_rows is positive, and group_stride is larger
    - box_c2: the matrix has a static number of rows; of groups there are at least two, all whole
    - box_c3: the row stride is larger than the columns, whose number is static
    - box_c4: the last row ends less than 2^48 elements from the first

    ```mlir
    %o = decoder.parameter "o" : tensor<6144x768xbf16, #decoder.box<row_stride = 6144>>
    %q = decoder.parameter "q" : tensor<6144x6144xbf16, #decoder.box<group_rows = 768, group_stride = 1024>>
    ```
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "0">:$row_stride,
                        DefaultValuedParameter<"int64_t", "0">:$group_rows,
                        DefaultValuedParameter<"int64_t", "0">:$group_stride);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Stored rows from the first of `rows` to the last, with those of others between them.
    int64_t getStoredRows(int64_t rows) const {
      return getGroupRows() ? (rows / getGroupRows() - 1) * getGroupStride() + getGroupRows() : rows;
    }
    /// Elements from the start of a stored row to the next, of a matrix of `columns`.
    int64_t getRowElements(int64_t columns) const { return getRowStride() ? getRowStride() : columns; }
    /// Elements from the first to the last of such a matrix, with those of others between them.
    int64_t getSpan(int64_t rows, int64_t columns) const {
      return (getStoredRows(rows) - 1) * getRowElements(columns) + columns;
    }
  }];
}

def Decoder_QuantizedFormat : I32EnumAttr<"QuantizedFormat", "a row of the table in Storage.h",
    [I32EnumAttrCase<"I8", 0, "i8">, I32EnumAttrCase<"Q8_0", 1, "q8_0">,
     I32EnumAttrCase<"Q4_0", 2, "q4_0">, I32EnumAttrCase<"Q4_1", 3, "q4_1">,
     I32EnumAttrCase<"Q5_0", 4, "q5_0">, I32EnumAttrCase<"Q5_1", 5, "q5_1">,
     I32EnumAttrCase<"Q4K", 6, "q4_k">, I32EnumAttrCase<"Q5K", 7, "q5_k">,
     I32EnumAttrCase<"Q6K", 8, "q6_k">, I32EnumAttrCase<"IQ4NL", 9, "iq4_nl">,
     I32EnumAttrCase<"IQ4XS", 10, "iq4_xs">,
     I32EnumAttrCase<"I4", 11, "i4">, I32EnumAttrCase<"I8Packed", 12, "i8_packed">]> {
  let cppNamespace = "::strata";
  let genSpecializedAttr = 0;
}

def Decoder_QuantizedAttr : Decoder_Attr<"Quantized", "quantized", [
    DeclareAttrInterfaceMethods<MemRefLayoutAttrInterface, ["verifyLayout"]>,
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "how a matrix [rows, columns] is stored in fewer bits";
  let description = [{
    The type stays that of the matrix which it stands for: shape and element type say nothing of how
    it is stored. `format` names a row of the table in `dialect/Storage.h`:

    - `i8`: whole numbers of 8 bits; `group` features, from a multiple of it on, share a scale:
      `weight[n, k] = element[n, k] * scale[n, k / group]`. The scales, of the type `scale`, are a
      tensor of their own, [out, in / group], which decoder.parameter names
    - `i4`, `i8_packed`: the same of numbers of 4 and 8 bits in words of 32, [out, in / 8] and
      [out, in / 4]: bits 4k or 8k of a row and those behind them are element k, less 8 or 128
      (compressed-tensors' pack-quantized)
    - `q8_0`, `q4_0`, `q4_1`, `q5_0`, `q5_1`, `q4_k`, `q5_k`, `q6_k`, `iq4_nl`, `iq4_xs`: ggml's blocks
      (ggml-common.h): each has some weights of a row that follow each other, with their scales

    Of a larger matrix it is the `box`, its scales those of that box. It is the encoding of a weight's
    tensor type, and after `plan` the layout of its memref.

    Constraints:
    - quantized_c1: scales are bf16, f16 or f32, where they are a tensor of their own; else there are none
    - quantized_c2: the shape is static, [out, in], and in is a multiple of the group or block, and of 32
    - quantized_c3: the row stride of a box is a multiple of the group, too; only `i8` is in a box
    - quantized_c4: a group is 32, 64, 128 or 256 features, or all of a row; formats in blocks say none

    ```mlir
    %up = decoder.parameter "up.weight" scales "up.weight_scale"
            : tensor<1024x256xbf16, #decoder.quantized<i8, group = 32, scale = f16>>
    %gate = decoder.parameter "gate.weight_packed" scales "gate.weight_scale"
              : tensor<1024x256xbf16, #decoder.quantized<i4, group = 128, scale = bf16>>
    %down = decoder.parameter "down.weight" : tensor<256x1024xbf16, #decoder.quantized<q6_k>>
    ```
  }];
  let parameters = (ins "::strata::QuantizedFormat":$format, DefaultValuedParameter<"int64_t", "0">:$group,
                        OptionalParameter<"::mlir::Type">:$scale,
                        OptionalParameter<"::strata::BoxAttr">:$box);
  let assemblyFormat = [{
    `<` $format (`,` `group` `=` $group^)? (`,` `scale` `=` $scale^)? (`,` `box` `=` $box^)? `>`
  }];
  let genVerifyDecl = 1;
}

def Decoder_RoundingAttr : Decoder_Attr<"Rounding", "rounding"> {
  let summary = "to what the input of a product is rounded";
  let description = [{
    Of `group` features from a multiple of it on, with m the largest magnitude, x becomes
    `q = round(x * 127 / m)`, half to even, and stands for `q * m / 127`.

    Constraints:
    - rounding_c1: the element is i8, the group positive
  }];
  let parameters = (ins "::mlir::Type":$element, "int64_t":$group);
  let assemblyFormat = "`(` $element `,` `group` `=` $group `)`";
  let genVerifyDecl = 1;
}

def Decoder_ModelAttr : Decoder_Attr<"Model", "model"> {
  let summary = "facts of the model that do not follow from its ops";
  let description = [{
    Carried by the module as `decoder.model`. `context` is the number of tokens the model was
    trained on; `bos_token` is -1 where there is none; generation stops at each of `eos_tokens`.
  }];
  let parameters = (ins "::mlir::StringAttr":$architecture, "::mlir::StringAttr":$name,
                        "int64_t":$contextTokens, "int64_t":$bosToken, "bool":$addBos,
                        OptionalArrayRefParameter<"int64_t">:$eosTokens);
  let assemblyFormat = [{
    `<` `architecture` `=` $architecture `,` `name` `=` $name `,` `context` `=` $contextTokens `,`
    `bos_token` `=` $bosToken `,` `add_bos` `=` $addBos
    (`,` `eos_tokens` `=` `[` $eosTokens^ `]`)? `>`
  }];
}

def Decoder_ActivationKind : I32EnumAttr<"Activation", "what a model applies to each product",
    [I32EnumAttrCase<"SquaredRelu", 0, "squared_relu">]> {
  let cppNamespace = "::strata";
  let genSpecializedAttr = 0;
}
def Decoder_ActivationAttr : EnumAttr<Decoder_Dialect, Decoder_ActivationKind, "activation"> {
  let assemblyFormat = "`(` $value `)`";
}

def Decoder_Axis : I32EnumAttr<"Axis", "what a kernel's rows are",
    [I32EnumAttrCase<"One", 0, "one">, I32EnumAttrCase<"Tokens", 1, "tokens">,
     I32EnumAttrCase<"Outputs", 2, "outputs">]> {
  let cppNamespace = "::strata";
  let genSpecializedAttr = 0;
}

def Decoder_TensorMapAttr : Decoder_Attr<"TensorMap", "tensor_map"> {
  let summary = "a buffer as the matrix whose boxes a GPU's kernel copies by TMA";
  let description = [{
    The kernel's buffer number `buffer` holds `rows` times the length of `axis` rows of `columns`
    bf16, one behind the other, or `row_stride` bf16 from one to the next. A box of it is `boxRows` x
    `boxColumns`, swizzled by 128 bytes.
    `#decoder.tensor_map<buffer = 0, tokens, rows = 1, columns = 256, box_rows = 128, box_columns = 64>`
  }];
  let parameters = (ins "int64_t":$buffer, "::strata::Axis":$axis, "int64_t":$rows,
                        "int64_t":$columns, "int64_t":$boxRows, "int64_t":$boxColumns,
                        DefaultValuedParameter<"int64_t", "0">:$rowStride);
  let assemblyFormat = [{
    `<` `buffer` `=` $buffer `,` $axis `,` `rows` `=` $rows `,` `columns` `=` $columns `,`
    `box_rows` `=` $boxRows `,` `box_columns` `=` $boxColumns (`,` `row_stride` `=` $rowStride^)? `>`
  }];
}

def Decoder_PhaseAttr : Decoder_Attr<"Phase", "phase"> {
  let summary = "one function of a kernel and how many workgroups it has";
  let description = [{
    `factor * ceil(axis / divisor)` workgroups, split over the threads in contiguous ranges, with a
    barrier after the last. `#decoder.phase<"linear_0.decode", one, divisor = 1, factor = 96>`

    On a GPU a workgroup is a block: `block` threads with `shared` bytes of dynamic shared memory.
    The function's last parameters are its tensor maps.
  }];
  let parameters = (ins "::mlir::StringAttr":$symbol, "::strata::Axis":$axis, "int64_t":$divisor,
                        "int64_t":$factor, DefaultValuedParameter<"int64_t", "0">:$block,
                        DefaultValuedParameter<"int64_t", "0">:$shared,
                        OptionalArrayRefParameter<"::strata::TensorMapAttr">:$maps);
  let assemblyFormat = [{
    `<` $symbol `,` $axis `,` `divisor` `=` $divisor `,` `factor` `=` $factor
    (`,` `block` `=` $block^)? (`,` `shared` `=` $shared^)? (`,` `maps` `=` `[` $maps^ `]`)? `>`
  }];
}

def Decoder_VariantMode : I32EnumAttr<"VariantMode", "when a variant may be chosen",
    [I32EnumAttrCase<"Any", 0, "any">, I32EnumAttrCase<"Usual", 1, "usual">,
     I32EnumAttrCase<"BatchInvariant", 2, "batch_invariant">]> {
  let cppNamespace = "::strata";
  let genSpecializedAttr = 0;
}

def Decoder_VariantAttr : Decoder_Attr<"Variant", "variant"> {
  let summary = "the phases of a kernel for some steps";
  let description = [{
    For steps of up to `upTo` rows in which no sequence has more than `upToRun` new tokens; 0 is no
    limit. A step of many sequences that are being continued has many rows and runs of 1. Variants of
    the mode `batch_invariant`, and `any`, give a row the same bits whatever else is in the step; those
    of `usual` need not, and are faster.
    `#decoder.variant<up_to = 0 run = 1, [#decoder.phase<"attention_0.attention", …>]>`
  }];
  let parameters = (ins "int64_t":$upTo, DefaultValuedParameter<"int64_t", "0">:$upToRun,
                        DefaultValuedParameter<"::strata::VariantMode",
                                               "::strata::VariantMode::Any">:$mode,
                        OptionalArrayRefParameter<"::strata::PhaseAttr">:$phases);
  let assemblyFormat = [{
    `<` `up_to` `=` $upTo (`run` `=` $upToRun^)? (`mode` `=` $mode^)? (`,` `[` $phases^ `]`)? `>`
  }];
  let extraClassDeclaration = [{
    /// Whether it may be chosen in a mode, which is not Any.
    bool isOf(VariantMode mode) const {
      return getMode() == VariantMode::Any || getMode() == mode;
    }
    /// Whether every step that `other` is for is one that this is for.
    bool covers(VariantAttr other) const {
      auto within = [](int64_t limit, int64_t others) {
        return limit == 0 || (others != 0 && others <= limit);
      };
      return within(getUpTo(), other.getUpTo()) && within(getUpToRun(), other.getUpToRun());
    }
  }];
}

def Decoder_CostAttr : Decoder_Attr<"Cost", "cost"> {
  let summary = "bytes and flops of a kernel as a formula in the step";
  let description = [{
    bytes = fixed_bytes + rows * row_bytes + context * context_bytes, and likewise the flops.
    Rows are the tokens of the step, or the output rows for `decoder.logits`; `context` is the sum
    over the step's tokens of the cached tokens that each attends to. Fixed bytes are the weights:
    streamed once a step.
  }];
  let parameters = (ins "int64_t":$fixedBytes, "int64_t":$rowBytes, "int64_t":$rowFlops,
                        "int64_t":$contextBytes, "int64_t":$contextFlops);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // STRATA_DECODER_ATTRS
