// RUN: strata-opt %s --decoder-fuse-norm --remarks-filter-missed=decoder-fuse-norm -verify-diagnostics | FileCheck %s

!x = tensor<?x64xbf16>
!v = tensor<64xbf16>
!w = tensor<64x64xbf16>

// CHECK-LABEL: func @into_linear(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[G:.*]]: tensor<64xbf16>, %[[B:.*]]: tensor<64xbf16>, %[[W:.*]]: tensor<64x64xbf16>)
func.func @into_linear(%x: !x, %g: !v, %b: !v, %w: !w) -> !x {
  // CHECK-NEXT: %[[Y:.*]] = decoder.linear %[[X]], [%[[W]]] norm(%[[G]], %[[B]], eps = 1.000000e-03) :
  // CHECK-NEXT: return %[[Y]]
  %h = decoder.layer_norm %x, %g, %b {eps = 1.0e-3 : f32} : (!x, !v, !v) -> !x
  %y = decoder.linear %h, [%w] : (!x, !w) -> !x
  return %y : !x
}

// Other clauses, and several weights, are no hindrance: the norm acts first.
// CHECK-LABEL: func @beside_clauses(
func.func @beside_clauses(%x: !x, %r: !x, %g: !v, %w: !w) -> (!x, !x, !x) {
  // CHECK-NOT: layer_norm
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] norm({{.*}}) activation(squared_relu) residual(
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %y = decoder.linear %h, [%w] activation(squared_relu) residual(%r) : (!x, !w, !x) -> !x
  // CHECK-NOT: layer_norm
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}, %{{.*}}] norm(
  %i = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %z:2 = decoder.linear %i, [%w, %w] : (!x, !w, !w) -> (!x, !x)
  return %y, %z#0, %z#1 : !x, !x, !x
}

// What the file says of gamma stays with it.
// CHECK-LABEL: func @gamma_includes_one(
func.func @gamma_includes_one(%x: !x, %g: tensor<64xf32>, %w: !w) -> !x {
  // CHECK-NOT: layer_norm
  // CHECK: decoder.linear %{{.*}}, [%{{.*}}] norm(%{{.*}}, %{{.*}}, eps = 9.99999974E-6, gamma_includes_one) :
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32, gamma_includes_one} : (!x, tensor<64xf32>, tensor<64xf32>) -> !x
  %y = decoder.linear %h, [%w] : (!x, !w) -> !x
  return %y : !x
}

// CHECK-LABEL: func @into_logits(
func.func @into_logits(%x: !x, %g: !v, %w: tensor<100x64xbf16>, %batch: !decoder.batch) -> tensor<?x100xf32> {
  // CHECK-NOT: layer_norm
  // CHECK: decoder.logits %{{.*}}, %{{.*}}, %{{.*}} norm(
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %l = decoder.logits %h, %w, %batch : (!x, tensor<100x64xbf16>, !decoder.batch) -> tensor<?x100xf32>
  return %l : tensor<?x100xf32>
}

// CHECK-LABEL: func @several_readers(
func.func @several_readers(%x: !x, %g: !v, %w: !w) -> (!x, !x) {
  // CHECK: decoder.layer_norm
  // CHECK-NOT: norm(
  // expected-remark @below {{the result has 2 uses; as a clause each would compute it again}}
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %y = decoder.linear %h, [%w] : (!x, !w) -> !x
  %z = decoder.linear %h, [%w] : (!x, !w) -> !x
  return %y, %z : !x, !x
}

// CHECK-LABEL: func @other_reader(
func.func @other_reader(%x: !x, %g: !v) -> !x {
  // CHECK: decoder.layer_norm
  // expected-remark @below {{it is read by activation, not by a linear or logits}}
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %y = decoder.activation(squared_relu) %h : (!x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @not_the_input(
func.func @not_the_input(%x: !x, %g: !v, %w: !w) -> !x {
  // CHECK: decoder.layer_norm
  // expected-remark @below {{it is not the input of linear}}
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %y = decoder.linear %x, [%w] residual(%h) : (!x, !w, !x) -> !x
  return %y : !x
}

// norm(norm(x)) is not one norm.
// CHECK-LABEL: func @norm_of_norm(
func.func @norm_of_norm(%x: !x, %g: !v, %w: !w) -> !x {
  // CHECK: %[[H:.*]] = decoder.layer_norm
  // CHECK: decoder.linear %[[H]], [%{{.*}}] norm(
  // expected-remark @below {{linear 'mlp.up_proj' has a norm clause already}}
  %h = decoder.layer_norm %x, %g, %g {eps = 1.0e-5 : f32} : (!x, !v, !v) -> !x
  %y = decoder.linear %h, [%w] norm(%g, %g, eps = 1.0e-5) : (!x, !w, !v, !v) -> !x loc("mlp.up_proj")
  return %y : !x
}
