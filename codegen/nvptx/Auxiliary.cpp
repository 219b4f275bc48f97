//===- Auxiliary.cpp - kernels that belong to no op -----------------------===//

#include "codegen/nvptx/Auxiliary.h"

#include "codegen/nvptx/OpKernels.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "runtime/base/Philox.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

using Role = PackageAuxiliary::Role;

/// Loads of 16 bytes that a thread has under way.
static constexpr int64_t kReadsAhead = 8;
/// Products of a warp that do not wait for each other, and how often each is repeated in a round.
static constexpr int64_t kProducts = 8, kRepeats = 2;

static Value exclusiveOr(KernelBuilder &b, Value x, Value y) {
  return arith::XOrIOp::create(b, x, y);
}
static Value shiftRight(KernelBuilder &b, Value x, int64_t bits) {
  return arith::ShRUIOp::create(b, x, b.i32(bits));
}

/// Makes the compiler believe that somebody wants `i32`.
static void use(KernelBuilder &b, Value i32, Value sink) {
  b.ifThen(b.equal(i32, b.i32(0x5a17ed)),
           [&] { b.store(i32, b.view(sink, b.getI32Type(), {1}), b.index(0)); });
}

//===----------------------------------------------------------------------===//
// Limits of the device
//===----------------------------------------------------------------------===//

/// (pieces, base, sink): block i reads the piece i, {offset from base, chunks of 16 bytes}.
static void emitRead(KernelBuilder &b, ValueRange args) {
  Value pieces = b.view(args[0], b.getI64Type(), {ShapedType::kDynamic, 2}, b.add(b.block, 1));
  Value offset = b.toIndex(b.load(pieces, {b.block, b.index(0)}));
  Value chunks = b.toIndex(b.load(pieces, {b.block, b.index(1)}));
  Value memory = b.view(args[1], b.getI32Type(), {ShapedType::kDynamic, 4}, chunks, offset);
  auto loadChunk = [&](Value chunk) { return b.load(memory, {chunk, b.index(0)}, 4, 16); };
  int64_t round = b.threads * kReadsAhead;
  Value rounds = b.div(chunks, round);
  Values sum = b.loop(b.index(0), rounds, 1, b.i32(0, 4), [&](Value i, ValueRange acc) {
    Value first = b.add(b.mul(i, round), b.thread), result = acc[0];
    Values loads;
    for (int64_t k = 0; k != kReadsAhead; ++k)
      loads.push_back(loadChunk(b.add(first, k * b.threads)));
    for (Value load : loads)
      result = exclusiveOr(b, result, load);
    return Values{result};
  });
  sum = b.loop(b.add(b.mul(rounds, round), b.thread), chunks, b.threads, sum,
               [&](Value chunk, ValueRange acc) {
                 return Values{exclusiveOr(b, acc[0], loadChunk(chunk))};
               });
  Value all = vector::ExtractOp::create(b, sum[0], 0);
  for (int64_t i = 1; i != 4; ++i)
    all = exclusiveOr(b, all, vector::ExtractOp::create(b, sum[0], i));
  use(b, all, args[2]);
}

/// (sink, rounds): products of small numbers in registers.
static void emitMatrix(KernelBuilder &b, ValueRange args) {
  Value lane = arith::IndexCastOp::create(b, b.getI32Type(), b.lane);
  Values operands; // pairs of bf16 around 1/128, none like another
  for (int64_t i = 0; i != 6; ++i) {
    Value bits = b.add(arith::MulIOp::create(b, lane, b.i32(0x10001)), b.i32(0x3c013c00 + i));
    operands.push_back(bits);
  }
  Values acc; // different from the start, or they would all be one
  for (int64_t i = 0; i != 4 * kProducts; ++i)
    acc.push_back(b.f32(double(i)));
  acc = b.loop(b.index(0), b.toIndex(args[1]), 1, acc, [&](Value, ValueRange in) {
    Values out(in);
    for (int64_t i = 0; i != kProducts * kRepeats; ++i) {
      auto *piece = out.begin() + 4 * (i % kProducts);
      llvm::copy(b.mma(ValueRange(ArrayRef<Value>(piece, 4)),
                       ArrayRef<Value>(operands).take_front(4), operands[4], operands[5]),
                 piece);
    }
    return out;
  });
  Value sum = acc[0];
  for (Value value : ArrayRef<Value>(acc).drop_front())
    sum = b.addf(sum, value);
  use(b, arith::BitcastOp::create(b, b.getI32Type(), sum), args[0]);
}

