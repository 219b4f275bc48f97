//===- BodyBuilder.cpp - writing the body of a kernel as MLIR -------------===//

#include "codegen/BodyBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace strata;

int64_t strata::lanesOf(Value value) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? vector.getDimSize(0) : 0;
}

/// A vector type of that many lanes, or the element itself.
static Type withLanes(Type element, int64_t lanes) {
  return lanes ? VectorType::get(lanes, element) : element;
}

void BodyBuilder::registerDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, func::FuncDialect, math::MathDialect, memref::MemRefDialect,
                  scf::SCFDialect, vector::VectorDialect>();
}

BodyBuilder::BodyBuilder(func::FuncOp function, Block *entry, bool narrowsBf16)
    : ImplicitLocOpBuilder(function.getLoc(), function.getContext()), function(function),
      narrowsBf16(narrowsBf16) {
  setInsertionPointToStart(entry);
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value BodyBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
Value BodyBuilder::add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
Value BodyBuilder::sub(Value a, Value b) { return arith::SubIOp::create(*this, a, b); }
Value BodyBuilder::mul(Value a, Value b) { return arith::MulIOp::create(*this, a, b); }
Value BodyBuilder::mul(Value a, int64_t b) { return mul(a, index(b)); }
Value BodyBuilder::div(Value a, Value b) { return arith::DivUIOp::create(*this, a, b); }
Value BodyBuilder::rem(Value a, Value b) { return arith::RemUIOp::create(*this, a, b); }
Value BodyBuilder::min(Value a, Value b) { return arith::MinSIOp::create(*this, a, b); }
Value BodyBuilder::max(Value a, Value b) { return arith::MaxSIOp::create(*this, a, b); }
Value BodyBuilder::less(Value a, Value b) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, a, b);
}
Value BodyBuilder::equal(Value a, Value b) {
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::eq, a, b);
}
Value BodyBuilder::both(Value a, Value b) { return arith::AndIOp::create(*this, a, b); }
Value BodyBuilder::select(Value condition, Value a, Value b) {
  return arith::SelectOp::create(*this, condition, a, b);
}
Value BodyBuilder::toIndex(Value i32) {
  return arith::IndexCastOp::create(*this, getIndexType(), i32);
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

Values BodyBuilder::loop(Value begin, Value end, Value step, ValueRange initial,
                         llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, step, initial);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!initial.empty()) // without carried values the terminator is there already
    scf::YieldOp::create(*this, next);
  return Values(loop.getResults());
}

Values BodyBuilder::loop(Value begin, Value end, int64_t step, ValueRange initial,
                         llvm::function_ref<Values(Value, ValueRange)> body) {
  return loop(begin, end, index(step), initial, body);
}

void BodyBuilder::loop(Value begin, Value end, Value step, llvm::function_ref<void(Value)> body) {
  loop(begin, end, step, ValueRange(), [&](Value i, ValueRange) {
    body(i);
    return Values();
  });
}

void BodyBuilder::loop(Value begin, Value end, int64_t step, llvm::function_ref<void(Value)> body) {
  loop(begin, end, index(step), body);
}

void BodyBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
}

void BodyBuilder::ifElse(Value condition, llvm::function_ref<void()> body,
                         llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(branch.thenBlock());
  body();
  setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value BodyBuilder::view(Value bytes, Type element, ArrayRef<int64_t> shape, ValueRange sizes,
                        Value byteOffset) {
  Attribute space = cast<MemRefType>(bytes.getType()).getMemorySpace();
  auto type = MemRefType::get(shape, element, MemRefLayoutAttrInterface(), space);
  return memref::ViewOp::create(*this, type, bytes, byteOffset ? byteOffset : index(0), sizes);
}

Value BodyBuilder::load(Value memory, ValueRange at) {
  return memref::LoadOp::create(*this, memory, at);
}

Value BodyBuilder::load(Value memory, ValueRange at, int64_t lanes, int64_t alignment) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  return vector::LoadOp::create(*this, VectorType::get(lanes, element), memory, at,
                                /*nontemporal=*/false, llvm::MaybeAlign(alignment));
}

void BodyBuilder::store(Value value, Value memory, ValueRange at, int64_t alignment) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(*this, value, memory, at, /*nontemporal=*/false,
                            llvm::MaybeAlign(alignment));
  else
    memref::StoreOp::create(*this, value, memory, at);
}

