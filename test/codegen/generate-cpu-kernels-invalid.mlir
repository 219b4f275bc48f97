// RUN: strata-opt %s --decoder-generate-kernels --split-input-file --verify-diagnostics

func.func @forward(%x: tensor<?x256xbf16>) {
  // expected-error @below {{is on tensors; run --decoder-plan-memory first}}
  %y = decoder.activation(squared_relu) %x : (tensor<?x256xbf16>) -> tensor<?x256xbf16>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %w: memref<16x256xbf16>) {
  // expected-error @below {{has no workspace; run --decoder-assign-workspace=target=cpu before --decoder-plan-memory}}
  %y = decoder.linear %x, [%w]
    : (memref<?x256xbf16>, memref<16x256xbf16>) -> memref<?x16xbf16, #decoder.arena<0>>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 5, page_tokens = 64>
func.func @forward(%q: memref<?x10xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // expected-error @below {{head_dim is 5; the cpu target needs a multiple of 2}}
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64}
    : (memref<?x10xbf16>, !kv, !decoder.batch) -> memref<?x10xbf16, #decoder.arena<0>>
  return
}

// -----

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 8, page_tokens = 48>
func.func @forward(%q: memref<?x16xbf16>, %kv: !kv, %batch: !decoder.batch) {
  // expected-error @below {{page_tokens is 48; the cpu target needs a multiple of 64}}
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64}
    : (memref<?x16xbf16>, !kv, !decoder.batch) -> memref<?x16xbf16, #decoder.arena<0>>
  return
}

// -----

!w = memref<16x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
func.func @forward(%x: memref<?x64xbf16>, %w: !w) {
  // An input that is not rounded.
  // expected-error @below {{has weights and an input that the cpu target cannot multiply; it takes weights that are not quantized with an input that is not rounded, or weights that are all quantized with round(i8, group = 32)}}
  %y = decoder.linear %x, [%w] : (memref<?x64xbf16>, !w) -> memref<?x16xbf16, #decoder.arena<0>>
  return
}

// -----

!w = memref<16x64xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
func.func @forward(%x: memref<?x64xbf16>, %w: !w, %v: memref<16x64xbf16>) {
  // Weights of two kinds.
  // expected-error @below {{has weights and an input that the cpu target cannot multiply; it takes weights that are not quantized with an input that is not rounded, or weights that are all quantized with round(i8, group = 32)}}
  %y:2 = decoder.linear %x, [%w, %v] round(i8, group = 32)
    : (memref<?x64xbf16>, !w, memref<16x64xbf16>) -> (memref<?x16xbf16, #decoder.arena<0>>, memref<?x16xbf16, #decoder.arena<64>>)
  return
}

// -----

// expected-error @below {{there is no @forward}}
module {}
