// RUN: strata-opt %s --decoder-simulate-nvvm | FileCheck %s

// Shared memory is one array: static variables first, the dynamic one aligned to 1024.
llvm.mlir.global internal @tile() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<40 x f32>
llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<8 x i8>
llvm.mlir.global external @dynamic() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// A constant stays, in the one address space that there is.
// CHECK: llvm.mlir.global internal constant @table(dense<1.000000e+00> : tensor<4xf32>) {addr_space = 0 : i32}
llvm.mlir.global internal constant @table(dense<1.0> : tensor<4xf32>) {addr_space = 4 : i32} : !llvm.array<4 x f32>

// CHECK-LABEL: llvm.func internal @memory(
// CHECK-SAME: %[[P:.*]]: !llvm.ptr {llvm.align = 16 : i64}, %[[MAP:.*]]: !llvm.ptr, %{{.*}}: i64)
// CHECK-NOT: nvvm
llvm.func @memory(%p: !llvm.ptr<1> {llvm.align = 16 : i64, llvm.noalias, llvm.readonly},
                  %map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %n: i64)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 64, 2>} {
  // CHECK-DAG: %[[C0:.*]] = llvm.mlir.constant(0 : i32)
  // CHECK: llvm.call @__sim_shared(%{{.*}}) : (i32) -> !llvm.ptr
  %tile = llvm.mlir.addressof @tile : !llvm.ptr<3>
  // CHECK: %[[AT160:.*]] = llvm.mlir.constant(160 : i32)
  // CHECK: llvm.call @__sim_shared(%[[AT160]])
  %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
  // CHECK: %[[AT1024:.*]] = llvm.mlir.constant(1024 : i32)
  // CHECK: llvm.call @__sim_shared(%[[AT1024]])
  %dynamic = llvm.mlir.addressof @dynamic : !llvm.ptr<3>
  // CHECK: %[[B:.*]] = llvm.mlir.constant(16 : i32)
  // CHECK: %[[A:.*]] = llvm.mlir.constant(4 : i32)
  // CHECK: llvm.call @__sim_access_global(%[[P]], %[[B]], %[[A]], %{{.*}})
  // CHECK: llvm.load %[[P]] {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
  %v = llvm.load %p {alignment = 4 : i64} : !llvm.ptr<1> -> vector<4xf32>
  %own = llvm.getelementptr %tile[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, f32
  // CHECK: llvm.call @__sim_access_shared(
  // CHECK: llvm.store
  llvm.store %v, %own : vector<4xf32>, !llvm.ptr<3>
  %generic = llvm.inttoptr %n : i64 to !llvm.ptr
  // CHECK: llvm.call @__sim_access_generic(
  %g = llvm.load %generic : !llvm.ptr -> f32
  // A loop around a volatile or atomic load lets others run.
  // CHECK: llvm.call @__sim_pause()
  // CHECK: llvm.call @__sim_access_global(
  %w = llvm.load volatile %p : !llvm.ptr<1> -> i32
  // Nobody else has a parameter passed by value, a constant or a local.
  // CHECK-NOT: __sim_access
  %m = llvm.load %map : !llvm.ptr -> i64
  %table = llvm.mlir.addressof @table : !llvm.ptr<4>
  %t = llvm.load %table : !llvm.ptr<4> -> f32
  %one = llvm.mlir.constant(1 : i32) : i32
  %local = llvm.alloca %one x f32 : (i32) -> !llvm.ptr
  llvm.store %t, %local : f32, !llvm.ptr
  // CHECK: llvm.return
  llvm.return
}
// Version, static shared bytes, required block, its threads, parameters and their bytes.
// CHECK: llvm.mlir.global external constant @__sim_info_memory(dense<[1, 168, 64, 2, 1, 128, 3, 8, 128, 8]>
// CHECK: llvm.func @__sim_entry_memory(%[[PARAMETERS:.*]]: !llvm.ptr) {
// CHECK: %[[SLOT0:.*]] = llvm.getelementptr %[[PARAMETERS]][0]
// CHECK: %[[AT0:.*]] = llvm.load %[[SLOT0]]
// CHECK: %[[VALUE0:.*]] = llvm.load %[[AT0]]
// CHECK: %[[SLOT1:.*]] = llvm.getelementptr %[[PARAMETERS]][1]
// CHECK: %[[MAPAT:.*]] = llvm.load %[[SLOT1]]
// CHECK: %[[VALUE2:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
// CHECK: llvm.call @memory(%[[VALUE0]], %[[MAPAT]], %[[VALUE2]])

// CHECK-LABEL: llvm.func internal @barriers(
llvm.func @barriers(%p: !llvm.ptr<1>, %on: i1) attributes {gpu.kernel, nvvm.maxntid = array<i32: 96>} {
  %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
  %one = llvm.mlir.constant(1 : i32) : i32
  // CHECK: llvm.call @__sim_barrier(
  nvvm.barrier0
  // CHECK: llvm.call @__sim_barrier_arrive(
  nvvm.barrier.arrive id = %one number_of_threads = %one
  // A predicate becomes a branch.
  // CHECK: llvm.cond_br %{{.*}}, ^[[THEN:.*]], ^[[AFTER:.*]]
  // CHECK: ^[[THEN]]:
  // CHECK: llvm.call @__sim_mbarrier_init(
  // CHECK: llvm.br ^[[AFTER]]
  nvvm.mbarrier.init %barrier, %one, predicate = %on : !llvm.ptr<3>, i32, i1
  // CHECK: llvm.call @__sim_mbarrier_arrive(
  nvvm.mbarrier.arrive.expect_tx %barrier, %one : !llvm.ptr<3>, i32
  // CHECK: llvm.call @__sim_mbarrier_try_wait(
  %done = nvvm.mbarrier.try_wait %barrier, %one : !llvm.ptr<3>, i32 -> i1
  // What only costs or saves time goes away.
  // CHECK-NOT: nvvm
  nvvm.setmaxregister decrease 40
  nvvm.griddepcontrol wait
  // CHECK: llvm.return
  llvm.return
}
// CHECK: @__sim_info_barriers(dense<[1, 168, 0, 0, 0, 96, 2, 8, 1]>

// CHECK-LABEL: llvm.func internal @values(
llvm.func @values(%p: !llvm.ptr<1>, %x: f32) attributes {nvvm.kernel} {
  // CHECK: llvm.call @__sim_sreg(
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %all = llvm.mlir.constant(-1 : i32) : i32
  // CHECK: %[[BITS:.*]] = llvm.bitcast %{{.*}} : f32 to i32
  // CHECK: %[[BOTH:.*]] = llvm.call @__sim_shfl(%{{.*}}, %{{.*}}, %[[BITS]], %{{.*}}, %{{.*}}) : (i32, i32, i32, i32, i32) -> i64
  // CHECK: llvm.trunc %[[BOTH]] : i64 to i32
  %s = nvvm.shfl.sync bfly %all, %x, %thread, %all : f32 -> f32
  // CHECK: llvm.call @__sim_ex2(
  %e = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%s) : (f32) -> f32
  // CHECK: llvm.call @__sim_access_global(
  llvm.store %e, %p : f32, !llvm.ptr<1>
  llvm.return
}
