//===- RandomBlocks.cpp ---------------------------------------------------===//

#include "test/kernels/RandomBlocks.h"

#include "runtime/checkpoint/Blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace strata::test {
namespace {

/// What random blocks need to know of a format.
struct Layout {
  const char *name;
  size_t weights, bytes;
  size_t scale;     // where d is
  int offset = -1;  // where m or dmin is; -1: there is none
  double deviation; // of weights where d is 1 and m or dmin is `ratio`
  double ratio = 0;
};

constexpr Layout kLayouts[] = {
    {"q8_0", 32, 34, 0, -1, 74},       {"q4_0", 32, 18, 0, -1, 4.6},
    {"q4_1", 32, 20, 0, 2, 4.6, 7.5},  {"q5_0", 32, 22, 0, -1, 9.2},
    {"q5_1", 32, 24, 0, 2, 9.2, 15.5}, {"q4_k", 256, 144, 0, 2, 300, 7.5},
    {"q5_k", 256, 176, 0, 2, 600, 15}, {"q6_k", 256, 210, 208, -1, 1365},
    {"iq4_nl", 32, 18, 0, -1, 74},     {"iq4_xs", 256, 136, 0, -1, 1370},
};

void putHalf(double value, std::byte *to) {
  auto half = static_cast<_Float16>(value);
  std::memcpy(to, &half, sizeof half);
}

double deviationOf(const Matrix &matrix) {
  double squares = 0;
  for (float value : matrix.values)
    squares += double(value) * value;
  return std::sqrt(squares / double(matrix.values.size()));
}

/// Of each weight, how large what is scaled and what is added are together.
void addMagnitudes(Matrix &matrix, DType dtype, const Layout &layout) {
  std::vector<std::byte> zeros = matrix.stored;
  for (size_t block = 0; block != zeros.size(); block += layout.bytes)
    std::fill_n(&zeros[block + layout.scale], 2, std::byte{});
  std::vector<float> offsets(matrix.values.size());
  decodeBlocks(dtype, zeros, offsets);
  for (size_t i = 0; i != offsets.size(); ++i)
    matrix.magnitudes.push_back(std::fabs(matrix.values[i] - offsets[i]) + std::fabs(offsets[i]));
}

} // namespace

Matrix randomBlocks(const std::string &format, const Matrix &like, std::mt19937_64 &generator) {
  const Layout &layout = *std::ranges::find(kLayouts, format, &Layout::name);
  const DType dtype = *dtypeNamed(format);
  Matrix matrix(like.rows, like.columns);
  EXPECT_EQ(size_t(like.columns) % layout.weights, 0u);
  matrix.stored.resize(matrix.values.size() / layout.weights * layout.bytes);
  for (std::byte &byte : matrix.stored)
    byte = std::byte(generator());
  const double scale = deviationOf(like) / layout.deviation;
  for (size_t block = 0; block != matrix.stored.size(); block += layout.bytes) {
    const double d = scale * (0.5 + double(generator() % 1024) / 1024) * (generator() % 2 ? 1 : -1);
    putHalf(d, &matrix.stored[block + layout.scale]);
    // What Q4_1 adds has the sign against that of d, what Q4_K subtracts has its own.
    if (layout.offset >= 0)
      putHalf(layout.weights == 32 ? -d * layout.ratio : d * layout.ratio,
              &matrix.stored[block + size_t(layout.offset)]);
  }
  decodeBlocks(dtype, matrix.stored, matrix.values);
  if (layout.offset >= 0)
    addMagnitudes(matrix, dtype, layout);
  return matrix;
}

} // namespace strata::test
