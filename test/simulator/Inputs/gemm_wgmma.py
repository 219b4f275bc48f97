# C[M, N] = A[M, K] B[N, K]^T, bf16, with TMA and wgmma: tiles of 64 x 64 x 64, a producer warpgroup, a
# consumer warpgroup, a ring of 3 stages swizzled by 128 bytes, released one step late so that one
# batch of wgmma stays in flight. Prints MLIR; M and N from the grid.
import sys

K = int(sys.argv[1])
N = int(sys.argv[2])
TILE, DEPTH, STAGES = 64, 64, 3
OPERAND = TILE * DEPTH * 2
STAGE = 2 * OPERAND
BARRIERS = STAGE * STAGES  # full[STAGES], then empty[STAGES]
REGISTERS = TILE // 2
STRUCT = "!llvm.struct<(" + ", ".join(["f32"] * REGISTERS) + ")>"
DESCRIPTOR = (1 << 62) | (1024 >> 4) << 32 | 1 << 16

lines, constants, count = [], {}, 0


def emit(text):
    lines.append("  " + text)


def const(value):
    constants[value] = f"  %c{value} = arith.constant {value} : i32"
    return f"%c{value}"


def op(kind, a, b):
    global count
    count += 1
    a, b = (x if isinstance(x, str) else const(x) for x in (a, b))
    emit(f"%v{count} = arith.{kind} {a}, {b} : i32")
    return f"%v{count}"


def shared(offset):
    global count
    count += 1
    offset = offset if isinstance(offset, str) else const(offset)
    emit(f"%v{count} = llvm.getelementptr %shared[{offset}] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8")
    return f"%v{count}"


class Step:
    """Where the stage of k-step `step` lies, and the parity of its phase."""

    def __init__(self, step):
        stage = op("remui", step, STAGES)
        self.parity = op("remui", op("divui", step, STAGES), 2)
        self.offset = op("muli", stage, STAGE)
        barrier = op("muli", stage, 8)
        self.full = shared(op("addi", barrier, BARRIERS))
        self.empty = shared(op("addi", barrier, BARRIERS + 8 * STAGES))


def wait(barrier, parity, comment):
    global count
    count += 1
    emit("scf.while : () -> () {")
    emit(f"  %done{count} = nvvm.mbarrier.try_wait {barrier}, {parity} : !llvm.ptr<3>, i32 -> i1 // {comment}")
    emit(f"  %again{count} = arith.xori %done{count}, %true : i1")
    emit(f"  scf.condition(%again{count})")
    emit("} do {")
    emit("  scf.yield")
    emit("}")


def tensor_load(target, tensor, barrier, row):
    global count
    where = shared(target)
    count += 1
    emit(f"%p{count} = llvm.addrspacecast {where} : !llvm.ptr<3> to !llvm.ptr<7>")
    emit(f"nvvm.cp.async.bulk.tensor.shared.cluster.global %p{count}, {tensor}, {barrier}, "
         f"box[%k, {row}] : !llvm.ptr<7>, !llvm.ptr")


def descriptor(offset):
    global count
    where = shared(offset)
    count += 1
    n = f"%desc{count}"
    emit(f"{n}i = llvm.ptrtoint {where} : !llvm.ptr<3> to i32")
    bits = op("andi", op("shrui", f"{n}i", 4), 0x3fff)
    emit(f"{n}x = arith.extui {bits} : i32 to i64")
    emit(f"{n} = arith.ori {n}x, %layout : i64")
    return n


def produce():
    emit(f"scf.for %k = {const(0)} to {const(K)} step {const(DEPTH)} : i32 {{")
    at = Step(op("divui", "%k", DEPTH))
    wait(at.empty, op("xori", at.parity, 1), "empty")
    emit(f"nvvm.mbarrier.arrive.expect_tx {at.full}, {const(STAGE)} : !llvm.ptr<3>, i32 // expect")
    tensor_load(at.offset, "%A", at.full, "%m0")
    tensor_load(op("addi", at.offset, OPERAND), "%B", at.full, "%n0")
    emit("}")


def release(step):
    at = Step(step)
    emit("scf.if %leader {")
    emit(f"  %token = nvvm.mbarrier.arrive {at.empty} : !llvm.ptr<3> -> i64 // release")
    emit("}")


