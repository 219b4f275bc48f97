// Every op and every clause is printed and parsed back, in its own form and in the generic one.
// RUN: strata-opt %s | FileCheck %s
// RUN: strata-opt %s --mlir-print-op-generic | strata-opt | FileCheck %s
// RUN: strata-opt %s --emit-bytecode | strata-opt | FileCheck %s

!kv = !decoder.kv_cache<layers = 6, heads = 2, head_dim = 64, page_tokens = 64>

// CHECK: module @demo attributes {decoder.model = #decoder.model<architecture = "nemotron", name = "demo", context = 2048, bos_token = -1, add_bos = false, eos_tokens = [2, 3]>}
module @demo attributes {decoder.model = #decoder.model<architecture = "nemotron", name = "demo",
    context = 2048, bos_token = -1, add_bos = false, eos_tokens = [2, 3]>} {

// CHECK: module @endless attributes {decoder.model = #decoder.model<architecture = "nemotron", name = "no end", context = 1, bos_token = 2, add_bos = true>}
module @endless attributes {decoder.model = #decoder.model<architecture = "nemotron", name = "no end",
    context = 1, bos_token = 2, add_bos = true>} {}

// CHECK-LABEL: func @inputs
func.func @inputs(%tokens: tensor<?xi32>, %batch: !decoder.batch) -> (tensor<?x256xbf16>, tensor<?x32xf32>) {
  // CHECK: %embed_tokens.weight = decoder.parameter "model.embed_tokens.weight" : tensor<2048x256xbf16>
  %table = decoder.parameter "model.embed_tokens.weight" : tensor<2048x256xbf16>
  // CHECK: decoder.embedding %{{.*}}, %embed_tokens.weight : (tensor<?xi32>, tensor<2048x256xbf16>) -> tensor<?x256xbf16>
  %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<2048x256xbf16>) -> tensor<?x256xbf16>
  // CHECK: decoder.rotary_table %{{.*}} {scale = 2.000000e+00 : f32, theta = 1.000000e+04 : f32} : tensor<?x32xf32>
  %scaled = decoder.rotary_table %batch {theta = 1.0e4 : f32, scale = 2.0 : f32} : tensor<?x32xf32>
  // CHECK: decoder.rotary_table %{{.*}} {dims = 31 : i64, theta = 1.000000e+04 : f32} : tensor<?x32xf32>
  %odd = decoder.rotary_table %batch {theta = 1.0e4 : f32, dims = 31 : i64} : tensor<?x32xf32>
  // CHECK: decoder.rotary_table %{{.*}} {theta = 1.000000e+04 : f32} : tensor<?x32xf32>
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x32xf32>
  return %x, %r : tensor<?x256xbf16>, tensor<?x32xf32>
}

// CHECK-LABEL: func @linear
func.func @linear(%x: tensor<?x256xbf16>, %w: tensor<256x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>) {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] : (tensor<?x256xbf16>, tensor<256x256xbf16>) -> tensor<?x256xbf16>
  %0 = decoder.linear %x, [%w] : (tensor<?x256xbf16>, tensor<256x256xbf16>) -> tensor<?x256xbf16>
  // CHECK: %{{.*}}:2 = decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}] : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<256x256xbf16>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  %1:2 = decoder.linear %x, [%w, %w] : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<256x256xbf16>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>)
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] norm(%{{.*}}, %{{.*}}, eps = 9.99999974E-6) activation(squared_relu) residual(%{{.*}}) {decoder.workspace_bytes = 512 : i64} :
  %2 = decoder.linear %x, [%w] norm(%g, %b, eps = 1.0e-05) activation(squared_relu) residual(%0) {decoder.workspace_bytes = 512 : i64}
    : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<256xbf16>, tensor<256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] bias(%{{.*}}) residual(%{{.*}}) : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<256xbf16>, tensor<?x256xbf16>)
  %biased = decoder.linear %x, [%w] bias(%b) residual(%0)
    : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
  return
}

