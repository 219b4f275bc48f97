//===- Blocks.cpp - quantized weights of GGUF as numbers ------------------===//
//
// Compiled without contraction of products and sums, which would round once instead of twice.
//
//===----------------------------------------------------------------------===//
#include "runtime/checkpoint/Blocks.h"

#include "runtime/base/SmallFloats.h"

#include <cstring>

namespace strata {
namespace {

using Bytes = const uint8_t *;
using Decode = void (*)(Bytes block, float *to);

float f16At(Bytes at) {
  uint16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return fromF16(bits);
}

//===----------------------------------------------------------------------===//
// Blocks of 32
//===----------------------------------------------------------------------===//

constexpr int kWeights = 32;

/// Of 16 bytes, the low halves are the first 16 numbers, the high halves the others.
int nibble(Bytes bytes, int i) { return i < 16 ? bytes[i] & 15 : bytes[i - 16] >> 4; }

/// Number `i` with bit `i` of `high` for its fifth bit.
int fiveBits(Bytes nibbles, Bytes high, int i) {
  return nibble(nibbles, i) | (high[i / 8] >> i % 8 & 1) << 4;
}

/// f16 d | i8 q[32]: d q
void decodeQ8_0(Bytes block, float *to) {
  const float d = f16At(block);
  for (int i = 0; i < kWeights; ++i)
    to[i] = d * float(int8_t(block[2 + i]));
}

/// f16 d | 16 bytes of nibbles q: d (q - 8)
void decodeQ4_0(Bytes block, float *to) {
  const float d = f16At(block);
  for (int i = 0; i < kWeights; ++i)
    to[i] = d * float(nibble(block + 2, i) - 8);
}

/// f16 d | f16 m | 16 bytes of nibbles q: d q + m
void decodeQ4_1(Bytes block, float *to) {
  const float d = f16At(block), m = f16At(block + 2);
  for (int i = 0; i < kWeights; ++i)
    to[i] = d * float(nibble(block + 4, i)) + m;
}

/// f16 d | 4 bytes of fifth bits | 16 bytes of nibbles: d (q - 16)
void decodeQ5_0(Bytes block, float *to) {
  const float d = f16At(block);
  for (int i = 0; i < kWeights; ++i)
    to[i] = d * float(fiveBits(block + 6, block + 2, i) - 16);
}

/// f16 d | f16 m | 4 bytes of fifth bits | 16 bytes of nibbles: d q + m
void decodeQ5_1(Bytes block, float *to) {
  const float d = f16At(block), m = f16At(block + 2);
  for (int i = 0; i < kWeights; ++i)
    to[i] = d * float(fiveBits(block + 8, block + 4, i)) + m;
}

/// What the nibbles of IQ4_NL and IQ4_XS stand for.
constexpr float kNonLinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

/// f16 d | 16 bytes of nibbles q: d kNonLinear[q]
void decodeIQ4_NL(Bytes block, float *to) {
  const float d = f16At(block);
  for (int i = 0; i < kWeights; ++i)
    to[i] = d * kNonLinear[nibble(block + 2, i)];
}

//===----------------------------------------------------------------------===//
// Blocks of 256, with scales of their own for groups of them
//===----------------------------------------------------------------------===//

constexpr int kGroups = 8; // of 32

/// Whole numbers of 6 bits.
struct GroupScale {
  int scale, minimum;
};

/// Of 12 bytes, the first 8 hold the scales and minima of four groups, and in their upper two bits
/// those of the others, whose lower four bits are in the last 4.
GroupScale groupScale(Bytes packed, int group) {
  if (group < 4)
    return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4,
          (packed[group + 4] >> 4) | (packed[group] >> 6) << 4};
}

/// f16 d | f16 dmin | groupScale()'s 12 bytes | 128 bytes of nibbles q: d S q - dmin M. Of 32
/// bytes, the low halves are one group, the high halves the next. Bit g of `high`[i], if there are
/// such, is the fifth bit of number i in group g.
void decodeGroups(Bytes block, Bytes high, Bytes nibbles, float *to) {
  const float d = f16At(block), dmin = f16At(block + 2);
  for (int g = 0; g < kGroups; ++g) {
    const GroupScale own = groupScale(block + 4, g);
    const float scale = d * float(own.scale), minimum = dmin * float(own.minimum);
    for (int i = 0; i < 32; ++i) {
      int q = nibbles[32 * (g / 2) + i] >> 4 * (g % 2) & 15;
      if (high)
        q |= (high[i] >> g & 1) << 4;
      to[32 * g + i] = scale * float(q) - minimum;
    }
  }
}

void decodeQ4_K(Bytes block, float *to) { decodeGroups(block, nullptr, block + 16, to); }

/// With 32 bytes of fifth bits in front of the nibbles.
void decodeQ5_K(Bytes block, float *to) { decodeGroups(block, block + 16, block + 48, to); }

/// 128 bytes of nibbles | 64 bytes of upper two bits | i8 scale[16] | f16 d: d scale (q - 32), a
/// scale for 16. Of 128 weights, 64 bytes of nibbles hold four times 32: the low halves two of
/// them, the high halves the others; byte i of 32 holds the upper bits of number i in each.
void decodeQ6_K(Bytes block, float *to) {
  const Bytes scales = block + 192;
  const float d = f16At(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, part = i % 128 / 32, inPart = i % 32;
    const int low = block[64 * half + 32 * (part % 2) + inPart] >> 4 * (part / 2) & 15;
    const int high = block[128 + 32 * half + inPart] >> 2 * part & 3;
    to[i] = d * float(int8_t(scales[i / 16])) * float((low | high << 4) - 32);
  }
}

/// f16 d | u16 of upper two bits | 4 bytes of lower halves of scales | 128 bytes of nibbles q, a
/// group in 16 as in blocks of 32: d (scale - 32) kNonLinear[q]
void decodeIQ4_XS(Bytes block, float *to) {
  const float d = f16At(block);
  for (int g = 0; g < kGroups; ++g) {
    const int high = block[2 + g / 4] >> 2 * (g % 4) & 3,
              low = block[4 + g / 2] >> 4 * (g % 2) & 15;
    const float scale = d * float((low | high << 4) - 32);
    for (int i = 0; i < 32; ++i)
      to[32 * g + i] = scale * kNonLinear[nibble(block + 8 + 16 * g, i)];
  }
}

/// In the order of DType, from q8_0 on.
constexpr Decode kDecoders[] = {decodeQ8_0, decodeQ4_0, decodeQ4_1, decodeQ5_0,   decodeQ5_1,
                                decodeQ4_K, decodeQ5_K, decodeQ6_K, decodeIQ4_NL, decodeIQ4_XS};

} // namespace

void decodeBlocks(DType dtype, std::span<const std::byte> blocks, std::span<float> to) {
  const BlockSize size = blockSize(dtype);
  const Decode decode = kDecoders[size_t(dtype) - size_t(DType::q8_0)];
  auto from = reinterpret_cast<Bytes>(blocks.data());
  for (size_t i = 0; i < to.size(); i += size.elements, from += size.bytes)
    decode(from, &to[i]);
}

} // namespace strata