def consume():
    emit(f"%layout = arith.constant {DESCRIPTOR} : i64")
    emit(f"%none = llvm.mlir.undef : {STRUCT}")
    emit(f"%sums = scf.for %k = {const(0)} to {const(K)} step {const(DEPTH)} "
         f"iter_args(%old = %none) -> ({STRUCT}) : i32 {{")
    step = op("divui", "%k", DEPTH)
    at = Step(step)
    wait(at.full, at.parity, "full")
    a, b = descriptor(at.offset), descriptor(op("addi", at.offset, OPERAND))
    emit("nvvm.wgmma.fence.aligned")
    emit(f"%later = arith.cmpi ne, %k, {const(0)} : i32")
    emit(f"%first = scf.if %later -> ({STRUCT}) {{")
    emit(f"  %f1 = nvvm.wgmma.mma_async {a}, {b}, %old, {mma('one')}")
    emit(f"  scf.yield %f1 : {STRUCT}")
    emit("} else {")
    emit(f"  %f0 = nvvm.wgmma.mma_async {a}, {b}, %old, {mma('zero')}")
    emit(f"  scf.yield %f0 : {STRUCT}")
    emit("}")
    sums = "%first"
    for q in range(1, DEPTH // 16):
        emit(f"%step{q} = arith.constant {2 * q} : i64")
        emit(f"%a{q} = arith.addi {a}, %step{q} : i64")
        emit(f"%b{q} = arith.addi {b}, %step{q} : i64")
        emit(f"%w{q} = nvvm.wgmma.mma_async %a{q}, %b{q}, {sums}, {mma('one')}")
        sums = f"%w{q}"
    emit("nvvm.wgmma.commit.group.sync.aligned")
    emit("nvvm.wgmma.wait.group.sync.aligned 1")
    emit("scf.if %later {")
    release(op("subi", step, 1))
    emit("}")
    emit(f"scf.yield {sums} : {STRUCT}")
    emit("}")
    emit("nvvm.wgmma.wait.group.sync.aligned 0")


def mma(scale):
    return (f"<m = 64, n = {TILE}, k = 16>, D [<f32>, <{scale}>], A [<bf16>, <one>, <row>], "
            f"B [<bf16>, <one>, <col>] : {STRUCT} -> {STRUCT}")


def store():
    row = op("addi", "%m0", op("addi", op("muli", op("divui", "%own", 32), 16),
                               op("divui", op("remui", "%own", 32), 4)))
    column = op("addi", "%n0", op("muli", op("remui", "%own", 4), 2))
    at = op("addi", op("muli", row, N), column)
    for j in range(TILE // 8):
        for h in range(2):
            i = j * 4 + 2 * h
            emit(f"%x{i} = llvm.extractvalue %sums[{i}] : {STRUCT}")
            emit(f"%y{i} = llvm.extractvalue %sums[{i + 1}] : {STRUCT}")
            emit(f"%v{i}f = vector.from_elements %x{i}, %y{i} : vector<2xf32>")
            emit(f"%v{i}b = arith.truncf %v{i}f : vector<2xf32> to vector<2xbf16>")
            where = op("addi", at, 8 * j + 8 * h * N)
            emit(f"%q{i} = llvm.getelementptr %C[{where}] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, bf16")
            emit(f"llvm.store %v{i}b, %q{i} {{alignment = 4 : i64}} : vector<2xbf16>, !llvm.ptr<1>")


emit("%shared = llvm.mlir.addressof @shared : !llvm.ptr<3>")
emit("%true = arith.constant true")
emit("%thread = nvvm.read.ptx.sreg.tid.x : i32")
emit("%bx = nvvm.read.ptx.sreg.ctaid.x : i32")
emit("%by = nvvm.read.ptx.sreg.ctaid.y : i32")
emit(f"%m0 = arith.muli %by, {const(TILE)} : i32")
emit(f"%n0 = arith.muli %bx, {const(TILE)} : i32")
emit(f"%own = arith.remui %thread, {const(128)} : i32")
emit(f"%leader = arith.cmpi eq, %own, {const(0)} : i32")
emit(f"%isFirst = arith.cmpi eq, %thread, {const(0)} : i32")
emit("scf.if %isFirst {")
emit("nvvm.prefetch tensormap, %A : !llvm.ptr")
for s in range(2 * STAGES):
    emit(f"nvvm.mbarrier.init {shared(BARRIERS + 8 * s)}, {const(1)} : !llvm.ptr<3>, i32 // init")
emit("nvvm.fence.mbarrier.init")
emit("}")
emit("nvvm.barrier0")
emit(f"%producer = arith.cmpi ult, %thread, {const(128)} : i32")
emit("scf.if %producer {")
emit("nvvm.setmaxregister decrease 40")
emit("scf.if %leader {")
produce()
emit("}")
emit("} else {")
emit("nvvm.setmaxregister increase 232")
consume()
store()
emit("}")

TENSOR = "!llvm.ptr {llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant, llvm.align = 64 : i64}"
print("llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} "
      ": !llvm.array<0 x i8>")
print(f"llvm.func @gemm_wgmma(%A: {TENSOR}, %B: {TENSOR}, %C: !llvm.ptr<1>) "
      "attributes {nvvm.kernel, nvvm.reqntid = array<i32: 256>, nvvm.minctasm = 1 : i32} {")
print("\n".join(list(constants.values()) + lines + ["  llvm.return", "}"]))
