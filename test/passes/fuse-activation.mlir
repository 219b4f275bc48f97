// RUN: strata-opt %s --decoder-fuse-activation --remarks-filter-missed=decoder-fuse-activation -verify-diagnostics | FileCheck %s

!x = tensor<?x64xbf16>
!w = tensor<64x64xbf16>

// CHECK-LABEL: func @into_linear(
func.func @into_linear(%x: !x, %w: !w) -> !x {
  // CHECK-NEXT: %[[Y:.*]] = decoder.linear %{{.*}}, [%{{.*}}] activation(squared_relu) :
  // CHECK-NEXT: return %[[Y]]
  %u = decoder.linear %x, [%w] : (!x, !w) -> !x
  %y = decoder.activation(squared_relu) %u : (!x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @beside_norm(
func.func @beside_norm(%x: !x, %w: !w, %g: tensor<64xbf16>) -> !x {
  // CHECK-NEXT: decoder.linear %{{.*}}, [%{{.*}}] norm(%{{.*}}, %{{.*}}, eps = {{.*}}) activation(squared_relu) :
  %u = decoder.linear %x, [%w] norm(%g, %g, eps = 1.0e-5) : (!x, !w, tensor<64xbf16>, tensor<64xbf16>) -> !x
  %y = decoder.activation(squared_relu) %u : (!x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @no_linear(
func.func @no_linear(%x: !x) -> !x {
  // CHECK: decoder.activation(squared_relu)
  // expected-remark @below {{not the product of a linear}}
  %y = decoder.activation(squared_relu) %x : (!x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @needed_itself(
func.func @needed_itself(%x: !x, %w: !w) -> (!x, !x) {
  // CHECK: decoder.activation(squared_relu)
  %u = decoder.linear %x, [%w] : (!x, !w) -> !x loc("mlp.up_proj")
  // expected-remark @below {{the product of linear 'mlp.up_proj' has 2 uses}}
  %y = decoder.activation(squared_relu) %u : (!x) -> !x
  return %u, %y : !x, !x
}

// The residual is added after the activation in the clause order, here it is added before.
// CHECK-LABEL: func @after_residual(
func.func @after_residual(%x: !x, %w: !w) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] residual(
  // CHECK: decoder.activation(squared_relu)
  %u = decoder.linear %x, [%w] residual(%x) : (!x, !w, !x) -> !x
  // expected-remark @below {{linear has a residual clause, which would come after the activation}}
  %y = decoder.activation(squared_relu) %u : (!x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @twice(
func.func @twice(%x: !x, %w: !w) -> !x {
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] activation(squared_relu) :
  // CHECK: decoder.activation(squared_relu)
  %u = decoder.linear %x, [%w] : (!x, !w) -> !x
  %y = decoder.activation(squared_relu) %u : (!x) -> !x
  // expected-remark @below {{linear has an activation clause already}}
  %z = decoder.activation(squared_relu) %y : (!x) -> !x
  return %z : !x
}

// CHECK-LABEL: func @one_of_several(
func.func @one_of_several(%x: !x, %w: !w) -> (!x, !x) {
  // CHECK: decoder.activation(squared_relu)
  %u:2 = decoder.linear %x, [%w, %w] : (!x, !w, !w) -> (!x, !x)
  // expected-remark @below {{linear has several weights}}
  %y = decoder.activation(squared_relu) %u#1 : (!x) -> !x
  return %u#0, %y : !x, !x
}

// CHECK-LABEL: func @after_rope(
func.func @after_rope(%x: !x, %w: !w, %r: tensor<?x32xf32>) -> !x {
  // CHECK: decoder.activation(squared_relu)
  %u = decoder.linear %x, [%w] rope(%r, head_dim = 64, weights = [0]) : (!x, !w, tensor<?x32xf32>) -> !x
  // expected-remark @below {{linear has a rope clause}}
  %y = decoder.activation(squared_relu) %u : (!x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @static_rows(
func.func @static_rows(%x: !x, %w: !w) -> tensor<4x64xbf16> {
  // CHECK: decoder.activation(squared_relu)
  %u = decoder.linear %x, [%w] : (!x, !w) -> !x
  // expected-remark @below {{the product and the result have different types}}
  %y = decoder.activation(squared_relu) %u : (!x) -> tensor<4x64xbf16>
  return %y : tensor<4x64xbf16>
}
