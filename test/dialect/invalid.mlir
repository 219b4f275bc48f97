// Every numbered constraint of the ops, by its number. What ODS itself checks is not repeated here.
// RUN: strata-opt %s -split-input-file -verify-diagnostics

//===----------------------------------------------------------------------===//
// The dialect's types and attributes
//===----------------------------------------------------------------------===//

// expected-error @+1 {{heads is 0, expected 1 to 65536}}
func.func private @kv(!decoder.kv_cache<layers = 1, heads = 0, head_dim = 64, page_tokens = 64>)

// -----

// expected-error @+1 {{page_tokens is 65537, expected 1 to 65536}}
func.func private @kv(!decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 65537>)

// -----

// box_c1
// expected-error @+1 {{box has a row stride of 0 elements, expected one > 0, or groups of rows}}
func.func private @f(tensor<16x8xbf16, #decoder.box<row_stride = 0>>)

// -----

// box_c1
// expected-error @+1 {{box has a row stride of -16 elements, expected one > 0, or groups of rows}}
func.func private @f(tensor<16x8xbf16, #decoder.box<row_stride = -16>>)

// -----

// box_c1
// expected-error @+1 {{box has groups of 8 rows, 8 apart, expected rows > 0 and a larger stride}}
func.func private @f(tensor<16x8xbf16, #decoder.box<group_rows = 8, group_stride = 8>>)

// -----

// box_c1
// expected-error @+1 {{box has groups of 0 rows, 8 apart, expected rows > 0 and a larger stride}}
func.func private @f(tensor<16x8xbf16, #decoder.box<row_stride = 16, group_stride = 8>>)

// -----

// box_c2
// expected-error @+1 {{box is of a matrix with a static number of rows}}
func.func private @f(tensor<?x8xbf16, #decoder.box<group_rows = 4, group_stride = 8>>)

// -----

// box_c2
// expected-error @+1 {{box is of a matrix with a static number of rows}}
func.func private @f(tensor<8xbf16, #decoder.box<row_stride = 16>>)

// -----

// box_c2
// expected-error @+1 {{matrix has 10 rows, expected at least two groups of 4}}
func.func private @f(memref<10x8xbf16, #decoder.box<group_rows = 4, group_stride = 8>>)

// -----

// box_c2
// expected-error @+1 {{matrix has 4 rows, expected at least two groups of 4}}
func.func private @f(tensor<4x8xbf16, #decoder.box<group_rows = 4, group_stride = 8>>)

// -----

// box_c3
// expected-error @+1 {{matrix has 8 columns, expected a static number below the row stride 8}}
func.func private @f(memref<16x8xbf16, #decoder.box<row_stride = 8>>)

// -----

// box_c4
// expected-error @+1 {{box spans more than 2^48 elements}}
func.func private @f(tensor<12x8xbf16, #decoder.box<group_rows = 4, group_stride = 140737488355329>>)

// -----

// box_c4: of the columns between rows, too
// expected-error @+1 {{box spans more than 2^48 elements}}
func.func private @f(tensor<16x8xbf16, #decoder.box<row_stride = 35184372088832>>)

// -----

// quantized_c1
// expected-error @+1 {{scale is 'i8', expected bf16, f16 or f32}}
func.func private @f(tensor<32x64xbf16, #decoder.quantized<i8, group = 32, scale = i8>>)

// -----

// quantized_c1
// expected-error @+1 {{scale is 'bf16', expected none beside the blocks of q4_k}}
func.func private @f(tensor<32x256xbf16, #decoder.quantized<q4_k, group = 0, scale = bf16>>)

// -----

// quantized_c1
// expected-error @+1 {{i8 has no scale, expected bf16, f16 or f32}}
func.func private @f(tensor<32x64xbf16, #decoder.quantized<i8, group = 32>>)

// -----

// quantized_c2
// expected-error @+1 {{quantized weight has the shape [32, 320], expected [out, in], in being a multiple of 256}}
func.func private @f(tensor<32x320xbf16, #decoder.quantized<q6_k>>)

// -----

// parameter_c4
// expected-error @+1 {{'w' has scales; quantized weights that are not in blocks have them, and no other parameter}}
%0 = decoder.parameter "w" scales "s" : tensor<32x256xbf16, #decoder.quantized<q4_k>>

// -----

// quantized_c2
// expected-error @+1 {{quantized weight has the shape [32, 80], expected [out, in], in being a multiple of 32}}
func.func private @f(tensor<32x80xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>)

// -----

// quantized_c2
// expected-error @+1 {{quantized weight has the shape [64], expected [out, in], in being a multiple of 32}}
func.func private @f(memref<64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>)

// -----

// quantized_c3
// expected-error @+1 {{row stride is 72, expected a multiple of 32, the group of i8}}
func.func private @f(tensor<32x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16, box = <row_stride = 72>>>)

// -----

// quantized_c3
// expected-error @+1 {{words of i4 are in a box, expected rows that follow each other}}
func.func private @f(memref<32x64xbf16, #decoder.quantized<i4, group = 32, scale = bf16, box = <row_stride = 128>>>)

// -----

// quantized_c4
// expected-error @+1 {{i4 has no group, expected the number of features that share a scale}}
func.func private @f(tensor<32x64xbf16, #decoder.quantized<i4, group = 0, scale = bf16>>)

// -----

// quantized_c4
// expected-error @+1 {{group is 96, expected 32, 64, 128 or 256, of which rows of 192 features are a multiple, or all of a row}}
func.func private @f(tensor<32x192xbf16, #decoder.quantized<i4, group = 96, scale = bf16>>)

// -----

// quantized_c4
// expected-error @+1 {{group is 128, expected 32, 64, 128 or 256, of which rows of 192 features are a multiple, or all of a row}}
func.func private @f(tensor<32x192xbf16, #decoder.quantized<i8, group = 128, scale = bf16>>)

// -----

// quantized_c4
// expected-error @+1 {{group is 32, expected none beside the blocks of q4_0}}
func.func private @f(tensor<32x64xbf16, #decoder.quantized<q4_0, group = 32>>)

// -----

// rounding_c1
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<32x64xbf16>) {
  // expected-error @+1 {{input is rounded to 'i4' in groups of 32, expected i8 and a group > 0}}
  %0 = decoder.linear %x, [%w] round(i4, group = 32) : (tensor<?x64xbf16>, tensor<32x64xbf16>) -> tensor<?x32xbf16>
  return
}

// -----

// parameter_c4
// expected-error @+1 {{'w' has no scales; quantized weights that are not in blocks have them, and no other parameter}}
%0 = decoder.parameter "w" : tensor<32x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>

// -----

// parameter_c4
// expected-error @+1 {{'w' has scales; quantized weights that are not in blocks have them, and no other parameter}}
%0 = decoder.parameter "w" scales "s" : tensor<32x64xbf16>

// -----

func.func @f(%tokens: tensor<?xi32>, %table: tensor<2048x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) {
  // embedding_c2
  // expected-error @+1 {{table has scales beside it, expected bf16, f16, f32 or blocks}}
  %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<2048x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) -> tensor<?x256xbf16>
  return
}

// -----

// expected-error @+1 {{'decoder.model' must be a #decoder.model on a module}}
func.func private @f() attributes {decoder.model = 1 : i64}

// -----

// expected-error @+1 {{'decoder.arena_bytes_per_token' must be an i64 >= 0}}
func.func private @f() attributes {decoder.arena_bytes_per_token = -1 : i64}

// -----

// expected-error @+1 {{has an unknown attribute 'decoder.tile'}}
func.func private @f() attributes {decoder.tile = 4 : i64}

// -----

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

// parameter_c1
// expected-error @+1 {{key is empty}}
%0 = decoder.parameter "" : tensor<4xbf16>

// -----

// parameter_c2
// expected-error @+1 {{'w' has more than 2^48 elements}}
%0 = decoder.parameter "w" : tensor<16777216x16777217xbf16>

// -----

// parameter_c2: the product itself overflows
// expected-error @+1 {{'w' has more than 2^48 elements}}
%0 = decoder.parameter "w" : tensor<4294967296x4294967296xbf16>

// -----

// parameter_c3
// expected-error @+1 {{'w' has type 'tensor<4x4xbf16, "sparse">', expected no encoding or layout but #decoder.box or #decoder.quantized}}
%0 = decoder.parameter "w" : tensor<4x4xbf16, "sparse">

// -----

// parameter_c3
// expected-error @+1 {{'w' has type 'memref<4x4xbf16, strided<[8, 1]>>', expected no encoding or layout but #decoder.box or #decoder.quantized}}
%0 = decoder.parameter "w" : memref<4x4xbf16, strided<[8, 1]>>

// -----

func.func @f(%tokens: tensor<?xi32>, %table: tensor<2048x256xbf16>) {
  // embedding_c1
  // expected-error @+1 {{result has 255 features, expected 256}}
  %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<2048x256xbf16>) -> tensor<?x255xbf16>
  return
}

// -----

func.func @f(%batch: !decoder.batch) {
  // rotary_table_c1
  // expected-error @+1 {{has 31 columns, expected an even number > 0}}
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x31xf32>
  return
}

// -----

func.func @f(%batch: !decoder.batch) {
  // rotary_table_c2
  // expected-error @+1 {{theta is 0.000000e+00, expected a finite number > 0}}
  %r = decoder.rotary_table %batch {theta = 0.0 : f32} : tensor<?x32xf32>
  return
}

// -----

func.func @f(%batch: !decoder.batch) {
  // rotary_table_c2: 0x7F800000 is infinity
  // expected-error @+1 {{scale is INF, expected a finite number > 0}}
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32, scale = 0x7F800000 : f32} : tensor<?x32xf32>
  return
}

// -----

func.func @f(%batch: !decoder.batch) {
  // rotary_table_c3
  // expected-error @+1 {{has 32 columns, expected 30 dims rounded up to an even number}}
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32, dims = 30 : i64} : tensor<?x32xf32>
  return
}

// -----

func.func @f(%batch: !decoder.batch) {
  // rotary_table_c3
  // expected-error @+1 {{has 32 columns, expected 33 dims rounded up to an even number}}
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32, dims = 33 : i64} : tensor<?x32xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// linear
//===----------------------------------------------------------------------===//

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x32xbf16>) {
  // linear_c1
  // expected-error @+1 {{weight has 32 columns, input has 64 features}}
  %0 = decoder.linear %x, [%w] : (tensor<?x64xbf16>, tensor<256x32xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>) {
  // linear_c2
  // expected-error @+1 {{has 2 results, expected 1}}
  %0:2 = decoder.linear %x, [%w] : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>) {
  // linear_c2
  // expected-error @+1 {{result has 255 features, expected 256}}
  %0 = decoder.linear %x, [%w] : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x255xbf16>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>) {
  // linear_c2
  // expected-error @+1 {{result 0 must be activations}}
  %0 = decoder.linear %x, [%w] : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> !kv
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // linear_c2
  // expected-error @+1 {{the last result must be the cache, of the same type}}
  %0:2 = decoder.linear %x, [%w, %w, %w] cache(%kv, %batch, layer = 0)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, !kv, !decoder.batch)
   -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %g: tensor<64xbf16>, %b: tensor<32xbf16>) {
  // linear_c3
  // expected-error @+1 {{beta has 32 elements, input has 64 features}}
  %0 = decoder.linear %x, [%w] norm(%g, %b, eps = 1.0e-05)
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<64xbf16>, tensor<32xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %g: tensor<64xbf16>) {
  // linear_c3
  // expected-error @+1 {{norm needs gamma, beta and eps together}}
  %0 = "decoder.linear"(%x, %w, %g, %g) {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<64xbf16>, tensor<64xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %g: tensor<64xbf16>) {
  // linear_c3
  // expected-error @+1 {{eps is 1.000000e+00, expected more than 0 and less than 1}}
  %0 = decoder.linear %x, [%w] norm(%g, %g, eps = 1.0)
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<64xbf16>, tensor<64xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>) {
  // linear_c3
  // expected-error @+1 {{gamma_includes_one needs a gamma}}
  %0 = decoder.linear %x, [%w] {gamma_includes_one} : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %r: tensor<?x32xf32>) {
  // linear_c4
  // expected-error @+1 {{rope names weight 1 of 1; they must be in range and ascending}}
  %0 = decoder.linear %x, [%w] rope(%r, head_dim = 64, weights = [1])
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %r: tensor<?x32xf32>) {
  // linear_c4
  // expected-error @+1 {{rope names weight 0 of 2; they must be in range and ascending}}
  %0:2 = decoder.linear %x, [%w, %w] rope(%r, head_dim = 64, weights = [0, 0])
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<256x64xbf16>, tensor<?x32xf32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %r: tensor<?x32xf32>) {
  // linear_c4
  // expected-error @+1 {{roped weight has 256 features, not a multiple of head_dim 48}}
  %0 = decoder.linear %x, [%w] rope(%r, head_dim = 48, weights = [0])
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %r: tensor<?x32xf32>) {
  // linear_c4
  // expected-error @+1 {{rotary table has 32 columns, head_dim is 16}}
  %0 = decoder.linear %x, [%w] rope(%r, head_dim = 16, weights = [0])
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %r: tensor<?x32xf32>) {
  // linear_c4
  // expected-error @+1 {{rope needs a table, head_dim and weights together}}
  %0 = "decoder.linear"(%x, %w, %r) {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 1, 0, 0, 0>}
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %b: tensor<64xbf16>) {
  // linear_c9
  // expected-error @+1 {{has 1 biases, expected one for each of 2 weights}}
  %0:2 = decoder.linear %x, [%w, %w] bias(%b)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64xbf16>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>, %b: tensor<64xbf16>) {
  // linear_c9
  // expected-error @+1 {{bias has 64 elements, its weight has 256 rows}}
  %0 = decoder.linear %x, [%w] bias(%b)
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<64xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>) {
  // linear_c5
  // expected-error @+1 {{residual and activation need one weight, and no rope or cache}}
  %0:2 = decoder.linear %x, [%w, %w] activation(squared_relu)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %r: tensor<?x32xf32>) {
  // linear_c5
  // expected-error @+1 {{residual and activation need one weight, and no rope or cache}}
  %0 = decoder.linear %x, [%w] rope(%r, head_dim = 64, weights = [0]) residual(%x)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<?x32xf32>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<256x64xbf16>) {
  // linear_c5
  // expected-error @+1 {{residual has 64 features, result has 256}}
  %0 = decoder.linear %x, [%w] residual(%x)
    : (tensor<?x64xbf16>, tensor<256x64xbf16>, tensor<?x64xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // linear_c6
  // expected-error @+1 {{cache needs at least 3 weights, found 2}}
  %0 = decoder.linear %x, [%w, %w] cache(%kv, %batch, layer = 0)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, !kv, !decoder.batch) -> !kv
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %v: tensor<32x64xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // linear_c6
  // expected-error @+1 {{key or value weight has 32 rows, the cache takes 64}}
  %0:2 = decoder.linear %x, [%w, %w, %v] cache(%kv, %batch, layer = 0)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<32x64xbf16>, !kv, !decoder.batch) -> (tensor<?x64xbf16>, !kv)
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // linear_c6
  // expected-error @+1 {{layer is 1, the cache has 1}}
  %0:2 = decoder.linear %x, [%w, %w, %w] cache(%kv, %batch, layer = 1)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, !kv, !decoder.batch) -> (tensor<?x64xbf16>, !kv)
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>
func.func @f(%x: tensor<?x64xbf16>, %w: tensor<64x64xbf16>, %kv: !kv) {
  // linear_c6
  // expected-error @+1 {{cache needs a cache, a batch and a layer together}}
  %0:2 = "decoder.linear"(%x, %w, %w, %w, %kv) {operandSegmentSizes = array<i32: 1, 3, 0, 0, 0, 0, 0, 1, 0>, layer = 0 : i64}
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, !kv) -> (tensor<?x64xbf16>, !kv)
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>) {
  // linear_c7
  // expected-error @+1 {{has no weight}}
  decoder.linear %x, [] : (tensor<?x64xbf16>) -> ()
  return
}

// -----

func.func @f(%x: tensor<?x80xbf16>, %w: tensor<32x80xbf16>) {
  // linear_c8
  // expected-error @+1 {{input has 80 features, expected a multiple of 32, the group in which it is rounded}}
  %0 = decoder.linear %x, [%w] round(i8, group = 32) : (tensor<?x80xbf16>, tensor<32x80xbf16>) -> tensor<?x32xbf16>
  return
}

// -----

//===----------------------------------------------------------------------===//
// attention, logits
//===----------------------------------------------------------------------===//

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @f(%q: tensor<?x192xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // attention_c1
  // expected-error @+1 {{query has 192 features, not a multiple of kv heads * head_dim = 128}}
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64} : (tensor<?x192xbf16>, !kv, !decoder.batch) -> tensor<?x192xbf16>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @f(%q: tensor<?x256xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // attention_c2
  // expected-error @+1 {{the result must have the query's shape}}
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64} : (tensor<?x256xbf16>, !kv, !decoder.batch) -> tensor<?x128xbf16>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @f(%q: tensor<?x256xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // attention_c3
  // expected-error @+1 {{layer is -1, the cache has 1}}
  %a = decoder.attention %q, %kv, %batch {layer = -1 : i64} : (tensor<?x256xbf16>, !kv, !decoder.batch) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x64xbf16>, %w: tensor<2048x256xbf16>, %batch: !decoder.batch) {
  // logits_c1
  // expected-error @+1 {{weight has 256 columns, input has 64 features}}
  %l = decoder.logits %x, %w, %batch : (tensor<?x64xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x2048xf32>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %w: tensor<2048x256xbf16>, %batch: !decoder.batch) {
  // logits_c2
  // expected-error @+1 {{result has 1003 features, expected 2048}}
  %l = decoder.logits %x, %w, %batch : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x1003xf32>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %w: tensor<2048x256xbf16>, %g: tensor<64xbf16>, %batch: !decoder.batch) {
  // logits_c3
  // expected-error @+1 {{gamma has 64 elements, input has 256 features}}
  %l = decoder.logits %x, %w, %batch norm(%g, %g, eps = 1.0e-05)
    : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch, tensor<64xbf16>, tensor<64xbf16>) -> tensor<?x2048xf32>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %w: tensor<2048x256xbf16>, %batch: !decoder.batch) {
  // logits_c3
  // expected-error @+1 {{gamma_includes_one needs a gamma}}
  %l = decoder.logits %x, %w, %batch {gamma_includes_one} : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x2048xf32>
  return
}

// -----

func.func @f(%x: tensor<?x80xbf16>, %w: tensor<32x80xbf16>, %batch: !decoder.batch) {
  // logits_c4
  // expected-error @+1 {{input has 80 features, expected a multiple of 32, the group in which it is rounded}}
  %l = decoder.logits %x, %w, %batch round(i8, group = 32) : (tensor<?x80xbf16>, tensor<32x80xbf16>, !decoder.batch) -> tensor<?x32xf32>
  return
}

// -----

//===----------------------------------------------------------------------===//
// The cheap ops
//===----------------------------------------------------------------------===//

func.func @f(%x: tensor<?x256xbf16>, %g: tensor<128xbf16>) {
  // layer_norm_c1
  // expected-error @+1 {{gamma has 128 elements, input has 256 features}}
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (tensor<?x256xbf16>, tensor<128xbf16>, tensor<128xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>) {
  // layer_norm_c2
  // expected-error @+1 {{the result must have the input's shape}}
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (tensor<?x256xbf16>, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x128xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>) {
  // layer_norm_c3: 0x7FC00000 is not a number
  // expected-error @+1 {{expected more than 0 and less than 1}}
  %h = decoder.layer_norm %x, %g, %g {eps = 0x7FC00000 : f32} : (tensor<?x256xbf16>, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %r: tensor<?x32xf32>) {
  // rope_c1
  // expected-error @+1 {{input has 256 features, not a multiple of head_dim 0}}
  %h = decoder.rope %x, %r {head_dim = 0 : i64} : (tensor<?x256xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %r: tensor<?x128xf32>) {
  // rope_c1
  // expected-error @+1 {{rotary table has 128 columns, head_dim is 64}}
  %h = decoder.rope %x, %r {head_dim = 64 : i64} : (tensor<?x256xbf16>, tensor<?x128xf32>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x256xbf16>, %r: tensor<?x32xf32>) {
  // rope_c2
  // expected-error @+1 {{the result must have the input's shape}}
  %h = decoder.rope %x, %r {head_dim = 64 : i64} : (tensor<?x256xbf16>, tensor<?x32xf32>) -> tensor<?x128xbf16>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @f(%k: tensor<?x128xbf16>, %v: tensor<?x64xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // cache_append_c1
  // expected-error @+1 {{values have 64 features, the cache takes 128}}
  %0 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (tensor<?x128xbf16>, tensor<?x64xbf16>, !kv, !decoder.batch) -> !kv
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @f(%k: tensor<?x128xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // cache_append_c2
  // expected-error @+1 {{layer is 7, the cache has 1}}
  %0 = decoder.cache_append %k, %k, %kv, %batch {layer = 7 : i64} : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !decoder.batch) -> !kv
  return
}

// -----

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

// kernel_c1
// expected-error @+1 {{has no variant}}
decoder.kernel @k axis tokens variants []

// -----

// kernel_c1
// expected-error @+1 {{has a variant without a phase}}
decoder.kernel @k axis tokens variants [#decoder.variant<up_to = 0>]

// -----

// kernel_c2
// expected-error @+1 {{has a limit in its last variant}}
decoder.kernel @k axis tokens variants [#decoder.variant<up_to = 8, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>]

// -----

// kernel_c2
// expected-error @+1 {{variant 1 takes no step that variant 0 does not take}}
decoder.kernel @k axis tokens variants [
  #decoder.variant<up_to = 8, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 4, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 0, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>]

// -----

// kernel_c2
// expected-error @+1 {{has a limit in its last variant}}
decoder.kernel @k axis tokens variants [#decoder.variant<up_to = 0 run = 1, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>]

// -----

// kernel_c1
// expected-error @+1 {{has no variant for usual steps}}
decoder.kernel @add_0 axis tokens variants [
  #decoder.variant<up_to = 0 mode = batch_invariant, [#decoder.phase<"add_0", tokens, divisor = 1, factor = 1>]>]

// -----

// kernel_c2: of each mode by itself.
// expected-error @+1 {{variant 2 takes no step that variant 0 does not take}}
decoder.kernel @add_0 axis tokens variants [
  #decoder.variant<up_to = 8 mode = batch_invariant, [#decoder.phase<"add_0", tokens, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 0 mode = usual, [#decoder.phase<"add_0", tokens, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 4 mode = batch_invariant, [#decoder.phase<"add_0", tokens, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 0 mode = batch_invariant, [#decoder.phase<"add_0", tokens, divisor = 1, factor = 1>]>]

// -----

// kernel_c2: what a step of many rows may have, a step of few may, too.
// expected-error @+1 {{variant 1 takes no step that variant 0 does not take}}
decoder.kernel @k axis tokens variants [
  #decoder.variant<up_to = 0 run = 4, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 16 run = 1, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 0, [#decoder.phase<"k", one, divisor = 1, factor = 1>]>]

// -----

// kernel_c3
// expected-error @+1 {{phase "k" has a divisor or factor that is not positive}}
decoder.kernel @k axis tokens variants [#decoder.variant<up_to = 0, [#decoder.phase<"k", one, divisor = 0, factor = 1>]>]

// -----

func.func @k() { return }
func.func @f() {
  // dispatch_c1
  // expected-error @+1 {{'k' is not a decoder.kernel}}
  decoder.dispatch @k() layer 0 cost <fixedBytes = 0, rowBytes = 0, rowFlops = 0, contextBytes = 0, contextFlops = 0> : () -> ()
  return
}
