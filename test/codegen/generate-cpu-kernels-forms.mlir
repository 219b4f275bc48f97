// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-bf16 --canonicalize | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v3 --canonicalize | FileCheck %s --check-prefix=AVX2
// The forms of a linear: one token takes rows of the weight as they are; more are packed first.

// CHECK: decoder.kernel @linear_0
// CHECK-SAME: up_to = 1, [<"linear_0.decode", one, divisor = 1, factor = 4>]
// CHECK-SAME: up_to = 8 mode = usual, [<"linear_0.few_rows", tokens, divisor = 16, factor = 4>, <"linear_0.few", one, divisor = 1, factor = 4>]
// CHECK-SAME: up_to = 0 mode = usual, [<"linear_0.pack", tokens, divisor = 16, factor = 4>, <"linear_0.prefill", one, divisor = 1, factor = 4>]
// CHECK-SAME: up_to = 0 mode = batch_invariant, [<"linear_0.group_rows", tokens, divisor = 16, factor = 4>, <"linear_0.groups", one, divisor = 1, factor = 4>]
func.func @forward(%x: memref<?x2176xbf16, #decoder.arena<0>>, %w: memref<64x2176xbf16>) {
  %y = decoder.linear %x, [%w] workspace <4352> : (memref<?x2176xbf16, #decoder.arena<0>>, memref<64x2176xbf16>)
    -> memref<?x64xbf16, #decoder.arena<8704>>
  return
}

// CHECK: module @cpu_x86_64_v4_bf16

// Blocks of 64 tokens: multiplied with 544 pairs before the other 544, so that the input stays in the second-level cache.
// Fewer: with all pairs. For one vector of tokens, two of four weights are spread in registers.
// CHECK: func.func private @product_2176x64(
// CHECK: %[[FEWER:.*]] = arith.cmpi slt, %{{.*}}, %c64
// CHECK: %[[PARTS:.*]] = arith.select %[[FEWER]], %c1, %c2
// CHECK: %[[PAIRS:.*]] = arith.select %[[FEWER]], %c1088, %c544
// CHECK: scf.for %[[PART:.*]] = %c0 to %[[PARTS]] step %c1
// CHECK: %[[FIRST:.*]] = arith.muli %[[PART]], %[[PAIRS]]
// CHECK: llvm.call_intrinsic "llvm.arithmetic.fence"
// CHECK: vector.shuffle %[[FOUR:.*]], %[[FOUR]] [0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12]

// Up to 8: vectors of 16 pairs, each token's in turn. What three tokens have stays in the first-level cache, so whole
// rows are multiplied, a unit at a time or two. For five, 32 rows are multiplied with 64 pairs before the next 64.
// CHECK: func.func private @few_2176x64(
// CHECK: memref<68x3x16xi32>
// CHECK: scf.for %{{.*}} = %c0 to %c1088 step %c64 iter_args
// CHECK: memref<68x5x16xi32>
// CHECK-NEXT: scf.for %{{.*}} step %c32
// CHECK: scf.for %{{.*}} = %c0 to %c1088 step %c64 {

// Vectors of 8, for up to four tokens: each level has variants of its own.
// AVX2: up_to = 4 mode = usual, [<"linear_0.few_rows"
// AVX2: module @cpu_x86_64_v3
// AVX2: func.func private @few_2176x64(
// AVX2: memref<136x4x8xi32>
// AVX2-NOT: memref<136x5x8xi32>
