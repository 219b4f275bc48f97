// Weights in ggml's blocks: read as they lie, 16 bytes a copy, and decoded from shared memory.
// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels="target=cuda machine=sm_90a" | FileCheck %s --check-prefix=SM90
// RUN: strata-opt %s --decoder-generate-kernels=target=cuda --decoder-lower-cuda-kernels -o /dev/null

// The forms are those of other weights, with rings of stretches in shared memory. sm_90a has no form of its own.
// CHECK: decoder.kernel @linear_0
// CHECK-SAME: up_to = 1 mode = usual, [<"linear_0_decode1", one, divisor = 1, factor = 4, block = 128, shared = {{[0-9]+}}>]
// CHECK-SAME: up_to = 4 mode = usual, [<"linear_0_decode4", one, divisor = 1, factor = 4
// CHECK-SAME: up_to = 16 mode = usual, [<"linear_0_decode16", one, divisor = 1, factor = 2
// CHECK-SAME: up_to = 0, [<"linear_0_prefill", tokens, divisor = 64, factor = 1, block = 128
// SM90: decoder.kernel @linear_0
// SM90-SAME: up_to = 0, [<"linear_0_prefill", tokens, divisor = 64, factor = 1, block = 128, shared = {{[0-9]+}}>]>]

!x = memref<?x512xbf16, #decoder.arena<0>>
!q4 = memref<64x512xbf16, #decoder.quantized<q4_k>>
!q6 = memref<64x512xbf16, #decoder.quantized<q6_k>>
!y = memref<?x64xbf16, #decoder.arena<1024>>
!z = memref<?x64xbf16, #decoder.arena<1152>>
func.func @forward(%tokens: memref<?xi32>) {
  %table = decoder.parameter "table" : memref<100x512xbf16, #decoder.quantized<q8_0>>
  %q = decoder.parameter "q" : !q4
  %k = decoder.parameter "k" : !q4
  %v = decoder.parameter "v" : !q6
  %x = decoder.embedding %tokens, %table : (memref<?xi32>, memref<100x512xbf16, #decoder.quantized<q8_0>>) -> !x
  %0 = decoder.linear %x, [%q] : (!x, !q4) -> !y
  %1:2 = decoder.linear %x, [%k, %v] : (!x, !q4, !q6) -> (!y, !z)
  return
}

// A row of the table is decoded where it is: a block's scale, and 16 of Q8_0's numbers, at any even byte.
// CHECK: func.func @embedding_0_embedding(
// CHECK: llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr<1> -> i16
// CHECK: arith.extf {{.*}} : f16 to f32
// CHECK-COUNT-8: llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr<1> -> i16

// 18 copies of 16 bytes are a row's 512 features, of Q4_K, whose blocks of 144 bytes then are loaded 16 bytes at a time.
// CHECK: func.func @linear_0_decode1(
// CHECK: arith.constant 18 : index
// CHECK: nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
// CHECK: nvvm.cp.async.wait.group 1
// CHECK: nvvm.bar.warp.sync
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
// CHECK: math.fma
// CHECK: func.func @linear_0_decode16(
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
// CHECK: nvvm.mma.sync
// Many tokens: each step's features become a tile of bf16.
// CHECK: func.func @linear_0_prefill(
// CHECK: vector.store {{.*}} {alignment = 16 : i64} : memref<2x128x32xbf16, 3>, vector<8xbf16>
// CHECK: nvvm.ldmatrix
// CHECK: nvvm.mma.sync

// Weights of two formats: a block has one of them, so it branches. Q6_K's are loaded at any even byte.
// CHECK: func.func @linear_1_decode1(
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[PART:.*]], %c0
// CHECK: scf.if %[[FIRST]]
// CHECK: nvvm.cp.async.shared.global
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
// CHECK: llvm.load {{.*}} {alignment = 2 : i64} : !llvm.ptr<3> -> i16
