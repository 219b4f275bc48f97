// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s --check-prefix=PRODUCTS
// RUN: strata-opt %s --decoder-generate-kernels=target=cuda --decoder-lower-cuda-kernels | FileCheck %s --check-prefix=LOWERED

// Every program has kernels that belong to no op: to measure the device, and for random weights. Their
// parameters are addresses, and numbers of 64 bits.
// CHECK:     func.func @forward
// CHECK:     module @cuda {
// CHECK:       func.func @linear_0_prefill(
// CHECK:       func.func @read_memory(%{{.*}}: memref<1xi8, 1>, %{{.*}}: memref<1xi8, 1>, %{{.*}}: memref<1xi8, 1>)
// Eight loads are under way before the first is needed.
// CHECK:         scf.for
// CHECK-COUNT-8:   vector.load {{.*}} {alignment = 16 : i64} : memref<?x4xi32, 1>, vector<4xi32>
// CHECK:           arith.xori {{.*}} : vector<4xi32>
// CHECK:       func.func @multiply_matrices(%{{.*}}: memref<1xi8, 1>, %{{.*}}: i64)
// CHECK:       func.func @random_bf16(%{{.*}}: memref<1xi8, 1>, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: i64, %{{.*}}: f32)
// CHECK:         memref.store {{.*}} : memref<?xi16, 1>
// CHECK:       func.func @random_f16(
// CHECK:         memref.store {{.*}} : memref<?xi16, 1>
// CHECK:       func.func @random_f32(
// CHECK:         memref.store {{.*}} : memref<?xf32, 1>
// Without logits there is nothing to draw a token from.
// CHECK-NOT:   @sample

// A round is 16 products: what the package says of its flops counts on it.
// PRODUCTS:          func.func @multiply_matrices(
// PRODUCTS:            scf.for
// PRODUCTS-COUNT-16:     nvvm.mma.sync
// PRODUCTS-NOT:          nvvm.mma.sync
// PRODUCTS:              scf.yield

// LOWERED: llvm.func @read_memory({{.*}}) attributes {nvvm.kernel
// LOWERED: llvm.func @random_f32({{.*}}) attributes {nvvm.kernel
func.func @forward(%x: memref<?x256xbf16>) {
  %w = decoder.parameter "w" : memref<256x256xbf16>
  %y = decoder.linear %x, [%w]
    : (memref<?x256xbf16>, memref<256x256xbf16>) -> memref<?x256xbf16, #decoder.arena<0>>
  return
}
