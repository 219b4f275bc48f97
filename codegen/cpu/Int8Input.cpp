//===- Int8Input.cpp - the input rounded to 8 bits ------------------------===//

#include "codegen/cpu/Int8.h"
#include "codegen/cpu/PrefillFrame.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// The bits of 2^-100: below, magnitudes are rounded to 0, as their reciprocal might not be finite.
static constexpr int32_t kLeastMagnitude = (127 - 100) << 23;

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

int64_t strata::cpu::int8WorkspaceBytes(int64_t features) {
  return std::max(features + features / kInt8Group * 8, 2 * features);
}

Int8Input strata::cpu::int8Rows(KernelBuilder &b, Value workspace, Value rows, int64_t features) {
  int64_t groups = features / kInt8Group;
  Value scales = b.mul(rows, features), sums = b.add(scales, b.mul(rows, groups * 4));
  return {b.view(workspace, b.getI32Type(), {kDynamic, features / 4}, rows),
          b.view(workspace, b.getF32Type(), {kDynamic, groups}, rows, scales),
          b.view(workspace, b.getI32Type(), {kDynamic, groups}, rows, sums)};
}

Int8Input strata::cpu::int8Blocks(KernelBuilder &b, Value workspace, Value blocks, int64_t features,
                                  Value tokens) {
  int64_t groups = features / kInt8Group;
  Value all = b.mul(blocks, tokens), scales = b.mul(all, features),
        sums = b.add(scales, b.mul(all, groups * 4));
  auto view = [&](Type element, int64_t rows, Value offset) {
    return b.view(workspace, element, {kDynamic, rows, kDynamic}, {blocks, tokens}, offset);
  };
  return {view(b.getI32Type(), features / 4, b.index(0)), view(b.getF32Type(), groups, scales),
          view(b.getI32Type(), groups, sums)};
}

Values strata::cpu::quantizedBuffers(const KernelArguments &args, const LinearSpec::Part &part) {
  Values buffers{args.buffers[part.weight]};
  if (part.scales)
    buffers.push_back(args.buffers[*part.scales]);
  return buffers;
}

QuantizedRows strata::cpu::viewWeight(KernelBuilder &b, ValueRange buffers, const LinearSpec &spec,
                                      const LinearSpec::Part &part, Value rows) {
  Value scales = part.scales ? buffers[1] : Value();
  return viewQuantized(b, part.quantized, buffers[0], scales, spec.inFeatures, rows);
}

int64_t strata::cpu::zeroOfDots(const KernelBuilder &b, const QuantizedRows &weight) {
  QuantizedFormat format = weight.quantized.getFormat();
  return zeroOf(format) + (isSigned(format) ? b.byteOffset() : 0);
}

Values strata::cpu::loadFours(KernelBuilder &b, const QuantizedRows &weight,
                              const Stretch &stretch) {
  Values vectors;
  for (Value chunk : loadNumbers(b, weight, stretch)) {
    Value fours = b.reinterpret(chunk, b.getI32Type());
    if (isSigned(weight.quantized.getFormat()))
      fours = b.offsetBytes(fours);
    int64_t count = lanesOf(fours);
    for (int64_t first = 0; first < count; first += b.lanes())
      vectors.push_back(b.slice(fours, first, std::min(b.lanes(), count - first)));
  }
  return vectors;
}

std::string strata::cpu::formatName(const LinearSpec::Part &part) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << stringifyQuantizedFormat(part.quantized.getFormat());
  if (part.quantized.getScale())
    os << "_g" << part.quantized.getGroup() << '_' << part.quantized.getScale();
  return name;
}

Value strata::cpu::addChains(KernelBuilder &b, Values chains) {
  for (size_t half = chains.size() / 2; half; half /= 2)
    for (size_t i = 0; i != half; ++i)
      chains[i] = b.addf(chains[i], chains[i + half]);
  return chains.front();
}

//===----------------------------------------------------------------------===//
// A group
//===----------------------------------------------------------------------===//

