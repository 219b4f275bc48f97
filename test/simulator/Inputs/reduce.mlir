// sums[block] = the sum of x[256 block, 256 block + 256), f32, through shared memory: every thread
// stores one number, and thread 0 adds them. Then, to have many readers and one late writer, all
// threads read the first number, thread 0 overwrites it, and seen[] gets what the threads have read.
llvm.mlir.global internal @numbers() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<256 x f32>

llvm.func @reduce(%x: !llvm.ptr<1>, %sums: !llvm.ptr<1>, %seen: !llvm.ptr<1>)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 256>} {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c256 = arith.constant 256 : i32
  %zero = arith.constant 0.0 : f32
  %numbers = llvm.mlir.addressof @numbers : !llvm.ptr<3>
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %block = nvvm.read.ptx.sreg.ctaid.x : i32
  %first = arith.muli %block, %c256 : i32
  %at = arith.addi %first, %thread : i32
  %xp = llvm.getelementptr %x[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
  %value = llvm.load %xp : !llvm.ptr<1> -> f32
  %own = llvm.getelementptr %numbers[%thread] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
  llvm.store %value, %own : f32, !llvm.ptr<3>
  nvvm.barrier0 // stored
  %head = llvm.load %numbers : !llvm.ptr<3> -> f32
  %leader = arith.cmpi eq, %thread, %c0 : i32
  scf.if %leader {
    %sum = scf.for %i = %c0 to %c256 step %c1 iter_args(%s = %zero) -> f32 : i32 {
      %p = llvm.getelementptr %numbers[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32
      %v = llvm.load %p : !llvm.ptr<3> -> f32
      %n = arith.addf %s, %v : f32
      scf.yield %n : f32
    }
    %sp = llvm.getelementptr %sums[%block] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    llvm.store %sum, %sp : f32, !llvm.ptr<1>
  }
  nvvm.barrier0 // read
  scf.if %leader {
    llvm.store %zero, %numbers : f32, !llvm.ptr<3>
  }
  %yp = llvm.getelementptr %seen[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
  llvm.store %head, %yp : f32, !llvm.ptr<1>
  llvm.return
}