//===----------------------------------------------------------------------===//
// Random weights: as runtime/package/RandomWeights.cpp makes them, bit for bit
//===----------------------------------------------------------------------===//

/// The halves of an i64.
static std::pair<Value, Value> split(KernelBuilder &b, Value i64) {
  Value high =
      arith::ShRUIOp::create(b, i64, arith::ConstantOp::create(b, b.getI64IntegerAttr(32)));
  return {arith::TruncIOp::create(b, b.getI32Type(), i64),
          arith::TruncIOp::create(b, b.getI32Type(), high)};
}

static std::array<Value, 4> emitPhilox(KernelBuilder &b, std::array<Value, 4> counter,
                                       std::pair<Value, Value> key) {
  for (int round = 0; round != kPhiloxRounds; ++round) {
    auto a = arith::MulUIExtendedOp::create(b, counter[0], b.i32(kPhiloxFactors[0]));
    auto c = arith::MulUIExtendedOp::create(b, counter[2], b.i32(kPhiloxFactors[1]));
    counter = {exclusiveOr(b, exclusiveOr(b, c.getHigh(), counter[1]), key.first), c.getLow(),
               exclusiveOr(b, exclusiveOr(b, a.getHigh(), counter[3]), key.second), a.getLow()};
    key = {b.add(key.first, b.i32(kPhiloxIncrements[0])),
           b.add(key.second, b.i32(kPhiloxIncrements[1]))};
  }
  return counter;
}

/// The sum of the word's bytes less its mean, 510, times `scale`.
static Value emitValue(KernelBuilder &b, Value word, Value scale) {
  Value sum = b.i32(-510);
  for (int64_t shift : {0, 8, 16, 24})
    sum = b.add(sum, b.both(shiftRight(b, word, shift), b.i32(0xff)));
  return b.mulf(arith::SIToFPOp::create(b, b.getF32Type(), sum), scale);
}

/// Without the lowest `count` bits, rounded to nearest even.
static Value roundOff(KernelBuilder &b, Value bits, int64_t count) {
  Value odd = b.both(shiftRight(b, bits, count), b.i32(1));
  return shiftRight(b, b.add(bits, b.add(odd, b.i32((1 << (count - 1)) - 1))), count);
}

/// f32 to what is stored: itself, or the bits of bf16 or f16. No value is a subnormal f16.
static Value emitNarrow(KernelBuilder &b, Role role, Value value) {
  if (role == Role::RandomF32)
    return value;
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), value), half;
  if (role == Role::RandomBf16) {
    half = roundOff(b, bits, 16);
  } else {
    Value magnitude = b.both(bits, b.i32(0x7fffffff));
    Value rounded = roundOff(b, b.sub(magnitude, b.i32(0x38000000)), 13);
    Value unsignedHalf = b.select(b.equal(magnitude, b.i32(0)), b.i32(0), rounded);
    half = arith::OrIOp::create(b, unsignedHalf, b.both(shiftRight(b, bits, 16), b.i32(0x8000)));
  }
  return arith::TruncIOp::create(b, b.getI16Type(), half);
}

