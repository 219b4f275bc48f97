// RUN: strata-opt %s --decoder-generate-kernels=target=cuda --split-input-file --verify-diagnostics

func.func @forward(%x: tensor<?x256xbf16>, %w: tensor<16x256xbf16>) {
  // expected-error @below {{is on tensors; run --decoder-plan-memory first}}
  %y = decoder.linear %x, [%w] : (tensor<?x256xbf16>, tensor<16x256xbf16>) -> tensor<?x16xbf16>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %w: memref<16x256xbf16>, %batch: !decoder.batch) {
  // expected-error @below {{has no workspace; run --decoder-assign-workspace=target=cuda before --decoder-plan-memory}}
  %y = decoder.logits %x, %w, %batch
    : (memref<?x256xbf16>, memref<16x256xbf16>, !decoder.batch) -> memref<?x16xf32, #decoder.arena<0>>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %w: memref<16x256xf32>) {
  // expected-error @below {{has weights of f32; the cuda target needs bf16 or f16}}
  %y = decoder.linear %x, [%w] : (memref<?x256xbf16>, memref<16x256xf32>) -> memref<?x16xbf16, #decoder.arena<0>>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %w: memref<16x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) {
  // expected-error @below {{has weights of i8; only the cpu target takes them}}
  %y = decoder.linear %x, [%w] round(i8, group = 32)
    : (memref<?x256xbf16>, memref<16x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) -> memref<?x16xbf16, #decoder.arena<0>>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %w: memref<16x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, %batch: !decoder.batch) {
  // expected-error @below {{has weights of i8; only the cpu target takes them}}
  %y = decoder.logits %x, %w, %batch round(i8, group = 32) workspace <0>
    : (memref<?x256xbf16>, memref<16x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, !decoder.batch) -> memref<?x16xf32, #decoder.arena<0>>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %v: memref<16x256xf16>, %w: memref<16x256xbf16>) {
  // expected-error @below {{has weights of 'f16' and 'bf16'; the cuda target needs one type}}
  %y:2 = decoder.linear %x, [%v, %w]
    : (memref<?x256xbf16>, memref<16x256xf16>, memref<16x256xbf16>) -> (memref<?x16xbf16, #decoder.arena<0>>, memref<?x16xbf16, #decoder.arena<64>>)
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %v: memref<16x256xbf16>, %w: memref<16x256xbf16, #decoder.box<row_stride = 512>>) {
  // expected-error @below {{has weights whose rows are 256 and 512 elements apart; the cuda target needs one stride}}
  %y:2 = decoder.linear %x, [%v, %w]
    : (memref<?x256xbf16>, memref<16x256xbf16>, memref<16x256xbf16, #decoder.box<row_stride = 512>>)
    -> (memref<?x16xbf16, #decoder.arena<0>>, memref<?x16xbf16, #decoder.arena<64>>)
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %w: memref<16x256xbf16, #decoder.quantized<q4_k>>) {
  // expected-error @below {{rounds its input; the cuda target multiplies weights in blocks with one that is not rounded}}
  %y = decoder.linear %x, [%w] round(i8, group = 32)
    : (memref<?x256xbf16>, memref<16x256xbf16, #decoder.quantized<q4_k>>) -> memref<?x16xbf16, #decoder.arena<0>>
  return
}

// -----

func.func @forward(%x: memref<?x256xbf16>, %v: memref<16x256xbf16, #decoder.quantized<q4_k>>, %w: memref<16x256xbf16>) {
  // expected-error @below {{has weights in blocks and others; the cuda target needs one kind}}
  %y:2 = decoder.linear %x, [%v, %w]
    : (memref<?x256xbf16>, memref<16x256xbf16, #decoder.quantized<q4_k>>, memref<16x256xbf16>) -> (memref<?x16xbf16, #decoder.arena<0>>, memref<?x16xbf16, #decoder.arena<64>>)
  return
}

// -----

// expected-error @below {{there is no @forward}}
module {}
