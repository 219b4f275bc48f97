// What each op says it moves and computes, for 1000 tokens after 1000 cached ones. A row of 1000 features is
// 2 KB, so 1000 tokens are 2 MB; a weight of 1000 x 1000 is 2 MB and makes 2 GFLOP of 1000 tokens.
// RUN: strata-opt %s --decoder-print-roofline='tokens=1000 context=1000' -o /dev/null | FileCheck %s

!x = tensor<?x1000xbf16>
!v = tensor<1000xbf16>
!w = tensor<1000x1000xbf16>
!kv = !decoder.kv_cache<layers = 1, heads = 10, head_dim = 100, page_tokens = 64>
!batch = !decoder.batch

// CHECK: op name count MB activation MB GFLOP
func.func @forward(%tokens: tensor<?xi32>, %batch: !batch, %kv: !kv, %w: !w, %g: !v,
                   %h: tensor<?x960xbf16>, %q: tensor<1000x960xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) {
  // 250 values of 4 bytes; 20 flops each.
  // CHECK-NEXT: rotary_table table 1 0.00 1.00 0.01
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : tensor<?x250xf32> loc("table")
  // A row read and written, and its number.
  // CHECK-NEXT: embedding embed 1 0.00 4.00 0.00
  %x = decoder.embedding %tokens, %w : (tensor<?xi32>, !w) -> !x loc("embed")
  // CHECK-NEXT: linear plain 1 2.00 4.00 2.00
  %0 = decoder.linear %x, [%w] : (!x, !w) -> !x loc("plain")
  // One input, three products.
  // CHECK-NEXT: linear three 1 6.00 8.00 6.00
  %1:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x) loc("three")
  // Two of them into the cache: as many bytes.
  // CHECK-NEXT: linear cached 1 6.00 8.00 6.00
  %2, %kv1 = decoder.linear %x, [%w, %w, %w] cache(%kv, %batch, layer = 0)
    : (!x, !w, !w, !w, !kv, !batch) -> (!x, !kv) loc("cached")
  // The norm's 8 flops a feature; the residual's row.
  // CHECK-NEXT: linear clauses 1 2.00 6.00 2.01
  %3 = decoder.linear %x, [%w] norm(%g, %g, eps = 1.0e-5) residual(%x) : (!x, !w, !v, !v, !x) -> !x loc("clauses")
  // 2 KB and 1000 additions a token more than without it.
  // CHECK-NEXT: linear biased 1 2.00 4.00 2.00
  %b0 = decoder.linear %x, [%w] bias(%g) : (!x, !w, !v) -> !x loc("biased")
  // i8 weights of 960 KB, and 60 KB of scales.
  // CHECK-NEXT: linear quantized 1 1.02 3.92 1.92
  %q0 = decoder.linear %h, [%q] round(i8, group = 32) : (tensor<?x960xbf16>, tensor<1000x960xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) -> !x loc("quantized")
  // 2000 cached tokens of 4 KB, read once; 4 flops a feature for each of the 1.5 million pairs of tokens.
  // CHECK-NEXT: attention attend 1 8.00 4.00 6.00
  %4 = decoder.attention %2, %kv1, %batch {layer = 0 : i64} : (!x, !kv, !batch) -> !x loc("attend")
  // CHECK-NEXT: layer_norm norm 1 0.00 4.00 0.01
  %5 = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x loc("norm")
  // Each head of 250 features is rotated whole; the table is read.
  // CHECK-NEXT: rope rotate 1 0.00 5.00 0.00
  %6 = decoder.rope %x, %r {head_dim = 250 : i64} : (!x, tensor<?x250xf32>) -> !x loc("rotate")
  // CHECK-NEXT: cache_append append 1 0.00 8.00 0.00
  %kv2 = decoder.cache_append %x, %x, %kv1, %batch {layer = 0 : i64} : (!x, !x, !kv, !batch) -> !kv loc("append")
  // CHECK-NEXT: activation relu 1 0.00 4.00 0.00
  %7 = decoder.activation(squared_relu) %x : (!x) -> !x loc("relu")
  // CHECK-NEXT: add add 1 0.00 6.00 0.00
  %8 = decoder.add %x, %7 : (!x, !x) -> !x loc("add")
  // One row of logits is wanted.
  // CHECK-NEXT: logits head 1 2.00 0.01 0.00
  %9 = decoder.logits %x, %w, %batch : (!x, !w, !batch) -> tensor<?x1000xf32> loc("head")
  // CHECK-NEXT: logits quantized_head 1 1.02 0.01 0.00
  %10 = decoder.logits %h, %q, %batch round(i8, group = 32)
    : (tensor<?x960xbf16>, tensor<1000x960xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, !batch) -> tensor<?x1000xf32> loc("quantized_head")
  return
}
