//===- Likeliest.cpp - the likeliest token of a row of logits, on a GPU ---===//
//
// A block looks at a row. What it finds is findLikeliest's (runtime/engine/Likeliest.h), ties and
// all: the order in which threads look at logits does not matter, as of equal ones the lowest index
// wins.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/OpKernels.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// Loads of a thread that are under way together.
static constexpr int64_t kLoads = 4;

namespace {
/// The largest logit so far, its index, and the lowest index of one that is no number; i32, the
/// vocabulary where there is none.
struct Best {
  Value logit, index, bad;

  Values values() const { return {logit, index, bad}; }
};
} // namespace

static Value less(KernelBuilder &b, Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}
static Value lower(KernelBuilder &b, Value x, Value y) { return b.select(less(b, x, y), x, y); }

static Best merge(KernelBuilder &b, const Best &x, const Best &y) {
  Value larger = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, y.logit, x.logit);
  Value equal = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, y.logit, x.logit);
  Value first = b.both(equal, less(b, y.index, x.index));
  Value better = arith::OrIOp::create(b, larger, first);
  return {b.select(better, y.logit, x.logit), b.select(better, y.index, x.index),
          lower(b, x.bad, y.bad)};
}

/// With the logit at `index`, which is not below those before; `allowed`: the same, or -infinity.
static Best take(KernelBuilder &b, const Best &best, Value logit, Value allowed, Value index) {
  Value number = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, logit, b.f32(INFINITY));
  Value larger = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, allowed, best.logit);
  return {b.select(larger, allowed, best.logit), b.select(larger, index, best.index),
          b.select(number, best.bad, lower(b, best.bad, index))};
}

/// This thread's share of a row. Loads beyond its end see its last logits again.
static Best scanRow(KernelBuilder &b, const LogitRow &row) {
  int64_t lanes = row.lanes, vocabulary = row.vocabulary, stride = b.threads * lanes;
  Value none = b.i32(vocabulary), first = b.mul(b.thread, lanes);
  Values last = b.loop(
      b.index(0), b.index(vocabulary), stride * kLoads, Best{b.f32(-INFINITY), none, none}.values(),
      [&](Value start, ValueRange in) {
        Best best{in[0], in[1], in[2]};
        Values at;
        SmallVector<LogitRow::Loaded> loaded;
        for (int64_t i = 0; i != kLoads; ++i) {
          at.push_back(b.min(b.add(b.add(start, first), i * stride), b.index(vocabulary - lanes)));
          loaded.push_back(row.load(at.back()));
        }
        for (int64_t i = 0; i != kLoads; ++i)
          for (int64_t lane = 0; lane != lanes; ++lane) {
            Value index = arith::IndexCastOp::create(b, b.getI32Type(), b.add(at[size_t(i)], lane));
            best = take(b, best, row.logit(loaded[size_t(i)], lane),
                        row.allowedLogit(loaded[size_t(i)], lane), index);
          }
        return best.values();
      });
  return {last[0], last[1], last[2]};
}

/// Of all threads, on every thread.
static Best mergeThreads(KernelBuilder &b, Best best, int64_t sharedOffset) {
  for (int64_t mask = kWarp / 2; mask; mask /= 2)
    best = merge(b, best,
                 {b.shuffleXor(best.logit, mask), b.shuffleXor(best.index, mask),
                  b.shuffleXor(best.bad, mask)});
  int64_t warps = b.threads / kWarp;
  Value logits = b.shared(b.getF32Type(), {warps}, sharedOffset);
  Value indices = b.shared(b.getI32Type(), {2, warps}, sharedOffset + 4 * warps);
  b.ifThen(b.equal(b.lane, b.index(0)), [&] {
    b.store(best.logit, logits, b.warp);
    b.store(best.index, indices, {b.index(0), b.warp});
    b.store(best.bad, indices, {b.index(1), b.warp});
  });
  b.barrier();
  auto of = [&](int64_t warp) {
    Value at = b.index(warp);
    return Best{b.load(logits, at), b.load(indices, {b.index(0), at}),
                b.load(indices, {b.index(1), at})};
  };
  best = of(0);
  for (int64_t warp = 1; warp != warps; ++warp)
    best = merge(b, best, of(warp));
  return best;
}

Likeliest strata::nvptx::emitLikeliest(KernelBuilder &b, const LogitRow &row,
                                       int64_t sharedOffset) {
  Best best = mergeThreads(b, scanRow(b, row), sharedOffset);
  // Below zero: what is wrong.
  Value none = b.i32(row.vocabulary);
  auto wrong = [&](Value code) -> Value { return arith::XOrIOp::create(b, code, b.i32(-1)); };
  Value found = b.select(less(b, best.index, none), best.index, wrong(none));
  return {best.logit, b.select(less(b, best.bad, none), wrong(best.bad), found)};
}
