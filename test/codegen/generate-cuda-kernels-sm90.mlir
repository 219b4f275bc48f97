// RUN: strata-opt %s --decoder-generate-kernels="target=cuda machine=sm_90a" | FileCheck %s

// Rope turns whole heads: a block of linear_0 has one of 192 features, one of linear_1 five of 40. The
// weights of a linear have a tensor map each.
// CHECK: decoder.kernel @linear_0 {{.*}}"linear_0_prefill", tokens, divisor = 128, factor = 6, block = 288, shared = {{[0-9]+}}, maps = [<buffer = 0, tokens, {{[^>]*}}>, <buffer = 1, one, rows = 384, columns = 64, box_rows = 192, box_columns = 64>, <buffer = 2, one, rows = 768, columns = 64, box_rows = 192, box_columns = 64>]>]
// CHECK: decoder.kernel @linear_1 {{.*}}"linear_1_prefill", tokens, divisor = 128, factor = 1, block = 288, {{.*}} rows = 200, columns = 64, box_rows = 200, box_columns = 64>]>]
// Some columns of a larger matrix have a map whose rows are as far apart as its rows.
// CHECK: decoder.kernel @linear_2 {{.*}}"linear_2_prefill", {{.*}}<buffer = 1, one, rows = 64, columns = 64, box_rows = 64, box_columns = 64, row_stride = 512>]>]
// wgmma has at most 256 columns: larger heads take the form of sm_80.
// CHECK: decoder.kernel @linear_3 {{.*}}"linear_3_prefill", tokens, divisor = 64, factor = 2, block = 128, shared = {{[0-9]+}}>]
// CHECK: func.func @linear_3_prefill(
// CHECK: nvvm.mma.sync
func.func @forward(%x: memref<?x64xbf16>, %a: memref<?x96xf32>, %b: memref<?x20xf32>, %c: memref<?x64xf32>) {
  %q = decoder.parameter "q" : memref<384x64xbf16>
  %k = decoder.parameter "k" : memref<768x64xbf16>
  %small = decoder.parameter "small" : memref<200x64xbf16>
  %columns = decoder.parameter "columns" : memref<64x64xbf16, #decoder.box<row_stride = 512>>
  %large = decoder.parameter "large" : memref<528x64xbf16>
  %0:2 = decoder.linear %x, [%q, %k] rope(%a, head_dim = 192, weights = [0, 1])
    : (memref<?x64xbf16>, memref<384x64xbf16>, memref<768x64xbf16>, memref<?x96xf32>)
    -> (memref<?x384xbf16, #decoder.arena<0>>, memref<?x768xbf16, #decoder.arena<768>>)
  %1 = decoder.linear %x, [%small] rope(%b, head_dim = 40, weights = [0])
    : (memref<?x64xbf16>, memref<200x64xbf16>, memref<?x20xf32>) -> memref<?x200xbf16, #decoder.arena<2304>>
  %3 = decoder.linear %x, [%columns]
    : (memref<?x64xbf16>, memref<64x64xbf16, #decoder.box<row_stride = 512>>) -> memref<?x64xbf16, #decoder.arena<8192>>
  %2 = decoder.linear %x, [%large] rope(%c, head_dim = 264, weights = [0])
    : (memref<?x64xbf16>, memref<528x64xbf16>, memref<?x64xf32>) -> memref<?x528xbf16, #decoder.arena<4096>>
  return
}
