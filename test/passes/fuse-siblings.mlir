// RUN: strata-opt %s --decoder-fuse-siblings --remarks-filter-missed=decoder-fuse-siblings -verify-diagnostics | FileCheck %s
// RUN: strata-opt %s --decoder-fuse-siblings --mlir-print-debuginfo | FileCheck %s --check-prefix=LOC

!x = tensor<?x64xbf16>
!w = tensor<64x64xbf16>
!b = tensor<64xbf16>
!w8 = tensor<64x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
!r = tensor<?x32xf32>
!kv = !decoder.kv_cache<layers = 4, heads = 1, head_dim = 64, page_tokens = 64>
!batch = !decoder.batch

// As a model is imported: each weight just before its linear, rope on queries and keys. The fused op
// stands where the first stood, with the weights before it.
// CHECK-LABEL: func @layer(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[R:.*]]: tensor<?x32xf32>
func.func @layer(%x: !x, %r: !r, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-NEXT: %q.weight = decoder.parameter
  // CHECK-NEXT: %k.weight = decoder.parameter
  // CHECK-NEXT: %v.weight = decoder.parameter
  // CHECK-NEXT: %[[Y:.*]]:3 = decoder.linear %[[X]], [%q.weight, %k.weight, %v.weight] :
  // CHECK-NEXT: %[[Q:.*]] = decoder.rope %[[Y]]#0
  // CHECK-NEXT: %[[K:.*]] = decoder.rope %[[Y]]#1
  // CHECK-NEXT: %[[KV:.*]] = decoder.cache_append %[[K]], %[[Y]]#2,
  // CHECK-NEXT: decoder.attention %[[Q]], %[[KV]]
  // LOC: decoder.linear {{.*}} loc(#[[LOC:.*]])
  %wq = decoder.parameter "q.weight" : !w
  %q = decoder.linear %x, [%wq] : (!x, !w) -> !x loc("model.layers.3.self_attn.q_proj")
  %qr = decoder.rope %q, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  %wk = decoder.parameter "k.weight" : !w
  %k = decoder.linear %x, [%wk] : (!x, !w) -> !x loc("model.layers.3.self_attn.k_proj")
  %kr = decoder.rope %k, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  %wv = decoder.parameter "v.weight" : !w
  %v = decoder.linear %x, [%wv] : (!x, !w) -> !x loc("model.layers.3.self_attn.v_proj")
  %kv1 = decoder.cache_append %kr, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  %a = decoder.attention %qr, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}
// LOC: #[[LOC]] = loc("model.layers.3.self_attn.qkv_proj"(

