// RUN: strata-opt %s --decoder-generate-kernels=target=cuda | FileCheck %s

// Norms of few rows are computed where they are used: in decode forms whose rows take at most 48 KB.
// 16 rows of 1536 features do, 16 of 1544 have a launch of their own, as prefill always has.
// CHECK-LABEL: decoder.kernel @linear_0
// CHECK-SAME:  up_to = 1 mode = usual, [<"linear_0_decode1", one, divisor = 1, factor = 4, block = 128, shared = {{[0-9]+}}>]
// CHECK-SAME:  up_to = 4 mode = usual, [<"linear_0_decode4", one
// CHECK-SAME:  up_to = 16 mode = usual, [<"linear_0_decode16", one, divisor = 1, factor = 2, block = 128, shared = 57600>]
// CHECK-SAME:  up_to = 0, [<"linear_0_rows", tokens, divisor = 1, factor = 1, block = 128, shared = 16>, <"linear_0_prefill", tokens
// CHECK-LABEL: decoder.kernel @linear_1
// CHECK-SAME:  up_to = 4 mode = usual, [<"linear_1_decode4", one
// CHECK-SAME:  up_to = 16 mode = usual, [<"linear_1_rows", tokens, divisor = 1, factor = 1, block = 128, shared = 16>, <"linear_1_decode16", one, divisor = 1, factor = 2, block = 128, shared = 8192>]

// Blocks of a roped part need not be whole heads, and few rows are gathered where they are read.
// CHECK-LABEL: decoder.kernel @linear_2
// CHECK-SAME:  up_to = 1 mode = usual, [<"linear_2_decode1", one, divisor = 1, factor = 16, block = 128
// CHECK-SAME:  up_to = 16 mode = usual, [<"linear_2_decode16", one, divisor = 1, factor = 8, block = 128
// CHECK-SAME:  up_to = 0, [<"linear_2_prefill", tokens, divisor = 64, factor = 2, block = 128
// CHECK-LABEL: decoder.kernel @logits_0
// CHECK-SAME:  up_to = 1 mode = usual, [<"logits_0_decode1", one, divisor = 1, factor = 4, block = 128
// CHECK-SAME:  up_to = 16 mode = usual, [<"logits_0_decode16", one
// CHECK-SAME:  up_to = 0, [<"logits_0_rows", outputs, divisor = 1, factor = 1, block = 128>, <"logits_0_prefill", outputs
func.func @forward(%x: memref<?x1536xbf16>, %y: memref<?x1544xbf16>, %batch: !decoder.batch) {
  %gamma = decoder.parameter "gamma" : memref<1536xbf16>
  %w = decoder.parameter "w" : memref<64x1536xbf16>
  %a = decoder.linear %x, [%w] norm(%gamma, %gamma, eps = 1.0e-5) workspace<0>
    : (memref<?x1536xbf16>, memref<64x1536xbf16>, memref<1536xbf16>, memref<1536xbf16>)
    -> memref<?x64xbf16, #decoder.arena<3088>>
  %wide = decoder.parameter "wide" : memref<1544xbf16>
  %v = decoder.parameter "v" : memref<64x1544xbf16>
  %b = decoder.linear %y, [%v] norm(%wide, %wide, eps = 1.0e-5) workspace<0>
    : (memref<?x1544xbf16>, memref<64x1544xbf16>, memref<1544xbf16>, memref<1544xbf16>)
    -> memref<?x64xbf16, #decoder.arena<3088>>
  %q = decoder.parameter "q" : memref<256x64xbf16>
  %rotary = decoder.rotary_table %batch {theta = 1.0e4 : f32} : memref<?x64xf32, #decoder.arena<6176>>
  %c = decoder.linear %a, [%q] rope(%rotary, head_dim = 128, weights = [0])
    : (memref<?x64xbf16, #decoder.arena<3088>>, memref<256x64xbf16>, memref<?x64xf32, #decoder.arena<6176>>)
    -> memref<?x256xbf16, #decoder.arena<6432>>
  %s = decoder.parameter "s" : memref<64x64xbf16>
  %l = decoder.logits %a, %s, %batch workspace<0>
    : (memref<?x64xbf16, #decoder.arena<3088>>, memref<64x64xbf16>, !decoder.batch)
    -> memref<?x64xf32, #decoder.arena<7000>>
  return
}
