//===- Sample.cpp - the next token of each row of logits, on a GPU --------===//
//
// One block is one row. What it draws is drawToken's (runtime/engine/Sampler.h), bit for bit:
// weights are whole numbers, whose sums do not depend on the order in which threads add them.
//
// The order of tokens is that of their keys: the bits of the logit, so that they compare as the
// logits do, and below them the id, lower ones first. Top-k and top-p keep the first in this order,
// so what they leave are the tokens from some key on. It is found a digit at a time, by a histogram
// of counts or weights (radix select).
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/OpKernels.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "runtime/base/TokenWeight.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// 64-bit words of a draw.
static constexpr int64_t kDrawWords = 5;
/// Buckets of the histogram: a digit of a key.
static constexpr int64_t kDigitBits = 10, kBuckets = int64_t(1) << kDigitBits;
/// In shared memory, in bytes: the histogram, a sum of each warp, what one thread tells the others.
static constexpr int64_t kWarpSumsAt = kBuckets * 8,
                         kToldAt = kWarpSumsAt + kSampleThreads / kWarp * 8,
                         kLikeliestAt = kToldAt + 3 * 8;
static_assert(kSampleSharedBytes == kLikeliestAt + kLikeliestBytes(kSampleThreads));

namespace {

Value i1(KernelBuilder &b, bool value) {
  return arith::ConstantOp::create(b, b.getBoolAttr(value));
}
/// 64-bit words.
Value i64(KernelBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
}
Value widen(KernelBuilder &b, Value i32) { return arith::ExtUIOp::create(b, b.getI64Type(), i32); }
Value toI64(KernelBuilder &b, Value at) {
  return arith::IndexCastOp::create(b, b.getI64Type(), at);
}
Value narrow(KernelBuilder &b, Value i64) {
  return arith::TruncIOp::create(b, b.getI32Type(), i64);
}
Value shiftLeft(KernelBuilder &b, Value x, Value bits) { return arith::ShLIOp::create(b, x, bits); }
Value shiftRight(KernelBuilder &b, Value x, Value bits) {
  return arith::ShRUIOp::create(b, x, bits);
}
Value multiply(KernelBuilder &b, Value x, Value y) { return arith::MulIOp::create(b, x, y); }
/// Of numbers that are not negative.
Value below(KernelBuilder &b, Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, y);
}
/// What `share`, in units of 2^-64, is of `total`; rounded down.
Value shareOf(KernelBuilder &b, Value share, Value total) {
  return arith::MulUIExtendedOp::create(b, share, total).getHigh();
}
Value shuffleXor(KernelBuilder &b, Value i64, int64_t mask) {
  Value high = b.shuffleXor(narrow(b, shiftRight(b, i64, ::i64(b, 32))), mask);
  Value low = b.shuffleXor(narrow(b, i64), mask);
  return arith::OrIOp::create(b, shiftLeft(b, widen(b, high), ::i64(b, 32)), widen(b, low));
}

/// The sum of the lanes before this one, and of all 32.
std::pair<Value, Value> scanLanes(KernelBuilder &b, Value value) {
  Value before = i64(b, 0), total = value;
  Value lane = toI64(b, b.lane);
  for (int64_t mask = 1; mask != kWarp; mask *= 2) {
    Value other = shuffleXor(b, total, mask);
    Value isUpper = b.equal(b.both(lane, i64(b, mask)), i64(b, mask));
    before = b.add(before, b.select(isUpper, other, i64(b, 0)));
    total = b.add(total, other);
  }
  return {before, total};
}

/// One row of logits, and how it is drawn from.
class RowDraw {
public:
  RowDraw(KernelBuilder &b, const LogitRow &row, Value draws, Value index, Value largest);

  /// Leaves the first `count` tokens.
  void keepTopK(Value count);
  /// Leaves the fewest first tokens that weigh `share` of what is left.
  void keepTopP(Value share);
  /// Calls `found` with the token that `random` falls on, on one thread.
  void pick(Value random, llvm::function_ref<void(Value i32)> found);

private:
  using Measure = llvm::function_ref<Value(Value logit)>;
  struct Sums {
    Value before, own, total; // of the warps before this one, of this one, of all
  };

  Value weight(Value logit);
  Value key(Value logit, Value id);
  Value keptWeight(Value logit, Value id);
  Sums sumWarps();
  void keepFirst(Value wanted, Measure measure);
  void fillHistogram(Value prefix, Value shift, Measure measure);
  void findBucket(Value wanted);
  std::pair<Value, Value> warpRange();

