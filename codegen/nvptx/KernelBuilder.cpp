//===- KernelBuilder.cpp - writing a GPU kernel as MLIR -------------------===//

#include "codegen/nvptx/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

void KernelBuilder::registerDialects(DialectRegistry &registry) {
  BodyBuilder::registerDialects(registry);
  registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect>();
}

void KernelBuilder::markReadOnly(func::FuncOp function, unsigned argument) {
  for (StringRef name :
       {LLVM::LLVMDialect::getNoAliasAttrName(), LLVM::LLVMDialect::getReadonlyAttrName()})
    function.setArgAttr(argument, name, UnitAttr::get(function.getContext()));
}

void KernelBuilder::markTensorMap(func::FuncOp function, unsigned argument) {
  Builder builder(function.getContext());
  Type map = LLVM::LLVMArrayType::get(builder.getI8Type(), 128);
  function.setArgAttr(argument, LLVM::LLVMDialect::getByValAttrName(), TypeAttr::get(map));
}

KernelBuilder::KernelBuilder(func::FuncOp function, Block *entry, int64_t threads)
    : BodyBuilder(function, entry, /*narrowsBf16=*/true), threads(threads) {
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    getDenseI32ArrayAttr({int32_t(threads)}));
  auto read = [&](Value i32) { return toIndex(i32); };
  thread = read(NVVM::ThreadIdXOp::create(*this, getI32Type()));
  block = read(NVVM::BlockIdXOp::create(*this, getI32Type()));
  lane = rem(thread, kWarp);
  warp = div(thread, kWarp);
}

void KernelBuilder::barrier() { NVVM::Barrier0Op::create(*this); }
void KernelBuilder::barrierOfFirst(int64_t threads) {
  // Number 0 is the barrier of the whole block.
  NVVM::BarrierOp::create(*this, Type(), i32(1), i32(threads), NVVM::BarrierReductionAttr(),
                          Value());
}
void KernelBuilder::warpBarrier() { NVVM::SyncWarpOp::create(*this, i32(-1)); }

Value KernelBuilder::shared(Type element, ArrayRef<int64_t> shape, int64_t byteOffset) {
  auto type = MemRefType::get({1}, getI8Type(), MemRefLayoutAttrInterface(),
                              getI64IntegerAttr(kSharedSpace));
  Value bytes = memref::GetGlobalOp::create(*this, type, kSharedName);
  return view(bytes, element, shape, {}, index(byteOffset));
}

void KernelBuilder::perThread(Value count, llvm::function_ref<void(Value)> body) {
  loop(thread, count, threads, body);
}

//===----------------------------------------------------------------------===//
// Across threads
//===----------------------------------------------------------------------===//

void KernelBuilder::atomicAdd(Value integer, Value memory, ValueRange at) {
  LLVM::AtomicRMWOp::create(*this, LLVM::AtomicBinOp::add, pointer(memory, at), integer,
                            LLVM::AtomicOrdering::monotonic, "block");
}

