//===- KernelBuilder.cpp - writing a CPU kernel as MLIR -------------------===//

#include "codegen/cpu/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace strata::cpu;

KernelBuilder::KernelBuilder(func::FuncOp function, Block *entry, const Level &level)
    : ImplicitLocOpBuilder(function.getLoc(), function.getContext()), level(level),
      function(function) {
  setInsertionPointToStart(entry);
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
Value KernelBuilder::add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
Value KernelBuilder::sub(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
Value KernelBuilder::mul(Value a, Value b) { return arith::MulIOp::create(*this, a, b); }
Value KernelBuilder::mul(Value a, int64_t b) { return mul(a, index(b)); }
Value KernelBuilder::div(Value a, int64_t b) { return arith::DivUIOp::create(*this, a, index(b)); }
Value KernelBuilder::rem(Value a, int64_t b) { return arith::RemUIOp::create(*this, a, index(b)); }
Value KernelBuilder::min(Value a, Value b) { return arith::MinSIOp::create(*this, a, b); }
Value KernelBuilder::max(Value a, Value b) { return arith::MaxSIOp::create(*this, a, b); }
Value KernelBuilder::less(Value a, Value b) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b);
}
Value KernelBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(*this, condition, a, b);
}
Value KernelBuilder::toIndex(Value i32) {
  return arith::IndexCastOp::create(*this, getIndexType(), i32);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Values KernelBuilder::loop(Value begin, Value end, int64_t step, ValueRange initial,
                           llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, index(step), initial);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!initial.empty()) // without carried values the terminator is there already
    scf::YieldOp::create(*this, next);
  return Values(loop.getResults());
}

void KernelBuilder::loop(Value begin, Value end, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  loop(begin, end, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return Values();
  });
}

void KernelBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

void KernelBuilder::call(llvm::StringRef name, ValueRange arguments,
                         llvm::function_ref<void(KernelBuilder &, ValueRange)> body) {
  auto levelModule = function->getParentOfType<ModuleOp>();
  auto callee = levelModule.lookupSymbol<func::FuncOp>(name);
  if (!callee) {
    OpBuilder builder = OpBuilder::atBlockBegin(levelModule.getBody());
    callee = func::FuncOp::create(builder, getUnknownLoc(), name,
                                  getFunctionType(arguments.getTypes(), {}));
    callee.setPrivate();
    KernelBuilder nested(callee, callee.addEntryBlock(), level);
    body(nested, callee.getArguments());
    func::ReturnOp::create(nested);
  }
  func::CallOp::create(*this, callee, arguments);
}

void KernelBuilder::vectors(int64_t count, llvm::function_ref<void(Value, int64_t)> body) {
  int64_t full = count / lanes() * lanes();
  if (full)
    loop(index(0), index(full), lanes(), [&](Value i) { body(i, lanes()); });
  if (full != count)
    loop(index(full), index(count), 1, [&](Value i) { body(i, 1); });
}

void KernelBuilder::vectors(Value count, llvm::function_ref<void(Value, int64_t)> body) {
  Value full = mul(div(count, lanes()), lanes());
  loop(index(0), full, lanes(), [&](Value i) { body(i, lanes()); });
  loop(full, count, 1, [&](Value i) { body(i, 1); });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::view(Value buffer, Type element, ArrayRef<int64_t> shape, ValueRange sizes,
                          Value byteOffset) {
  return memref::ViewOp::create(*this, MemRefType::get(shape, element), buffer,
                                byteOffset ? byteOffset : index(0), sizes);
}

Value KernelBuilder::stack(Type element, ArrayRef<int64_t> shape) {
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&function.getBody().front());
  return memref::AllocaOp::create(*this, MemRefType::get(shape, element), getI64IntegerAttr(64));
}

Value KernelBuilder::load(Value memory, ValueRange at) {
  return memref::LoadOp::create(*this, memory, at);
}

Value KernelBuilder::load(Value memory, ValueRange at, int64_t lanes) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  return vector::LoadOp::create(*this, VectorType::get(lanes, element), memory, at);
}

Value KernelBuilder::loadMasked(Value memory, ValueRange at, Value mask) {
  if (!mask)
    return load(memory, at, lanes());
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  auto type = VectorType::get(lanes(), element);
  Value zero = arith::ConstantOp::create(*this, getZeroAttr(type));
  return vector::MaskedLoadOp::create(*this, type, memory, at, mask, zero);
}

void KernelBuilder::store(Value value, Value memory, ValueRange at) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(*this, value, memory, at);
  else
    memref::StoreOp::create(*this, value, memory, at);
}