  KernelBuilder &b;
  const LogitRow &row;
  const int64_t vocabulary, lanes, idBits;
  const Value largest, scale, leastWeight;
  Value histogram, warpSums, told; // in shared memory
  /// Index of what is told: the bucket, what is wanted of it, the least key that is kept.
  static constexpr int64_t kBucket = 0, kWanted = 1, kLeastKey = 2;
};

} // namespace

/// Element `at` of a draw (Role in runtime/package/Package.fbs): scale and top-k, top-p, least
/// weight, random, the row of what is allowed.
static Value loadDraw(KernelBuilder &b, Value draws, Value row, int64_t at) {
  return b.load(draws, {row, b.index(at)});
}

RowDraw::RowDraw(KernelBuilder &b, const LogitRow &row, Value draws, Value index, Value largest)
    : b(b), row(row), vocabulary(row.vocabulary), lanes(row.lanes),
      idBits(llvm::Log2_64_Ceil(uint64_t(vocabulary))), largest(largest),
      scale(arith::BitcastOp::create(b, b.getF32Type(), narrow(b, loadDraw(b, draws, index, 0)))),
      leastWeight(loadDraw(b, draws, index, 2)), histogram(b.shared(b.getI64Type(), {kBuckets}, 0)),
      warpSums(b.shared(b.getI64Type(), {b.threads / kWarp}, kWarpSumsAt)),
      told(b.shared(b.getI64Type(), {3}, kToldAt)) {
  b.ifThen(b.equal(b.thread, b.index(0)), [&] { b.store(i64(b, 0), told, b.index(kLeastKey)); });
  b.barrier();
}

/// tokenWeight (runtime/base/TokenWeight.h), operation by operation.
Value RowDraw::weight(Value logit) {
  Value halvings = b.mulf(b.subf(largest, logit), scale);
  halvings = arith::MinNumFOp::create(b, halvings, b.f32(kMostHalvings));
  Value whole = arith::FPToSIOp::create(b, b.getI32Type(), halvings);
  Value rest = b.subf(halvings, arith::SIToFPOp::create(b, b.getF32Type(), whole));
  Value fraction =
      widen(b, arith::FPToSIOp::create(b, b.getI32Type(), b.mulf(rest, b.f32(0x1p31))));
  auto multiplied = [&](Value sum, int64_t bits) {
    return shiftRight(b, multiply(b, sum, fraction), i64(b, bits));
  };
  Value sum = i64(b, kHalvingCoefficients.back());
  for (size_t i = kHalvingCoefficients.size() - 1; i-- > 0;)
    sum = b.sub(i64(b, kHalvingCoefficients[i]), multiplied(sum, 31));
  Value half = b.sub(i64(b, int64_t(1) << 31), multiplied(sum, 32));
  Value weight = shiftRight(b, shiftLeft(b, half, i64(b, kTokenWeightBits - 31)), widen(b, whole));
  return b.select(below(b, weight, leastWeight), i64(b, 0), weight);
}

/// Larger for tokens that come first.
Value RowDraw::key(Value logit, Value id) {
  Value unsignedZero = b.addf(logit, b.f32(0)); // -0 is 0
  Value bits = arith::BitcastOp::create(b, b.getI32Type(), unsignedZero);
  Value sign = arith::ShRSIOp::create(b, bits, b.i32(31)); // all ones of negative ones
  Value ordered = arith::XOrIOp::create(
      b, bits, arith::OrIOp::create(b, sign, b.i32(std::numeric_limits<int32_t>::min())));
  Value upper = shiftLeft(b, widen(b, ordered), i64(b, idBits));
  return b.add(upper, b.sub(i64(b, (int64_t(1) << idBits) - 1), toI64(b, id)));
}

Value RowDraw::keptWeight(Value logit, Value id) {
  Value isDropped = below(b, key(logit, id), b.load(told, b.index(kLeastKey)));
  return b.select(isDropped, i64(b, 0), weight(logit));
}

/// The ids that this thread's warp is to look at: its part of the vocabulary, whole loads of all
/// its lanes.
std::pair<Value, Value> RowDraw::warpRange() {
  int64_t step = kWarp * lanes, warps = b.threads / kWarp;
  int64_t span = int64_t(llvm::divideCeil(uint64_t(vocabulary), uint64_t(step * warps))) * step;
  Value first = b.mul(b.warp, span);
  return {first, b.min(b.add(first, span), b.index(vocabulary))};
}

