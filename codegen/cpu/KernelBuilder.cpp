//===- KernelBuilder.cpp - writing a CPU kernel as MLIR -------------------===//

#include "codegen/cpu/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include <numeric>

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

void KernelBuilder::registerDialects(DialectRegistry &registry) {
  BodyBuilder::registerDialects(registry);
  registry.insert<x86vector::X86VectorDialect, LLVM::LLVMDialect>();
}

void KernelBuilder::markNoAlias(func::FuncOp function, unsigned argument) {
  function.setArgAttr(argument, LLVM::LLVMDialect::getNoAliasAttrName(),
                      UnitAttr::get(function.getContext()));
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
    for (unsigned i = 0; i != arguments.size(); ++i)
      if (isa<MemRefType>(arguments[i].getType()))
        markNoAlias(callee, i);
    KernelBuilder nested(callee, callee.addEntryBlock(), level);
    body(nested, callee.getArguments());
    func::ReturnOp::create(nested);
  }
  func::CallOp::create(*this, callee, arguments);
}

std::string strata::cpu::shapesOf(ValueRange arguments) {
  std::string text;
  for (Value argument : arguments)
    if (auto array = dyn_cast<MemRefType>(argument.getType())) {
      text += '_';
      llvm::raw_string_ostream os(text);
      llvm::interleave(array.getShape(), os, "x");
    }
  return text;
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

void KernelBuilder::vectorsBetween(int64_t count, Value begin, Value end,
                                   llvm::function_ref<void(Value, int64_t)> body) {
  int64_t whole = count / lanes(), full = whole * lanes();
  loop(mul(begin, lanes()), mul(min(end, index(whole)), lanes()), lanes(),
       [&](Value first) { body(first, lanes()); });
  if (full != count)
    ifThen(less(index(whole), end), [&] { body(index(full), count - full); });
}

Value KernelBuilder::stack(Type element, ArrayRef<int64_t> shape) {
  OpBuilder::InsertionGuard guard(*this);
  setInsertionPointToStart(&function.getBody().front());
  return memref::AllocaOp::create(*this, MemRefType::get(shape, element), getI64IntegerAttr(64));
}

Value KernelBuilder::loadMasked(Value memory, ValueRange at, Value mask, int64_t count) {
  count = count ? count : lanes();
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  Value loaded;
  if (mask) {
    auto type = VectorType::get(count, element);
    Value zero = arith::ConstantOp::create(*this, getZeroAttr(type));
    loaded = vector::MaskedLoadOp::create(*this, type, memory, at, mask, zero);
  } else {
    loaded = load(memory, at, count);
  }
  return element.isInteger(16) ? reinterpret(loaded, getBF16Type()) : loaded;
}

void KernelBuilder::storeMasked(Value value, Value memory, ValueRange at, Value mask) {
  if (cast<MemRefType>(memory.getType()).getElementType().isInteger(16))
    value = reinterpret(value, getI16Type());
  if (mask)
    vector::MaskedStoreOp::create(*this, memory, at, mask, value);
  else
    store(value, memory, at);
}

//===----------------------------------------------------------------------===//
// Rows in pairs
//===----------------------------------------------------------------------===//

Value KernelBuilder::viewPairs(Value bytes, ArrayRef<int64_t> rows, int64_t features,
                               ValueRange sizes) {
  bool whole = features % 2 == 0;
  SmallVector<int64_t> shape(rows);
  shape.push_back(whole ? features / 2 : features);
  return view(bytes, whole ? getI32Type() : getI16Type(), shape, sizes);
}

/// Which of the numbers of lanes() pairs are in the row, and where the first is.
Value KernelBuilder::maskOfPairs(Value memory, ValueRange at, Value mask, Values &first) {
  int64_t features = cast<MemRefType>(memory.getType()).getShape().back();
  first.assign(at.begin(), at.end());
  first.back() = mul(first.back(), 2);
  Value numbers = mask ? vector::InterleaveOp::create(*this, mask, mask) : Value();
  if (features % 2 == 0)
    return numbers;
  Value inside = vector::CreateMaskOp::create(*this, VectorType::get(2 * lanes(), getI1Type()),
                                              sub(index(features), first.back()));
  return numbers ? both(numbers, inside) : inside;
}

Value KernelBuilder::loadPairs(Value memory, ValueRange at, Value mask) {
  Type element = cast<MemRefType>(memory.getType()).getElementType();
  if (element.isInteger(32))
    return loadMasked(memory, at, mask);
  Values first;
  Value numbers = maskOfPairs(memory, at, mask, first);
  Value loaded = loadMasked(memory, first, numbers, 2 * lanes());
  return element.isInteger(16) ? reinterpret(loaded, getI32Type()) : toF32(loaded);
}

void KernelBuilder::storePairs(Value pairs, Value memory, ValueRange at, Value mask) {
  if (cast<MemRefType>(memory.getType()).getElementType().isInteger(32))
    return storeMasked(pairs, memory, at, mask);
  Values first;
  Value numbers = maskOfPairs(memory, at, mask, first);
  storeMasked(reinterpret(pairs, getBF16Type()), memory, first, numbers);
}

void KernelBuilder::prefetch(Value memory, ValueRange at) {
  memref::PrefetchOp::create(*this, memory, at, /*isWrite=*/false,
                             /*localityHint=*/4 - level.prefetchCache,
                             /*isDataCache=*/true);
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
  for (int64_t half = lanesOf(vector) / 2; half; half /= 2)
    vector = maxf(slice(vector, 0, half), slice(vector, half, half));
  return vector::ExtractOp::create(*this, vector, 0);
}

Value KernelBuilder::slice(Value vector, int64_t first, int64_t count) {
  return vector::ExtractStridedSliceOp::create(*this, vector, first, count, int64_t(1));
}

Value KernelBuilder::sums(Values vectors) {
  // A vector has one group of lanes of each sum, at first all of one. In each step the halves of
  // all groups are added; two vectors become one, while there are two.
  vectors.resize(llvm::PowerOf2Ceil(vectors.size()), vectors.front());
  for (int64_t width = lanes(); width != 1; width /= 2) {
    Values halved;
    for (size_t i = 0; i != vectors.size(); i += 2) {
      bool alone = vectors.size() == 1;
      Value a = vectors[i], b = vectors[alone ? i : i + 1];
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane != lanesOf(a) * (alone ? 1 : 2); ++lane)
        (lane % width < width / 2 ? low : high).push_back(lane);
      halved.push_back(addf(vector::ShuffleOp::create(*this, a, b, low),
                            vector::ShuffleOp::create(*this, a, b, high)));
      if (alone)
        break;
    }
    vectors = halved;
  }
  return vectors.front();
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

/// An instruction that no dialect has an op for.
static Value callIntrinsic(KernelBuilder &b, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

Value KernelBuilder::loadFour(Value memory, ValueRange at) {
  SmallVector<int64_t> again;
  for (int64_t lane = 0; lane != lanes(); ++lane)
    again.push_back(lane % 4);
  Value four = load(memory, at, 4);
  Value vector = reinterpret(vector::ShuffleOp::create(*this, four, four, again), getF32Type());
  // Or else LLVM makes a load of each element that is spread, which is what this is to save.
  vector = callIntrinsic(*this, "llvm.arithmetic.fence", vector.getType(), vector);
  return reinterpret(vector, getI32Type());
}

Value KernelBuilder::spreadOne(Value four, int64_t which) {
  SmallVector<int64_t> from;
  for (int64_t lane = 0; lane != lanes(); ++lane)
    from.push_back(lane / 4 * 4 + which);
  return vector::ShuffleOp::create(*this, four, four, from);
}

Value KernelBuilder::dot(Value acc, Value a, Value b) {
  if (!cast<VectorType>(a.getType()).getElementType().isInteger())
    return fma(toF32(a), toF32(b), acc);
  if (level.bf16Dot && cast<VectorType>(acc.getType()).getDimSize(0) == lanes()) {
    auto type = VectorType::get(2 * lanes(), getBF16Type());
    return x86vector::DotBF16Op::create(*this, acc.getType(), acc,
                                        vector::BitCastOp::create(*this, type, a),
                                        vector::BitCastOp::create(*this, type, b));
  }
  return fma(odds(a), odds(b), fma(evens(a), evens(b), acc));
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

Value KernelBuilder::reinterpret(Value vector, Type element) {
  auto from = cast<VectorType>(vector.getType());
  int64_t bits = from.getDimSize(0) * from.getElementTypeBitWidth();
  auto type = VectorType::get(bits / element.getIntOrFloatBitWidth(), element);
  return vector::BitCastOp::create(*this, type, vector);
}

Value KernelBuilder::offsetBytes(Value fours) {
  if (!level.int8Dot)
    return fours;
  return arith::XOrIOp::create(*this, fours, i32(0x80808080, lanesOf(fours)));
}

Value KernelBuilder::dotBytes(Value acc, Value weights, Value x, bool isSigned) {
  weights = reinterpret(weights, getI8Type());
  x = reinterpret(x, getI8Type());
  if (level.int8Dot)
    return callIntrinsic(*this, "llvm.x86.avx512.vpdpbusd.512", acc.getType(), {acc, weights, x});
  // |w| times x with the sign of w: two such products fit 16 bits.
  if (isSigned) {
    x = callIntrinsic(*this, "llvm.x86.avx2.psign.b", x.getType(), {x, weights});
    weights = math::AbsIOp::create(*this, weights);
  }
  auto type = VectorType::get(2 * lanes(), getI16Type());
  Value sums = callIntrinsic(*this, "llvm.x86.avx2.pmadd.ub.sw", type, {weights, x});
  return add(acc, sumPairs(reinterpret(sums, getI32Type()), 1));
}

Value KernelBuilder::sumPairs(Value pairs, int64_t factor) {
  auto type = VectorType::get(2 * lanes(), getI16Type());
  Value factors =
      arith::ConstantOp::create(*this, DenseElementsAttr::get(type, getI16IntegerAttr(factor)));
  StringRef name = lanes() == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  return callIntrinsic(*this, name, i32Type(lanes()), {reinterpret(pairs, getI16Type()), factors});
}

Value KernelBuilder::lookUpBytes(Value table, Value indices) {
  int64_t count = lanesOf(indices), whole = 4 * lanes(), half = count / 2;
  if (count > whole) {
    auto part = [&](int64_t first) {
      return lookUpBytes(slice(table, first, half), slice(indices, first, half));
    };
    SmallVector<int64_t> all(count);
    std::iota(all.begin(), all.end(), 0);
    return vector::ShuffleOp::create(*this, part(0), part(half), all);
  }
  StringRef name = count == 64 ? "llvm.x86.avx512.pshuf.b.512" : "llvm.x86.avx2.pshuf.b";
  return callIntrinsic(*this, name, indices.getType(), {table, indices});
}

Value KernelBuilder::gatherFours(Value memory, ValueRange at, int64_t stride, int64_t count) {
  SmallVector<int32_t> places;
  for (int64_t i = 0; i != count; ++i)
    places.push_back(int32_t(i * stride));
  auto offsets = DenseElementsAttr::get(VectorType::get(count, getI32Type()), ArrayRef(places));
  auto pointers = VectorType::get(count, LLVM::LLVMPointerType::get(getContext()));
  Value each = LLVM::GEPOp::create(
      *this, pointers, getI8Type(), addressOf(memory, at),
      ArrayRef<LLVM::GEPArg>{arith::ConstantOp::create(*this, offsets).getResult()});
  auto all = DenseElementsAttr::get(VectorType::get(count, getI1Type()), true);
  return LLVM::masked_gather::create(*this, i32Type(count), each,
                                     arith::ConstantOp::create(*this, all), ValueRange{},
                                     /*alignment=*/1);
}

Value KernelBuilder::addressOf(Value memory, ValueRange at) {
  auto type = cast<MemRefType>(memory.getType());
  Value element = index(0);
  for (auto [index, stride] : llvm::zip(at, type.getStridesAndOffset().first))
    element = add(element, mul(index, stride));
  auto toI64 = [&](Value index) {
    return arith::IndexCastOp::create(*this, getI64Type(), index).getResult();
  };
  Type pointer = LLVM::LLVMPointerType::get(getContext());
  Value first = memref::ExtractAlignedPointerAsIndexOp::create(*this, memory);
  Value base = LLVM::IntToPtrOp::create(*this, pointer, toI64(first));
  return LLVM::GEPOp::create(*this, pointer, type.getElementType(), base,
                             ArrayRef<LLVM::GEPArg>{toI64(element)});
}
