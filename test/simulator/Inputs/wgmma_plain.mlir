// C[64, 8] = A[64, 16] B[8, 16]^T, f32 from bf16: one wgmma, whose operands the threads themselves put
// into shared memory, without a swizzle: 8 rows of 16 bytes are contiguous.
llvm.mlir.global internal @operands() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<2304 x i8>

llvm.func @wgmma_plain(%A: !llvm.ptr<1>, %B: !llvm.ptr<1>, %C: !llvm.ptr<1>)
    attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
  %c2 = arith.constant 2 : i32
  %c4 = arith.constant 4 : i32
  %c8 = arith.constant 8 : i32
  %c16 = arith.constant 16 : i32
  %c32 = arith.constant 32 : i32
  %c128 = arith.constant 128 : i32
  %c2048 = arith.constant 2048 : i32
  %operands = llvm.mlir.addressof @operands : !llvm.ptr<3>
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  // Row thread / 2, half thread % 2: at (row / 8) 256 + half 128 + (row % 8) 16.
  %row = arith.divui %thread, %c2 : i32
  %half = arith.remui %thread, %c2 : i32
  %source = arith.muli %thread, %c8 : i32
  %group = arith.divui %row, %c8 : i32
  %inGroup = arith.remui %row, %c8 : i32
  %halfAt = arith.muli %half, %c128 : i32
  %rowAt = arith.muli %inGroup, %c16 : i32
  %inB = arith.addi %halfAt, %rowAt : i32
  %pairs = arith.muli %group, %c2 : i32
  %groupAt = arith.muli %pairs, %c128 : i32
  %inA = arith.addi %groupAt, %inB : i32
  %ap = llvm.getelementptr %A[%source] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
  %a = llvm.load %ap {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
  %as = llvm.getelementptr %operands[%inA] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
  llvm.store %a, %as {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
  %ofB = arith.cmpi ult, %thread, %c16 : i32
  scf.if %ofB {
    %bp = llvm.getelementptr %B[%source] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16
    %b = llvm.load %bp {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
    %at = arith.addi %inB, %c2048 : i32
    %bs = llvm.getelementptr %operands[%at] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
    llvm.store %b, %bs {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
  }
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
  nvvm.barrier0
  // Leading 128, stride 256.
  %layout = arith.constant 68720001024 : i64
  %address = llvm.ptrtoint %operands : !llvm.ptr<3> to i32
  %mask = arith.constant 0x3fff : i32
  %shifted = arith.shrui %address, %c4 : i32
  %start = arith.andi %shifted, %mask : i32
  %wide = arith.extui %start : i32 to i64
  %descA = arith.ori %wide, %layout : i64
  %next = arith.constant 128 : i64
  %descB = arith.addi %descA, %next : i64
  %none = llvm.mlir.undef : !llvm.struct<(f32, f32, f32, f32)>
  nvvm.wgmma.fence.aligned
  %d = nvvm.wgmma.mma_async %descA, %descB, %none, <m = 64, n = 8, k = 16>, D [<f32>, <zero>], A [<bf16>, <one>, <row>], B [<bf16>, <one>, <col>] : !llvm.struct<(f32, f32, f32, f32)> -> !llvm.struct<(f32, f32, f32, f32)>
  nvvm.wgmma.commit.group.sync.aligned
  nvvm.wgmma.wait.group.sync.aligned 0
  %warp = arith.divui %thread, %c32 : i32
  %lane = arith.remui %thread, %c32 : i32
  %r0 = arith.muli %warp, %c16 : i32
  %r1 = arith.divui %lane, %c4 : i32
  %r = arith.addi %r0, %r1 : i32
  %q = arith.remui %lane, %c4 : i32
  %column = arith.muli %q, %c2 : i32
  %line = arith.muli %r, %c8 : i32
  %out = arith.addi %line, %column : i32
  %p = llvm.getelementptr %C[%out] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
  %p1 = llvm.getelementptr %p[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
  %p2 = llvm.getelementptr %p[64] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
  %p3 = llvm.getelementptr %p[65] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
  %d0 = llvm.extractvalue %d[0] : !llvm.struct<(f32, f32, f32, f32)>
  %d1 = llvm.extractvalue %d[1] : !llvm.struct<(f32, f32, f32, f32)>
  %d2 = llvm.extractvalue %d[2] : !llvm.struct<(f32, f32, f32, f32)>
  %d3 = llvm.extractvalue %d[3] : !llvm.struct<(f32, f32, f32, f32)>
  llvm.store %d0, %p : f32, !llvm.ptr<1>
  llvm.store %d1, %p1 : f32, !llvm.ptr<1>
  llvm.store %d2, %p2 : f32, !llvm.ptr<1>
  llvm.store %d3, %p3 : f32, !llvm.ptr<1>
  llvm.return
}
