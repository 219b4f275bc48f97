// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s

// Where there are logits there is an auxiliary kernel that draws a token of each row. It is no part
// of the program.
// CHECK-NOT:   decoder.kernel @sample
// CHECK-LABEL: func.func @forward
// CHECK-NOT:   @sample
// CHECK:       module @cuda
// CHECK:       func.func @sample(%{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: memref<1xi8, 1>, %{{[^:]+}}: memref<1xi8, 1>)
// CHECK:         vector.load {{.*}} : memref<?x256xf32, 1>, vector<4xf32>
// CHECK-NOT:   func.func @sample
func.func @forward(%x: memref<?x64xbf16>, %batch: !decoder.batch) {
  %w = decoder.parameter "w" : memref<256x64xbf16>
  %l = decoder.logits %x, %w, %batch workspace<0>
    : (memref<?x64xbf16>, memref<256x64xbf16>, !decoder.batch) -> memref<?x256xf32, #decoder.arena<128>>
  return
}
