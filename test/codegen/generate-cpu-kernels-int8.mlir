// Weights of i8: the input is rounded to 8 bits by a phase of its own, for few tokens and for many, and multiplied four
// by four; packages demand avx512vnni for that.
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-bf16 | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v3 | FileCheck %s --check-prefix=AVX2
// RUN: strata-opt %s --decoder-generate-kernels --decoder-lower-cpu-kernels -o /dev/null

// CHECK: decoder.kernel @linear_0 axis tokens variants
// All forms sum in the same order, so those of batch-invariant steps are the usual ones.
// CHECK-SAME: up_to = 4, [<"linear_0.rows", tokens, divisor = 1, factor = 1>, <"linear_0.decode", one, divisor = 1, factor = 4>]
// CHECK-SAME: up_to = 0, [<"linear_0.pack", tokens, divisor = 16, factor = 4>, <"linear_0.prefill", one, divisor = 1, factor = 4>]
// Scales of another type are another kernel.
// CHECK: decoder.kernel @linear_1
// CHECK: decoder.kernel @logits_0 axis outputs

!x = memref<?x96xbf16, #decoder.arena<0>>
!y = memref<?x64xbf16, #decoder.arena<192>>

!w = memref<64x96xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>
!f = memref<64x96xbf16, #decoder.quantized<i8, group = 32, scale = f32>>
!v = memref<7x96xbf16, #decoder.quantized<i8, group = 32, scale = f16>>

// An odd number of scales is no odd number of features.
func.func @forward(%x: !x, %w: !w, %f: !f, %v: !v, %batch: !decoder.batch) {
  %0 = decoder.linear %x, [%w] round(i8, group = 32) workspace <512> : (!x, !w) -> !y
  %1 = decoder.linear %x, [%f] round(i8, group = 32) workspace <512> : (!x, !f) -> !y
  %2 = decoder.logits %x, %v, %batch round(i8, group = 32) workspace <512>
    : (!x, !v, !decoder.batch) -> memref<?x7xf32, #decoder.arena<1024>>
  return
}

// vpdpbusd takes the weights plus 128, and begins with what that is too much: minus 128 times the input's sum.
// CHECK: module @cpu_x86_64_v4_bf16
// CHECK: func.func private @product_i8_g32_bf16_96x64
// CHECK: %[[TIMES:.*]] = arith.constant dense<-128> : vector<32xi16>
// CHECK: %[[START:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"(%{{.*}}, %[[TIMES]])
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%[[START]],
// Scales of tokens beyond the step are 0: what stands there by chance could be denormal, which Intel's cores are slow at.
// CHECK: func.func private @pack_96_i8_g32(
// CHECK: %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK: vector.store %[[ZEROS]], %{{.*}} : memref<?x3x?xf32>, vector<16xf32>
// CHECK: math.roundeven
// The dots of one token's 16 groups are added to one vector, a group a lane; of them four chains of four. Linears of one
// format and width share them.
// CHECK: func.func private @dots_i8_g32_bf16_96x1_64x64(
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: vector.shuffle {{.*}}[0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30]
// CHECK: vector.shuffle {{.*}}[0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15]
// CHECK: vector.extract_strided_slice {{.*}} : vector<16xf32> to vector<4xf32>
// CHECK: math.fma {{.*}} : vector<4xf32>
// CHECK: func.func private @rows_96_i8_g32(
// CHECK: math.roundeven
// CHECK: func.func @linear_0.rows(
// CHECK: call @rows_96_i8_g32(
// CHECK: func.func @linear_0.decode(
// CHECK: call @dots_i8_g32_bf16_96x1_64x64(
// CHECK: call @dots_i8_g32_bf16_96x4_64x64(
// Linears whose inputs are prepared alike share what prepares them; the forms of a kernel share its epilogue.
// CHECK: call @linear_0.epilogue0(
// CHECK: func.func @linear_0.prefill(
// CHECK: call @transpose_64x32_64x64(
// CHECK: call @linear_0.epilogue0(
// CHECK: func.func @linear_1.rows(
// CHECK: call @rows_96_i8_g32(
// CHECK: func.func @logits_0.rows(
// CHECK: call @rows_96_gathered_i8_g32(

// Without it, products of magnitudes and of numbers with the sign of the other.
// AVX2: module @cpu_x86_64_v3
// AVX2-NOT: vpdpbusd
// AVX2: math.absi
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.psign.b"
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// AVX2: llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// AVX2-NOT: vpdpbusd
