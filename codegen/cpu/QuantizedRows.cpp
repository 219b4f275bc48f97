//===- QuantizedRows.cpp - quantized weights as kernels take them ---------===//
//
// The layouts are those of ggml's blocks (ggml-common.h, ggml-quants.c): d, m and dmin are f16;
// bytes that hold two numbers are spread over both halves of a vector, each shifted by its own
// count.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/QuantizedRows.h"

#include "codegen/cpu/Linear.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <numeric>

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Numbers of a chunk: two groups of kInt8Group.
static constexpr int64_t kChunk = 2 * kInt8Group;

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

namespace {
/// A block of a row: the place of its first byte.
struct BlockPlace {
  Value bytes, row, first;

  Value load(KernelBuilder &b, int64_t offset, int64_t count) const {
    return b.load(bytes, {row, b.add(first, offset)}, count);
  }
  BlockPlace at(KernelBuilder &b, int64_t offset) const {
    return {bytes, row, b.add(first, offset)};
  }
};
} // namespace

static Value bitwiseOr(KernelBuilder &b, Value x, Value y) { return arith::OrIOp::create(b, x, y); }

/// Elements from(0), from(1), ... of a vector; below 0: a zero.
static Value pick(KernelBuilder &b, Value vector, int64_t count,
                  llvm::function_ref<int64_t(int64_t)> from) {
  int64_t size = lanesOf(vector);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vector.getType()));
  SmallVector<int64_t> places;
  for (int64_t i = 0; i != count; ++i)
    places.push_back(from(i) < 0 ? size : from(i));
  return vector::ShuffleOp::create(b, vector, zero, places);
}

/// One vector behind the other.
static Value join(KernelBuilder &b, Value x, Value y) {
  SmallVector<int64_t> all(lanesOf(x) + lanesOf(y));
  std::iota(all.begin(), all.end(), 0);
  return vector::ShuffleOp::create(b, x, y, all);
}

/// value(0), value(1), ...
static Value constants(KernelBuilder &b, Type element, int64_t count,
                       llvm::function_ref<int64_t(int64_t)> value) {
  SmallVector<Attribute> values;
  for (int64_t i = 0; i != count; ++i)
    values.push_back(b.getIntegerAttr(element, value(i)));
  auto type = VectorType::get(count, element);
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
}

/// Those bits of each byte.
static Value maskBytes(KernelBuilder &b, Value bytes, int64_t mask) {
  return b.both(bytes, constants(b, b.getI8Type(), lanesOf(bytes), [&](int64_t) { return mask; }));
}

/// Bytes shifted to the right by by(i) bits, to the left where that is below 0; it is the same for
/// each four of them. What is shifted in comes from the byte beside it.
static Value shiftFours(KernelBuilder &b, Value bytes, llvm::function_ref<int64_t(int64_t)> by) {
  Value fours = b.reinterpret(bytes, b.getI32Type());
  int64_t count = lanesOf(fours);
  auto shifts = [&](int64_t sign) {
    return constants(b, b.getI32Type(), count,
                     [&](int64_t i) { return std::max<int64_t>(0, sign * by(4 * i)); });
  };
  bool right = false, left = false;
  for (int64_t i = 0; i != count; ++i)
    right |= by(4 * i) > 0, left |= by(4 * i) < 0;
  if (right)
    fours = arith::ShRUIOp::create(b, fours, shifts(1));
  if (left)
    fours = arith::ShLIOp::create(b, fours, shifts(-1));
  return b.reinterpret(fours, b.getI8Type());
}

/// The low halves of each `run` bytes, then their high ones.
static Value spreadNibbles(KernelBuilder &b, Value bytes, int64_t run) {
  int64_t count = 2 * lanesOf(bytes);
  Value twice = pick(b, bytes, count, [&](int64_t i) { return i / (2 * run) * run + i % run; });
  Value shifted = shiftFours(b, twice, [&](int64_t i) { return i / run % 2 * 4; });
  return maskBytes(b, shifted, 0x0f);
}

/// f16, whose bits are i16.
static Value halvesToF32(KernelBuilder &b, Value bits) {
  return b.toF32(b.reinterpret(bits, b.getF16Type()));
}

