//===- QuantizedRows.cpp - weights in blocks as GPU kernels take them -----===//
//
// The layouts are those of ggml's blocks (ggml-common.h, ggml-quants.c): d, m and dmin are f16. A
// piece's numbers are 4 words of 4 bytes, unsigned; what they are too large by is subtracted once
// they are f32.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/QuantizedRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include <numeric>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

using Format = QuantizedFormat;

static constexpr int64_t kWords = kPiece / 4;

namespace {
/// A block, and which of its pieces is meant.
struct BlockPlace {
  Value bytes, first; ///< an array of i8, and the block's first one
  int64_t blockBytes;
  Value piece; ///< index

  /// Words from byte `fixed + moving` of the block on; `moving` is a multiple of 16 or null.
  Values words(KernelBuilder &b, int64_t fixed, int64_t count, Value moving = {}) const {
    Value at = moving ? b.add(first, moving) : first;
    return b.loadWords(bytes, b.add(at, fixed), count, std::gcd(std::gcd(fixed, blockBytes), 16));
  }
  Value byte(KernelBuilder &b, Value offset) const {
    return arith::ExtUIOp::create(b, b.getI32Type(),
                                  b.loadInteger(b.getI8Type(), bytes, b.add(first, offset)));
  }
  /// An f16, as f32.
  Value half(KernelBuilder &b, int64_t offset) const {
    Value bits = b.loadInteger(b.getI16Type(), bytes, b.add(first, offset));
    return b.toF32(arith::BitcastOp::create(b, b.getF16Type(), bits));
  }
};

/// What a piece's numbers are multiplied with, and what is added: f32.
struct PieceScale {
  Value scale, offset;
};
} // namespace

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

static Value toWord(KernelBuilder &b, Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}
static Value shiftRight(KernelBuilder &b, Value word, Value count) {
  return arith::ShRUIOp::create(b, word, count);
}
static Value shiftLeft(KernelBuilder &b, Value word, int64_t count) {
  return arith::ShLIOp::create(b, word, b.i32(count));
}
static Value bitwiseOr(KernelBuilder &b, Value x, Value y) { return arith::OrIOp::create(b, x, y); }

/// (word >> count) & mask
static Value bits(KernelBuilder &b, Value word, Value count, int64_t mask) {
  return b.both(shiftRight(b, word, count), b.i32(mask));
}
static Value toF32(KernelBuilder &b, Value integer) {
  return arith::SIToFPOp::create(b, b.getF32Type(), integer);
}

/// Of each byte its low half, or where `high` is 1 its high one.
static Values nibbles(KernelBuilder &b, ValueRange words, Value high) {
  Value shift = toWord(b, b.mul(high, 4));
  Values result;
  for (Value word : words)
    result.push_back(bits(b, word, shift, 0x0f0f0f0f));
  return result;
}

//===----------------------------------------------------------------------===//
// Blocks of 32: d, maybe m, then numbers
//===----------------------------------------------------------------------===//

static Values loadBytes(KernelBuilder &b, const BlockPlace &place) {
  Values words = place.words(b, 2, kWords, b.mul(place.piece, kPiece));
  for (Value &word : words) // numbers from -128 on
    word = arith::XOrIOp::create(b, word, b.i32(0x80808080));
  return words;
}

template <int64_t offset>
static Values loadNibbles(KernelBuilder &b, const BlockPlace &place) {
  return nibbles(b, place.words(b, offset, kWords), place.piece);
}

/// The fifth bits of a block's numbers are those of the word before.
template <int64_t offset>
static Values loadFives(KernelBuilder &b, const BlockPlace &place) {
  Values words = loadNibbles<offset>(b, place);
  Value all = place.words(b, offset - 4, 1).front();
  Value own = shiftRight(b, all, toWord(b, b.mul(place.piece, kPiece)));
  for (auto [i, word] : llvm::enumerate(words)) {
    // Four bits, each moved to the fifth one of its byte: no two of these products meet.
    Value four = bits(b, own, b.i32(4 * i), 15);
    Value spread = b.both(arith::MulIOp::create(b, four, b.i32(0x02040810)), b.i32(0x10101010));
    word = bitwiseOr(b, word, spread);
  }
  return words;
}

static PieceScale loadD(KernelBuilder &b, const BlockPlace &place) {
  return {place.half(b, 0), Value()};
}
static PieceScale loadDAndM(KernelBuilder &b, const BlockPlace &place) {
  return {place.half(b, 0), place.half(b, 2)};
}

//===----------------------------------------------------------------------===//
// Q4_K and Q5_K: 256 weights in 8 groups of two pieces, scales and minima of 6 bits
//===----------------------------------------------------------------------===//

namespace {
/// The group of a piece, and which half of it.
struct GroupOfPiece {
  GroupOfPiece(KernelBuilder &b, Value piece) : group(b.div(piece, 2)), half(b.rem(piece, 2)) {}
  Value group, half;

