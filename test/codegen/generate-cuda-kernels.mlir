// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels="target=cuda machine=sm_90a" | FileCheck %s --check-prefix=SM90
// RUN: strata-opt %s --decoder-generate-kernels="target=cuda machine=sim_90a" | FileCheck %s --check-prefix=SM90
// RUN: not strata-opt %s --decoder-generate-kernels="target=cuda machine=sm_75" 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: unknown machine 'sm_75' of target cuda

// Ops that differ only in their buffers share a kernel; another shape is another kernel. A linear
// has a decode form for 1, 4 and 16 rows and one on tensor cores; each launch knows its block.
// CHECK:      decoder.kernel @linear_0 axis tokens variants
// CHECK-SAME: up_to = 1 mode = usual, [<"linear_0_decode1", one, divisor = 1, factor = {{[0-9]+}}, block = 128
// CHECK-SAME: up_to = 4 mode = usual, [<"linear_0_decode4", one
// CHECK-SAME: up_to = 16 mode = usual, [<"linear_0_decode16", one
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
// CHECK-SAME:   %{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: memref<1xi8, 1> {llvm.noalias, llvm.readonly}, %{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: i32, %{{[^:]+}}: i32, %{{[^:]+}}: i32, %{{[^:]+}}: i32) attributes {nvvm.reqntid = array<i32: 128>} {
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

// For sm_90a the form of many tokens copies boxes of its input and its weight, whose tensor maps it
// takes by value. 128 x 64 bf16 of 128 tokens, 256 x 64 of as many weight rows; or as many as there
// are.
// SM90:      decoder.kernel @linear_0 axis tokens variants
// SM90-SAME: up_to = 16 mode = usual, [<"linear_0_decode16", one, {{[^>]*}}, block = 128, shared = {{[0-9]+}}>]
// SM90-SAME: up_to = 0, [<"linear_0_prefill", tokens, divisor = 128, factor = 1, block = 288, shared = {{[0-9]+}}, maps = [
// SM90-SAME:   <buffer = 0, tokens, rows = 1, columns = 256, box_rows = 128, box_columns = 64>,
// SM90-SAME:   <buffer = 1, one, rows = 256, columns = 256, box_rows = 256, box_columns = 64>]>]
// SM90:      decoder.kernel @linear_1
// SM90-SAME:   <buffer = 1, one, rows = 64, columns = 256, box_rows = 64, box_columns = 64>]>]
// SM90:      func.func @linear_0_prefill(
// SM90-SAME:   i32, %[[X:[^:]+]]: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>}, %[[W:[^:]+]]: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>}) attributes {nvvm.reqntid = array<i32: 288>} {
// SM90:        nvvm.mbarrier.init
// SM90:        nvvm.mbarrier.arrive.expect_tx
// SM90:        nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}}, %[[X]], {{.*}}, box
// SM90:        nvvm.cp.async.bulk.tensor.shared.cluster.global {{.*}}, %[[W]], {{.*}}, box
// The first product of a block forgets what was in its sums; one batch stays in flight.
// SM90:        nvvm.wgmma.mma_async {{.*}}, <m = 64, n = 256, k = 16>, D[<f32>, <zero>]
// SM90:        scf.for
// SM90-NOT:      <zero>
// SM90:          nvvm.wgmma.wait.group.sync.aligned 1
// SM90:        nvvm.wgmma.wait.group.sync.aligned 0
// SM90:        nvvm.barrier id = {{.*}} number_of_threads =
// SM90-NOT:    nvvm.mma.sync
// SM90:      func.func @linear_1_decode1(