void KernelBuilder::storeMasked(Value value, Value memory, ValueRange at, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(*this, memory, at, mask, value);
  else
    store(value, memory, at);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

VectorType KernelBuilder::f32Type(int64_t lanes) { return VectorType::get(lanes, getF32Type()); }
VectorType KernelBuilder::i32Type(int64_t lanes) { return VectorType::get(lanes, getI32Type()); }

Value KernelBuilder::f32(double value, int64_t lanes) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(f32Type(lanes), static_cast<float>(value)));
}
Value KernelBuilder::i32(int64_t value, int64_t lanes) {
  return arith::ConstantOp::create(
      *this, DenseElementsAttr::get(i32Type(lanes), static_cast<int32_t>(value)));
}
Value KernelBuilder::splat(Value scalar, int64_t lanes) {
  return vector::BroadcastOp::create(*this, VectorType::get(lanes, scalar.getType()), scalar);
}
Value KernelBuilder::addf(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
Value KernelBuilder::subf(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
Value KernelBuilder::mulf(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
Value KernelBuilder::fma(Value a, Value b, Value c) { return math::FmaOp::create(*this, a, b, c); }
Value KernelBuilder::maxf(Value a, Value b) {
  // (a > b ? a : b), which is one vmaxps; a NaN in b wins.
  Value greater = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(*this, greater, a, b);
}
Value KernelBuilder::selectLanes(Value mask, Value a, Value b) {
  return arith::SelectOp::create(*this, mask, a, b);
}

Value KernelBuilder::mask(Value count) {
  return vector::CreateMaskOp::create(*this, VectorType::get(lanes(), getI1Type()), count);
}
Value KernelBuilder::mask(int64_t count) {
  return vector::ConstantMaskOp::create(*this, VectorType::get(lanes(), getI1Type()),
                                        ArrayRef<int64_t>{count});
}

Value KernelBuilder::sum(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}
Value KernelBuilder::maximum(Value vector) {
  return vector::ReductionOp::create(*this, vector::CombiningKind::MAXNUMF, vector,
                                     arith::FastMathFlags::nnan);
}

Value KernelBuilder::exp(Value x) {
  // x = n ln2 + r with |r| <= ln2 / 2, ln2 in two parts; e^r by its Taylor series to r^6/6!.
  int64_t n = cast<VectorType>(x.getType()).getDimSize(0);
  x = maxf(x, f32(-87.0, n));
  Value k = math::RoundEvenOp::create(*this, mulf(x, f32(1.44269504088896341, n)));
  Value r = fma(k, f32(-0.693145751953125, n), x);
  r = fma(k, f32(-1.42860682030941723212e-6, n), r);
  Value p = f32(1.0 / 720, n);
  for (double c : {1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0})
    p = fma(p, r, f32(c, n));
  Value exponent = arith::FPToSIOp::create(*this, i32Type(n), k);
  exponent =
      arith::ShLIOp::create(*this, arith::AddIOp::create(*this, exponent, i32(127, n)), i32(23, n));
  return mulf(p, arith::BitcastOp::create(*this, f32Type(n), exponent));
}

Values KernelBuilder::transpose(Values rows) {
  // log2(n) times: row i and row i + n/2, interleaved, become rows 2i and 2i + 1.
  int64_t n = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i != n; ++i) {
    low.push_back(i / 2 + (i % 2) * n);
    high.push_back(n / 2 + i / 2 + (i % 2) * n);
  }
  for (int64_t step = 1; step != n; step *= 2) {
    Values next;
    for (int64_t i = 0; i != n / 2; ++i)
      for (const SmallVector<int64_t> &half : {low, high})
        next.push_back(vector::ShuffleOp::create(*this, rows[i], rows[i + n / 2], half));
    rows = next;
  }
  return rows;
}

//===----------------------------------------------------------------------===//
// bf16
//===----------------------------------------------------------------------===//

/// f32 bits rounded to bf16 in the upper half; the lower half is not cleared.
static Value roundBits(KernelBuilder &b, Value f32) {
  int64_t n = cast<VectorType>(f32.getType()).getDimSize(0);
  Value bits = arith::BitcastOp::create(b, b.i32Type(n), f32);
  Value lsb = arith::AndIOp::create(b, arith::ShRUIOp::create(b, bits, b.i32(16, n)), b.i32(1, n));
  return b.add(bits, b.add(lsb, b.i32(0x7fff, n)));
}

Value KernelBuilder::toF32(Value bf16) {
  int64_t n = cast<VectorType>(bf16.getType()).getDimSize(0);
  return arith::ExtFOp::create(*this, f32Type(n), bf16);
}

Value KernelBuilder::toBf16(Value f32) {
  int64_t n = cast<VectorType>(f32.getType()).getDimSize(0);
  auto type = VectorType::get(n, getBF16Type());
  if (level.bf16Dot)
    return arith::TruncFOp::create(*this, type, f32);
  Value high = arith::ShRUIOp::create(*this, roundBits(*this, f32), i32(16, n));
  Value half = arith::TruncIOp::create(*this, VectorType::get(n, getI16Type()), high);
  return arith::BitcastOp::create(*this, type, half);
}

Value KernelBuilder::evens(Value pairs) {
  int64_t n = cast<VectorType>(pairs.getType()).getDimSize(0);
  return arith::BitcastOp::create(*this, f32Type(n),
                                  arith::ShLIOp::create(*this, pairs, i32(16, n)));
}

Value KernelBuilder::odds(Value pairs) {
  int64_t n = cast<VectorType>(pairs.getType()).getDimSize(0);
  return arith::BitcastOp::create(*this, f32Type(n),
                                  arith::AndIOp::create(*this, pairs, i32(0xffff0000, n)));
}

Value KernelBuilder::pairs(Value evens, Value odds) {
  int64_t n = cast<VectorType>(evens.getType()).getDimSize(0);
  Value low = arith::ShRUIOp::create(*this, roundBits(*this, evens), i32(16, n));
  Value high = arith::AndIOp::create(*this, roundBits(*this, odds), i32(0xffff0000, n));
  return arith::OrIOp::create(*this, high, low);
}

Value KernelBuilder::dot(Value acc, Value a, Value b) {
  if (level.bf16Dot && cast<VectorType>(acc.getType()).getDimSize(0) == lanes()) {
    auto type = VectorType::get(2 * lanes(), getBF16Type());
    return x86vector::DotBF16Op::create(*this, acc.getType(), acc,
                                        vector::BitCastOp::create(*this, type, a),
                                        vector::BitCastOp::create(*this, type, b));
  }
  return fma(odds(a), odds(b), fma(evens(a), evens(b), acc));
}