static Value toF32(KernelBuilder &b, Value integers) {
  return arith::SIToFPOp::create(b, b.f32Type(lanesOf(integers)), integers);
}

//===----------------------------------------------------------------------===//
// Blocks of 32: d, maybe m, then numbers
//===----------------------------------------------------------------------===//

/// body(block's place) for one block or two, what it loads one behind the other.
static Value loadEach(KernelBuilder &b, const BlockPlace &place, int64_t blockBytes, int64_t count,
                      llvm::function_ref<Value(const BlockPlace &)> body) {
  Value first = body(place);
  return count == 1 ? first : join(b, first, body(place.at(b, blockBytes)));
}

template <QuantizedFormat format>
static constexpr int64_t kBlockBytes = factsOf(format).blockBits / 8;

template <QuantizedFormat format, int64_t offset>
static Value loadNibbles(KernelBuilder &b, const BlockPlace &place, int64_t, int64_t groups) {
  Value bytes = loadEach(b, place, kBlockBytes<format>, groups,
                         [&](const BlockPlace &block) { return block.load(b, offset, 16); });
  return spreadNibbles(b, bytes, 16);
}

/// The fifth bits of a block's numbers are those of four bytes.
template <QuantizedFormat format, int64_t bits, int64_t offset>
static Value loadFives(KernelBuilder &b, const BlockPlace &place, int64_t, int64_t groups) {
  Value low = loadNibbles<format, offset>(b, place, 0, groups);
  Value words = loadEach(b, place, kBlockBytes<format>, groups,
                         [&](const BlockPlace &block) { return block.load(b, bits, 4); });
  Value isSet = b.reinterpret(words, b.getI1Type());
  return b.selectLanes(
      isSet,
      bitwiseOr(b, low, constants(b, b.getI8Type(), lanesOf(low), [](int64_t) { return 16; })),
      low);
}

static Value loadBytes(KernelBuilder &b, const BlockPlace &place, int64_t, int64_t groups) {
  return loadEach(b, place, kBlockBytes<QuantizedFormat::Q8_0>, groups,
                  [&](const BlockPlace &block) { return block.load(b, 2, kInt8Group); });
}

/// The first four bytes of each block, as i32.
static Value gatherHeads(KernelBuilder &b, const BlockPlace &place, int64_t blockBytes,
                         int64_t blocks) {
  return b.gatherFours(place.bytes, {place.row, place.first}, blockBytes, blocks);
}

static Value lowHalves(KernelBuilder &b, Value fours) {
  Value low = arith::TruncIOp::create(b, VectorType::get(lanesOf(fours), b.getI16Type()), fours);
  return halvesToF32(b, low);
}
static Value highHalves(KernelBuilder &b, Value fours) {
  return lowHalves(b, arith::ShRUIOp::create(b, fours, b.i32(16, lanesOf(fours))));
}

template <QuantizedFormat format>
static StretchScales loadD(KernelBuilder &b, const BlockPlace &place, int64_t groups) {
  return {lowHalves(b, gatherHeads(b, place, kBlockBytes<format>, groups)), Value()};
}
template <QuantizedFormat format>
static StretchScales loadDAndM(KernelBuilder &b, const BlockPlace &place, int64_t groups) {
  Value heads = gatherHeads(b, place, kBlockBytes<format>, groups);
  return {lowHalves(b, heads), highHalves(b, heads)};
}

//===----------------------------------------------------------------------===//
// Q4_K and Q5_K: 256 weights in 8 groups, scales and minima of 6 bits
//===----------------------------------------------------------------------===//

static constexpr int64_t kMinima =
    4; // byte of a block where those of 6 bits begin, d and dmin first

/// Of each block, its first 16 bytes: byte from(g) of these for group g, as i32; below 0: zeros.
static Value headBytes(KernelBuilder &b, Value heads, llvm::function_ref<int64_t(int64_t)> from) {
  int64_t count = lanesOf(heads) / 16 * kStretchGroups * 4;
  Value bytes = pick(b, heads, count, [&](int64_t i) -> int64_t {
    int64_t group = i / 4 % kStretchGroups, block = i / (4 * kStretchGroups);
    return i % 4 || from(group) < 0 ? -1 : block * 16 + from(group);
  });
  return b.reinterpret(bytes, b.getI32Type());
}