namespace {
/// Where rows come from: pairs [rows, pairs], maybe to be normalized.
struct InputRows {
  Value pairs;
  std::optional<NormParameters> norm;
};

/// kInt8Group whole numbers, i32, and what belongs to them (scalars).
struct RoundedGroup {
  SmallVector<FeaturePairs> numbers;
  Value scale, sums;
};
} // namespace

static Value larger(KernelBuilder &b, Value x, Value y) { return arith::MaxSIOp::create(b, x, y); }

/// The larger magnitudes of two neighbours, as bits, which are ordered like the numbers: NaN is
/// the largest.
static Value magnitudes(KernelBuilder &b, const FeaturePairs &x) {
  Type bits = b.i32Type(b.lanes());
  Value sign = b.i32(0x7fffffff, b.lanes());
  auto magnitude = [&](Value f32) { return b.both(arith::BitcastOp::create(b, bits, f32), sign); };
  return larger(b, magnitude(x.evens), magnitude(x.odds));
}

/// round(x * inverse), ties to even, as i32.
static Value roundToInteger(KernelBuilder &b, Value x, Value inverse) {
  Value rounded = math::RoundEvenOp::create(b, b.mulf(x, inverse));
  return arith::FPToSIOp::create(b, b.i32Type(lanesOf(x)), rounded);
}

/// A NaN makes the scale one, so that it is not lost.
static RoundedGroup roundGroup(KernelBuilder &b, ArrayRef<FeaturePairs> features) {
  int64_t lanes = b.lanes();
  Value sizes = magnitudes(b, features.front());
  for (const FeaturePairs &x : features.drop_front())
    sizes = larger(b, sizes, magnitudes(b, x));
  Value bits = vector::ReductionOp::create(b, vector::CombiningKind::MAXSI, sizes);
  bits = larger(b, bits, b.i32(kLeastMagnitude));
  Value most = arith::BitcastOp::create(b, b.getF32Type(), bits);
  Value inverse = b.splat(b.divf(b.f32(127), most), lanes);
  RoundedGroup group{{}, b.divf(most, b.f32(127)), {}};
  Values sums; // of kInt8Group / 4 features' pairs each
  for (const FeaturePairs &x : features) {
    Value even = roundToInteger(b, x.evens, inverse), odd = roundToInteger(b, x.odds, inverse);
    for (int64_t first = 0; first != lanes; first += kInt8Group / 4)
      sums.push_back(b.slice(b.add(even, odd), first, kInt8Group / 4));
    group.numbers.push_back({even, odd});
  }
  auto sumOf = [&](Value half) -> Value {
    return vector::ReductionOp::create(b, vector::CombiningKind::ADD, half);
  };
  Value low = b.both(sumOf(sums[0]), b.i32(0xffff));
  Value high = arith::ShLIOp::create(b, sumOf(sums[1]), b.i32(16));
  group.sums = arith::OrIOp::create(b, high, low);
  return group;
}

/// Features of group `group` of a row of the input.
static SmallVector<FeaturePairs> loadGroup(KernelBuilder &b, const InputRows &input, Value row,
                                           Value group, const RowStatistics &statistics) {
  SmallVector<FeaturePairs> features;
  for (int64_t i = 0; i != kInt8Group / 2; i += b.lanes()) {
    Value pair = b.add(b.mul(group, kInt8Group / 2), i);
    Value pairs = b.load(input.pairs, {row, pair}, b.lanes());
    features.push_back(input.norm
                           ? normalizeFeatures(b, pairs, pair, Value(), *input.norm, statistics)
                           : FeaturePairs{b.evens(pairs), b.odds(pairs)});
  }
  return features;
}

/// Puts a group at row `row` of `memory` as fours of bytes, from column `first` on.
static void storeFours(KernelBuilder &b, const RoundedGroup &group, Value memory, Value row,
                       Value first) {
  auto i16 = VectorType::get(b.lanes(), b.getI16Type());
  for (auto [i, x] : llvm::enumerate(group.numbers)) {
    Value high = arith::ShLIOp::create(b, x.odds, b.i32(8, b.lanes()));
    Value both = arith::OrIOp::create(b, high, b.both(x.evens, b.i32(0xff, b.lanes())));
    Value pairs = arith::TruncIOp::create(b, i16, both);
    b.store(b.reinterpret(pairs, b.getI32Type()), memory, {row, b.add(first, i * b.lanes() / 2)});
  }
}

