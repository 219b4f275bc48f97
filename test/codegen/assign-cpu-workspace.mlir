// RUN: strata-opt %s --pass-pipeline='builtin.module(func.func(decoder-assign-workspace))' | FileCheck %s

// linear and logits keep their packed input: 2 bytes for each of its features.
// CHECK-LABEL: @linears
// CHECK: decoder.linear {{.*}} {decoder.workspace_bytes = 512 : i64}
// CHECK: decoder.logits {{.*}} {decoder.workspace_bytes = 2048 : i64}
func.func @linears(%x: tensor<?x256xbf16>, %w: tensor<1024x256xbf16>, %v: tensor<10x1024xbf16>,
                   %batch: !decoder.batch) -> tensor<?x10xf32> {
  %y = decoder.linear %x, [%w] : (tensor<?x256xbf16>, tensor<1024x256xbf16>) -> tensor<?x1024xbf16>
  %l = decoder.logits %y, %v, %batch
    : (tensor<?x1024xbf16>, tensor<10x1024xbf16>, !decoder.batch) -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// With weights of i8 the input is 1 byte a feature, and for each 32 a scale and the start of a sum; for tiles, 2 bytes a feature.
// CHECK-LABEL: @quantized
// CHECK: decoder.linear {{.*}} {decoder.workspace_bytes = 512 : i64}
// CHECK: decoder.logits {{.*}} {decoder.workspace_bytes = 64 : i64}
func.func @quantized(%x: tensor<?x256xbf16>, %w: tensor<32x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>,
                     %v: tensor<10x32xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, %batch: !decoder.batch) -> tensor<?x10xf32> {
  %y = decoder.linear %x, [%w] round(i8, group = 32)
    : (tensor<?x256xbf16>, tensor<32x256xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>) -> tensor<?x32xbf16>
  %l = decoder.logits %y, %v, %batch round(i8, group = 32)
    : (tensor<?x32xbf16>, tensor<10x32xbf16, #decoder.quantized<i8, group = 32, scale = bf16>>, !decoder.batch) -> tensor<?x10xf32>
  return %l : tensor<?x10xf32>
}

// Nothing else wants any.
// CHECK-LABEL: @others
// CHECK-NOT: workspace
func.func @others(%x: tensor<?x256xbf16>) -> tensor<?x256xbf16> {
  %y = decoder.activation(squared_relu) %x : (tensor<?x256xbf16>) -> tensor<?x256xbf16>
  %z = decoder.add %x, %y : (tensor<?x256xbf16>, tensor<?x256xbf16>) -> tensor<?x256xbf16>
  return %z : tensor<?x256xbf16>
}