/// What the tokens weigh that are left.
RowDraw::Sums RowDraw::sumWarps() {
  auto [first, end] = warpRange();
  Value own = b.loop(b.add(first, b.mul(b.lane, lanes)), end, kWarp * lanes, i64(b, 0),
                     [&](Value at, ValueRange acc) {
                       Value sum = acc[0];
                       LogitRow::Loaded loaded = row.load(at);
                       for (int64_t i = 0; i != lanes; ++i)
                         sum = b.add(sum, keptWeight(row.allowedLogit(loaded, i), b.add(at, i)));
                       return Values{sum};
                     })[0];
  own = scanLanes(b, own).second;
  b.barrier(); // nobody reads what earlier sums left
  b.ifThen(b.equal(b.lane, b.index(0)), [&] { b.store(own, warpSums, b.warp); });
  b.barrier();
  Sums sums{i64(b, 0), own, i64(b, 0)};
  for (int64_t warp = 0; warp != b.threads / kWarp; ++warp) {
    Value sum = b.load(warpSums, b.index(warp));
    sums.before = b.add(sums.before, b.select(b.less(b.index(warp), b.warp), sum, i64(b, 0)));
    sums.total = b.add(sums.total, sum);
  }
  return sums;
}

void RowDraw::keepTopK(Value count) {
  keepFirst(count, [&](Value) { return i64(b, 1); });
}

void RowDraw::keepTopP(Value share) {
  Value wanted = shareOf(b, share, sumWarps().total);
  wanted = b.select(b.equal(wanted, i64(b, 0)), i64(b, 1), wanted);
  keepFirst(wanted, [&](Value logit) { return weight(logit); });
}

/// Leaves the fewest first tokens whose measures add up to `wanted`, which all together reach.
void RowDraw::keepFirst(Value wanted, Measure measure) {
  int64_t digits = int64_t(llvm::divideCeil(uint64_t(32 + idBits), uint64_t(kDigitBits)));
  Values last =
      b.loop(b.index(0), b.index(digits), 1, {i64(b, 0), wanted}, [&](Value digit, ValueRange in) {
        Value shift = toI64(b, b.mul(b.sub(b.index(digits - 1), digit), kDigitBits));
        fillHistogram(in[0], shift, measure);
        b.ifThen(b.equal(b.warp, b.index(0)), [&] { findBucket(in[1]); });
        b.barrier();
        Value bucket = b.load(told, b.index(kBucket));
        return Values{b.add(shiftLeft(b, in[0], i64(b, kDigitBits)), bucket),
                      b.load(told, b.index(kWanted))};
      });
  b.ifThen(b.equal(b.thread, b.index(0)), [&] { b.store(last[0], told, b.index(kLeastKey)); });
  b.barrier();
}

/// Of the tokens that are left, and whose keys begin with `prefix`, the measures by the next digit.
void RowDraw::fillHistogram(Value prefix, Value shift, Measure measure) {
  b.perThread(b.index(kBuckets), [&](Value bucket) { b.store(i64(b, 0), histogram, bucket); });
  b.barrier();
  b.loop(b.mul(b.thread, lanes), b.index(vocabulary), b.threads * lanes, [&](Value at) {
    LogitRow::Loaded loaded = row.load(at);
    for (int64_t i = 0; i != lanes; ++i) {
      Value logit = row.allowedLogit(loaded, i), key = this->key(logit, b.add(at, i));
      Value digits = shiftRight(b, key, shift);
      Value isOne = b.equal(shiftRight(b, digits, i64(b, kDigitBits)), prefix);
      Value isDropped = below(b, key, b.load(told, b.index(kLeastKey)));
      b.ifThen(b.select(isDropped, i1(b, false), isOne), [&] {
        Value bucket = b.toIndex(narrow(b, b.both(digits, i64(b, kBuckets - 1))));
        b.atomicAdd(measure(logit), histogram, bucket);
      });
    }
  });
  b.barrier();
}