//===----------------------------------------------------------------------===//
// Rows, for few tokens
//===----------------------------------------------------------------------===//

void strata::cpu::emitInt8Rows(KernelBuilder &b, const KernelArguments &args,
                               const LinearSpec &spec) {
  InputRows input{inputPairs(b, args, spec), normOf(b, args, spec)};
  Int8Input output =
      int8Rows(b, args.buffers[*spec.workspace], productRows(spec, args), spec.inFeatures);
  b.loop(args.begin, args.end, 1, [&](Value row) {
    Value from = inputRow(b, args, spec, row);
    RowStatistics statistics;
    if (input.norm)
      statistics = rowStatistics(b, input.pairs, from, spec.inFeatures, input.norm->eps);
    b.loop(b.index(0), b.index(int8Groups(spec)), 1, [&](Value at) {
      RoundedGroup group = roundGroup(b, loadGroup(b, input, from, at, statistics));
      storeFours(b, group, output.fours, row, b.mul(at, kInt8Group / 4));
      b.store(group.scale, output.scales, {row, at});
      b.store(group.sums, output.sums, {row, at});
    });
  });
}

//===----------------------------------------------------------------------===//
// Blocks, for many
//===----------------------------------------------------------------------===//

namespace {
/// lanes() tokens that are packed together, of which `count` are of the step. On the stack: the row
/// that each comes from, its statistics, and fours of bytes or pairs of bf16, [lanes(), lanes()],
/// which a transposition takes at a time.
struct PackedTokens {
  Value first, count;
  Value from, means, scales, square;
};
} // namespace

static PackedTokens describeTokens(KernelBuilder &b, const KernelArguments &args,
                                   const LinearSpec &spec, const InputRows &input, Value first) {
  int64_t lanes = b.lanes();
  Type f32 = b.getF32Type();
  Value rows = b.max(b.sub(productRows(spec, args), first), b.index(0));
  PackedTokens tokens{first,
                      b.min(rows, b.index(lanes)),
                      b.stack(b.getIndexType(), {lanes}),
                      b.stack(f32, {lanes}),
                      b.stack(f32, {lanes}),
                      b.stack(b.getI32Type(), {lanes, lanes})};
  b.loop(b.index(0), tokens.count, 1, [&](Value i) {
    Value from = inputRow(b, args, spec, b.add(first, i));
    b.store(from, tokens.from, i);
    if (!input.norm)
      return;
    RowStatistics statistics =
        rowStatistics(b, input.pairs, from, spec.inFeatures, input.norm->eps);
    b.store(statistics.mean, tokens.means, i);
    b.store(statistics.scale, tokens.scales, i);
  });
  return tokens;
}

/// body(token, its groups from `group` on, as they are rounded) for all tokens.
static void forEachRounded(KernelBuilder &b, const InputRows &input, const PackedTokens &tokens,
                           Value group, int64_t count,
                           llvm::function_ref<void(Value, int64_t, const RoundedGroup &)> body) {
  b.loop(b.index(0), tokens.count, 1, [&](Value i) {
    RowStatistics statistics;
    if (input.norm)
      statistics = {b.load(tokens.means, i), b.load(tokens.scales, i)};
    for (int64_t j = 0; j != count; ++j) {
      Value from = b.load(tokens.from, i);
      body(i, j, roundGroup(b, loadGroup(b, input, from, b.add(group, j), statistics)));
    }
  });
}

/// The columns of the square.
static Values transposeSquare(KernelBuilder &b, const PackedTokens &tokens) {
  Values lines;
  for (int64_t i = 0; i != b.lanes(); ++i)
    lines.push_back(b.load(tokens.square, {b.index(i), b.index(0)}, b.lanes()));
  return b.transpose(lines);
}

