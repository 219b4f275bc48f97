// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-amx --canonicalize | FileCheck %s
// Weights of 8 bits by AMX's tiles: more than 32 tokens are worth decoding them to bf16. Their sums are not those of the
// other forms, so batch-invariant steps have them without tiles.

// CHECK: decoder.kernel @linear_0
// CHECK-SAME: up_to = 4, [
// CHECK-SAME: up_to = 32, [<"linear_0.pack", tokens, divisor = 16, factor = 4>, <"linear_0.prefill", one, divisor = 1, factor = 5>]
// CHECK-SAME: up_to = 0 mode = usual, [<"linear_0.pack_tiles", tokens, divisor = 16, factor = 4>, <"linear_0.tiles", one, divisor = 1, factor = 5>]
// CHECK-SAME: up_to = 0 mode = batch_invariant, [<"linear_0.pack", tokens, divisor = 16, factor = 4>, <"linear_0.prefill", one, divisor = 1, factor = 5>]
!w = memref<72x96xbf16, #decoder.quantized<i8, group = 32, scale = f16>>
func.func @forward(%x: memref<?x96xbf16, #decoder.arena<0>>, %w: !w) {
  %y = decoder.linear %x, [%w] round(i8, group = 32) workspace <192> : (memref<?x96xbf16, #decoder.arena<0>>, !w)
    -> memref<?x72xbf16, #decoder.arena<8704>>
  return
}

// CHECK: module @cpu_x86_64_v4_amx

// A tile's 32 features of a row share a scale. What they stand for is rounded to bf16 once.
// CHECK: func.func private @tiles_96x256x96x512_i8_g32_f16(
// CHECK: vector.load %{{.*}} : memref<?x24xi32>, vector<16xi32>
// CHECK: vector.bitcast %{{.*}} : vector<16xi32> to vector<64xi8>
// CHECK: vector.load %{{.*}} : memref<?x3xf16>, vector<3xf16>
// CHECK: arith.sitofp %{{.*}} : vector<32xi32> to vector<32xf32>
// CHECK: arith.mulf
// CHECK: arith.truncf %{{.*}} : vector<32xf32> to vector<32xbf16>
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps"

// So is what the whole numbers of the input stand for.
// CHECK: func.func private @pack_tiles_96_i8_g32(
// CHECK: math.roundeven
// CHECK: arith.sitofp %{{.*}} : vector<16xi32> to vector<16xf32>
