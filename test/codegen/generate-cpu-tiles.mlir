// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-amx --canonicalize | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-amx-emulated --canonicalize | FileCheck %s --check-prefix=EMULATED
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-amx --decoder-lower-cpu-kernels | FileCheck %s --check-prefix=LLVM
// More than a few tokens by AMX's tiles: the input is packed for them, and the product is a phase of its own.

// CHECK: decoder.kernel @linear_0
// CHECK-SAME: up_to = 1 mode = usual, [<"linear_0.decode", one, divisor = 1, factor = 5>]
// CHECK-NOT: few_rows
// CHECK-SAME: up_to = 32, [<"linear_0.pack_tiles", tokens, divisor = 16, factor = 4>, <"linear_0.streamed_tiles", one, divisor = 1, factor = 5>]
// CHECK-SAME: up_to = 64, [<"linear_0.pack_tiles", tokens, divisor = 16, factor = 4>, <"linear_0.few_tiles", one, divisor = 1, factor = 5>]
// CHECK-SAME: up_to = 0, [<"linear_0.pack_tiles", tokens, divisor = 16, factor = 4>, <"linear_0.tiles", one, divisor = 1, factor = 5>]

// f16 is multiplied in f32, which tiles cannot.
// CHECK: decoder.kernel @linear_1
// CHECK-SAME: up_to = 0 mode = usual, [<"linear_1.pack", tokens, divisor = 16, factor = 4>, <"linear_1.prefill", one, divisor = 1, factor = 5>]
func.func @forward(%x: memref<?x1090xbf16, #decoder.arena<0>>, %w: memref<72x1090xbf16>, %half: memref<72x1090xf16>) {
  %y = decoder.linear %x, [%w] workspace <2304> : (memref<?x1090xbf16, #decoder.arena<0>>, memref<72x1090xbf16>)
    -> memref<?x72xbf16, #decoder.arena<8704>>
  %z = decoder.linear %x, [%half] workspace <2304> : (memref<?x1090xbf16, #decoder.arena<0>>, memref<72x1090xf16>)
    -> memref<?x72xbf16, #decoder.arena<10240>>
  return
}

// CHECK: module @cpu_x86_64_v4_amx

// A panel of rows: 256 pairs of them at a time are copied into tiles. The last tile has one pair.
// CHECK: func.func private @tiles_1090x256x512x512(
// CHECK: scf.for %{{.*}} = %c0 to %c560 step %c256
// CHECK: vector.constant_mask [1] : vector<16xi1>
// Four sums, which begin with 0 or what they were, share the loads of two tiles of weights and two of the input. Weights
// pass by the first-level cache, and a part of the next tokens' input is fetched.
// CHECK: scf.if
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: scf.for
// CHECK: scf.if
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero"
// CHECK: scf.for
// CHECK: llvm.call_intrinsic "llvm.x86.tileloaddt164"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloaddt164"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK-COUNT-4: memref.prefetch
// CHECK-NOT: memref.prefetch
// After the first features a sum is stored and the next rows' taken up in its place.
// CHECK: scf.if
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK: } else {
// CHECK: llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: llvm.call_intrinsic "llvm.x86.tilestored64"

// For up to 64 tokens, 32 rows and as many of their features as there are, up to 2048: memory sees one stream.
// CHECK: func.func private @tiles_1090x32x1120x64(

// Up to 32 tokens: weights as they lie, but for the last tile of a row, which has one pair, and rows that are no whole
// tiles. The 34 whole tiles of a row are five pieces of 7 at most; with each tile, ten halves of the next of 32 rows are
// fetched.
// CHECK: func.func private @stream_1090x32x1120x32(
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilezero"
// CHECK: scf.for %{{.*}} = %c0 to %c34 step %c7
// CHECK-COUNT-40: memref.prefetch
// CHECK-NOT: memref.prefetch
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64"
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK: vector.maskedload
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64"

// The tiles have a form while a phase runs.
// CHECK: func.func @linear_0.tiles(
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK: call @tiles_1090x256x512x512(
// CHECK: llvm.call_intrinsic "llvm.x86.tilerelease"

// Emulated, the same products are a function that every machine with AVX-512 can run.
// EMULATED: module @cpu_x86_64_v4_amx_emulated
// EMULATED-NOT: llvm.x86.{{t|ldtilecfg}}
// EMULATED: func.func private @tiles_1090x256x512x512(
// EMULATED-COUNT-4: call @emulated_tile_products(
// EMULATED: func.func private @emulated_tile_products({{.*}}memref<16x16xi32>{{.*}}memref<16x16xi32>{{.*}}memref<16x16xi32>
// EMULATED-NOT: llvm.x86.{{t|ldtilecfg}}

// LLVM: llvm.func hidden @tiles_1090x256x512x512(
// LLVM: llvm.call_intrinsic "llvm.x86.tdpbf16ps"({{.*}}) : (i8, i8, i8) -> ()