/// Packs `count` groups from `group` on of all tokens.
static void packGroups(KernelBuilder &b, const InputRows &input, const Int8Input &output,
                       const PackedTokens &tokens, Value group, int64_t count) {
  Value block = b.div(tokens.first, kInt8PackTokens), token = b.rem(tokens.first, kInt8PackTokens);
  // Whatever else stands there for tokens beyond the step could be denormal, and slow.
  for (int64_t j = 0; j != count; ++j)
    b.store(b.f32(0, b.lanes()), output.scales, {block, b.add(group, j), token});
  forEachRounded(b, input, tokens, group, count,
                 [&](Value i, int64_t j, const RoundedGroup &rounded) {
                   Value at = b.add(group, j);
                   storeFours(b, rounded, tokens.square, i, b.index(j * kInt8Group / 4));
                   b.store(rounded.scale, output.scales, {block, at, b.add(token, i)});
                   b.store(rounded.sums, output.sums, {block, at, b.add(token, i)});
                 });
  Values columns = transposeSquare(b, tokens);
  for (int64_t i = 0; i != count * kInt8Group / 4; ++i)
    b.store(columns[i], output.fours, {block, b.add(b.mul(group, kInt8Group / 4), i), token});
}

void strata::cpu::emitInt8Pack(KernelBuilder &b, const KernelArguments &args,
                               const LinearSpec &spec) {
  InputRows input{inputPairs(b, args, spec), normOf(b, args, spec)};
  Value rows = productRows(spec, args);
  Int8Input output = int8Blocks(b, args.buffers[*spec.workspace], b.ceilDiv(rows, kInt8PackTokens),
                                spec.inFeatures, blockTokens(b, rows, kInt8PackTokens));
  int64_t fours = spec.inFeatures / 4, groupFours = kInt8Group / 4;
  forEachPackShare(b, args, fours, [&](const PackShare &share) {
    Value first = b.mul(share.group, kPackVector);
    b.loop(first, b.add(first, kPackVector), b.lanes(), [&](Value first) {
      PackedTokens tokens = describeTokens(b, args, spec, input, first);
      b.vectorsBetween(fours, share.begin, share.end, [&](Value four, int64_t lanes) {
        packGroups(b, input, output, tokens, b.div(four, groupFours), lanes / groupFours);
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// Tiles, for very many: what the bytes stand for, as bf16
//===----------------------------------------------------------------------===//

/// Packs a group of all tokens, as many pairs as a vector and a tile have.
static void packTileGroup(KernelBuilder &b, const InputRows &input, Value packed,
                          const PackedTokens &tokens, Value group) {
  forEachRounded(b, input, tokens, group, 1, [&](Value i, int64_t, const RoundedGroup &rounded) {
    Value scale = b.splat(rounded.scale, b.lanes());
    auto standFor = [&](Value numbers) {
      return b.mulf(arith::SIToFPOp::create(b, b.f32Type(b.lanes()), numbers), scale);
    };
    const FeaturePairs &x = rounded.numbers.front();
    b.store(b.pairs(standFor(x.evens), standFor(x.odds)), tokens.square, {i, b.index(0)});
  });
  Value block = b.div(tokens.first, kTileRows);
  for (auto [i, column] : llvm::enumerate(transposeSquare(b, tokens)))
    b.store(column, packed, {block, b.add(b.mul(group, kTileRows), int64_t(i)), b.index(0)});
}

void strata::cpu::emitInt8PackTiles(KernelBuilder &b, const KernelArguments &args,
                                    const LinearSpec &spec) {
  assert(b.lanes() == kTileRows && kInt8Group == 2 * kTileRows);
  InputRows input{inputPairs(b, args, spec), normOf(b, args, spec)};
  Value packed = tileView(b, args.buffers[*spec.workspace], spec);
  forEachPackShare(b, args, spec.pairs(), [&](const PackShare &share) {
    PackedTokens tokens = describeTokens(b, args, spec, input, b.mul(share.group, kPackVector));
    b.loop(share.begin, share.end, 1,
           [&](Value group) { packTileGroup(b, input, packed, tokens, group); });
  });
}
