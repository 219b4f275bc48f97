// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s

// The ops that fusion would fold into linear: each is a launch with a block for each token.
// CHECK:      decoder.kernel @layer_norm_0 axis tokens variants [#decoder.variant<up_to = 0, [<"layer_norm_0_layer_norm", tokens, divisor = 1, factor = 1, block = 128, shared = 16>]>]
// CHECK:      decoder.kernel @rope_0 axis tokens variants [#decoder.variant<up_to = 0, [<"rope_0_rope", tokens, divisor = 1, factor = 1, block = 128>]>]
// CHECK:      decoder.kernel @cache_append_0 {{.*}}[<"cache_append_0_cache_append", tokens, divisor = 1, factor = 1, block = 128>]
// CHECK:      decoder.kernel @activation_0 {{.*}}[<"activation_0_squared_relu", tokens, divisor = 1, factor = 1, block = 128>]
// CHECK:      decoder.kernel @add_0 {{.*}}[<"add_0_add", tokens, divisor = 1, factor = 1, block = 128>]

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @forward(%x: memref<?x128xbf16>, %angles: memref<?x32xf32>, %kv: !kv, %batch: !decoder.batch) {
  %gamma = decoder.parameter "gamma" : memref<128xbf16>
  %n = decoder.layer_norm %x, %gamma, %gamma {eps = 1.0e-5 : f32}
    : (memref<?x128xbf16>, memref<128xbf16>, memref<128xbf16>) -> memref<?x128xbf16, #decoder.arena<0>>
  %r = decoder.rope %n, %angles {head_dim = 64 : i64}
    : (memref<?x128xbf16, #decoder.arena<0>>, memref<?x32xf32>) -> memref<?x128xbf16, #decoder.arena<256>>
  %c = decoder.cache_append %r, %n, %kv, %batch {layer = 0 : i64}
    : (memref<?x128xbf16, #decoder.arena<256>>, memref<?x128xbf16, #decoder.arena<0>>, !kv, !decoder.batch) -> !kv
  %s = decoder.activation(squared_relu) %r
    : (memref<?x128xbf16, #decoder.arena<256>>) -> memref<?x128xbf16, #decoder.arena<512>>
  %a = decoder.add %s, %n
    : (memref<?x128xbf16, #decoder.arena<512>>, memref<?x128xbf16, #decoder.arena<0>>)
    -> memref<?x128xbf16, #decoder.arena<768>>
  return
}