/// An f16 of each block's head, for each of its groups.
static Value headHalves(KernelBuilder &b, Value heads, int64_t which) {
  int64_t count = lanesOf(heads) / 16 * kStretchGroups;
  Value words = b.reinterpret(heads, b.getI16Type());
  return halvesToF32(
      b, pick(b, words, count, [&](int64_t i) { return i / kStretchGroups * 8 + which; }));
}

/// 6 bits for each group: the first four groups' are in `low`, of the others four bits, and two in
/// the upper ones of `high`.
static Value sixBits(KernelBuilder &b, Value low, Value high) {
  auto perGroup = [&](int64_t first, int64_t second) {
    return constants(b, b.getI32Type(), lanesOf(low),
                     [&](int64_t i) { return i % 8 < 4 ? first : second; });
  };
  Value upper = b.both(arith::ShRUIOp::create(b, high, b.i32(2, lanesOf(low))), perGroup(0, 0x30));
  return bitwiseOr(b, b.both(low, perGroup(63, 15)), upper);
}

template <QuantizedFormat format>
static StretchScales loadSixBits(KernelBuilder &b, const BlockPlace &place, int64_t groups) {
  Value heads = loadEach(b, place, kBlockBytes<format>, groups / kStretchGroups,
                         [&](const BlockPlace &block) { return block.load(b, 0, 16); });
  auto at = [&](int64_t second, int64_t first) {
    return headBytes(b, heads, [=](int64_t g) { return kMinima + g + (g < 4 ? first : second); });
  };
  Value upperScales = headBytes(b, heads, [](int64_t g) { return g < 4 ? -1 : kMinima + g - 4; });
  Value scales = sixBits(b, at(/*second=*/4, /*first=*/0), upperScales);
  Value lower = at(4, 4);
  Value shifts =
      constants(b, b.getI32Type(), lanesOf(lower), [](int64_t i) { return i % 8 < 4 ? 0 : 4; });
  Value minima = sixBits(b, arith::ShRUIOp::create(b, lower, shifts), at(0, 0));
  Value negative = b.mulf(b.f32(-1, lanesOf(minima)), headHalves(b, heads, 1));
  return {b.mulf(headHalves(b, heads, 0), toF32(b, scales)), b.mulf(negative, toF32(b, minima))};
}

static Value loadQ4K(KernelBuilder &b, const BlockPlace &place, int64_t pair, int64_t) {
  return spreadNibbles(b, place.load(b, 16 + 32 * pair, 32), 32);
}

static Value loadQ5K(KernelBuilder &b, const BlockPlace &place, int64_t pair, int64_t) {
  Value low = spreadNibbles(b, place.load(b, 48 + 32 * pair, 32), 32);
  Value high = pick(b, place.load(b, 16, 32), kChunk, [](int64_t i) { return i % 32; });
  auto bytes = [&](llvm::function_ref<int64_t(int64_t)> value) {
    return constants(b, b.getI8Type(), kChunk, value);
  };
  Value bits = b.both(high, bytes([&](int64_t i) { return int8_t(1 << (2 * pair + i / 32)); }));
  Value isSet =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ne, bits, bytes([](int64_t) { return 0; }));
  return b.selectLanes(isSet, bitwiseOr(b, low, bytes([](int64_t) { return 16; })), low);
}

//===----------------------------------------------------------------------===//
// Q6_K: 256 weights in 16 groups, scales of 8 bits
//===----------------------------------------------------------------------===//

static Value loadQ6K(KernelBuilder &b, const BlockPlace &place, int64_t pair, int64_t) {
  int64_t half = pair / 2, upper = pair % 2;
  Value low = place.load(b, 64 * half, kChunk);
  low = maskBytes(b, shiftFours(b, low, [&](int64_t) { return 4 * upper; }), 0x0f);
  Value twice =
      pick(b, place.load(b, 128 + 32 * half, 32), kChunk, [](int64_t i) { return i % 32; });
  Value high = shiftFours(b, twice, [&](int64_t i) { return 4 * upper + i / 32 * 2 - 4; });
  return bitwiseOr(b, low, maskBytes(b, high, 0x30));
}

