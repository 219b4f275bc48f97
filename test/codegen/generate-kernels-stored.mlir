// A kernel is for one way of storing its weights: other types, other boxes and other gammas are other
// kernels; the layers that store them alike share one.
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-bf16 | FileCheck %s

// CHECK: decoder.kernel @embedding_0
// CHECK: decoder.kernel @linear_0
// CHECK: decoder.kernel @linear_1
// CHECK: decoder.kernel @linear_2
// CHECK: decoder.kernel @linear_3
// CHECK: decoder.kernel @linear_4
// CHECK: decoder.kernel @layer_norm_0
// CHECK: decoder.kernel @layer_norm_1
// CHECK-NOT: decoder.kernel
// CHECK: func.func @forward
// CHECK: decoder.dispatch @linear_0
// CHECK: decoder.dispatch @linear_1
// CHECK: decoder.dispatch @linear_2
// CHECK: decoder.dispatch @linear_3
// CHECK: decoder.dispatch @linear_2
// CHECK: decoder.dispatch @linear_4

!x = memref<?x64xbf16, #decoder.arena<0>>
!y = memref<?x64xbf16, #decoder.arena<128>>
!groups = memref<64x64xbf16, #decoder.box<group_rows = 32, group_stride = 96>>
!columns = memref<64x64xbf16, #decoder.box<row_stride = 256>>
!other = memref<64x64xbf16, #decoder.box<group_rows = 32, group_stride = 64>>

func.func @forward(%tokens: memref<?xi32>, %table: memref<100x64xf32>, %w: memref<64x64xbf16>, %f16: memref<64x64xf16>,
                   %a: !groups, %b: !other, %c: !columns, %g: memref<64xf32>) {
  %x = decoder.embedding %tokens, %table : (memref<?xi32>, memref<100x64xf32>) -> !x
  %0 = decoder.linear %x, [%w] workspace <512> : (!x, memref<64x64xbf16>) -> !y
  %1 = decoder.linear %x, [%f16] workspace <512> : (!x, memref<64x64xf16>) -> !y
  %2 = decoder.linear %x, [%a] workspace <512> : (!x, !groups) -> !y
  %3 = decoder.linear %x, [%b] workspace <512> : (!x, !other) -> !y
  %4 = decoder.linear %x, [%a] workspace <512> : (!x, !groups) -> !y
  %7 = decoder.linear %x, [%c] workspace <512> : (!x, !columns) -> !y
  %5 = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, memref<64xf32>, memref<64xf32>) -> !y
  %6 = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32, gamma_includes_one} : (!x, memref<64xf32>, memref<64xf32>) -> !y
  return
}

// Products of bf16 use the dot product, those of f16 are widened and multiplied in f32.
// CHECK: module @cpu_x86_64_v4_bf16
// Rows of 32 pairs, 128 pairs apart.
// CHECK: func.func private @product_64x64_apart_256(%[[WEIGHT:[a-z0-9]+]]: memref<1xi8>
// CHECK: memref.view %[[WEIGHT]]{{.*}} : memref<1xi8> to memref<?x128xi32>
// CHECK: func.func private @product_64x64_32_64
// CHECK: x86vector.avx512.dot