// CHECK-LABEL: func @attention
func.func @attention(%x: tensor<?x256xbf16>, %wq: tensor<256x256xbf16>, %wk: tensor<128x256xbf16>,
                     %wv: tensor<128x256xbf16>, %r: tensor<?x32xf32>, %kv: !kv, %batch: !decoder.batch) -> !kv {
  // CHECK: %[[Q:.*]]:2 = decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}, %{{.*}}] rope(%{{.*}}, head_dim = 64, weights = [0, 1]) cache(%{{.*}}, %{{.*}}, layer = 5) :
  %q, %kv1 = decoder.linear %x, [%wq, %wk, %wv] rope(%r, head_dim = 64, weights = [0, 1]) cache(%kv, %batch, layer = 5)
    : (tensor<?x256xbf16>, tensor<256x256xbf16>, tensor<128x256xbf16>, tensor<128x256xbf16>, tensor<?x32xf32>, !kv, !decoder.batch)
   -> (tensor<?x256xbf16>, !kv)
  // CHECK: decoder.attention %[[Q]]#0, %[[Q]]#1, %{{.*}} {layer = 5 : i64} : (tensor<?x256xbf16>, !decoder.kv_cache<layers = 6, heads = 2, head_dim = 64, page_tokens = 64>, !decoder.batch) -> tensor<?x256xbf16>
  %a = decoder.attention %q, %kv1, %batch {layer = 5 : i64} : (tensor<?x256xbf16>, !kv, !decoder.batch) -> tensor<?x256xbf16>
  return %kv1 : !kv
}

// CHECK-LABEL: func @logits
func.func @logits(%x: tensor<?x256xbf16>, %w: tensor<2048x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>, %batch: !decoder.batch) {
  // CHECK: decoder.logits %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x2048xf32>
  %0 = decoder.logits %x, %w, %batch : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch) -> tensor<?x2048xf32>
  // CHECK: decoder.logits %{{.*}}, %{{.*}}, %{{.*}} norm(%{{.*}}, %{{.*}}, eps = 9.99999974E-6) :
  %1 = decoder.logits %x, %w, %batch norm(%g, %b, eps = 1.0e-05)
    : (tensor<?x256xbf16>, tensor<2048x256xbf16>, !decoder.batch, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x2048xf32>
  return
}

