//===- Int8Decode.cpp - few tokens, quantized weights ---------------------===//
//
// One row of the weight at a time, as many groups of it as a vector has f32 lanes. The products of
// a group become one whole number, which is exact; with scales they are added up in f32, in
// kInt8Chains chains of groups. So are those of the packed form: a token's sums are the same bits
// in both.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Lanes of i32 that hold sums of a group.
static constexpr int64_t kGroupLanes = kInt8Group / 4;

namespace {
/// A weight and some tokens of the step: their rows of the input.
struct Int8Step {
  QuantizedRows weight;
  Int8Input input;
  int64_t groups;
  int64_t tokens;
};
} // namespace

/// The sum of each `neighbours` lanes, 4 or 8, of kGroupLanes vectors, in their order: one vector
/// or two.
static Values sumNeighbours(KernelBuilder &b, Values vectors, int64_t count) {
  // Within four lanes, as instructions shuffle them: even and odd ones are added, twice; then fours
  // with the ones behind them.
  int64_t lanes = b.lanes();
  auto addShuffled = [&](Value x, Value y, auto from) {
    SmallVector<int64_t> first, second;
    for (int64_t lane = 0; lane != lanes; ++lane) {
      first.push_back(from(lane, 0));
      second.push_back(from(lane, 1));
    }
    return b.add(vector::ShuffleOp::create(b, x, y, first),
                 vector::ShuffleOp::create(b, x, y, second));
  };
  auto neighbours = [&](int64_t lane, int64_t which) {
    return (lane % 4 / 2) * lanes + lane / 4 * 4 + lane % 2 * 2 + which;
  };
  auto fours = [&](int64_t lane, int64_t which) { return (lane / 4 * 2 + which) * 4 + lane % 4; };
  auto halve = [&](auto from) {
    Values halved;
    for (size_t i = 0; i != vectors.size(); i += 2)
      halved.push_back(addShuffled(vectors[i], vectors[i + 1], from));
    vectors = halved;
  };
  halve(neighbours);
  halve(neighbours);
  if (count == kGroupLanes)
    halve(fours);
  // Fours are still those of one place in four vectors.
  int64_t groups = lanes / count; // of a vector
  SmallVector<int64_t> ordered(lanes);
  for (int64_t lane = 0; lane != lanes; ++lane) {
    int64_t vector = lane / (4 * groups) * 4 + lane % 4, group = lane / 4 % groups;
    ordered[vector * groups + group] = lane;
  }
  for (Value &sums : vectors)
    sums = vector::ShuffleOp::create(b, sums, sums, ordered);
  return vectors;
}

/// A vector with zeros behind it.
static Value widen(KernelBuilder &b, Value vector, int64_t lanes) {
  if (lanesOf(vector) == lanes)
    return vector;
  Value zeros = arith::ConstantOp::create(
      b,
      b.getZeroAttr(VectorType::get(lanes, cast<VectorType>(vector.getType()).getElementType())));
  return vector::InsertStridedSliceOp::create(b, vector, zeros, ArrayRef<int64_t>{0},
                                              ArrayRef<int64_t>{1});
}

/// lanes() elements, or two of each where groups of the weight are half as long.
static Values perGroup(KernelBuilder &b, Value vector, int64_t parts) {
  if (parts == 1)
    return {vector};
  Values halves;
  for (int64_t half = 0; half != parts; ++half) {
    SmallVector<int64_t> from;
    for (int64_t lane = 0; lane != b.lanes(); ++lane)
      from.push_back((half * b.lanes() + lane) / parts);
    halves.push_back(vector::ShuffleOp::create(b, vector, vector, from));
  }
  return halves;
}

/// lanes() elements for each of `parts` vectors of groups.
static Values split(KernelBuilder &b, Value vector, int64_t parts) {
  vector = widen(b, vector, parts * b.lanes());
  Values vectors;
  for (int64_t part = 0; part != parts; ++part)
    vectors.push_back(b.slice(vector, part * b.lanes(), b.lanes()));
  return vectors;
}

namespace {
/// The input of one token for a stretch: as many vectors as the weight has of scales.
struct TokenGroups {
  Values scales; ///< f32
  Values sums;   ///< i32, those of the groups' bytes times a factor
};
} // namespace

static TokenGroups loadToken(KernelBuilder &b, const Int8Step &step, Value token, Value first,
                             Value mask, int64_t factor) {
  int64_t parts = kInt8Group / step.weight.group();
  TokenGroups groups{perGroup(b, b.loadMasked(step.input.scales, {token, first}, mask), parts), {}};
  if (!factor)
    return groups;
  Value pairs = b.loadMasked(step.input.sums, {token, first}, mask);
  if (parts == 1)
    groups.sums = {b.sumPairs(pairs, factor)};
  else
    for (Value half : split(b, b.reinterpret(pairs, b.getI16Type()), parts))
      groups.sums.push_back(arith::MulIOp::create(
          b, arith::ExtSIOp::create(b, b.i32Type(b.lanes()), half), b.i32(factor, b.lanes())));
  return groups;
}

static Value toF32(KernelBuilder &b, Value integers) {
  return arith::SIToFPOp::create(b, b.f32Type(lanesOf(integers)), integers);
}

namespace {
/// x * y for each group.
struct Products {
  Value x, y;
};
} // namespace

