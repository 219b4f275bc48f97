# C[M, N] = A[M, K] B[N, K]^T, bf16, with mma.sync: tiles of 64 x 64 x 32, 4 warps of 32 x 32, a ring of
# 3 stages of cp.async, chunks of 16 bytes swizzled by row / 2. Prints MLIR; M, N from the grid.
import sys

K = int(sys.argv[1])
N = int(sys.argv[2])
TILE, DEPTH, STAGES = 64, 32, 3
OPERAND = TILE * DEPTH * 2  # bytes of one operand of one stage
STAGE = 2 * OPERAND

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


def add(a, b): return op("addi", a, b)
def mul(a, b): return op("muli", a, b)
def div(a, b): return op("divui", a, b)
def rem(a, b): return op("remui", a, b)


def address(base, offset, space, element):
    global count
    count += 1
    pointer = f"!llvm.ptr<{space}>"
    emit(f"%v{count} = llvm.getelementptr {base}[{offset}] : ({pointer}, i32) -> {pointer}, {element}")
    return f"%v{count}"


def swizzled(row, chunk):
    """Byte offset in an operand of the 16-byte chunk of a row."""
    turned = op("xori", chunk, rem(div(row, 2), 4))  # swizzle
    return add(mul(row, DEPTH * 2), mul(turned, 16))


def load_stage(stage, k):
    """Issues this thread's cp.async of one stage: two chunks of each operand."""
    for name, origin, operand in (("%A", tile_m, 0), ("%B", tile_n, OPERAND)):
        for part in range(2):
            row = add(copy_row, 32 * part)
            source = add(mul(add(origin, row), K), add(k, mul(copy_chunk, 8)))
            target = add(mul(stage, STAGE), add(swizzled(row, copy_chunk), operand))
            emit(f"nvvm.cp.async.shared.global {address('%shared', target, 3, 'i8')}, "
                 f"{address(name, source, 1, 'bf16')}, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>")


def fragments(base, operand, row, chunk):
    global count
    count += 1
    name = f"%m{count}"
    where = add(base, add(swizzled(row, chunk), operand))
    emit(f"{name} = nvvm.ldmatrix {address('%shared', where, 3, 'i8')} {{num = 4 : i32, layout = "
         "#nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = "
         "#nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>")
    for q in range(4):
        emit(f"{name}_{q} = llvm.extractvalue {name}[{q}] : !llvm.struct<(i32, i32, i32, i32)>")
    return [f"{name}_{q}" for q in range(4)]


def multiply(a, b, sums):
    global count
    count += 1
    name = f"%d{count}"
    emit(f"{name} = nvvm.mma.sync A[{', '.join(a)}] B[{', '.join(b)}] C[{', '.join(sums)}] "
         "{layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, "
         "multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>, "
         "shape = #nvvm.shape<m = 16, n = 8, k = 16>} "
         ": (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>")
    for q in range(4):
        emit(f"{name}_{q} = llvm.extractvalue {name}[{q}] : !llvm.struct<(f32, f32, f32, f32)>")
    return [f"{name}_{q}" for q in range(4)]


emit("%shared = llvm.mlir.addressof @shared : !llvm.ptr<3>")
emit("%thread = nvvm.read.ptx.sreg.tid.x : i32")
emit("%bx = nvvm.read.ptx.sreg.ctaid.x : i32")
emit("%by = nvvm.read.ptx.sreg.ctaid.y : i32")
lane, warp = rem("%thread", 32), div("%thread", 32)
warp_m, warp_n = mul(rem(warp, 2), 32), mul(div(warp, 2), 32)
tile_m, tile_n = mul("%by", TILE), mul("%bx", TILE)
copy_row, copy_chunk = div("%thread", 4), rem("%thread", 4)
# The row and the half of 16 columns whose address this lane gives to ldmatrix.
a_row, a_half = add(warp_m, rem(lane, 16)), div(lane, 16)
b_row = add(warp_n, add(rem(lane, 8), mul(div(lane, 16), 8)))
b_half = rem(div(lane, 8), 2)

for s in range(STAGES - 1):
    load_stage(const(s), const(s * DEPTH))
    emit("nvvm.cp.async.commit.group")
emit("%zero = arith.constant 0.0 : f32")
names = [f"%acc{i}" for i in range(2 * 4 * 4)]
types = ", ".join(["f32"] * len(names))
emit(f"%result:{len(names)} = scf.for %k = {const(0)} to {const(K)} step {const(DEPTH)} iter_args("
     + ", ".join(f"{n} = %zero" for n in names) + f") -> ({types}) : i32 {{")
emit(f"nvvm.cp.async.wait.group {STAGES - 2}")
emit("nvvm.barrier0")
step = div("%k", DEPTH)
following = add("%k", (STAGES - 1) * DEPTH)
emit(f"%more = arith.cmpi ult, {following}, {const(K)} : i32")
emit("scf.if %more {")
load_stage(rem(add(step, STAGES - 1), STAGES), following)
emit("}")
emit("nvvm.cp.async.commit.group")
base = mul(rem(step, STAGES), STAGE)
sums = {(i, j): names[(i * 4 + j) * 4:][:4] for i in range(2) for j in range(4)}
for half in range(DEPTH // 16):
    a = [fragments(base, 0, add(a_row, 16 * i), add(a_half, 2 * half)) for i in range(2)]
    b = [fragments(base, OPERAND, add(b_row, 16 * j), add(b_half, 2 * half)) for j in range(2)]
    for i in range(2):
        for j in range(4):
            sums[i, j] = multiply(a[i], b[j // 2][j % 2 * 2:][:2], sums[i, j])
emit("scf.yield " + ", ".join(x for pair in sums.values() for x in pair) + f" : {types}")
emit("}")

for i in range(2):
    for j in range(4):
        for h in range(2):
            row = add(add(tile_m, warp_m), add(div(lane, 4), 16 * i + 8 * h))
            column = add(add(tile_n, warp_n), add(mul(rem(lane, 4), 2), 8 * j))
            at = address("%C", add(mul(row, N), column), 1, "bf16")
            r = (i * 4 + j) * 4 + 2 * h
            emit(f"%x{r} = vector.from_elements %result#{r}, %result#{r + 1} : vector<2xf32>")
            emit(f"%y{r} = arith.truncf %x{r} : vector<2xf32> to vector<2xbf16>")
            emit(f"llvm.store %y{r}, {at} {{alignment = 4 : i64}} : vector<2xbf16>, !llvm.ptr<1>")

print("llvm.mlir.global external @shared() {addr_space = 3 : i32, alignment = 1024 : i64} "
      ": !llvm.array<0 x i8>")
print("llvm.func @gemm_mma(%A: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %B: !llvm.ptr<1> "
      "{llvm.noalias, llvm.readonly}, %C: !llvm.ptr<1>) "
      "attributes {nvvm.kernel, nvvm.reqntid = array<i32: 128>} {")
print("\n".join(list(constants.values()) + lines + ["  llvm.return", "}"]))