  /// Two groups share 32 bytes, one their low halves.
  Value bytes(KernelBuilder &b) const {
    return b.add(b.mul(b.div(group, 2), 32), b.mul(half, kPiece));
  }
  Value isHigh(KernelBuilder &b) const { return b.rem(group, 2); }
};
} // namespace

/// 6 bits for each of 8 groups: of the first four the scales are in the first word and the minima
/// in the second; of the others four bits of each in the third, and two upper ones in the bits that
/// those words have left.
static PieceScale loadSixBits(KernelBuilder &b, const BlockPlace &place) {
  Values head = place.words(b, 0, 4);
  Value group = b.div(place.piece, 2), isFirst = b.less(group, b.index(4));
  Value shift = toWord(b, b.mul(b.rem(group, 4), 8));
  Value low = bits(b, head[1], shift, 0xff), high = bits(b, head[2], shift, 0xff),
        both = bits(b, head[3], shift, 0xff);
  auto upper = [&](Value byte) { return b.both(shiftRight(b, byte, b.i32(2)), b.i32(0x30)); };
  auto pick = [&](Value first, Value other) {
    return toF32(b, b.select(isFirst, b.both(first, b.i32(63)), bitwiseOr(b, other, upper(first))));
  };
  Value scale = pick(low, b.both(both, b.i32(15)));
  Value minimum = pick(high, shiftRight(b, both, b.i32(4)));
  auto [d, dmin] = b.widenF16(head[0]);
  Value negative = b.subf(b.f32(0), dmin);
  return {b.mulf(d, scale), b.mulf(negative, minimum)};
}

static Values loadQ4K(KernelBuilder &b, const BlockPlace &place) {
  GroupOfPiece at(b, place.piece);
  return nibbles(b, place.words(b, 16, kWords, at.bytes(b)), at.isHigh(b));
}

static Values loadQ5K(KernelBuilder &b, const BlockPlace &place) {
  GroupOfPiece at(b, place.piece);
  Values words = nibbles(b, place.words(b, 48, kWords, at.bytes(b)), at.isHigh(b));
  Values fifths = place.words(b, 16, kWords, b.mul(at.half, kPiece));
  for (auto [word, fifth] : llvm::zip(words, fifths)) {
    Value own = bits(b, fifth, toWord(b, at.group), 0x01010101);
    word = bitwiseOr(b, word, shiftLeft(b, own, 4));
  }
  return words;
}

//===----------------------------------------------------------------------===//
// Q6_K: 256 weights in 16 groups, scales of 8 bits
//===----------------------------------------------------------------------===//

/// Each half of a block: 4 times 32 weights share 64 bytes of low bits and 32 of two upper ones.
static Values loadQ6K(KernelBuilder &b, const BlockPlace &place) {
  Value half = b.div(place.piece, 8), quarter = b.div(b.rem(place.piece, 8), 2),
        within = b.mul(b.rem(place.piece, 2), kPiece);
  Value low = b.add(b.add(b.mul(half, 64), b.mul(b.rem(quarter, 2), 32)), within);
  Values words = nibbles(b, place.words(b, 0, kWords, low), b.div(quarter, 2));
  Values uppers = place.words(b, 128, kWords, b.add(b.mul(half, 32), within));
  Value shift = toWord(b, b.mul(quarter, 2));
  for (auto [word, upper] : llvm::zip(words, uppers))
    word = bitwiseOr(b, word, shiftLeft(b, bits(b, upper, shift, 0x03030303), 4));
  return words;
}

static PieceScale loadQ6KScale(KernelBuilder &b, const BlockPlace &place) {
  Value at = b.add(place.first, b.add(place.piece, 192));
  Value scale =
      arith::ExtSIOp::create(b, b.getI32Type(), b.loadInteger(b.getI8Type(), place.bytes, at));
  return {b.mulf(place.half(b, 208), toF32(b, scale)), Value()};
}

//===----------------------------------------------------------------------===//
// IQ4_NL and IQ4_XS: four bits stand for numbers of a table
//===----------------------------------------------------------------------===//

/// The table, 128 added to each number, four to a word.
static constexpr uint32_t kIQ4[] = {0x3f2d1801, 0x766a5d4f, 0xa6998d81, 0xf1d9c5b5};

/// The number of the table that the lowest four bits of `word` >> shift stand for.
static Value lookUp(KernelBuilder &b, Value word, int64_t shift) {
  Value index = bits(b, word, b.i32(shift), 15);
  auto isSet = [&](int64_t bit) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, b.both(index, b.i32(bit)), b.i32(0));
  };
  Value second = isSet(4);
  Value low = b.select(second, b.i32(kIQ4[1]), b.i32(kIQ4[0]));
  Value high = b.select(second, b.i32(kIQ4[3]), b.i32(kIQ4[2]));
  Value four = b.select(isSet(8), high, low);
  return bits(b, four, shiftLeft(b, b.both(index, b.i32(3)), 3), 0xff);
}

