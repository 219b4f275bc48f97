// One layer of Nemotron-4 15B and its LM head, on an H100 that reads 3.24 TB/s.
// RUN: strata-opt %s --decoder-print-roofline -o /dev/null | FileCheck %s --match-full-lines --strict-whitespace
// RUN: strata-opt %s --decoder-print-roofline='tokens=512 context=1536' -o /dev/null | FileCheck %s --check-prefix=PREFILL
// RUN: strata-opt %s --decoder-print-roofline='bandwidth-gbs=20 tflops=0.4' -o /dev/null | FileCheck %s --check-prefix=FIGURES
// RUN: not strata-opt %s --decoder-print-roofline=machine=h300 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not strata-opt %s --decoder-print-roofline=tflops=1 2>&1 | FileCheck %s --check-prefix=HALF
// RUN: not strata-opt %s --decoder-print-roofline=tokens=0 2>&1 | FileCheck %s --check-prefix=STEP

//      CHECK:h100: 3240 GB/s, 800.0 TFLOP/s; a step of tokens = 1 after context = 0
// CHECK-NEXT:op         name                               count       MB  activation MB  GFLOP  ideal us  total us  bound
// CHECK-NEXT:linear     model.layers.*.self_attn.qkv_proj      2   100.69           0.03   0.10     31.08      62.2  memory
// CHECK-NEXT:attention  tensor<?x6144xbf16>                    1     0.00           0.02   0.00      0.00       0.0  memory
// CHECK-NEXT:linear     model.layers.*.self_attn.o_proj        1    75.50           0.04   0.08     23.30      23.3  memory
// CHECK-NEXT:linear     model.layers.*.mlp.up_proj             1   302.01           0.06   0.30     93.21      93.2  memory
// CHECK-NEXT:linear     model.layers.*.mlp.down_proj           1   301.99           0.07   0.30     93.21      93.2  memory
// CHECK-NEXT:add        tensor<?x6144xbf16>                    1     0.00           0.04   0.00      0.00       0.0  compute
// CHECK-NEXT:logits     lm_head                                1  3145.73           1.04   3.15    970.90     970.9  memory
// CHECK-NEXT:total: 4.03 GB streamed, 4.03 GFLOP, 1.24 ms, 804.6 tokens/s

// 2048 cached tokens of 4 KiB are read once; the products are 512 times as much work. The LM head works for
// one row.
// PREFILL: tokens = 512 after context = 1536
// PREFILL: linear {{.*}}qkv_proj {{.*}} 51.56 {{.*}} compute
// PREFILL: attention {{.*}} 8.39 {{.*}} 22.55 {{.*}} compute
// PREFILL: logits {{.*}} 970.90 {{.*}} memory

// FIGURES: 20 GB/s, 0.4 TFLOP/s
// FIGURES: total: 4.03 GB streamed, {{.*}} 201.3{{.}} ms, 5.0 tokens/s

// UNKNOWN: error: no machine is called 'h300'; known are a100, h100, h200
// HALF: error: bandwidth-gbs and tflops go together, both more than 0
// STEP: error: a step has tokens >= 1 and context >= 0, found 0 and 0

!x = tensor<?x6144xbf16>
!u = tensor<?x24576xbf16>
!g = tensor<6144xbf16>
!wq = tensor<6144x6144xbf16>
!wk = tensor<1024x6144xbf16>
!up = tensor<24576x6144xbf16>
!down = tensor<6144x24576xbf16>
!batch = !decoder.batch
!kv = !decoder.kv_cache<layers = 2, heads = 8, head_dim = 128, page_tokens = 64>

func.func @forward(%x: !x, %batch: !batch, %kv: !kv, %g: !g, %wq: !wq, %wk: !wk, %up: !up, %down: !down,
                   %head: tensor<256000x6144xbf16>) -> tensor<?x256000xf32> {
  // Two equal layers are one row.
  %q, %kv1 = decoder.linear %x, [%wq, %wk, %wk] norm(%g, %g, eps = 1.0e-5) cache(%kv, %batch, layer = 0)
    : (!x, !wq, !wk, !wk, !g, !g, !kv, !batch) -> (!x, !kv) loc("model.layers.0.self_attn.qkv_proj")
  %q1, %kv2 = decoder.linear %q, [%wq, %wk, %wk] norm(%g, %g, eps = 1.0e-5) cache(%kv1, %batch, layer = 1)
    : (!x, !wq, !wk, !wk, !g, !g, !kv, !batch) -> (!x, !kv) loc("model.layers.1.self_attn.qkv_proj")
  %a = decoder.attention %q1, %kv2, %batch {layer = 1 : i64} : (!x, !kv, !batch) -> !x
  %y = decoder.linear %a, [%wq] residual(%x) : (!x, !wq, !x) -> !x loc("model.layers.1.self_attn.o_proj")
  %u = decoder.linear %y, [%up] norm(%g, %g, eps = 1.0e-5) activation(squared_relu) : (!x, !up, !g, !g) -> !u loc("model.layers.1.mlp.up_proj")
  %z = decoder.linear %u, [%down] residual(%y) : (!u, !down, !x) -> !x loc("model.layers.1.mlp.down_proj")
  %s = decoder.add %z, %y : (!x, !x) -> !x
  %l = decoder.logits %s, %head, %batch : (!x, tensor<256000x6144xbf16>, !batch) -> tensor<?x256000xf32> loc("lm_head")
  return %l : tensor<?x256000xf32>
}
