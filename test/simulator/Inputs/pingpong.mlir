// y[i] = x[i] of 8 x 32 numbers: warp 0 loads 32 numbers a round into one buffer, warp 1 stores them.
// Barrier 1: the buffer is full; barrier 2: it is empty.
llvm.mlir.global internal @buffer() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<32 x i32>

llvm.func @pingpong(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 64>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %c32 = arith.constant 32 : i32
  %c64 = arith.constant 64 : i32
  %c256 = arith.constant 256 : i32
  %buffer = llvm.mlir.addressof @buffer : !llvm.ptr<3>
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %lane = arith.remui %thread, %c32 : i32
  %slot = llvm.getelementptr %buffer[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
  %loader = arith.cmpi ult, %thread, %c32 : i32
  scf.if %loader {
    scf.for %i = %c0 to %c256 step %c32 : i32 {
      %at = arith.addi %i, %lane : i32
      %p = llvm.getelementptr %x[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      %v = llvm.load %p : !llvm.ptr<1> -> i32
      nvvm.barrier id = %c2 number_of_threads = %c64
      llvm.store %v, %slot : i32, !llvm.ptr<3>
      nvvm.barrier.arrive id = %c1 number_of_threads = %c64
    }
  } else {
    nvvm.barrier.arrive id = %c2 number_of_threads = %c64
    scf.for %i = %c0 to %c256 step %c32 : i32 {
      nvvm.barrier id = %c1 number_of_threads = %c64
      %v = llvm.load %slot : !llvm.ptr<3> -> i32
      %at = arith.addi %i, %lane : i32
      %p = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %v, %p : i32, !llvm.ptr<1>
      nvvm.barrier.arrive id = %c2 number_of_threads = %c64
    }
  }
  llvm.return
}
