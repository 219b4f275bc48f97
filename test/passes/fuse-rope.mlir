// RUN: strata-opt %s --decoder-fuse-rope --remarks-filter-missed=decoder-fuse-rope -verify-diagnostics | FileCheck %s

!x = tensor<?x64xbf16>
!w = tensor<64x64xbf16>
!r = tensor<?x32xf32>

// CHECK-LABEL: func @into_linear(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xbf16>, %[[W:.*]]: tensor<64x64xbf16>, %[[R:.*]]: tensor<?x32xf32>)
func.func @into_linear(%x: !x, %w: !w, %r: !r) -> !x {
  // CHECK-NEXT: %[[Y:.*]] = decoder.linear %[[X]], [%[[W]]] rope(%[[R]], head_dim = 32, weights = [0]) :
  // CHECK-NEXT: return %[[Y]]
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %y = decoder.rope %q, %r {head_dim = 32 : i64} : (!x, !r) -> !x
  return %y : !x
}

// The weights of the clause ascend, whatever the order of the ropes.
// CHECK-LABEL: func @two_of_three(
func.func @two_of_three(%x: !x, %w: !w, %r: !r) -> (!x, !x, !x) {
  // CHECK-NEXT: %[[Y:.*]]:3 = decoder.linear {{.*}} rope(%{{.*}}, head_dim = 64, weights = [0, 2]) :
  // CHECK-NEXT: return %[[Y]]#2, %[[Y]]#1, %[[Y]]#0
  %y:3 = decoder.linear %x, [%w, %w, %w] : (!x, !w, !w, !w) -> (!x, !x, !x)
  %a = decoder.rope %y#2, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  %b = decoder.rope %y#0, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  return %a, %y#1, %b : !x, !x, !x
}

// CHECK-LABEL: func @no_linear(
func.func @no_linear(%x: !x, %r: !r) -> !x {
  // CHECK: decoder.rope
  // expected-remark @below {{not the product of a linear}}
  %y = decoder.rope %x, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  return %y : !x
}

// CHECK-LABEL: func @needed_itself(
func.func @needed_itself(%x: !x, %w: !w, %r: !r) -> (!x, !x) {
  // CHECK: decoder.rope
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  // expected-remark @below {{the product of linear has 2 uses}}
  %y = decoder.rope %q, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  return %q, %y : !x, !x
}

// One clause has one table and one head_dim.
// CHECK-LABEL: func @another_head_dim(
func.func @another_head_dim(%x: !x, %w: !w, %r: !r) -> (!x, !x) {
  // CHECK: decoder.linear {{.*}} rope(%{{.*}}, head_dim = 64, weights = [0]) :
  // CHECK: decoder.rope %{{.*}}#1, %{{.*}} {head_dim = 32 : i64}
  %y:2 = decoder.linear %x, [%w, %w] : (!x, !w, !w) -> (!x, !x) loc("self_attn.qk")
  %a = decoder.rope %y#0, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  // expected-remark @below {{linear 'self_attn.qk' has a rope clause of another table or head_dim}}
  %b = decoder.rope %y#1, %r {head_dim = 32 : i64} : (!x, !r) -> !x
  return %a, %b : !x, !x
}

// CHECK-LABEL: func @another_table(
func.func @another_table(%x: !x, %w: !w, %r: !r, %s: !r) -> (!x, !x) {
  // CHECK: decoder.rope
  %y:2 = decoder.linear %x, [%w, %w] rope(%r, head_dim = 64, weights = [0]) : (!x, !w, !w, !r) -> (!x, !x)
  // expected-remark @below {{linear has a rope clause of another table or head_dim}}
  %b = decoder.rope %y#1, %s {head_dim = 64 : i64} : (!x, !r) -> !x
  return %y#0, %b : !x, !x
}

// CHECK-LABEL: func @twice(
func.func @twice(%x: !x, %w: !w, %r: !r) -> !x {
  // CHECK: decoder.linear {{.*}} rope(
  // CHECK: decoder.rope
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %a = decoder.rope %q, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  // expected-remark @below {{linear rotates this product already}}
  %b = decoder.rope %a, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  return %b : !x
}

// CHECK-LABEL: func @after_residual(
func.func @after_residual(%x: !x, %w: !w, %r: !r) -> !x {
  // CHECK: decoder.rope
  %q = decoder.linear %x, [%w] residual(%x) : (!x, !w, !x) -> !x
  // expected-remark @below {{linear has an activation or residual clause}}
  %a = decoder.rope %q, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  return %a : !x
}

// CHECK-LABEL: func @table_too_late(
func.func @table_too_late(%x: !x, %w: !w, %batch: !decoder.batch) -> !x {
  // CHECK: decoder.rope
  %q = decoder.linear %x, [%w] : (!x, !w) -> !x
  %r = decoder.rotary_table %batch {theta = 1.0e4 : f32} : !r
  // expected-remark @below {{linear stands before the rotary table}}
  %a = decoder.rope %q, %r {head_dim = 64 : i64} : (!x, !r) -> !x
  return %a : !x
}
