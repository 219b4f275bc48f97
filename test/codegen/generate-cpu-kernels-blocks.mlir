// Weights in ggml's blocks: whatever the format, a stretch of a row becomes bytes in the order of its features, and f32
// scales. Parts of one linear may differ.
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-bf16 | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v3 | FileCheck %s --check-prefix=AVX2
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-amx | FileCheck %s --check-prefix=TILES
// RUN: strata-opt %s --decoder-generate-kernels --decoder-lower-cpu-kernels -o /dev/null

!x = memref<?x512xbf16, #decoder.arena<0>>
!y = memref<?x64xbf16, #decoder.arena<1024>>
!k = memref<64x512xbf16, #decoder.quantized<q4_k>>
!q = memref<64x512xbf16, #decoder.quantized<q6_k>>
!s = memref<64x512xbf16, #decoder.quantized<q5_0>>
!i = memref<64x512xbf16, #decoder.quantized<iq4_nl>>

func.func @forward(%tokens: memref<?xi32>, %x: !x, %k: !k, %q: !q, %s: !s, %i: !i) {
  %0:2 = decoder.linear %x, [%k, %q] round(i8, group = 32) workspace <1024> : (!x, !k, !q) -> (!y, !y)
  %1 = decoder.linear %x, [%s] round(i8, group = 32) workspace <1024> : (!x, !s) -> !y
  %2 = decoder.linear %x, [%i] round(i8, group = 32) workspace <1024> : (!x, !i) -> !y
  %3 = decoder.embedding %tokens, %q : (memref<?xi32>, !q) -> memref<?x512xbf16, #decoder.arena<2048>>
  return
}

// IQ4_NL: nibbles look up signed numbers, which vpdpbusd takes plus 128.
// CHECK: func.func private @dots_iq4_nl_512x1_64x64(
// CHECK: arith.constant dense<[-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113, -127
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.pshuf.b.512"
// CHECK: arith.xori

// Q5_0: a block's fifth bits are a mask. Numbers from 0 to 31 stand for -16 to 15.
// CHECK: func.func private @dots_q5_0_512x1_64x64(
// CHECK: llvm.intr.masked.gather
// CHECK: vector.bitcast %{{.*}} : vector<8xi8> to vector<64xi1>
// CHECK-NOT: arith.xori
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.pmaddw.d.512"({{.*}}) : (vector<32xi16>, vector<32xi16>)

// Q6_K: half as many features share a scale, so dots are sums of four lanes, and there are two vectors of them.
// CHECK: func.func private @dots_q6_k_512x1_64x64(
// CHECK: arith.extsi %{{.*}} : vector<16xi8> to vector<16xi32>
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: vector.shuffle %{{.*}}[0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]

// Q4_K: scales and minima of 6 bits; what the minima take away is added to the same chains.
// CHECK: func.func private @dots_q4_k_512x1_64x64(
// CHECK: vector.load %{{.*}} : memref<?x288xi8>, vector<16xi8>
// CHECK: arith.constant dense<-1.000000e+00> : vector<16xf32>
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK-COUNT-8: math.fma {{.*}} : vector<4xf32>
// CHECK: func.func @linear_0.decode(
// CHECK: call @dots_q4_k_512x1_64x64(
// CHECK: call @dots_q6_k_512x1_64x64(
// A table in blocks is decoded row by row.
// CHECK: func.func @embedding_0.embedding(
// CHECK: arith.truncf %{{.*}} : vector<32xf32> to vector<32xbf16>

// Numbers without a sign need none of the other's.
// AVX2: func.func private @dots_q4_k_512x1_64x64(
// AVX2-NOT: psign
// AVX2: func.func @linear_0.rows(

// What blocks stand for is rounded to bf16 on the way into a panel of tiles.
// TILES: func.func private @tiles_512x256x512x512_q4_k(
// TILES-COUNT-8: arith.truncf %{{.*}} : vector<32xf32> to vector<32xbf16>