Value KernelBuilder::shuffleXor(Value value, int64_t mask) {
  return NVVM::ShflOp::create(*this, value.getType(), i32(-1), value, i32(mask), i32(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value KernelBuilder::warpSum(Value f32) {
  for (int64_t mask = kWarp / 2; mask; mask /= 2)
    f32 = addf(f32, shuffleXor(f32, mask));
  return f32;
}

Value KernelBuilder::warpMax(Value f32) {
  for (int64_t mask = kWarp / 2; mask; mask /= 2)
    f32 = maxf(f32, shuffleXor(f32, mask));
  return f32;
}

Values KernelBuilder::blockSums(ValueRange f32, Value scratch) {
  Values sums;
  for (Value value : f32)
    sums.push_back(warpSum(value));
  barrier(); // nobody reads what earlier sums left in scratch any more
  ifThen(equal(lane, index(0)), [&] {
    for (auto [i, sum] : llvm::enumerate(sums))
      store(sum, scratch, {index(i), warp});
  });
  barrier();
  for (auto [i, sum] : llvm::enumerate(sums)) {
    sum = load(scratch, {index(i), index(0)});
    for (int64_t w = 1; w != threads / kWarp; ++w)
      sum = addf(sum, load(scratch, {index(i), index(w)}));
  }
  return sums;
}

//===----------------------------------------------------------------------===//
// Asynchronous copies and tensor cores
//===----------------------------------------------------------------------===//

/// x as d + c: {d, c}; d is null where x is a constant.
static std::pair<Value, int64_t> splitConstant(Value x) {
  if (std::optional<int64_t> value = getConstantIntValue(x))
    return {Value(), *value};
  if (auto sum = x.getDefiningOp<arith::AddIOp>())
    if (std::optional<int64_t> value = getConstantIntValue(sum.getRhs()))
      return {sum.getLhs(), *value};
  return {x, 0};
}

Value KernelBuilder::address(Value memory, ValueRange at) {
  // Constant indices are added last: as an immediate offset they cost no register.
  auto type = cast<MemRefType>(memory.getType());
  int64_t stride = type.getElementTypeBitWidth() / 8, constant = 0;
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(*this, memory);
  for (int64_t i = type.getRank() - 1; i >= 0; --i) {
    auto [dynamic, offset] = splitConstant(at[i]);
    constant += offset * stride;
    if (dynamic)
      address = add(address, mul(dynamic, stride));
    stride *= i ? type.getDimSize(i) : 1;
  }
  return add(address, constant);
}

Value KernelBuilder::pointer(Value memory, ValueRange at) {
  Value bits = arith::IndexCastOp::create(*this, getI64Type(), address(memory, at));
  auto space = cast<IntegerAttr>(cast<MemRefType>(memory.getType()).getMemorySpace()).getInt();
  return LLVM::IntToPtrOp::create(*this, LLVM::LLVMPointerType::get(getContext(), space), bits);
}

void KernelBuilder::copyAsync(Value target, ValueRange targetAt, Value source, ValueRange sourceAt,
                              Value bytes) {
  NVVM::CpAsyncOp::create(*this, pointer(target, targetAt), pointer(source, sourceAt), 16,
                          NVVM::LoadCacheModifierKind::CG, bytes);
}

void KernelBuilder::commitCopies() { NVVM::CpAsyncCommitGroupOp::create(*this); }
void KernelBuilder::waitCopies(int64_t groups) { NVVM::CpAsyncWaitGroupOp::create(*this, groups); }

/// The fields of a struct of `count` equal types.
static Values fields(KernelBuilder &b, Value structure, unsigned count) {
  Values values;
  for (unsigned i = 0; i != count; ++i)
    values.push_back(LLVM::ExtractValueOp::create(b, structure, int64_t(i)));
  return values;
}

Values KernelBuilder::loadMatrices(Value memory, ValueRange at, bool transposed) {
  Type result = LLVM::LLVMStructType::getLiteral(getContext(), SmallVector<Type>(4, getI32Type()));
  Value matrices = NVVM::LdMatrixOp::create(
      *this, result, pointer(memory, at), 4,
      transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(getContext(), 8, 8), NVVM::LdStMatrixEltType::B16);
  return fields(*this, matrices, 4);
}

Values KernelBuilder::mma(ValueRange acc, ValueRange a, Value b0, Value b1) {
  Type result = LLVM::LLVMStructType::getLiteral(getContext(), SmallVector<Type>(4, getF32Type()));
  std::array<NVVM::MMATypes, 2> types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  std::array<NVVM::MMALayout, 2> layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  Value sum =
      NVVM::MmaOp::create(*this, result, a, ValueRange{b0, b1}, acc, ArrayRef<int64_t>{16, 8, 16},
                          std::nullopt, std::nullopt, types, layouts);
  return fields(*this, sum, 4);
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//

Value KernelBuilder::loadInteger(Type type, Value bytes, Value at) {
  return LLVM::LoadOp::create(*this, type, pointer(bytes, at), type.getIntOrFloatBitWidth() / 8);
}

Values KernelBuilder::loadWords(Value bytes, Value at, int64_t words, int64_t alignment) {
  Values loaded;
  if (alignment < 4) {
    auto half = [&](int64_t i) -> Value {
      Value bits = loadInteger(getI16Type(), bytes, add(at, 2 * i));
      return arith::ExtUIOp::create(*this, getI32Type(), bits);
    };
    for (int64_t i = 0; i != words; ++i) {
      Value high = arith::ShLIOp::create(*this, half(2 * i + 1), i32(16));
      loaded.push_back(arith::OrIOp::create(*this, half(2 * i), high));
    }
    return loaded;
  }
  int64_t together = std::min(words, alignment / 4);
  for (int64_t i = 0; i != words; i += together) {
    Value some = LLVM::LoadOp::create(*this, VectorType::get(together, getI32Type()),
                                      pointer(bytes, add(at, 4 * i)), 4 * together);
    for (int64_t lane = 0; lane != together; ++lane)
      loaded.push_back(vector::ExtractOp::create(*this, some, lane));
  }
  return loaded;
}

//===----------------------------------------------------------------------===//
// f16
//===----------------------------------------------------------------------===//

std::pair<Value, Value> KernelBuilder::widenF16(Value pair) {
  auto half = [&](Value bits) {
    Value low = arith::TruncIOp::create(*this, getI16Type(), bits);
    return toF32(arith::BitcastOp::create(*this, getF16Type(), low));
  };
  return {half(pair), half(arith::ShRUIOp::create(*this, pair, i32(16)))};
}

Values KernelBuilder::splitF16(Value pair) {
  // 11 significant bits: 8 and a rest of 3. No f16 is so small that the rest is no normal bf16.
  auto [even, odd] = widenF16(pair);
  Value nearest = pairs(even, odd);
  return {nearest, pairs(subf(even, evens(nearest)), subf(odd, odds(nearest)))};
}
