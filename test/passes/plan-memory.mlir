// RUN: strata-opt %s --decoder-plan-memory --split-input-file | FileCheck %s

!kv = !decoder.kv_cache<layers = 1, heads = 1, head_dim = 64, page_tokens = 64>

// A layer. The most that is live at once is one MLP: 512 + 128 + 128 bytes a token, and the arena is no
// larger.
// CHECK-LABEL: func @layer(
// CHECK-SAME: %{{.*}}: memref<?xi32>, %{{.*}}: !decoder.batch, %{{.*}}: !decoder.kv_cache<{{.*}}>) -> (memref<?x100xf32>, !decoder.kv_cache<{{.*}}>)
// CHECK-SAME: decoder.arena_bytes_per_token = 768 : i64
func.func @layer(%tokens: tensor<?xi32>, %batch: !decoder.batch, %kv: !kv) -> (tensor<?x100xf32>, !kv) {
  // CHECK: decoder.parameter "table" : memref<100x64xbf16>
  %table = decoder.parameter "table" : tensor<100x64xbf16>
  %w = decoder.parameter "w" : tensor<64x64xbf16>
  %up = decoder.parameter "up" : tensor<256x64xbf16>
  %down = decoder.parameter "down" : tensor<64x256xbf16>
  // CHECK: decoder.rotary_table {{.*}} : memref<?x32xf32, #decoder.arena<0>>
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x32xf32>
  // CHECK: decoder.embedding {{.*}} -> memref<?x64xbf16, #decoder.arena<128>>
  %x = decoder.embedding %tokens, %table : (tensor<?xi32>, tensor<100x64xbf16>) -> tensor<?x64xbf16>
  // CHECK: decoder.linear {{.*}} -> (memref<?x64xbf16, #decoder.arena<256>>, !decoder.kv_cache<
  %q, %kv1 = decoder.linear %x, [%w, %w, %w] rope(%r, head_dim = 64, weights = [0, 1]) cache(%kv, %batch, layer = 0)
    : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<64x64xbf16>, tensor<?x32xf32>, !kv, !decoder.batch)
   -> (tensor<?x64xbf16>, !kv)
  // CHECK: decoder.attention {{.*}} -> memref<?x64xbf16, #decoder.arena<0>>
  %a = decoder.attention %q, %kv1, %batch {layer = 0 : i64} : (tensor<?x64xbf16>, !kv, !decoder.batch) -> tensor<?x64xbf16>
  // CHECK: decoder.linear {{.*}} -> memref<?x64xbf16, #decoder.arena<512>>
  %y = decoder.linear %a, [%w] residual(%x) : (tensor<?x64xbf16>, tensor<64x64xbf16>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  // CHECK: decoder.linear {{.*}} -> memref<?x256xbf16, #decoder.arena<0>>
  %u = decoder.linear %y, [%up] activation(squared_relu) : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x256xbf16>
  // CHECK: decoder.linear {{.*}} -> memref<?x64xbf16, #decoder.arena<640>>
  %z = decoder.linear %u, [%down] residual(%y) : (tensor<?x256xbf16>, tensor<64x256xbf16>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  // What is returned is the caller's buffer.
  // CHECK: decoder.logits {{.*}} -> memref<?x100xf32>
  %l = decoder.logits %z, %table, %batch : (tensor<?x64xbf16>, tensor<100x64xbf16>, !decoder.batch) -> tensor<?x100xf32>
  return %l, %kv1 : tensor<?x100xf32>, !kv
}

// -----

// A row of 25 features is 50 bytes and takes 64: every buffer is aligned for any number of tokens.
// CHECK-LABEL: func @odd_rows(
// CHECK-SAME: decoder.arena_bytes_per_token = 128 : i64
func.func @odd_rows(%x: tensor<?x25xbf16>) -> tensor<?x25xbf16> {
  // CHECK: #decoder.arena<0>>
  // CHECK: -> memref<?x25xbf16, #decoder.arena<64>>
  // CHECK: -> memref<?x25xbf16>
  %0 = decoder.activation(squared_relu) %x : (tensor<?x25xbf16>) -> tensor<?x25xbf16>
  %1 = decoder.activation(squared_relu) %0 : (tensor<?x25xbf16>) -> tensor<?x25xbf16>
  %2 = decoder.activation(squared_relu) %1 : (tensor<?x25xbf16>) -> tensor<?x25xbf16>
  return %2 : tensor<?x25xbf16>
}

// -----

// Workspace is live during its op only, apart from the op's operands and results.
// CHECK-LABEL: func @workspace(
// CHECK-SAME: decoder.arena_bytes_per_token = 1280 : i64
func.func @workspace(%x: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %w = decoder.parameter "w" : tensor<64x64xbf16>
  // CHECK: decoder.linear {{.*}} workspace <0> : {{.*}} -> memref<?x64xbf16, #decoder.arena<1024>>
  %0 = decoder.linear %x, [%w] {decoder.workspace_bytes = 1024 : i64} : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
  // CHECK: decoder.linear {{.*}} workspace <0> : {{.*}} -> memref<?x64xbf16, #decoder.arena<1152>>
  %1 = decoder.linear %0, [%w] {decoder.workspace_bytes = 1000 : i64} : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
  // None asked for, none given; the attribute that asked goes away.
  // CHECK-NEXT: decoder.linear %{{[0-9]+}}, [%w] : {{.*}} -> memref<?x64xbf16>
  %2 = decoder.linear %1, [%w] {decoder.workspace_bytes = 0 : i64} : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
  return %2 : tensor<?x64xbf16>
}

// -----

// A result that nobody uses is still written: it has a place while its op runs.
// CHECK-LABEL: func @unused(
// CHECK-SAME: decoder.arena_bytes_per_token = 256 : i64
func.func @unused(%x: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  // CHECK: #decoder.arena<0>>
  %0 = decoder.activation(squared_relu) %x : (tensor<?x64xbf16>) -> tensor<?x64xbf16>
  // CHECK: -> memref<?x64xbf16, #decoder.arena<128>>
  %1 = decoder.activation(squared_relu) %0 : (tensor<?x64xbf16>) -> tensor<?x64xbf16>
  %2 = decoder.add %0, %x : (tensor<?x64xbf16>, tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return %2 : tensor<?x64xbf16>
}

// -----

// Nothing to plan.
// CHECK: func private @elsewhere(tensor<?x64xbf16>)
func.func private @elsewhere(tensor<?x64xbf16>)

// -----

// How a parameter is stored stays in its type: the tensor's encoding becomes the memref's layout.
// CHECK-LABEL: func @box(
func.func @box(%x: tensor<?x64xbf16>) -> tensor<?x128xbf16> {
  // CHECK: decoder.parameter "w" : memref<128x64xf16, #decoder.box<row_stride = 72, group_rows = 64, group_stride = 96>>
  %w = decoder.parameter "w" : tensor<128x64xf16, #decoder.box<row_stride = 72, group_rows = 64, group_stride = 96>>
  // CHECK: decoder.linear {{.*}} : (memref<?x64xbf16>, memref<128x64xf16, #decoder.box<row_stride = 72, group_rows = 64, group_stride = 96>>) -> memref<?x128xbf16>
  %y = decoder.linear %x, [%w]
    : (tensor<?x64xbf16>, tensor<128x64xf16, #decoder.box<row_stride = 72, group_rows = 64, group_stride = 96>>) -> tensor<?x128xbf16>
  return %y : tensor<?x128xbf16>
}