// CHECK-LABEL: func @cheap
func.func @cheap(%x: tensor<?x256xbf16>, %g: tensor<256xbf16>, %b: tensor<256xbf16>, %r: tensor<?x32xf32>,
                 %k: tensor<?x128xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // CHECK: decoder.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {eps = 9.99999974E-6 : f32} : (tensor<?x256xbf16>, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x256xbf16>
  %0 = decoder.layer_norm %x, %g, %b {eps = 1.0e-5 : f32} : (tensor<?x256xbf16>, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x256xbf16>
  // CHECK: decoder.rope %{{.*}}, %{{.*}} {head_dim = 64 : i64} : (tensor<?x256xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  %1 = decoder.rope %x, %r {head_dim = 64 : i64} : (tensor<?x256xbf16>, tensor<?x32xf32>) -> tensor<?x256xbf16>
  // CHECK: decoder.cache_append %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {layer = 0 : i64} : (tensor<?x128xbf16>, tensor<?x128xbf16>, !decoder.kv_cache<{{.*}}>, !decoder.batch) -> !decoder.kv_cache<{{.*}}>
  %2 = decoder.cache_append %k, %k, %kv, %batch {layer = 0 : i64} : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !decoder.batch) -> !kv
  // CHECK: decoder.activation(squared_relu) %{{.*}} : (tensor<?x256xbf16>) -> tensor<?x256xbf16>
  %3 = decoder.activation(squared_relu) %x : (tensor<?x256xbf16>) -> tensor<?x256xbf16>
  // CHECK: decoder.add %{{.*}}, %{{.*}} : (tensor<?x256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
  %4 = decoder.add %x, %3 : (tensor<?x256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
  return
}

// Parameters in other types and places, on tensors and on buffers.
// CHECK-LABEL: func @stored
func.func @stored(%x: tensor<?x256xbf16>, %batch: !decoder.batch) {
  // CHECK: decoder.parameter "q" : tensor<512x256xf16, #decoder.box<group_rows = 256, group_stride = 384>>
  %q = decoder.parameter "q" : tensor<512x256xf16, #decoder.box<group_rows = 256, group_stride = 384>>
  %g = decoder.parameter "g" : tensor<256xf32>
  %b = decoder.parameter "b" : tensor<256xf16>
  // CHECK: decoder.linear %{{.*}}, [%q] norm(%g, %b, eps = 9.99999974E-6, gamma_includes_one) activation(squared_relu) : (tensor<?x256xbf16>, tensor<512x256xf16, #decoder.box<group_rows = 256, group_stride = 384>>, tensor<256xf32>, tensor<256xf16>) -> tensor<?x512xbf16>
  %0 = decoder.linear %x, [%q] norm(%g, %b, eps = 1.0e-05, gamma_includes_one) activation(squared_relu)
    : (tensor<?x256xbf16>, tensor<512x256xf16, #decoder.box<group_rows = 256, group_stride = 384>>, tensor<256xf32>, tensor<256xf16>) -> tensor<?x512xbf16>
  %w = decoder.parameter "w" : tensor<2048x256xf32>
  // CHECK: decoder.logits %{{.*}}, %w, %{{.*}} norm(%g, %b, eps = 9.99999974E-6, gamma_includes_one) : (tensor<?x256xbf16>, tensor<2048x256xf32>,
  %1 = decoder.logits %x, %w, %batch norm(%g, %b, eps = 1.0e-05, gamma_includes_one)
    : (tensor<?x256xbf16>, tensor<2048x256xf32>, !decoder.batch, tensor<256xf32>, tensor<256xf16>) -> tensor<?x2048xf32>
  // CHECK: decoder.layer_norm %{{.*}}, %g, %b {eps = 9.99999974E-6 : f32, gamma_includes_one} :
  %2 = decoder.layer_norm %x, %g, %b {eps = 1.0e-5 : f32, gamma_includes_one}
    : (tensor<?x256xbf16>, tensor<256xf32>, tensor<256xf16>) -> tensor<?x256xbf16>
  // CHECK: decoder.parameter "o" : memref<256x32xbf16, #decoder.box<row_stride = 256>>
  %o = decoder.parameter "o" : memref<256x32xbf16, #decoder.box<row_stride = 256>>
  // CHECK: decoder.parameter "v" : memref<256x32xf16, #decoder.box<row_stride = 256, group_rows = 128, group_stride = 384>>
  %v = decoder.parameter "v" : memref<256x32xf16, #decoder.box<row_stride = 256, group_rows = 128, group_stride = 384>>
  // CHECK: decoder.parameter "k" : memref<256x256xf16, #decoder.box<group_rows = 128, group_stride = 384>>
  %k = decoder.parameter "k" : memref<256x256xf16, #decoder.box<group_rows = 128, group_stride = 384>>
  return
}

// Weights of 8 bits, whose groups of 32 have scales, and an input that is rounded likewise.
// CHECK-LABEL: func @quantized
func.func @quantized(%x: tensor<?x256xbf16>, %v: tensor<64x256xbf16, #decoder.quantized<i8, group = 32, scale = f16>>, %g: tensor<256xbf16>, %batch: !decoder.batch) {
  // CHECK: %{{.*}} = decoder.parameter "up.weight" scales "up.weight_scale" : tensor<512x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
  %w = decoder.parameter "up.weight" scales "up.weight_scale" : tensor<512x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
  // CHECK: decoder.parameter "d.weight_packed" scales "d.weight_scale" : tensor<512x256xbf16, #decoder.quantized<i4, group = 128, scale = bf16>>
  decoder.parameter "d.weight_packed" scales "d.weight_scale" : tensor<512x256xbf16, #decoder.quantized<i4, group = 128, scale = bf16>>
  // CHECK: decoder.parameter "e.weight_packed" scales "e.weight_scale" : tensor<512x320xbf16, #decoder.quantized<i8_packed, group = 320, scale = f16>>
  decoder.parameter "e.weight_packed" scales "e.weight_scale" : tensor<512x320xbf16, #decoder.quantized<i8_packed, group = 320, scale = f16>>
  // CHECK: decoder.parameter "o" scales "s" : memref<512x256xbf16, #decoder.quantized<i8, group = 32, scale = f32, box = <row_stride = 1024>>>
  %o = decoder.parameter "o" scales "s" : memref<512x256xbf16, #decoder.quantized<i8, group = 32, scale = f32, box = <row_stride = 1024>>>
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] round(i8, group = 32) : (tensor<?x256xbf16>, tensor<512x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) -> tensor<?x512xbf16>
  %0 = decoder.linear %x, [%w] round(i8, group = 32) : (tensor<?x256xbf16>, tensor<512x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) -> tensor<?x512xbf16>
  // CHECK: %{{.*}}:2 = decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}] norm(%{{.*}}, %{{.*}}, eps = 9.99999974E-6) round(i8, group = 32) :
  %1:2 = decoder.linear %x, [%w, %v] norm(%g, %g, eps = 1.0e-05) round(i8, group = 32)
    : (tensor<?x256xbf16>, tensor<512x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, tensor<64x256xbf16, #decoder.quantized<i8, group = 32, scale = f16>>, tensor<256xbf16>, tensor<256xbf16>)
   -> (tensor<?x512xbf16>, tensor<?x64xbf16>)
  // CHECK: decoder.logits %{{.*}}, %{{.*}}, %{{.*}} norm(%{{.*}}, %{{.*}}, eps = 9.99999974E-6) round(i8, group = 32) :
  %2 = decoder.logits %x, %w, %batch norm(%g, %g, eps = 1.0e-05) round(i8, group = 32)
    : (tensor<?x256xbf16>, tensor<512x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, !decoder.batch, tensor<256xbf16>, tensor<256xbf16>) -> tensor<?x512xf32>
  return
}

// CHECK-LABEL: func @buffers
// CHECK-SAME: attributes {decoder.arena_bytes_per_token = 4096 : i64}
func.func @buffers(%tokens: memref<?xi32>, %batch: !decoder.batch, %kv: !kv) -> memref<?x2048xf32>
    attributes {decoder.arena_bytes_per_token = 4096 : i64} {
  // CHECK: decoder.parameter "table" : memref<2048x256xbf16>
  %table = decoder.parameter "table" : memref<2048x256xbf16>
  %w = decoder.parameter "w" : memref<256x256xbf16>
  %wk = decoder.parameter "wk" : memref<128x256xbf16>
  %g = decoder.parameter "g" : memref<256xbf16>
  // CHECK: decoder.rotary_table %{{.*}} {theta = 1.000000e+04 : f32} : memref<?x32xf32, #decoder.arena<0>>
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : memref<?x32xf32, #decoder.arena<0>>
  // CHECK: %[[X:.*]] = decoder.embedding %{{.*}}, %table : (memref<?xi32>, memref<2048x256xbf16>) -> memref<?x256xbf16, #decoder.arena<128>>
  %x = decoder.embedding %tokens, %table : (memref<?xi32>, memref<2048x256xbf16>) -> memref<?x256xbf16, #decoder.arena<128>>
  // CHECK: decoder.linear %[[X]], [%w, %wk, %wk] norm(%g, %g, eps = 9.99999974E-6) rope(%{{.*}}, head_dim = 64, weights = [0, 1]) cache(%{{.*}}, %{{.*}}, layer = 0) workspace <1152> : (memref<?x256xbf16, #decoder.arena<128>>,
  %q, %kv1 = decoder.linear %x, [%w, %wk, %wk] norm(%g, %g, eps = 1.0e-05) rope(%r, head_dim = 64, weights = [0, 1])
      cache(%kv, %batch, layer = 0) workspace <1152>
    : (memref<?x256xbf16, #decoder.arena<128>>, memref<256x256xbf16>, memref<128x256xbf16>, memref<128x256xbf16>, memref<256xbf16>,
       memref<256xbf16>, memref<?x32xf32, #decoder.arena<0>>, !kv, !decoder.batch) -> (memref<?x256xbf16, #decoder.arena<640>>, !kv)
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64}
    : (memref<?x256xbf16, #decoder.arena<640>>, !kv, !decoder.batch) -> memref<?x256xbf16, #decoder.arena<1152>>
  // CHECK: decoder.linear %{{.*}}, [%w] residual(%[[X]]) : (memref<?x256xbf16, #decoder.arena<1152>>, memref<256x256xbf16>, memref<?x256xbf16, #decoder.arena<128>>) -> memref<?x256xbf16, #decoder.arena<640>>
  %y = decoder.linear %a, [%w] residual(%x)
    : (memref<?x256xbf16, #decoder.arena<1152>>, memref<256x256xbf16>, memref<?x256xbf16, #decoder.arena<128>>) -> memref<?x256xbf16, #decoder.arena<640>>
  // CHECK: decoder.logits %{{.*}}, %table, %{{.*}} norm(%g, %g, eps = 9.99999974E-6) workspace <0> :
  %l = decoder.logits %y, %table, %batch norm(%g, %g, eps = 1.0e-05) workspace <0>
    : (memref<?x256xbf16, #decoder.arena<640>>, memref<2048x256xbf16>, !decoder.batch, memref<256xbf16>, memref<256xbf16>) -> memref<?x2048xf32>
  return %l : memref<?x2048xf32>
}

// CHECK-LABEL: func @cheap_buffers
func.func @cheap_buffers(%x: memref<?x128xbf16>, %g: memref<128xbf16>, %r: memref<?x32xf32>, %kv: !kv, %batch: !decoder.batch) {
  // CHECK: decoder.layer_norm {{.*}} -> memref<?x128xbf16, #decoder.arena<0>>
  %0 = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (memref<?x128xbf16>, memref<128xbf16>, memref<128xbf16>) -> memref<?x128xbf16, #decoder.arena<0>>
  // CHECK: decoder.rope {{.*}} -> memref<?x128xbf16, #decoder.arena<256>>
  %1 = decoder.rope %0, %r {head_dim = 64 : i64} : (memref<?x128xbf16, #decoder.arena<0>>, memref<?x32xf32>) -> memref<?x128xbf16, #decoder.arena<256>>
  // CHECK: decoder.cache_append %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {layer = 1 : i64} : (memref<?x128xbf16, #decoder.arena<256>>, memref<?x128xbf16, #decoder.arena<0>>,
  %2 = decoder.cache_append %1, %0, %kv, %batch {layer = 1 : i64}
    : (memref<?x128xbf16, #decoder.arena<256>>, memref<?x128xbf16, #decoder.arena<0>>, !kv, !decoder.batch) -> !kv
  // CHECK: decoder.activation(squared_relu) {{.*}} -> memref<?x128xbf16, #decoder.arena<512>>
  %3 = decoder.activation(squared_relu) %1 : (memref<?x128xbf16, #decoder.arena<256>>) -> memref<?x128xbf16, #decoder.arena<512>>
  // CHECK: decoder.add {{.*}} -> memref<?x128xbf16, #decoder.arena<0>>
  %4 = decoder.add %1, %3 : (memref<?x128xbf16, #decoder.arena<256>>, memref<?x128xbf16, #decoder.arena<512>>) -> memref<?x128xbf16, #decoder.arena<0>>
  return
}

// Few tokens of any sequences, then any number of sequences with a token each.
// CHECK: decoder.kernel @attention_0 axis tokens variants [#decoder.variant<up_to = 16, [<"a", tokens, divisor = 1, factor = 1>]>, #decoder.variant<up_to = 0 run = 1, [<"b", tokens, divisor = 1, factor = 1>]>, #decoder.variant<up_to = 0, [<"c", tokens, divisor = 1, factor = 1>]>]
decoder.kernel @attention_0 axis tokens variants [
  #decoder.variant<up_to = 16, [#decoder.phase<"a", tokens, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 0 run = 1, [#decoder.phase<"b", tokens, divisor = 1, factor = 1>]>,
  #decoder.variant<up_to = 0, [#decoder.phase<"c", tokens, divisor = 1, factor = 1>]>]

// CHECK: decoder.kernel @add_0 axis tokens variants [#decoder.variant<up_to = 4, [<"add_0.decode", one, divisor = 1, factor = 2>]>, #decoder.variant<up_to = 0, [<"add_0.first", tokens, divisor = 16, factor = 1>, <"add_0.second", outputs, divisor = 1, factor = 3>]>]
decoder.kernel @add_0 axis tokens variants [
  #decoder.variant<up_to = 4, [#decoder.phase<"add_0.decode", one, divisor = 1, factor = 2>]>,
  #decoder.variant<up_to = 0, [#decoder.phase<"add_0.first", tokens, divisor = 16, factor = 1>,
                               #decoder.phase<"add_0.second", outputs, divisor = 1, factor = 3>]>]

// CHECK: decoder.kernel @add_1 {{.*}}block = 288, shared = 1024, maps = [<buffer = 2, tokens, rows = 1, columns = 256, box_rows = 128, box_columns = 64, row_stride = 512>]>]
decoder.kernel @add_1 axis tokens variants [
  #decoder.variant<up_to = 0, [#decoder.phase<"add_1", tokens, divisor = 128, factor = 1, block = 288, shared = 1024,
    maps = [#decoder.tensor_map<buffer = 2, tokens, rows = 1, columns = 256, box_rows = 128, box_columns = 64, row_stride = 512>]>]>]

// CHECK-LABEL: func @dispatch
func.func @dispatch(%x: memref<?x256xbf16>, %batch: !decoder.batch) {
  // CHECK: decoder.dispatch @add_0(%{{.*}}, %{{.*}}, %{{.*}}) layer 3 cost <fixedBytes = 1, rowBytes = 2, rowFlops = 3, contextBytes = 4, contextFlops = 5> workspace <64> : (memref<?x256xbf16>, memref<?x256xbf16>, !decoder.batch) -> memref<?x256xbf16, #decoder.arena<512>>
  %0 = decoder.dispatch @add_0(%x, %x, %batch) layer 3
         cost <fixedBytes = 1, rowBytes = 2, rowFlops = 3, contextBytes = 4, contextFlops = 5> workspace <64>
    : (memref<?x256xbf16>, memref<?x256xbf16>, !decoder.batch) -> memref<?x256xbf16, #decoder.arena<512>>
  return
}
}