/// (values, count, seed, stream, scale): each thread makes four values.
static void emitRandom(KernelBuilder &b, Role role, ValueRange args) {
  Value group = b.add(b.mul(b.block, b.threads), b.thread), count = b.toIndex(args[1]);
  auto [low, high] = split(b, arith::IndexCastOp::create(b, b.getI64Type(), group));
  auto [streamLow, streamHigh] = split(b, args[3]);
  auto words = emitPhilox(b, {low, high, streamLow, streamHigh}, split(b, args[2]));
  Type element = role == Role::RandomF32 ? Type(b.getF32Type()) : b.getI16Type();
  Value to = b.view(args[0], element, {ShapedType::kDynamic}, count);
  for (int64_t i = 0; i != 4; ++i) {
    Value at = b.add(b.mul(group, 4), i);
    b.ifThen(b.less(at, count),
             [&] { b.store(emitNarrow(b, role, emitValue(b, words[i], args[4])), to, at); });
  }
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

static PackageAuxiliary matrixEntry() {
  PackageAuxiliary entry{Role::Matrix, "multiply_matrices", kThreads};
  entry.instruction = "mma.sync m16n8k16 bf16";
  entry.flops = kThreads / kWarp * kProducts * kRepeats * 2 * 16 * 8 * 16;
  return entry;
}

static std::vector<PackageAuxiliary> allAuxiliaryKernels() {
  return {{Role::Read, "read_memory", kThreads},
          matrixEntry(),
          {Role::RandomBf16, "random_bf16", kThreads},
          {Role::RandomF16, "random_f16", kThreads},
          {Role::RandomF32, "random_f32", kThreads},
          {Role::Sample, "sample", kSampleThreads, kSampleSharedBytes}};
}

std::vector<PackageAuxiliary> strata::nvptx::listAuxiliaryKernels(ModuleOp cudaModule) {
  std::vector<PackageAuxiliary> kernels = allAuxiliaryKernels();
  llvm::erase_if(kernels, [&](const PackageAuxiliary &kernel) {
    return !cudaModule.lookupSymbol(kernel.symbol);
  });
  return kernels;
}

/// Buffers, then numbers.
static SmallVector<Type> parametersOf(Builder &builder, Role role) {
  auto bytes = MemRefType::get({1}, builder.getI8Type(), MemRefLayoutAttrInterface(),
                               builder.getI64IntegerAttr(kGlobalSpace));
  Type i64 = builder.getI64Type();
  switch (role) {
  case Role::Read:
    return {bytes, bytes, bytes};
  case Role::Matrix:
    return {bytes, i64};
  case Role::Sample:
    return {bytes, bytes, bytes, bytes};
  case Role::RandomBf16:
  case Role::RandomF16:
  case Role::RandomF32:
    return {bytes, i64, i64, i64, builder.getF32Type()};
  }
  llvm_unreachable("no other role");
}

static void emitBody(KernelBuilder &b, Role role, ValueRange args,
                     std::optional<int64_t> vocabulary) {
  switch (role) {
  case Role::Read:
    return emitRead(b, args);
  case Role::Matrix:
    return emitMatrix(b, args);
  case Role::Sample:
    return emitSample(b, args, *vocabulary);
  default:
    return emitRandom(b, role, args);
  }
}

void strata::nvptx::emitAuxiliaryKernels(ModuleOp cudaModule, std::optional<int64_t> vocabulary) {
  auto builder = OpBuilder::atBlockEnd(cudaModule.getBody());
  for (const PackageAuxiliary &kernel : allAuxiliaryKernels()) {
    if (kernel.role == Role::Sample && !vocabulary)
      continue;
    auto type = builder.getFunctionType(parametersOf(builder, kernel.role), {});
    auto function = func::FuncOp::create(builder, cudaModule.getLoc(), kernel.symbol, type);
    Block *body = function.addEntryBlock();
    KernelBuilder b(function, body, int64_t(kernel.block));
    emitBody(b, kernel.role, body->getArguments(), vocabulary);
    func::ReturnOp::create(b);
  }
}
