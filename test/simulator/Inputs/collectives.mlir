// One warp; each operation's results are 32 numbers of out[].
llvm.func @collectives(%out: !llvm.ptr<1>) attributes {nvvm.kernel, nvvm.reqntid = array<i32: 32>} {
  %all = arith.constant -1 : i32
  %c2 = arith.constant 2 : i32
  %c3 = arith.constant 3 : i32
  %c5 = arith.constant 5 : i32
  %c31 = arith.constant 31 : i32
  %c0 = arith.constant 0 : i32
  %c32 = arith.constant 32 : i32
  %eights = arith.constant 0x181f : i32
  %true = arith.constant true
  %lane = nvvm.read.ptx.sreg.laneid : i32
  %minus = arith.subi %c0, %lane : i32
  %odd = llvm.trunc %lane : i32 to i1
  %third = arith.remui %lane, %c3 : i32
  %r0 = nvvm.shfl.sync up %all, %lane, %c2, %c0 : i32 -> i32
  %r1 = nvvm.shfl.sync down %all, %lane, %c5, %c31 : i32 -> i32
  %r2 = nvvm.shfl.sync idx %all, %lane, %c3, %eights : i32 -> i32
  %r3 = nvvm.shfl.sync bfly %all, %lane, %c5, %c31 : i32 -> i32
  %both = nvvm.shfl.sync down %all, %lane, %c5, %c31 {return_value_and_is_valid} : i32 -> !llvm.struct<(i32, i1)>
  %valid = llvm.extractvalue %both[1] : !llvm.struct<(i32, i1)>
  %r4 = arith.extui %valid : i1 to i32
  %r5 = nvvm.vote.sync ballot %all, %odd -> i32
  %any = nvvm.vote.sync any %all, %odd -> i1
  %r6 = arith.extui %any : i1 to i32
  %every = nvvm.vote.sync all %all, %odd -> i1
  %r7 = arith.extui %every : i1 to i32
  %uniform = nvvm.vote.sync uni %all, %true -> i1
  %r8 = arith.extui %uniform : i1 to i32
  %r9 = nvvm.match.sync any %all, %third : i32 -> i32
  %r10 = nvvm.redux.sync add %lane, %all : i32 -> i32
  %r11 = nvvm.redux.sync min %minus, %all : i32 -> i32
  %r12 = nvvm.redux.sync umax %lane, %all : i32 -> i32
  %elected = nvvm.elect.sync -> i1
  %r13 = arith.extui %elected : i1 to i32
  nvvm.bar.warp.sync %all : i32
  %p0 = llvm.getelementptr %out[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
  llvm.store %r0, %p0 : i32, !llvm.ptr<1>
  %p1 = llvm.getelementptr %p0[32] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r1, %p1 : i32, !llvm.ptr<1>
  %p2 = llvm.getelementptr %p0[64] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r2, %p2 : i32, !llvm.ptr<1>
  %p3 = llvm.getelementptr %p0[96] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r3, %p3 : i32, !llvm.ptr<1>
  %p4 = llvm.getelementptr %p0[128] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r4, %p4 : i32, !llvm.ptr<1>
  %p5 = llvm.getelementptr %p0[160] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r5, %p5 : i32, !llvm.ptr<1>
  %p6 = llvm.getelementptr %p0[192] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r6, %p6 : i32, !llvm.ptr<1>
  %p7 = llvm.getelementptr %p0[224] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r7, %p7 : i32, !llvm.ptr<1>
  %p8 = llvm.getelementptr %p0[256] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r8, %p8 : i32, !llvm.ptr<1>
  %p9 = llvm.getelementptr %p0[288] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r9, %p9 : i32, !llvm.ptr<1>
  %p10 = llvm.getelementptr %p0[320] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r10, %p10 : i32, !llvm.ptr<1>
  %p11 = llvm.getelementptr %p0[352] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r11, %p11 : i32, !llvm.ptr<1>
  %p12 = llvm.getelementptr %p0[384] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r12, %p12 : i32, !llvm.ptr<1>
  %p13 = llvm.getelementptr %p0[416] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
  llvm.store %r13, %p13 : i32, !llvm.ptr<1>
  llvm.return
}
