// RUN: strata-opt %s --canonicalize | FileCheck %s

!x = tensor<?x64xbf16>
!w = tensor<64x64xbf16>
!kv = !decoder.kv_cache<layers = 2, heads = 1, head_dim = 64, page_tokens = 64>

// A weight whose product nobody uses is dropped.
// CHECK-LABEL: func @unused_product(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W0:.*]]: tensor<64x64xbf16>, %[[W1:.*]]: tensor<64x64xbf16>, %[[W2:.*]]: tensor<64x64xbf16>)
func.func @unused_product(%x: !x, %w0: !w, %w1: !w, %w2: !w) -> (!x, !x) {
  // CHECK: %[[Y:.*]]:2 = decoder.linear %[[X]], [%[[W0]], %[[W2]]] : (
  // CHECK: return %[[Y]]#0, %[[Y]]#1
  %y:3 = decoder.linear %x, [%w0, %w1, %w2] : (!x, !w, !w, !w) -> (!x, !x, !x)
  return %y#0, %y#2 : !x, !x
}

// What the input is rounded to stays.
// CHECK-LABEL: func @unused_quantized_product(
func.func @unused_quantized_product(%x: !x, %w0: !w, %w1: !w) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{[^,]*}}] round(i8, group = 32) :
  %y:2 = decoder.linear %x, [%w0, %w1] round(i8, group = 32) : (!x, !w, !w) -> (!x, !x)
  return %y#1 : !x
}

// With a norm clause too.
// CHECK-LABEL: func @unused_product_of_norm(
func.func @unused_product_of_norm(%x: !x, %w: !w, %g: tensor<64xbf16>) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] norm(%{{.*}}, %{{.*}}, eps = 1.000000e-03) : (
  %y:2 = decoder.linear %x, [%w, %w] norm(%g, %g, eps = 1.0e-3)
    : (!x, !w, !w, tensor<64xbf16>, tensor<64xbf16>) -> (!x, !x)
  return %y#1 : !x
}

// A bias goes with its weight.
// CHECK-LABEL: func @unused_product_with_bias(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64x64xbf16>, %[[B0:.*]]: tensor<64xbf16>, %[[B1:.*]]: tensor<64xbf16>
func.func @unused_product_with_bias(%x: !x, %w: !w, %b0: tensor<64xbf16>, %b1: tensor<64xbf16>) -> !x {
  // CHECK-NEXT: decoder.linear %[[X]], [%[[W]]] bias(%[[B1]]) :
  %y:2 = decoder.linear %x, [%w, %w] bias(%b0, %b1)
    : (!x, !w, !w, tensor<64xbf16>, tensor<64xbf16>) -> (!x, !x)
  return %y#1 : !x
}

// Not with a rope clause, which names weights by number.
// CHECK-LABEL: func @unused_product_beside_rope(
func.func @unused_product_beside_rope(%x: !x, %w: !w, %r: tensor<?x32xf32>) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}] rope(
  %y:2 = decoder.linear %x, [%w, %w] rope(%r, head_dim = 64, weights = [1])
    : (!x, !w, !w, tensor<?x32xf32>) -> (!x, !x)
  return %y#1 : !x
}

// Not with a cache clause, whose weights have roles.
// CHECK-LABEL: func @unused_query(
func.func @unused_query(%x: !x, %w: !w, %kv: !kv, %batch: !decoder.batch) -> !kv {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}, %{{.*}}] cache(
  %q, %kv1 = decoder.linear %x, [%w, %w, %w] cache(%kv, %batch, layer = 0)
    : (!x, !w, !w, !w, !kv, !decoder.batch) -> (!x, !kv)
  return %kv1 : !kv
}

// Keys and values that are overwritten before anyone reads them are not stored.
// CHECK-LABEL: func @overwritten_append(
// CHECK-SAME: %[[A:.*]]: tensor<?x64xbf16>, %[[B:.*]]: tensor<?x64xbf16>, %[[KV:.*]]: !decoder.kv_cache
func.func @overwritten_append(%a: !x, %b: !x, %kv: !kv, %batch: !decoder.batch) -> !kv {
  // CHECK-NEXT: %[[KV1:.*]] = decoder.cache_append %[[B]], %[[B]], %[[KV]],
  // CHECK-NEXT: return %[[KV1]]
  %kv1 = decoder.cache_append %a, %a, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  %kv2 = decoder.cache_append %b, %b, %kv1, %batch {layer = 0 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  return %kv2 : !kv
}

// Those of another layer are.
// CHECK-LABEL: func @two_layers(
func.func @two_layers(%a: !x, %kv: !kv, %batch: !decoder.batch) -> !kv {
  // CHECK-COUNT-2: decoder.cache_append
  %kv1 = decoder.cache_append %a, %a, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  %kv2 = decoder.cache_append %a, %a, %kv1, %batch {layer = 1 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  return %kv2 : !kv
}

// And those that are read in between.
// CHECK-LABEL: func @read_between(
func.func @read_between(%a: !x, %kv: !kv, %batch: !decoder.batch) -> (!x, !kv) {
  // CHECK-COUNT-2: decoder.cache_append
  %kv1 = decoder.cache_append %a, %a, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  %b = decoder.attention %a, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !decoder.batch) -> !x
  %kv2 = decoder.cache_append %b, %b, %kv1, %batch {layer = 0 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  return %b, %kv2 : !x, !kv
}

// What nobody uses goes away: every op is pure.
// CHECK-LABEL: func @dead(
// CHECK-NEXT: return
func.func @dead(%x: !x, %g: tensor<64xbf16>) {
  %0 = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, tensor<64xbf16>, tensor<64xbf16>) -> !x
  %1 = decoder.activation(squared_relu) %0 : (!x) -> !x
  return
}