static Values lookUpAll(KernelBuilder &b, Values words) {
  for (Value &word : words) {
    Value numbers = lookUp(b, word, 0);
    for (int64_t shift = 8; shift != 32; shift += 8)
      numbers = bitwiseOr(b, numbers, shiftLeft(b, lookUp(b, word, shift), shift));
    word = numbers;
  }
  return words;
}

static Values loadIQ4NL(KernelBuilder &b, const BlockPlace &place) {
  return lookUpAll(b, loadNibbles<2>(b, place));
}

static Values loadIQ4XS(KernelBuilder &b, const BlockPlace &place) {
  GroupOfPiece at(b, place.piece);
  return lookUpAll(b, nibbles(b, place.words(b, 8, kWords, b.mul(at.group, kPiece)), at.half));
}

/// Of 6 bits less 32: four in a nibble, and two in a word for all.
static PieceScale loadIQ4XSScale(KernelBuilder &b, const BlockPlace &place) {
  Values head = place.words(b, 0, 2);
  Value group = b.div(place.piece, 2);
  Value low = bits(b, head[1], toWord(b, b.mul(group, 4)), 15);
  Value high = bits(b, shiftRight(b, head[0], b.i32(16)), toWord(b, b.mul(group, 2)), 3);
  Value scale = b.sub(bitwiseOr(b, low, shiftLeft(b, high, 4)), b.i32(32));
  return {b.mulf(place.half(b, 0), toF32(b, scale)), Value()};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

namespace {
/// How a format is decoded.
struct PieceDecoder {
  Format format;
  int64_t zero; ///< what the bytes are too large by
  bool hasOffsets;
  Values (*loadNumbers)(KernelBuilder &b, const BlockPlace &place);
  PieceScale (*loadScale)(KernelBuilder &b, const BlockPlace &place);
};
} // namespace

// clang-format off
static constexpr PieceDecoder kDecoders[] = {
    {Format::I8,    0,   false, nullptr,        nullptr}, // not in blocks, as those behind the last
    {Format::Q8_0,  128, false, loadBytes,      loadD},
    {Format::Q4_0,  8,   false, loadNibbles<2>, loadD},
    {Format::Q4_1,  0,   true,  loadNibbles<4>, loadDAndM},
    {Format::Q5_0,  16,  false, loadFives<6>,   loadD},
    {Format::Q5_1,  0,   true,  loadFives<8>,   loadDAndM},
    {Format::Q4K,   0,   true,  loadQ4K,        loadSixBits},
    {Format::Q5K,   0,   true,  loadQ5K,        loadSixBits},
    {Format::Q6K,   32,  false, loadQ6K,        loadQ6KScale},
    {Format::IQ4NL, 128, false, loadIQ4NL,      loadD},
    {Format::IQ4XS, 128, false, loadIQ4XS,      loadIQ4XSScale},
};
// clang-format on

/// The table is in the order of the enumeration.
static const PieceDecoder &decoderOf(Format format) {
  return kDecoders[static_cast<size_t>(format)];
}

bool strata::nvptx::hasOffsets(Format format) { return decoderOf(format).hasOffsets; }

/// The bytes of words as f32, less `zero`. 2^23 and a byte in its last bits is their sum, so no
/// conversion is needed, which a GPU makes four times slower than anything else here.
static Values toNumbers(KernelBuilder &b, ValueRange words, int64_t zero) {
  Value large = b.f32(0x1p23 + double(zero));
  Values numbers;
  for (Value word : words)
    for (int64_t shift = 0; shift != 32; shift += 8) {
      Value bytes = bitwiseOr(b, bits(b, word, b.i32(shift), 0xff), b.i32(0x4b000000));
      numbers.push_back(b.subf(arith::BitcastOp::create(b, b.getF32Type(), bytes), large));
    }
  return numbers;
}

Piece strata::nvptx::loadPiece(KernelBuilder &b, Format format, Value bytes, Value first,
                               Value piece) {
  const PieceDecoder &decoder = decoderOf(format);
  int64_t blockPieces = factsOf(format).blockWeights / kPiece,
          blockBytes = bytesOf(format, factsOf(format).blockWeights);
  Value block = b.add(first, b.mul(b.div(piece, blockPieces), blockBytes));
  BlockPlace place{bytes, block, blockBytes, b.rem(piece, blockPieces)};
  PieceScale scale = decoder.loadScale(b, place);
  return {toNumbers(b, decoder.loadNumbers(b, place), decoder.zero), scale.scale, scale.offset};
}

Value Piece::weight(KernelBuilder &b, int64_t i) const {
  Value scaled = b.mulf(numbers[i], scale);
  return offset ? b.addf(scaled, offset) : scaled;
}

Values Piece::pairs(KernelBuilder &b) const {
  Values result;
  for (int64_t i = 0; i != kPiece; i += 2)
    result.push_back(b.pairs(weight(b, i), weight(b, i + 1)));
  return result;
}
