// RUN: strata-opt %s --decoder-lower-cuda-kernels | FileCheck %s

// A kernel of known block size, its buffers pointers to global memory, its tensor maps constants of
// the grid. The block's shared memory is
// an external array without a size, so that the launch says how long it is.
// CHECK-LABEL: module @cuda
// CHECK:      llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK:      llvm.func @kernel(%{{[^:]+}}: !llvm.ptr<1>, %{{[^:]+}}: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %{{[^:]+}}: i32, %{{[^:]+}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant})
// CHECK-SAME: attributes {nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 128>}
// CHECK:      llvm.mlir.addressof @shared : !llvm.ptr<3>
// CHECK:      nvvm.read.ptx.sreg.tid.x
// CHECK:      llvm.store {{.*}} : i8, !llvm.ptr<3>
// CHECK:      nvvm.barrier0
// CHECK:      llvm.load {{.*}} : !llvm.ptr<3> -> i8
// CHECK:      llvm.store {{.*}} : i8, !llvm.ptr<1>
module {
module @cuda {
  memref.global "private" @shared : memref<1xi8, 3> {alignment = 1024 : i64}

  func.func @kernel(%x: memref<1xi8, 1>, %w: memref<1xi8, 1> {llvm.noalias, llvm.readonly}, %tokens: i32, %map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>})
      attributes {nvvm.reqntid = array<i32: 128>} {
    %zero = arith.constant 0 : index
    %thread = nvvm.read.ptx.sreg.tid.x : i32
    %byte = arith.trunci %thread : i32 to i8
    %shared = memref.get_global @shared : memref<1xi8, 3>
    memref.store %byte, %shared[%zero] : memref<1xi8, 3>
    nvvm.barrier0
    %read = memref.load %shared[%zero] : memref<1xi8, 3>
    memref.store %read, %x[%zero] : memref<1xi8, 1>
    return
  }
}
}