/// One warp: tells which bucket, from the last on, reaches `wanted`, and what is wanted of it.
void RowDraw::findBucket(Value wanted) {
  constexpr int64_t kPerLane = kBuckets / kWarp;
  Value last = b.sub(b.index(kBuckets - 1), b.mul(b.lane, kPerLane));
  auto each = [&](Values initial, llvm::function_ref<Values(Value, Value, ValueRange)> body) {
    return b.loop(b.index(0), b.index(kPerLane), 1, initial, [&](Value i, ValueRange in) {
      Value bucket = b.sub(last, i);
      return body(bucket, b.load(histogram, bucket), in);
    });
  };
  Value own = each({i64(b, 0)},
                   [&](Value, Value sum, ValueRange in) { return Values{b.add(in[0], sum)}; })[0];
  Value before = scanLanes(b, own).first;
  each({before}, [&](Value bucket, Value sum, ValueRange in) {
    Value reached = b.add(in[0], sum);
    Value isIt = b.both(below(b, in[0], wanted),
                        arith::CmpIOp::create(b, arith::CmpIPredicate::ule, wanted, reached));
    b.ifThen(isIt, [&] {
      b.store(toI64(b, bucket), told, b.index(kBucket));
      b.store(b.sub(wanted, in[0]), told, b.index(kWanted));
    });
    return Values{reached};
  });
}

void RowDraw::pick(Value random, llvm::function_ref<void(Value)> found) {
  Sums sums = sumWarps();
  Value target = shareOf(b, random, sums.total);
  auto holds = [&](Value before, Value weight) {
    Value isBefore = below(b, target, before);
    return b.select(isBefore, i1(b, false), below(b, target, b.add(before, weight)));
  };
  b.ifThen(holds(sums.before, sums.own), [&] { // the same on all lanes
    auto [first, end] = warpRange();
    b.loop(first, end, kWarp * lanes, {sums.before}, [&](Value step, ValueRange in) {
      Value at = b.add(step, b.mul(b.lane, lanes)), inside = b.less(at, b.index(vocabulary));
      LogitRow::Loaded loaded = row.load(b.min(at, b.index(vocabulary - lanes)));
      Values weights;
      Value own = i64(b, 0);
      for (int64_t i = 0; i != lanes; ++i) {
        Value weight = keptWeight(row.allowedLogit(loaded, i), b.add(at, i));
        weights.push_back(b.select(inside, weight, i64(b, 0)));
        own = b.add(own, weights.back());
      }
      auto [before, total] = scanLanes(b, own);
      Value reached = b.add(in[0], before);
      for (int64_t i = 0; i != lanes; ++i) {
        b.ifThen(holds(reached, weights[size_t(i)]),
                 [&] { found(arith::IndexCastOp::create(b, b.getI32Type(), b.add(at, i))); });
        reached = b.add(reached, weights[size_t(i)]);
      }
      return Values{b.add(in[0], total)};
    });
  });
}

void strata::nvptx::emitSample(KernelBuilder &b, ValueRange args, int64_t vocabulary) {
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  Value rows = b.add(b.block, 1), index = b.block;
  Value logits = b.view(args[0], b.getF32Type(), {kDynamic, vocabulary}, rows);
  Value draws = b.view(args[1], b.getI64Type(), {kDynamic, kDrawWords}, rows);
  Value result = b.view(args[3], b.getI32Type(), {kDynamic}, rows);
  Value allowedRow = b.toIndex(narrow(b, loadDraw(b, draws, index, 4)));
  Value allowed =
      b.view(args[2], b.getI32Type(), {kDynamic, kAllowedWords(vocabulary)}, b.add(allowedRow, 1));
  LogitRow row(b, logits, index, allowed, allowedRow, vocabulary);
  Likeliest likeliest = emitLikeliest(b, row, kLikeliestAt);
  Value scaleAndTopK = loadDraw(b, draws, index, 0);
  Value isGreedy = b.equal(narrow(b, scaleAndTopK), b.i32(0)); // a scale of 0
  Value isNone = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, likeliest.index, b.i32(0));
  b.ifElse(
      arith::OrIOp::create(b, isGreedy, isNone),
      [&] {
        b.ifThen(b.equal(b.thread, b.index(0)), [&] { b.store(likeliest.index, result, index); });
      },
      [&] {
        RowDraw draw(b, row, draws, index, likeliest.logit);
        Value topK = shiftRight(b, scaleAndTopK, i64(b, 32)), topP = loadDraw(b, draws, index, 1);
        Value isTopK = b.both(below(b, i64(b, 0), topK), below(b, topK, i64(b, vocabulary)));
        b.ifThen(isTopK, [&] { draw.keepTopK(topK); });
        b.ifThen(below(b, i64(b, 0), topP), [&] { draw.keepTopP(topP); });
        draw.pick(loadDraw(b, draws, index, 3), [&](Value id) { b.store(id, result, index); });
      });
}
