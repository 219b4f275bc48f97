// RUN: strata-opt %s --decoder-generate-cuda-kernels | FileCheck %s

// Ops that differ only in their buffers share a kernel; another shape is another kernel. A linear
// has a decode form for 1, 4 and 16 rows and one on tensor cores; each launch knows its block.
// CHECK:      decoder.kernel @linear_0 axis tokens variants
// CHECK-SAME: up_to = 1, [<"linear_0_decode1", one, divisor = 1, factor = {{[0-9]+}}, block = 128
// CHECK-SAME: up_to = 4, [<"linear_0_decode4", one
// CHECK-SAME: up_to = 16, [<"linear_0_decode16", one
// CHECK-SAME: up_to = 0, [<"linear_0_prefill", tokens, divisor = {{[0-9]+}}, factor = {{[0-9]+}}, block = 128, shared = {{[0-9]+}}>
// CHECK:      decoder.kernel @linear_1 axis tokens variants
// CHECK-NOT:  decoder.kernel
// CHECK:      func.func @forward
// CHECK:        %[[Y:.+]] = decoder.dispatch @linear_0(
// CHECK:        decoder.dispatch @linear_0(%[[Y]]
// CHECK:        decoder.dispatch @linear_1(
// CHECK-NOT:    decoder.linear
func.func @forward(%x: memref<?x256xbf16>) {
  %w = decoder.parameter "w" : memref<256x256xbf16>
  %v = decoder.parameter "v" : memref<256x256xbf16>
  %u = decoder.parameter "u" : memref<64x256xbf16>
  %y = decoder.linear %x, [%w]
    : (memref<?x256xbf16>, memref<256x256xbf16>) -> memref<?x256xbf16, #decoder.arena<0>>
  %z = decoder.linear %y, [%v]
    : (memref<?x256xbf16, #decoder.arena<0>>, memref<256x256xbf16>)
    -> memref<?x256xbf16, #decoder.arena<512>>
  %s = decoder.linear %z, [%u]
    : (memref<?x256xbf16, #decoder.arena<512>>, memref<64x256xbf16>)
    -> memref<?x64xbf16, #decoder.arena<1024>>
  return
}

// All bodies stand in one module, with one piece of shared memory. Buffers are global memory; that
// nobody writes it while the kernel runs is said of the weight alone.
// CHECK:      module @cuda {
// CHECK-NEXT: memref.global "private" @shared : memref<1xi8, 3> {alignment = 1024 : i64}
// CHECK:      func.func @linear_0_decode1(
// CHECK-SAME:   %{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: memref<1xi8, 1> {llvm.noalias, llvm.readonly}, %{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: i32, %{{[^:]+}}: i32, %{{[^:]+}}: i32, %{{[^:]+}}: i32) {
// CHECK:        nvvm.read.ptx.sreg.tid.x
// CHECK:        memref.get_global @shared : memref<1xi8, 3>
// CHECK:      func.func @linear_0_decode4(
// CHECK:      func.func @linear_0_decode16(
// CHECK:      func.func @linear_0_prefill(
// CHECK:        nvvm.cp.async.shared.global
// CHECK:        nvvm.ldmatrix
// CHECK:        nvvm.mma.sync
// CHECK:      func.func @linear_1_decode1(
// CHECK-NOT:  memref.global
// CHECK-NOT:  func.func @linear_2
// CHECK-NOT:  module
