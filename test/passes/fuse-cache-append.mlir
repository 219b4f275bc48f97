// RUN: strata-opt %s --decoder-fuse-cache-append --remarks-filter-missed=decoder-fuse-cache-append -verify-diagnostics | FileCheck %s

!x = tensor<?x64xbf16>
!w = tensor<64x64xbf16>
!r = tensor<?x32xf32>
!kv = !decoder.kv_cache<layers = 4, heads = 1, head_dim = 64, page_tokens = 64>
!batch = !decoder.batch

// The op keeps its other clauses and its name.
// CHECK-LABEL: func @into_linear(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64x64xbf16>, %[[R:.*]]: tensor<?x32xf32>, %[[KV:.*]]: !decoder.kv_cache<{{.*}}>, %[[BATCH:.*]]: !decoder.batch)
func.func @into_linear(%x: !x, %w: !w, %r: !r, %kv: !kv, %batch: !batch) -> (!x, !kv) {
  // CHECK-NEXT: %[[Y:.*]]:2 = decoder.linear %[[X]], [%[[W]], %[[W]], %[[W]]] rope(%[[R]], head_dim = 64, weights = [0, 1]) cache(%[[KV]], %[[BATCH]], layer = 3) :
  // CHECK-NEXT: return %[[Y]]#0, %[[Y]]#1
  %y:3 = decoder.linear %x, [%w, %w, %w] rope(%r, head_dim = 64, weights = [0, 1]) : (!x, !w, !w, !w, !r) -> (!x, !x, !x)
  %kv1 = decoder.cache_append %y#1, %y#2, %kv, %batch {layer = 3 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %y#0, %kv1 : !x, !kv
}

// CHECK-LABEL: func @four_weights(
func.func @four_weights(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> (!x, !x, !kv) {
  // CHECK-NEXT: %[[Y:.*]]:3 = decoder.linear {{.*}} cache(
  // CHECK-NEXT: return %[[Y]]#0, %[[Y]]#1, %[[Y]]#2
  %y:4 = decoder.linear %x, [%w, %w, %w, %w] : (!x, !w, !w, !w, !w) -> (!x, !x, !x, !x)
  %kv1 = decoder.cache_append %y#2, %y#3, %kv, %batch {layer = 3 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %y#0, %y#1, %kv1 : !x, !x, !kv
}

// CHECK-LABEL: func @no_linear(
func.func @no_linear(%k: !x, %kv: !kv, %batch: !batch) -> !kv {
  // CHECK: decoder.cache_append
  // expected-remark @below {{keys: not the product of a linear}}
  %kv1 = decoder.cache_append %k, %k, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %kv1 : !kv
}

// CHECK-LABEL: func @values_needed(
func.func @values_needed(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> (!x, !x, !kv) {
  // CHECK: decoder.cache_append
  %y:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x)
  // expected-remark @below {{values: the product of linear has 2 uses}}
  %kv1 = decoder.cache_append %y#1, %y#2, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %y#0, %y#2, %kv1 : !x, !x, !kv
}

// CHECK-LABEL: func @two_linears(
func.func @two_linears(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> !kv {
  // CHECK: decoder.cache_append
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %v = decoder.linear %x, [%w] : (!x, !w) -> !x
  // expected-remark @below {{keys and values are not the last two of at least three products of one linear}}
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %kv1 : !kv
}

// CHECK-LABEL: func @wrong_order(
func.func @wrong_order(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> (!x, !kv) {
  // CHECK: decoder.cache_append
  %y:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x)
  // expected-remark @below {{keys and values are not the last two of at least three products of one linear}}
  %kv1 = decoder.cache_append %y#2, %y#1, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %y#0, %kv1 : !x, !kv
}

// CHECK-LABEL: func @cache_too_late(
func.func @cache_too_late(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> (!x, !kv) {
  // CHECK: decoder.cache_append %{{.*}}#1, %{{.*}}#2, {{.*}} {layer = 1 : i64}
  %y:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x) loc("self_attn.qkv")
  // expected-remark @below {{keys: not the product of a linear}}
  %kv1 = decoder.cache_append %x, %x, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear 'self_attn.qkv' stands before the cache or the batch}}
  %kv2 = decoder.cache_append %y#1, %y#2, %kv1, %batch {layer = 1 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %y#0, %kv2 : !x, !kv
}

// An attention over the cache as it was must come before the cache is overwritten.
// CHECK-LABEL: func @old_cache_read(
func.func @old_cache_read(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> (!x, !kv) {
  // CHECK: decoder.attention
  // CHECK: decoder.cache_append
  %y:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x)
  %a = decoder.attention %y#0, %kv, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  // expected-remark @below {{the old cache is read after linear}}
  %kv1 = decoder.cache_append %y#1, %y#2, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  return %a, %kv1 : !x, !kv
}
