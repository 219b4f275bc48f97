// RUN: strata-opt %s --decoder-fuse-residual --remarks-filter-missed=decoder-fuse-residual -verify-diagnostics | FileCheck %s

!x = tensor<?x64xbf16>
!w = tensor<64x64xbf16>

// On either side of the add.
// CHECK-LABEL: func @into_linear(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64x64xbf16>)
func.func @into_linear(%x: !x, %w: !w) -> !x {
  // CHECK-NEXT: %[[Y:.*]] = decoder.linear %[[X]], [%[[W]]] residual(%[[X]]) :
  // CHECK-NEXT: %[[Z:.*]] = decoder.linear %[[Y]], [%[[W]]] residual(%[[Y]]) :
  // CHECK-NEXT: return %[[Z]]
  %a = decoder.linear %x, [%w] : (!x, !w) -> !x
  %y = decoder.add %x, %a : (!x, !x) -> !x
  %b = decoder.linear %y, [%w] : (!x, !w) -> !x
  %z = decoder.add %b, %y : (!x, !x) -> !x
  return %z : !x
}

// The residual is added after the activation.
// CHECK-LABEL: func @beside_activation(
func.func @beside_activation(%x: !x, %w: !w) -> !x {
  // CHECK-NEXT: decoder.linear %{{.*}}, [%{{.*}}] activation(squared_relu) residual(
  %a = decoder.linear %x, [%w] activation(squared_relu) : (!x, !w) -> !x
  %y = decoder.add %x, %a : (!x, !x) -> !x
  return %y : !x
}

// Two parallel blocks: the later takes the earlier's result, then the stream has to be added.
// CHECK-LABEL: func @two_linears(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64x64xbf16>)
func.func @two_linears(%x: !x, %w: !w) -> !x {
  // CHECK-NEXT: %[[A:.*]] = decoder.linear %[[X]], [%[[W]]] : (
  // CHECK-NEXT: %[[B:.*]] = decoder.linear %[[X]], [%[[W]]] residual(%[[A]]) :
  // CHECK-NEXT: decoder.add %[[X]], %[[B]]
  %a = decoder.linear %x, [%w] : (!x, !w) -> !x
  %b = decoder.linear %x, [%w] : (!x, !w) -> !x
  %c = decoder.add %b, %a : (!x, !x) -> !x
  // expected-remark @below {{left: not the product of a linear; right: linear has a residual clause already}}
  %d = decoder.add %x, %c : (!x, !x) -> !x
  return %d : !x
}

// CHECK-LABEL: func @no_linear(
func.func @no_linear(%x: !x) -> !x {
  // CHECK: decoder.add
  // expected-remark @below {{left: not the product of a linear; right: not the product of a linear}}
  %y = decoder.add %x, %x : (!x, !x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @needed_itself(
func.func @needed_itself(%x: !x, %w: !w) -> (!x, !x) {
  // CHECK: decoder.add
  %a = decoder.linear %x, [%w] : (!x, !w) -> !x loc("mlp.down_proj")
  // expected-remark @below {{right: the product of linear 'mlp.down_proj' has 2 uses}}
  %y = decoder.add %x, %a : (!x, !x) -> !x
  return %a, %y : !x, !x
}

// CHECK-LABEL: func @several_weights(
func.func @several_weights(%x: !x, %w: !w) -> (!x, !x) {
  // CHECK: decoder.add
  %a:2 = decoder.linear %x, [%w, %w] : (!x, !w, !w) -> (!x, !x)
  // expected-remark @below {{right: linear has several weights or a rope clause}}
  %y = decoder.add %x, %a#0 : (!x, !x) -> !x
  return %a#1, %y : !x, !x
}

// CHECK-LABEL: func @too_late(
func.func @too_late(%x: !x, %w: !w) -> !x {
  // CHECK: decoder.add
  %a = decoder.linear %x, [%w] : (!x, !w) -> !x
  %b = decoder.activation(squared_relu) %x : (!x) -> !x
  // expected-remark @below {{left: not the product of a linear; right: linear stands before the other addend}}
  %y = decoder.add %b, %a : (!x, !x) -> !x
  return %y : !x
}

// CHECK-LABEL: func @static_rows(
func.func @static_rows(%x: tensor<4x64xbf16>, %z: !x, %w: !w) -> !x {
  // CHECK: decoder.add
  %a = decoder.linear %z, [%w] : (!x, !w) -> !x
  // expected-remark @below {{right: the addends have different types}}
  %y = decoder.add %x, %a : (tensor<4x64xbf16>, !x) -> !x
  return %y : !x
}
