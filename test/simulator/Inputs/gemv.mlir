// y[rows] = W[rows, 256] x[256], bf16: a warp a row, 4 warps a block.
llvm.func @gemv(%W: !llvm.ptr<1>, %x: !llvm.ptr<1>, %y: !llvm.ptr<1>)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
  %c0 = arith.constant 0 : i32
  %c4 = arith.constant 4 : i32
  %c8 = arith.constant 8 : i32
  %c32 = arith.constant 32 : i32
  %c256 = arith.constant 256 : i32
  %zero = arith.constant 0.0 : f32
  %zeros = arith.constant dense<0.0> : vector<8xf32>
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %block = nvvm.read.ptx.sreg.ctaid.x : i32
  %lane = arith.remui %thread, %c32 : i32
  %warp = arith.divui %thread, %c32 : i32
  %first = arith.muli %block, %c4 : i32
  %row = arith.addi %first, %warp : i32
  %rowAt = arith.muli %row, %c256 : i32
  %mine = arith.muli %lane, %c8 : i32
  %at = arith.addi %rowAt, %mine : i32
  %wp = llvm.getelementptr %W[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
  %xp = llvm.getelementptr %x[%mine] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
  %w = llvm.load %wp {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
  %v = llvm.load %xp {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
  %wf = arith.extf %w : vector<8xbf16> to vector<8xf32>
  %vf = arith.extf %v : vector<8xbf16> to vector<8xf32>
  %products = vector.fma %wf, %vf, %zeros : vector<8xf32>
  %own = vector.reduction <add>, %products, %zero : vector<8xf32> into f32
  %all = arith.constant -1 : i32
  %clamp = arith.constant 31 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %c16 = arith.constant 16 : i32
  %s16 = nvvm.shfl.sync bfly %all, %own, %c16, %clamp : f32 -> f32
  %t16 = arith.addf %own, %s16 : f32
  %s8 = nvvm.shfl.sync bfly %all, %t16, %c8, %clamp : f32 -> f32
  %t8 = arith.addf %t16, %s8 : f32
  %s4 = nvvm.shfl.sync bfly %all, %t8, %c4, %clamp : f32 -> f32
  %t4 = arith.addf %t8, %s4 : f32
  %s2 = nvvm.shfl.sync bfly %all, %t4, %c2, %clamp : f32 -> f32
  %t2 = arith.addf %t4, %s2 : f32
  %s1 = nvvm.shfl.sync bfly %all, %t2, %c1, %clamp : f32 -> f32
  %sum = arith.addf %t2, %s1 : f32
  %leader = arith.cmpi eq, %lane, %c0 : i32
  scf.if %leader {
    %out = arith.truncf %sum : f32 to bf16
    %yp = llvm.getelementptr %y[%row] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
    llvm.store %out, %yp : bf16, !llvm.ptr<1>
  }
  llvm.return
}
