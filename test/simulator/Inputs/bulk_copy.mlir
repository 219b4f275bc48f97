// y[i] = x[i] of a block's 128 numbers, by one bulk copy through shared memory. The last block to come
// also writes how many have come before it: blocks meet in an atomic.
llvm.mlir.global internal @buffer() {addr_space = 3 : i32, alignment = 128 : i64} : !llvm.array<128 x i32>
llvm.mlir.global internal @barrier() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<8 x i8>

llvm.func @bulk_copy(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %come: !llvm.ptr<1>, %last: !llvm.ptr<1>)
    attributes {nvvm.kernel, nvvm.maxntid = array<i32: 128>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c128 = arith.constant 128 : i32
  %c512 = arith.constant 512 : i32
  %ticks = arith.constant 1000 : i32
  %buffer = llvm.mlir.addressof @buffer : !llvm.ptr<3>
  %barrier = llvm.mlir.addressof @barrier : !llvm.ptr<3>
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %block = nvvm.read.ptx.sreg.ctaid.x : i32
  %first = arith.muli %block, %c128 : i32
  %at = arith.addi %first, %thread : i32
  %isFirst = arith.cmpi eq, %thread, %c0 : i32
  nvvm.mbarrier.init %barrier, %c1, predicate = %isFirst : !llvm.ptr<3>, i32, i1
  nvvm.barrier0
  scf.if %isFirst {
    %p = llvm.getelementptr %x[%first] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %target = llvm.addrspacecast %buffer : !llvm.ptr<3> to !llvm.ptr<7>
    nvvm.mbarrier.arrive.expect_tx %barrier, %c512 : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.shared.cluster.global %target, %p, %barrier, %c512 : !llvm.ptr<7>, !llvm.ptr<1>
  }
  nvvm.mbarrier.try_wait.parity %barrier, %c0, %ticks : !llvm.ptr<3>, i32, i32
  %slot = llvm.getelementptr %buffer[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
  %v = llvm.load %slot : !llvm.ptr<3> -> i32
  %q = llvm.getelementptr %y[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
  llvm.store %v, %q : i32, !llvm.ptr<1>
  scf.if %isFirst {
    %before = llvm.atomicrmw add %come, %c1 monotonic : !llvm.ptr<1>, i32
    %blocks = nvvm.read.ptx.sreg.nctaid.x : i32
    %others = arith.subi %blocks, %c1 : i32
    %isLast = arith.cmpi eq, %before, %others : i32
    scf.if %isLast {
      llvm.store %before, %last : i32, !llvm.ptr<1>
    }
  }
  llvm.return
}