static StretchScales loadQ6KScales(KernelBuilder &b, const BlockPlace &place, int64_t groups) {
  auto one = [&](const BlockPlace &block) -> Value {
    Value scales = arith::ExtSIOp::create(b, b.i32Type(16), block.load(b, 192, 16));
    Value d = halvesToF32(b, b.reinterpret(block.load(b, 208, 2), b.getI16Type()));
    return b.mulf(b.splat(vector::ExtractOp::create(b, d, 0), 16), toF32(b, scales));
  };
  return {loadEach(b, place, kBlockBytes<QuantizedFormat::Q6K>, groups / kStretchGroups, one),
          Value()};
}

//===----------------------------------------------------------------------===//
// IQ4_NL and IQ4_XS: four bits stand for numbers of a table
//===----------------------------------------------------------------------===//

static constexpr int8_t kIQ4[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

static Value lookUp(KernelBuilder &b, Value nibbles) {
  Value table =
      constants(b, b.getI8Type(), lanesOf(nibbles), [](int64_t i) { return kIQ4[i % 16]; });
  return b.lookUpBytes(table, nibbles);
}

static Value loadIQ4NL(KernelBuilder &b, const BlockPlace &place, int64_t, int64_t groups) {
  return lookUp(b, loadNibbles<QuantizedFormat::IQ4NL, 2>(b, place, 0, groups));
}

static Value loadIQ4XS(KernelBuilder &b, const BlockPlace &place, int64_t pair, int64_t) {
  return lookUp(b, spreadNibbles(b, place.load(b, 8 + 32 * pair, 32), 16));
}

/// Of 6 bits less 32: four in a nibble, and two in a word for all.
static StretchScales loadIQ4XSScales(KernelBuilder &b, const BlockPlace &place, int64_t groups) {
  Value heads = loadEach(b, place, kBlockBytes<QuantizedFormat::IQ4XS>, groups / kStretchGroups,
                         [&](const BlockPlace &block) { return block.load(b, 0, 16); });
  auto perGroup = [&](llvm::function_ref<int64_t(int64_t)> value) {
    return constants(b, b.getI32Type(), groups, [&](int64_t i) { return value(i % 8); });
  };
  auto shifted = [&](Value x, llvm::function_ref<int64_t(int64_t)> by, int64_t mask) {
    return b.both(arith::ShRUIOp::create(b, x, perGroup(by)), b.i32(mask, groups));
  };
  Value low = shifted(
      headBytes(b, heads, [](int64_t g) { return 4 + g / 2; }), [](int64_t g) { return g % 2 * 4; },
      15);
  // Group g's are bits 2g and 2g + 1 of bytes 2 and 3.
  Value high = shifted(
      headBytes(b, heads, [](int64_t g) { return 2 + g / 4; }), [](int64_t g) { return g % 4 * 2; },
      3);
  Value all = bitwiseOr(b, low, arith::ShLIOp::create(b, high, b.i32(4, groups)));
  Value scales = b.sub(all, b.i32(32, groups));
  return {b.mulf(headHalves(b, heads, 0), toF32(b, scales)), Value()};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
/// How a format is decoded; the functions are those of blocks.
struct BlockDecoder {
  QuantizedFormat format;
  int64_t zero;
  bool isSigned;   ///< whether numbers can be negative
  bool hasOffsets; ///< whether something is added to what is scaled; then zero is 0
  /// A chunk, or half of one, of a block or two: the pair-th of a large block.
  Value (*loadNumbers)(KernelBuilder &b, const BlockPlace &place, int64_t pair, int64_t groups);
  /// Of all of a stretch.
  StretchScales (*loadScales)(KernelBuilder &b, const BlockPlace &place, int64_t groups);
};
} // namespace

using Format = QuantizedFormat;

// clang-format off
static constexpr BlockDecoder kDecoders[] = {
    {Format::I8,    0,  true,  false, nullptr, nullptr},
    {Format::Q8_0,  0,  true,  false, loadBytes, loadD<Format::Q8_0>},
    {Format::Q4_0,  8,  false, false, loadNibbles<Format::Q4_0, 2>, loadD<Format::Q4_0>},
    {Format::Q4_1,  0,  false, true,  loadNibbles<Format::Q4_1, 4>, loadDAndM<Format::Q4_1>},
    {Format::Q5_0,  16, false, false, loadFives<Format::Q5_0, 2, 6>, loadD<Format::Q5_0>},
    {Format::Q5_1,  0,  false, true,  loadFives<Format::Q5_1, 4, 8>, loadDAndM<Format::Q5_1>},
    {Format::Q4K,   0,  false, true,  loadQ4K, loadSixBits<Format::Q4K>},
    {Format::Q5K,   0,  false, true,  loadQ5K, loadSixBits<Format::Q5K>},
    {Format::Q6K,   32, false, false, loadQ6K, loadQ6KScales},
    {Format::IQ4NL, 0,  true,  false, loadIQ4NL, loadD<Format::IQ4NL>},
    {Format::IQ4XS, 0,  true,  false, loadIQ4XS, loadIQ4XSScales},
    {Format::I4,       8, false, false, nullptr, nullptr},
    {Format::I8Packed, 0, true,  false, nullptr, nullptr},
};
// clang-format on

/// The table is in the order of the enumeration.
static const BlockDecoder &decoderOf(QuantizedFormat format) {
  return kDecoders[static_cast<size_t>(format)];
}

int64_t strata::cpu::zeroOf(QuantizedFormat format) { return decoderOf(format).zero; }
bool strata::cpu::isSigned(QuantizedFormat format) { return decoderOf(format).isSigned; }
bool strata::cpu::hasOffsets(QuantizedFormat format) { return decoderOf(format).hasOffsets; }

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

int64_t QuantizedRows::columns(int64_t groups) const {
  const QuantizedFormatFacts &facts = factsOf(quantized.getFormat());
  int64_t bits = groups * kInt8Group / facts.blockWeights * facts.blockBits;
  return bits / cast<MemRefType>(elements.getType()).getElementTypeBitWidth();
}

Value QuantizedRows::columns(KernelBuilder &b, Value groups) const {
  int64_t blockGroups =
      std::max<int64_t>(1, factsOf(quantized.getFormat()).blockWeights / kInt8Group);
  return b.mul(b.div(groups, blockGroups), columns(blockGroups));
}

Value QuantizedRows::scaleColumn(KernelBuilder &b, Value group) const {
  int64_t shared = groupOf(quantized) / kInt8Group;
  return shared == 1 ? group : b.div(group, shared);
}

QuantizedRows strata::cpu::viewQuantized(KernelBuilder &b, QuantizedAttr quantized, Value elements,
                                         Value scales, int64_t features, Value rows) {
  const QuantizedFormatFacts &facts = factsOf(quantized.getFormat());
  if (facts.isInBlocks()) {
    int64_t rowBytes = features / facts.blockWeights * facts.blockBits / 8;
    return {quantized, b.view(elements, b.getI8Type(), {kDynamic, rowBytes}, rows), Value()};
  }
  int64_t stored = rowElements(quantized.getBox(), features);
  int64_t words = stored / facts.blockWeights * facts.blockBits / 32;
  return {quantized, b.view(elements, b.getI32Type(), {kDynamic, words}, rows),
          b.view(scales, quantized.getScale(), {kDynamic, stored / groupOf(quantized)}, rows)};
}

static BlockPlace placeOf(KernelBuilder &b, const QuantizedRows &rows, const Stretch &stretch) {
  return {rows.elements, stretch.row, rows.columns(b, stretch.first)};
}

/// Bytes of words: those, two halves of each byte, or 128 more than they stand for.
static Value unpack(KernelBuilder &b, QuantizedFormat format, Value words) {
  Value bytes = b.reinterpret(words, b.getI8Type());
  if (format == QuantizedFormat::I4) {
    // The high half of a byte is moved into one of its own.
    auto type = VectorType::get(lanesOf(bytes), b.getI16Type());
    Value wide = arith::ExtUIOp::create(b, type, bytes);
    Value four = constants(b, b.getI16Type(), lanesOf(bytes), [](int64_t) { return 4; });
    Value both = bitwiseOr(b, wide, arith::ShLIOp::create(b, wide, four));
    return maskBytes(b, b.reinterpret(both, b.getI8Type()), 0x0f);
  }
  if (format == QuantizedFormat::I8Packed)
    return arith::XOrIOp::create(
        b, bytes, constants(b, b.getI8Type(), lanesOf(bytes), [](int64_t) { return -128; }));
  return bytes;
}

Values strata::cpu::loadNumbers(KernelBuilder &b, const QuantizedRows &rows,
                                const Stretch &stretch) {
  QuantizedFormat format = rows.quantized.getFormat();
  int64_t blockGroups = factsOf(format).blockWeights / kInt8Group;
  BlockPlace first = placeOf(b, rows, stretch);
  Values chunks;
  for (int64_t group = 0; group < stretch.count; group += 2) {
    int64_t count = std::min<int64_t>(2, stretch.count - group);
    if (rows.scales) {
      Value column = b.add(first.first, rows.columns(group));
      chunks.push_back(
          unpack(b, format, b.load(rows.elements, {stretch.row, column}, rows.columns(count))));
    } else {
      int64_t inBlock = group % blockGroups;
      BlockPlace place = first.at(b, rows.columns(group - inBlock));
      chunks.push_back(decoderOf(format).loadNumbers(b, place, inBlock / 2, count));
    }
  }
  return chunks;
}

/// A scale for each group of the stretch: those of the row, each as often as it is used.
static Value loadPlane(KernelBuilder &b, const QuantizedRows &rows, const Stretch &stretch) {
  int64_t count = rows.scaleColumns(stretch.count), group = groupOf(rows.quantized) / kInt8Group;
  Value own =
      b.toF32(b.load(rows.scales, {stretch.row, rows.scaleColumn(b, stretch.first)}, count));
  return group == 1 ? own : pick(b, own, stretch.count, [&](int64_t i) { return i / group; });
}

StretchScales strata::cpu::loadScales(KernelBuilder &b, const QuantizedRows &rows,
                                      const Stretch &stretch) {
  if (rows.scales)
    return {loadPlane(b, rows, stretch), Value()};
  return decoderOf(rows.quantized.getFormat())
      .loadScales(b, placeOf(b, rows, stretch), stretch.count);
}

Values strata::cpu::loadWeights(KernelBuilder &b, const QuantizedRows &rows,
                                const Stretch &stretch) {
  QuantizedFormat format = rows.quantized.getFormat();
  int64_t shared = rows.group(), parts = kInt8Group / shared;
  Values chunks = loadNumbers(b, rows, stretch);
  StretchScales scales = loadScales(b, rows, stretch);
  auto spread = [&](Value all, int64_t group) {
    Value own = b.slice(all, group * parts, parts);
    return pick(b, own, kInt8Group, [&](int64_t i) { return i / shared; });
  };
  Values weights;
  for (int64_t group = 0; group != stretch.count; ++group) {
    Value bytes = b.slice(chunks[group / 2], group % 2 * kInt8Group, kInt8Group);
    Value numbers = arith::ExtSIOp::create(b, b.i32Type(kInt8Group), bytes);
    if (int64_t zero = zeroOf(format))
      numbers = b.sub(numbers, b.i32(zero, kInt8Group));
    Value weight = b.mulf(toF32(b, numbers), spread(scales.scales, group));
    if (scales.offsets)
      weight = b.addf(weight, spread(scales.offsets, group));
    weights.push_back(weight);
  }
  return weights;
}

void strata::cpu::forEachStretch(KernelBuilder &b, Value row, int64_t groups,
                                 llvm::function_ref<void(const Stretch &)> body) {
  int64_t full = groups / kStretchGroups * kStretchGroups;
  b.loop(b.index(0), b.index(full), kStretchGroups, [&](Value first) {
    body({row, first, kStretchGroups});
  });
  if (full != groups)
    body({row, b.index(full), groups - full});
}

void strata::cpu::prefetchStretch(KernelBuilder &b, const QuantizedRows &rows,
                                  const Stretch &stretch) {
  auto ask = [&](Value memory, Value from, int64_t count) {
    prefetchRows(b, memory, cast<MemRefType>(memory.getType()).getDimSize(1), stretch.row, from,
                 count);
  };
  ask(rows.elements, rows.columns(b, stretch.first), rows.columns(stretch.count));
  if (rows.scales)
    ask(rows.scales, rows.scaleColumn(b, stretch.first), rows.scaleColumns(stretch.count));
}