/// Adds them to the chains, all of a group before those of the next of its chain.
static void addToChains(KernelBuilder &b, ArrayRef<Products> products, int64_t count,
                        Value &chains) {
  for (int64_t first = 0; first < count; first += kInt8Chains)
    for (const Products &p : products)
      chains = b.fma(b.slice(p.x, first, kInt8Chains), b.slice(p.y, first, kInt8Chains), chains);
}

/// Dots of each token, lanes() fours at a time: [token][kGroupLanes].
static SmallVector<Values> multiplyFours(KernelBuilder &b, const Int8Step &step,
                                         const Stretch &stretch) {
  int64_t lanes = b.lanes(), fours = stretch.count * kGroupLanes;
  SmallVector<Values> dots(step.tokens, Values(kGroupLanes, b.i32(0, lanes)));
  for (auto [i, w] : llvm::enumerate(loadFours(b, step.weight, stretch))) {
    int64_t ahead = i * lanes, left = fours - ahead;
    Value mask = left < lanes ? b.mask(left) : Value(), weights = widen(b, w, lanes);
    Value column = b.add(b.mul(stretch.first, kGroupLanes), ahead);
    for (int64_t t = 0; t != step.tokens; ++t) {
      Value x = b.loadMasked(step.input.fours, {b.index(t), column}, mask);
      dots[t][i] = b.dotBytes(dots[t][i], weights, x, isSigned(step.weight.quantized.getFormat()));
    }
  }
  return dots;
}

/// Adds the products of a stretch of up to lanes() groups with every token to sums[token], a chain
/// in each lane.
static void addGroups(KernelBuilder &b, const Int8Step &step, const Stretch &stretch,
                      Values &sums) {
  int64_t lanes = b.lanes(), parts = kInt8Group / step.weight.group();
  Value mask = stretch.count == lanes ? Value() : b.mask(stretch.count);
  StretchScales scales = loadScales(b, step.weight, stretch);
  Values weightScales = split(b, scales.scales, parts), offsets;
  if (scales.offsets)
    offsets = split(b, scales.offsets, parts);
  int64_t zero = zeroOfDots(b, step.weight);
  for (auto [t, dots] : llvm::enumerate(multiplyFours(b, step, stretch))) {
    TokenGroups token =
        loadToken(b, step, b.index(t), stretch.first, mask, scales.offsets ? 1 : -zero);
    Values groupDots = sumNeighbours(b, dots, kGroupLanes / parts);
    for (int64_t part = 0; part != parts; ++part) {
      int64_t count = std::min(lanes, stretch.count * parts - part * lanes);
      Value dot = groupDots[part];
      if (zero)
        dot = b.add(dot, token.sums[part]);
      SmallVector<Products> products{
          {toF32(b, dot), b.mulf(weightScales[part], token.scales[part])}};
      if (scales.offsets)
        products.push_back({offsets[part], b.mulf(token.scales[part], toF32(b, token.sums[part]))});
      addToChains(b, products, count, sums[t]);
    }
  }
}

/// Products of a stored row with all tokens, f32 scalars. A row further on is prefetched meanwhile.
static Values emitDots(KernelBuilder &b, const Int8Step &step, Value row) {
  int64_t lanes = b.lanes(), full = step.groups / lanes * lanes;
  auto bits = cast<MemRefType>(step.weight.elements.getType()).getElementTypeBitWidth();
  int64_t rowBytes = step.weight.columns(step.groups) * bits / 8;
  Value next = b.add(row, llvm::divideCeil(kBytesAhead, rowBytes));
  Values sums(step.tokens, b.f32(0, kInt8Chains));
  if (full)
    sums = b.loop(b.index(0), b.index(full), lanes, sums, [&](Value group, ValueRange carried) {
      Values acc(carried);
      prefetchStretch(b, step.weight, {next, group, lanes});
      addGroups(b, step, {row, group, lanes}, acc);
      return acc;
    });
  if (full != step.groups)
    addGroups(b, step, {row, b.index(full), step.groups - full}, sums);
  Values dots;
  for (Value sum : sums) {
    Values chains;
    for (int64_t chain = 0; chain != kInt8Chains; ++chain)
      chains.push_back(vector::ExtractOp::create(b, sum, chain));
    dots.push_back(addChains(b, chains));
  }
  return dots;
}

/// values[token][row - firstRow] for the rows of a unit.
static void multiplyRows(KernelBuilder &b, const Int8Step &step, const DecodeUnit &unit) {
  b.loop(unit.firstRow, unit.endRow, 1, [&](Value row) {
    for (auto [t, dot] : llvm::enumerate(emitDots(b, step, storedRow(b, step.weight.box(), row))))
      b.store(dot, unit.values, {b.index(t), b.sub(row, unit.firstRow)});
  });
}

void strata::cpu::emitInt8Decode(KernelBuilder &b, const KernelArguments &args,
                                 const LinearSpec &spec) {
  Int8Input input =
      int8Rows(b, args.buffers[*spec.workspace], productRows(spec, args), spec.inFeatures);
  forEachDecodeUnit(
      b, args, spec, kInt8DecodeRows, [&](const LinearSpec::Part &part, const DecodeUnit &unit) {
        QuantizedRows weight =
            viewWeight(b, quantizedBuffers(args, part), spec, part, b.index(part.storedRows()));
        multiplyRows(b, {weight, input, int8Groups(spec), unit.tokens}, unit);
      });
}
