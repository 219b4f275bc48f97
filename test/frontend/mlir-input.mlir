// A .mlir file is a model, too: fused ops, odd shapes, any number of layers.

// RUN: strata-compile %s --stop-after=import -o - | FileCheck %s

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 4, page_tokens = 64>

// CHECK: module attributes {decoder.model = #decoder.model<architecture = "handmade", name = "one layer", context = 64, bos_token = -1, add_bos = false, eos_tokens = [3]>}
module attributes {decoder.model = #decoder.model<architecture = "handmade", name = "one layer",
    context = 64, bos_token = -1, add_bos = false, eos_tokens = [3]>} {
  // CHECK: func.func @forward(
  func.func @forward(%tokens: tensor<?xi32>, %batch: !decoder.batch, %kv: !kv)
      -> (tensor<?x10xf32>, !kv) {
    %table = decoder.parameter "table" : tensor<10x8xbf16>
    %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<10x8xbf16>) -> tensor<?x8xbf16>
    %g = decoder.parameter "g" : tensor<8xbf16>
    %wq = decoder.parameter "q" : tensor<8x8xbf16>
    %wk = decoder.parameter "k" : tensor<4x8xbf16>
    %wv = decoder.parameter "v" : tensor<4x8xbf16>
    // CHECK: decoder.linear {{.*}} norm({{.*}}) cache({{.*}}, layer = 0)
    %q, %kv1 = decoder.linear %x, [%wq, %wk, %wv] norm(%g, %g, eps = 1.0e-05) cache(%kv, %batch, layer = 0)
      : (tensor<?x8xbf16>, tensor<8x8xbf16>, tensor<4x8xbf16>, tensor<4x8xbf16>, tensor<8xbf16>,
         tensor<8xbf16>, !kv, !decoder.batch) -> (tensor<?x8xbf16>, !kv)
    %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64}
      : (tensor<?x8xbf16>, !kv, !decoder.batch) -> tensor<?x8xbf16>
    // CHECK: decoder.logits
    %l = decoder.logits %a, %table, %batch
      : (tensor<?x8xbf16>, tensor<10x8xbf16>, !decoder.batch) -> tensor<?x10xf32>
    return %l, %kv1 : tensor<?x10xf32>, !kv
  }
}
