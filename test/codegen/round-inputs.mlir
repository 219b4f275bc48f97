// RUN: strata-opt %s --pass-pipeline='builtin.module(func.func(decoder-round-inputs{target=cpu}))' | FileCheck %s --check-prefixes=CHECK,CPU
// RUN: strata-opt %s --pass-pipeline='builtin.module(func.func(decoder-round-inputs{target=cuda}))' | FileCheck %s --check-prefixes=CHECK,CUDA
// RUN: not strata-opt %s --pass-pipeline='builtin.module(func.func(decoder-round-inputs{target=tpu}))' 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: unknown target 'tpu', expected one of cpu, cuda

!x = tensor<?x256xbf16>
!q4 = tensor<64x256xbf16, #decoder.quantized<q4_k>>
!q6 = tensor<64x256xbf16, #decoder.quantized<q6_k>>
!i8 = tensor<64x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>

// Weights in blocks leave it to the target, whatever their formats.
// CHECK-LABEL: @blocks
// CPU: decoder.linear {{.*}}, {{.*}}] round(i8, group = 32) :
// CPU: decoder.logits {{.*}} round(i8, group = 32) :
// CUDA-NOT: round
func.func @blocks(%x: !x, %v: !q4, %w: !q6, %batch: !decoder.batch) -> tensor<?x64xf32> {
  %y:2 = decoder.linear %x, [%v, %w] : (!x, !q4, !q6) -> (tensor<?x64xbf16>, tensor<?x64xbf16>)
  %l = decoder.logits %x, %w, %batch : (!x, !q6, !decoder.batch) -> tensor<?x64xf32>
  return %l : tensor<?x64xf32>
}

// What a checkpoint says of its inputs stays, and so does an input that nothing is said of.
// CHECK-LABEL: @others
// CHECK: decoder.linear {{.*}} round(i8, group = 64) :
// CHECK: decoder.linear {{.*}} round(i8, group = 32) :
// CHECK-NOT: round
func.func @others(%x: !x, %v: !q4, %w: !i8, %b: tensor<64x256xbf16>) {
  %0 = decoder.linear %x, [%v] round(i8, group = 64) : (!x, !q4) -> tensor<?x64xbf16>
  %1 = decoder.linear %x, [%w] round(i8, group = 32) : (!x, !i8) -> tensor<?x64xbf16>
  %2 = decoder.linear %x, [%b] : (!x, tensor<64x256xbf16>) -> tensor<?x64xbf16>
  return
}
