// A layer of Nemotron, as imported, is five kernels after all fusions: nothing cheap is left.
// RUN: strata-opt %s --remarks-filter-missed='decoder-.*' -verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(func.func(decoder-fuse-siblings,decoder-fuse-norm,decoder-fuse-activation,decoder-fuse-rope,decoder-fuse-cache-append,decoder-fuse-residual))' | FileCheck %s

!x = tensor<?x256xbf16>
!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>

// CHECK-LABEL: func @layer(
// CHECK-SAME: %[[X:.*]]: tensor<?x256xbf16>, %[[BATCH:.*]]: !decoder.batch, %[[KV:.*]]: !decoder.kv_cache
func.func @layer(%x: !x, %batch: !decoder.batch, %kv: !kv) -> (!x, !kv) {
  // CHECK: %[[R:.*]] = decoder.rotary_table
  // CHECK: %[[Q:.*]]:2 = decoder.linear %[[X]], [%q, %k, %v] norm(%norm1, %bias1, eps = {{.*}}) rope(%[[R]], head_dim = 64, weights = [0, 1]) cache(%[[KV]], %[[BATCH]], layer = 0) :
  // CHECK: %[[A:.*]] = decoder.attention %[[Q]]#0, %[[Q]]#1, %[[BATCH]]
  // CHECK: %[[Y:.*]] = decoder.linear %[[A]], [%o] residual(%[[X]]) :
  // CHECK: %[[U:.*]] = decoder.linear %[[Y]], [%up] norm(%norm2, %bias2, eps = {{.*}}) activation(squared_relu) :
  // CHECK: %[[Z:.*]] = decoder.linear %[[U]], [%down] residual(%[[Y]]) :
  // CHECK-NEXT: return %[[Z]], %[[Q]]#1
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x32xf32>
  %g1 = decoder.parameter "norm1" : tensor<256xbf16>
  %b1 = decoder.parameter "bias1" : tensor<256xbf16>
  %h = decoder.layer_norm %x, %g1, %b1 {eps = 1.0e-5 : f32} : (!x, tensor<256xbf16>, tensor<256xbf16>) -> !x
  %wq = decoder.parameter "q" : tensor<256x256xbf16>
  %q = decoder.linear %h, [%wq] : (!x, tensor<256x256xbf16>) -> !x
  %wk = decoder.parameter "k" : tensor<128x256xbf16>
  %k = decoder.linear %h, [%wk] : (!x, tensor<128x256xbf16>) -> tensor<?x128xbf16>
  %wv = decoder.parameter "v" : tensor<128x256xbf16>
  %v = decoder.linear %h, [%wv] : (!x, tensor<128x256xbf16>) -> tensor<?x128xbf16>
  %qr = decoder.rope %q, %r {head_dim = 64 : i64} : (!x, tensor<?x32xf32>) -> !x
  %kr = decoder.rope %k, %r {head_dim = 64 : i64} : (tensor<?x128xbf16>, tensor<?x32xf32>) -> tensor<?x128xbf16>
  %kv1 = decoder.cache_append %kr, %v, %kv, %batch {layer = 0 : i64} : (tensor<?x128xbf16>, tensor<?x128xbf16>, !kv, !decoder.batch) -> !kv
  %a = decoder.attention %qr, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !decoder.batch) -> !x
  %wo = decoder.parameter "o" : tensor<256x256xbf16>
  %o = decoder.linear %a, [%wo] : (!x, tensor<256x256xbf16>) -> !x
  %y = decoder.add %x, %o : (!x, !x) -> !x
  %g2 = decoder.parameter "norm2" : tensor<256xbf16>
  %b2 = decoder.parameter "bias2" : tensor<256xbf16>
  %i = decoder.layer_norm %y, %g2, %b2 {eps = 1.0e-5 : f32} : (!x, tensor<256xbf16>, tensor<256xbf16>) -> !x
  %wu = decoder.parameter "up" : tensor<1024x256xbf16>
  %u = decoder.linear %i, [%wu] : (!x, tensor<1024x256xbf16>) -> tensor<?x1024xbf16>
  %s = decoder.activation(squared_relu) %u : (tensor<?x1024xbf16>) -> tensor<?x1024xbf16>
  %wd = decoder.parameter "down" : tensor<256x1024xbf16>
  %d = decoder.linear %s, [%wd] : (tensor<?x1024xbf16>, tensor<256x1024xbf16>) -> !x
  %z = decoder.add %y, %d : (!x, !x) -> !x
  return %z, %kv1 : !x, !kv
}
