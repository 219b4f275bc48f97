//===- BlocksTest.cpp - quantized weights of GGUF as numbers --------------===//

#include "runtime/checkpoint/Blocks.h"

#include <gtest/gtest.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <utility>

using namespace strata;

namespace {

constexpr uint16_t kQuarter = 0x3400, kHalf = 0x3800, kOne = 0x3c00, kTwo = 0x4000; // f16
constexpr uint16_t kMinusOne = 0xbc00, kNaN = 0x7e00, kTiny = 0x0001;               // 2^-24

/// A block of zeros, to be filled.
class TestBlock {
public:
  explicit TestBlock(DType dtype) : dtype(dtype), bytes(blockSize(dtype).bytes) {}

  TestBlock &half(size_t at, uint16_t bits) {
    return byte(at, bits & 0xff).byte(at + 1, bits >> 8);
  }
  TestBlock &byte(size_t at, int value) {
    bytes.at(at) = std::byte(value);
    return *this;
  }
  float weight(size_t index) const {
    std::vector<float> weights(blockSize(dtype).elements);
    decodeBlocks(dtype, bytes, weights);
    return weights.at(index);
  }

private:
  DType dtype;
  std::vector<std::byte> bytes;
};

//===----------------------------------------------------------------------===//
// By hand
//===----------------------------------------------------------------------===//

TEST(Blocks, Q8_0IsAScaleAndBytes) {
  TestBlock block(DType::q8_0);
  block.half(0, kHalf).byte(2, 3).byte(33, 0x80);
  EXPECT_EQ(block.weight(0), 0.5f * 3);
  EXPECT_EQ(block.weight(31), 0.5f * -128);
}

TEST(Blocks, Q4_0HasWeights0And16InAByte) {
  TestBlock block(DType::q4_0);
  block.half(0, kTwo).byte(2, 0x9f);
  EXPECT_EQ(block.weight(0), 2 * (15 - 8));
  EXPECT_EQ(block.weight(16), 2 * (9 - 8));
  EXPECT_EQ(block.weight(31), 2 * (0 - 8));
}

TEST(Blocks, Q4_1HasAMinimumToAdd) {
  TestBlock block(DType::q4_1);
  block.half(0, kTwo).half(2, kMinusOne).byte(4 + 1, 0x31);
  EXPECT_EQ(block.weight(1), 2 * 1 - 1);
  EXPECT_EQ(block.weight(17), 2 * 3 - 1);
}

TEST(Blocks, Q5_0HasTheFifthBitsInFourBytes) {
  TestBlock block(DType::q5_0);
  block.half(0, kOne).byte(2, 1 << 0).byte(4, 1 << 1); // of weights 0 and 17
  block.byte(6, 0x21);
  EXPECT_EQ(block.weight(0), 16 + 1 - 16);
  EXPECT_EQ(block.weight(16), 2 - 16);
  EXPECT_EQ(block.weight(17), 16 + 0 - 16);
}

TEST(Blocks, Q5_1HasBoth) {
  TestBlock block(DType::q5_1);
  block.half(0, kTwo).half(2, kMinusOne).byte(4, 1 << 0).byte(8, 0x21);
  EXPECT_EQ(block.weight(0), 2 * (16 + 1) - 1);
  EXPECT_EQ(block.weight(16), 2 * 2 - 1);
}

TEST(Blocks, IQ4_NLHasATableOfValues) {
  TestBlock block(DType::iq4_nl);
  block.half(0, kMinusOne).byte(2, 0xf0);
  EXPECT_EQ(block.weight(0), 127);
  EXPECT_EQ(block.weight(16), -113);
}

/// Scale 3 and minimum 4 of group 0; 53 = 0b110101 and 34 = 0b100010 of group 5, whose upper bits
/// are beside the numbers of group 1.
TestBlock withGroupScales(DType dtype) {
  TestBlock block(dtype);
  block.half(0, kOne).half(2, kHalf).byte(4 + 0, 3).byte(4 + 4, 4);
  return block.byte(4 + 1, 0b11 << 6).byte(4 + 5, 0b10 << 6).byte(4 + 9, 0b0010 << 4 | 0b0101);
}

TEST(Blocks, Q4_KHasScalesAndMinimaOf32) {
  TestBlock block = withGroupScales(DType::q4_k);
  block.byte(16, 0x07).byte(16 + 2 * 32 + 1, 0x90); // groups 0 and 1; groups 4 and 5
  EXPECT_EQ(block.weight(0), 3 * 7 - 0.5f * 4);
  EXPECT_EQ(block.weight(5 * 32 + 1), 53 * 9 - 0.5f * 34);
}

TEST(Blocks, Q5_KHasTheFifthBitsOfAllGroupsInAByte) {
  TestBlock block = withGroupScales(DType::q5_k);
  block.byte(16 + 1, 1 << 5).byte(48, 0x07).byte(48 + 2 * 32 + 1, 0x90);
  EXPECT_EQ(block.weight(0), 3 * 7 - 0.5f * 4);
  EXPECT_EQ(block.weight(5 * 32 + 1), 53 * (16 + 9) - 0.5f * 34);
}

TEST(Blocks, Q6_KHasAScaleOf16AndItsOwnScaleLast) {
  TestBlock block(DType::q6_k);
  block.half(208, kQuarter).byte(192, 0xfe).byte(192 + 15, 4);
  block.byte(0, 0x05).byte(128, 0b10);             // weight 0: 0b100101
  block.byte(127, 0x10).byte(128 + 63, 0b11 << 6); // weight 255: 0b110001
  EXPECT_EQ(block.weight(0), 0.25f * -2 * (37 - 32));
  EXPECT_EQ(block.weight(255), 0.25f * 4 * (49 - 32));
}

TEST(Blocks, IQ4_XSHasScalesOf32AndTheTable) {
  TestBlock block(DType::iq4_xs);
  block.half(0, kOne).byte(3, 0b01 << 4).byte(4 + 3, 0x02); // group 6: 0b010010
  block.byte(8 + 6 * 16, 0x08);
  EXPECT_EQ(block.weight(6 * 32), (18 - 32) * 1);
  EXPECT_EQ(block.weight(6 * 32 + 16), (18 - 32) * -127);
  EXPECT_EQ(block.weight(0), (0 - 32) * -127);
}

TEST(Blocks, EveryScaleIsANumberOrNot) {
  EXPECT_EQ(TestBlock(DType::q8_0).half(0, kTiny).byte(2, 2).weight(0), 0x1p-23f) << "subnormal";
  EXPECT_EQ(TestBlock(DType::q8_0).byte(2, 2).weight(0), 0) << "zero";
  EXPECT_TRUE(std::isnan(TestBlock(DType::q8_0).half(0, kNaN).byte(2, 2).weight(0)));
}

TEST(Blocks, FollowEachOther) {
  std::vector<std::byte> two(2 * 18);
  two[18 + 1] = std::byte(kTwo >> 8), two[18 + 2] = std::byte(0x9f);
  std::vector<float> weights(64);
  decodeBlocks(DType::q4_0, two, weights);
  EXPECT_EQ(weights[31], 0);
  EXPECT_EQ(weights[32], 14);
}

//===----------------------------------------------------------------------===//
// At random, against the package gguf: blocks.py has made blocks.txt
//===----------------------------------------------------------------------===//

constexpr int kBlocks = 100'000;

class SplitMix64 {
public:
  explicit SplitMix64(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

private:
  uint64_t state;
};

std::vector<std::byte> randomBlocks(DType dtype, uint64_t seed) {
  const BlockSize size = blockSize(dtype);
  std::vector<std::byte> bytes((kBlocks * size.bytes + 7) / 8 * 8);
  SplitMix64 words(seed);
  for (size_t i = 0; i < bytes.size(); i += 8) {
    const uint64_t word = words.next();
    std::memcpy(&bytes[i], &word, sizeof word);
  }
  bytes.resize(kBlocks * size.bytes);
  const bool hasMinimum =
      dtype == DType::q4_1 || dtype == DType::q5_1 || dtype == DType::q4_k || dtype == DType::q5_k;
  for (size_t block = 0; block < bytes.size(); block += size.bytes)
    for (size_t scale = 0; scale < (hasMinimum ? 2 : 1); ++scale) {
      std::byte &upper = bytes[block + (dtype == DType::q6_k ? 208 : 2 * scale) + 1];
      if ((upper & std::byte(0x7c)) == std::byte(0x7c)) // an infinity or NaN
        upper &= std::byte(0xbf);
    }
  return bytes;
}

uint64_t hashOfWeights(DType dtype, std::span<const std::byte> blocks) {
  const BlockSize size = blockSize(dtype);
  constexpr size_t kAtOnce = 500;
  std::vector<float> weights(kAtOnce * size.elements);
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  for (size_t i = 0; i < blocks.size(); i += kAtOnce * size.bytes) {
    decodeBlocks(dtype, blocks.subspan(i, kAtOnce * size.bytes), weights);
    XXH3_64bits_update(&state, weights.data(), weights.size() * sizeof(float));
  }
  return XXH3_64bits_digest(&state);
}

TEST(Blocks, RandomOnesAreGgufsBits) {
  std::ifstream file(STRATA_BLOCKS);
  std::string name;
  uint64_t seed, expected;
  int types = 0;
  for (; file >> name >> std::dec >> seed >> std::hex >> expected; ++types) {
    const DType dtype = dtypeNamed(name).value();
    EXPECT_EQ(hashOfWeights(dtype, randomBlocks(dtype, seed)), expected) << name;
  }
  EXPECT_EQ(types, 10);
}

} // namespace