Value BodyBuilder::loadIndex(Value bytes, Value at) {
  Value array = view(bytes, getI32Type(), {ShapedType::kDynamic}, add(at, 1));
  return toIndex(load(array, at));
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Type BodyBuilder::f32Type(int64_t lanes) { return withLanes(getF32Type(), lanes); }
Type BodyBuilder::i32Type(int64_t lanes) { return withLanes(getI32Type(), lanes); }

Value BodyBuilder::f32(double value, int64_t lanes) {
  TypedAttr attr = getF32FloatAttr(static_cast<float>(value));
  if (lanes)
    attr = DenseElementsAttr::get(cast<VectorType>(f32Type(lanes)), attr);
  return arith::ConstantOp::create(*this, attr);
}
Value BodyBuilder::i32(int64_t value, int64_t lanes) {
  TypedAttr attr = getI32IntegerAttr(static_cast<int32_t>(value));
  if (lanes)
    attr = DenseElementsAttr::get(cast<VectorType>(i32Type(lanes)), attr);
  return arith::ConstantOp::create(*this, attr);
}
Value BodyBuilder::splat(Value scalar, int64_t lanes) {
  if (!lanes)
    return scalar;
  return vector::BroadcastOp::create(*this, VectorType::get(lanes, scalar.getType()), scalar);
}
Value BodyBuilder::addf(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
Value BodyBuilder::subf(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
Value BodyBuilder::mulf(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
Value BodyBuilder::divf(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
Value BodyBuilder::fma(Value a, Value b, Value c) { return math::FmaOp::create(*this, a, b, c); }
Value BodyBuilder::maxf(Value a, Value b) {
  // (a > b ? a : b), which is one instruction on x86; a NaN in b wins.
  Value greater = arith::CmpFOp::create(*this, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(*this, greater, a, b);
}
Value BodyBuilder::sqrt(Value x) { return math::SqrtOp::create(*this, x); }

Value BodyBuilder::exp(Value x) {
  // x = k ln2 + r with |r| <= ln2 / 2, ln2 in two parts; e^r by its Taylor series to r^6/6!. At the
  // size of `shifter` a number's last bit is 1, so adding it rounds to the integer k, whose low
  // bits become the exponent of 2^k. No conversion: of NaN that would be undefined.
  int64_t n = lanesOf(x);
  x = maxf(f32(-87.0, n), x);
  Value shifter = f32(0x1.8p23, n), shifted = fma(x, f32(1.44269504088896341, n), shifter);
  Value k = subf(shifted, shifter);
  Value r = fma(k, f32(-0.693145751953125, n), x);
  r = fma(k, f32(-1.42860682030941723212e-6, n), r);
  Value p = f32(1.0 / 720, n);
  for (double c : {1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0})
    p = fma(p, r, f32(c, n));
  Value exponent = arith::BitcastOp::create(*this, i32Type(n), shifted);
  exponent =
      arith::ShLIOp::create(*this, arith::AddIOp::create(*this, exponent, i32(127, n)), i32(23, n));
  return mulf(p, arith::BitcastOp::create(*this, f32Type(n), exponent));
}

//===----------------------------------------------------------------------===//
// bf16
//===----------------------------------------------------------------------===//

/// f32 bits rounded to bf16 in the upper half; the lower half is not cleared. A NaN is given the
/// bits of another one, as those of some would be carried over into the sign.
Value BodyBuilder::roundBits(Value f32) {
  int64_t n = lanesOf(f32);
  Value bits = arith::BitcastOp::create(*this, i32Type(n), f32);
  Value lsb = both(arith::ShRUIOp::create(*this, bits, i32(16, n)), i32(1, n));
  Value rounded = add(bits, add(lsb, i32(0x7fff, n)));
  Value isNan = arith::CmpFOp::create(*this, arith::CmpFPredicate::UNO, f32, f32);
  return arith::SelectOp::create(*this, isNan, i32(0x7fc00000, n), rounded);
}

/// Two scalars by the target's instruction.
Value BodyBuilder::narrowPair(Value even, Value odd) {
  Value pair = vector::FromElementsOp::create(*this, VectorType::get(2, getF32Type()),
                                              ValueRange{even, odd});
  pair = arith::TruncFOp::create(*this, VectorType::get(2, getBF16Type()), pair);
  pair = vector::BitCastOp::create(*this, VectorType::get(1, getI32Type()), pair);
  return vector::ExtractOp::create(*this, pair, 0);
}

Value BodyBuilder::toF32(Value number) {
  int64_t n = lanesOf(number);
  Type type = f32Type(n);
  if (number.getType() == type)
    return number;
  if (narrowsBf16 || !getElementTypeOrSelf(number.getType()).isBF16())
    return arith::ExtFOp::create(*this, type, number);
  // The same bits. Where bf16 is no type of the target, LLVM may take vectors of it apart and want
  // functions to put them together again.
  Value half = arith::BitcastOp::create(*this, withLanes(getI16Type(), n), number);
  Value low = arith::ExtUIOp::create(*this, withLanes(getI32Type(), n), half);
  return arith::BitcastOp::create(*this, type, arith::ShLIOp::create(*this, low, i32(16, n)));
}

Value BodyBuilder::toBf16(Value f32) {
  int64_t n = lanesOf(f32);
  Type type = withLanes(getBF16Type(), n);
  if (narrowsBf16)
    return arith::TruncFOp::create(*this, type, f32);
  Value high = arith::ShRUIOp::create(*this, roundBits(f32), i32(16, n));
  Value half = arith::TruncIOp::create(*this, withLanes(getI16Type(), n), high);
  return arith::BitcastOp::create(*this, type, half);
}

Value BodyBuilder::everySecond(Value vector, int64_t first) {
  SmallVector<int64_t> lanes;
  for (int64_t i = first; i < lanesOf(vector); i += 2)
    lanes.push_back(i);
  return vector::ShuffleOp::create(*this, vector, vector, lanes);
}

Value BodyBuilder::evens(Value pairs) {
  if (getElementTypeOrSelf(pairs).isF32())
    return everySecond(pairs, 0);
  int64_t n = lanesOf(pairs);
  return arith::BitcastOp::create(*this, f32Type(n),
                                  arith::ShLIOp::create(*this, pairs, i32(16, n)));
}

Value BodyBuilder::odds(Value pairs) {
  if (getElementTypeOrSelf(pairs).isF32())
    return everySecond(pairs, 1);
  int64_t n = lanesOf(pairs);
  return arith::BitcastOp::create(*this, f32Type(n), both(pairs, i32(0xffff0000, n)));
}

Value BodyBuilder::pairs(Value evens, Value odds) {
  int64_t n = lanesOf(evens);
  if (narrowsBf16 && !n)
    return narrowPair(evens, odds);
  Value low = arith::ShRUIOp::create(*this, roundBits(evens), i32(16, n));
  return arith::OrIOp::create(*this, both(roundBits(odds), i32(0xffff0000, n)), low);
}
