// RUN: not strata-opt %s --split-input-file --decoder-simulate-nvvm 2>&1 | FileCheck %s

// CHECK: error: cannot be simulated: inline assembly
llvm.func @assembly() attributes {nvvm.kernel} {
  llvm.inline_asm has_side_effects "bar.sync 0;", "" : () -> ()
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: this op is not modelled
// CHECK-NEXT: nvvm.cluster.arrive
llvm.func @cluster() attributes {nvvm.kernel} {
  nvvm.cluster.arrive
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: this op is not modelled
// CHECK: nvvm.inline_ptx
llvm.func @ptx() attributes {nvvm.kernel} {
  nvvm.inline_ptx "bar.sync 0;"
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: only m16n8k16 of bf16 with f32 sums is modelled
llvm.func @half(%a: vector<2xf16>, %c: f32) attributes {nvvm.kernel} {
  %d = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%c, %c, %c, %c]
    {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>}
    : (vector<2xf16>, vector<2xf16>, f32) -> !llvm.struct<(f32, f32, f32, f32)>
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: intrinsic llvm.nvvm.fabs.f
llvm.func @intrinsic(%x: f32) attributes {nvvm.kernel} {
  %y = llvm.call_intrinsic "llvm.nvvm.fabs.f"(%x) : (f32) -> f32
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: no function @__nv_expf in the module
llvm.func @__nv_expf(f32) -> f32
llvm.func @libdevice(%x: f32) attributes {nvvm.kernel} {
  %y = llvm.call @__nv_expf(%x) : (f32) -> f32
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: this op should have been lowered
llvm.func @high(%x: f32) attributes {nvvm.kernel} {
  %y = arith.addf %x, %x : f32
  llvm.return
}

// -----

// CHECK: error: cannot be simulated: accesses memory in a way that cannot be checked
llvm.func @copy(%p: !llvm.ptr<1>, %q: !llvm.ptr<1>, %n: i64) attributes {nvvm.kernel} {
  "llvm.intr.memcpy"(%p, %q, %n) <{isVolatile = false}> : (!llvm.ptr<1>, !llvm.ptr<1>, i64) -> ()
  llvm.return
}
