// RUN: strata-opt %s --decoder-generate-kernels | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v3 | FileCheck %s --check-prefix=AVX2

// Ops that differ only in their buffers share a kernel; another shape is another kernel.
// CHECK: decoder.kernel @activation_0 axis tokens
// CHECK: decoder.kernel @activation_1 axis tokens
// CHECK-NOT: decoder.kernel
// CHECK: func.func @forward
// CHECK: %[[Y:.+]] = decoder.dispatch @activation_0(%{{.+}}) layer 0
// CHECK: decoder.dispatch @activation_0(%[[Y]]) layer 0
// CHECK: decoder.dispatch @activation_1(
// CHECK-NOT: decoder.activation(squared_relu)
func.func @forward(%x: memref<?x256xbf16>, %small: memref<?x20xbf16>) {
  %y = decoder.activation(squared_relu) %x : (memref<?x256xbf16>) -> memref<?x256xbf16, #decoder.arena<0>>
  %z = decoder.activation(squared_relu) %y
    : (memref<?x256xbf16, #decoder.arena<0>>) -> memref<?x256xbf16, #decoder.arena<512>>
  %s = decoder.activation(squared_relu) %small : (memref<?x20xbf16>) -> memref<?x20xbf16, #decoder.arena<1024>>
  return
}

// Every level has a program of its own, whose bodies are as wide as its vectors; the best one if none is named.
// CHECK: module @cpu_x86_64_v4_amx
// CHECK: func.func @activation_0.squared_relu(
// CHECK: vector<16xf32>
// CHECK-NOT: module @

// AVX2: module @cpu_x86_64_v3
// AVX2: func.func @activation_0.squared_relu(
// AVX2: vector<8xf32>
// AVX2-NOT: module @