// The weights are [q, k, v] in whatever order the products are computed.
// CHECK-LABEL: func @another_order(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[WQ:.*]]: tensor<64x64xbf16>, %[[WK:.*]]: tensor<64x64xbf16>, %[[WV:.*]]: tensor<64x64xbf16>,
func.func @another_order(%x: !x, %wq: !w, %wk: !w, %wv: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-NEXT: decoder.linear %[[X]], [%[[WQ]], %[[WK]], %[[WV]]] :
  %v = decoder.linear %x, [%wv] : (!x, !w) -> !x
  %k = decoder.linear %x, [%wk] : (!x, !w) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  %q = decoder.linear %x, [%wq] : (!x, !w) -> !x
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// Biases come with their weights.
// CHECK-LABEL: func @biases(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64x64xbf16>, %[[BV:.*]]: tensor<64xbf16>,
func.func @biases(%x: !x, %w: !w, %bv: !b, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-NEXT: %q.bias = decoder.parameter
  // CHECK-NEXT: %k.bias = decoder.parameter
  // CHECK-NEXT: decoder.linear %[[X]], [%[[W]], %[[W]], %[[W]]] bias(%q.bias, %k.bias, %[[BV]]) :
  %bq = decoder.parameter "q.bias" : !b
  %q = decoder.linear %x, [%w] bias(%bq) : (!x, !w, !b) -> !x
  %bk = decoder.parameter "k.bias" : !b
  %k = decoder.linear %x, [%w] bias(%bk) : (!x, !w, !b) -> !x
  %v = decoder.linear %x, [%w] bias(%bv) : (!x, !w, !b) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// All have one, or none.
// CHECK-LABEL: func @one_bias(
func.func @one_bias(%x: !x, %w: !w, %bv: !b, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-COUNT-3: decoder.linear
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %v = decoder.linear %x, [%w] bias(%bv) : (!x, !w, !b) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear has a bias, linear has none}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// Quantized weights are weights like others.
// CHECK-LABEL: func @quantized(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[WQ:[^:]*]]: tensor<64x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
func.func @quantized(%x: !x, %wq: !w8, %wv: !w8, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-NEXT: %k.weight = decoder.parameter
  // CHECK-NEXT: decoder.linear %[[X]], [%[[WQ]], %k.weight, %{{.*}}] round(i8, group = 32) :
  %q = decoder.linear %x, [%wq] round(i8, group = 32) : (!x, !w8) -> !x
  %wk = decoder.parameter "k.weight" scales "k.weight_scale" : !w8
  %k = decoder.linear %x, [%wk] round(i8, group = 32) : (!x, !w8) -> !x
  %v = decoder.linear %x, [%wv] round(i8, group = 32) : (!x, !w8) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// Nor do weights in blocks, whatever their formats, and others: targets may round the input of the first.
// CHECK-LABEL: func @blocks(
// CHECK: decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}, %{{.*}}] : (tensor<?x256xbf16>, tensor<64x256xbf16, #decoder.quantized<q4_k>>
func.func @blocks(%x: tensor<?x256xbf16>, %wq: tensor<64x256xbf16, #decoder.quantized<q4_k>>,
                  %wv: tensor<64x256xbf16, #decoder.quantized<q6_k>>, %kv: !kv, %batch: !batch) -> !x {
  %q = decoder.linear %x, [%wq] : (tensor<?x256xbf16>, tensor<64x256xbf16, #decoder.quantized<q4_k>>) -> !x
  %k = decoder.linear %x, [%wq] : (tensor<?x256xbf16>, tensor<64x256xbf16, #decoder.quantized<q4_k>>) -> !x
  %v = decoder.linear %x, [%wv] : (tensor<?x256xbf16>, tensor<64x256xbf16, #decoder.quantized<q6_k>>) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

func.func @some_in_blocks(%x: tensor<?x256xbf16>, %wq: tensor<64x256xbf16, #decoder.quantized<q4_k>>,
                          %wv: tensor<64x256xf16>, %kv: !kv, %batch: !batch) -> !x {
  %q = decoder.linear %x, [%wq] : (tensor<?x256xbf16>, tensor<64x256xbf16, #decoder.quantized<q4_k>>) -> !x
  %k = decoder.linear %x, [%wq] : (tensor<?x256xbf16>, tensor<64x256xbf16, #decoder.quantized<q4_k>>) -> !x
  %v = decoder.linear %x, [%wv] : (tensor<?x256xbf16>, tensor<64x256xf16>) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear has a weight not in blocks, unlike linear}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// Inputs that are rounded and such that are not do not mix.
// CHECK-LABEL: func @rounded_query(
func.func @rounded_query(%x: !x, %wq: !w8, %w: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-COUNT-3: decoder.linear %{{.*}}, [%{{[^,]*}}]
  %q = decoder.linear %x, [%wq] round(i8, group = 32) : (!x, !w8) -> !x loc("q_proj")
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x loc("k_proj")
  %v = decoder.linear %x, [%w] : (!x, !w) -> !x loc("v_proj")
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear 'k_proj' rounds its input otherwise than linear 'q_proj'}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// What is one linear already is left alone, without a remark; so is a pass that runs twice.
// CHECK-LABEL: func @already(
func.func @already(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}, %{{.*}}] :
  %y:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x)
  %kv1 = decoder.cache_append %y#1, %y#2, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  %a = decoder.attention %y#0, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// Linears of one input that feed no attention stay apart.
// CHECK-LABEL: func @gate_and_up(
func.func @gate_and_up(%x: !x, %w: !w) -> !x {
  // CHECK-COUNT-2: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %gate = decoder.linear %x, [%w] : (!x, !w) -> !x
  %up = decoder.linear %x, [%w] : (!x, !w) -> !x
  %y = decoder.add %gate, %up : (!x, !x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @query_from_elsewhere(
func.func @query_from_elsewhere(%x: !x, %q: !x, %w: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-COUNT-2: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %v = decoder.linear %x, [%w] : (!x, !w) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{the query is not the product of a linear}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// CHECK-LABEL: func @keys_needed(
func.func @keys_needed(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> (!x, !x) {
  // CHECK-COUNT-3: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %v = decoder.linear %x, [%w] : (!x, !w) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{the keys or values are used by more than the cache_append}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a, %k : !x, !x
}

// One linear for keys and values: each has a second use.
// CHECK-LABEL: func @keys_are_values(
func.func @keys_are_values(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-COUNT-2: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %kv1 = decoder.cache_append %k, %k, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{the keys or values are used by more than the cache_append}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// Cross attention.
// CHECK-LABEL: func @another_input(
func.func @another_input(%x: !x, %encoded: !x, %w: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-COUNT-3: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x loc("q_proj")
  %k = decoder.linear %encoded, [%w] : (!x, !w) -> !x loc("k_proj")
  %v = decoder.linear %encoded, [%w] : (!x, !w) -> !x loc("v_proj")
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear 'k_proj' has another input than linear 'q_proj'}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

// CHECK-LABEL: func @clauses_already(
func.func @clauses_already(%x: !x, %w: !w, %r: !r, %kv: !kv, %batch: !batch) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{[^,]*}}] rope(
  // CHECK-COUNT-2: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %q = decoder.linear %x, [%w] rope(%r, head_dim = 64, weights = [0]) : (!x, !w, !r) -> !x
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %v = decoder.linear %x, [%w] : (!x, !w) -> !x
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear has several weights or clauses already}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}

func.func private @make_weight() -> !w

// CHECK-LABEL: func @weight_too_late(
func.func @weight_too_late(%x: !x, %w: !w, %kv: !kv, %batch: !batch) -> !x {
  // CHECK-COUNT-3: decoder.linear %{{.*}}, [%{{[^,]*}}] :
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %k = decoder.linear %x, [%w] : (!x, !w) -> !x
  %wv = call @make_weight() : () -> !w
  %v = decoder.linear %x, [%wv] : (!x, !w) -> !x loc("v_proj")
  %kv1 = decoder.cache_append %k, %v, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv
  // expected-remark @below {{linear 'v_proj' has a weight or bias that is computed after linear}}
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x
  return %a : !x
}
