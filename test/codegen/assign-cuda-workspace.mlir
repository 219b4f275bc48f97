// RUN: strata-opt %s --pass-pipeline='builtin.module(func.func(decoder-assign-workspace{target=cuda}))' | FileCheck %s

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>

// A linear keeps its normalized input and logits the rows that they gather: 2 bytes a feature.
// CHECK-LABEL: @linears
// CHECK: decoder.linear {{.*}} norm({{.*}} {decoder.workspace_bytes = 512 : i64}
// CHECK: decoder.logits {{.*}} {decoder.workspace_bytes = 2048 : i64}
func.func @linears(%x: tensor<?x256xbf16>, %gamma: tensor<256xbf16>, %w: tensor<1024x256xbf16>,
                   %v: tensor<10x1024xbf16>, %batch: !decoder.batch) -> tensor<?x10xf32> {
  %y = decoder.linear %x, [%w] norm(%gamma, %gamma, eps = 1.0e-5)
    : (tensor<?x256xbf16>, tensor<1024x256xbf16>, tensor<256xbf16>, tensor<256xbf16>)
    -> tensor<?x1024xbf16>
  %l = decoder.logits %y, %v, %batch
    : (tensor<?x1024xbf16>, tensor<10x1024xbf16>, !decoder.batch) -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// Attention keeps partial results of 16 tokens, 4 heads and 16 parts of the context, each of 64
// features, a maximum and a sum in f32: 16 * 4 * 16 * 66 * 4 bytes, over the 64 tokens that an
// arena is a multiple of.
// CHECK-LABEL: @attention
// CHECK: decoder.attention {{.*}} {decoder.workspace_bytes = 4224 : i64, layer = 0 : i64}
func.func @attention(%q: tensor<?x256xbf16>, %kv: !kv, %batch: !decoder.batch) {
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64}
    : (tensor<?x256xbf16>, !kv, !decoder.batch) -> tensor<?x256xbf16>
  return
}

// Nothing else wants any: a linear without norm reads its input where it is.
// CHECK-LABEL: @others
// CHECK-NOT: workspace
func.func @others(%tokens: tensor<?xi32>, %table: tensor<10x256xbf16>, %w: tensor<64x256xbf16>,
                  %batch: !decoder.batch) -> tensor<?x64xbf16> {
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x32xf32>
  %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<10x256xbf16>) -> tensor<?x256xbf16>
  %y = decoder.linear %x, [%w] : (tensor<?x256xbf16>, tensor<64x256xbf16>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
