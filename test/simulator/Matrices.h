//===- Matrices.h - inputs and references of products -----------*- C++ -*-===//
#pragma once

#include "runtime/simulator/Bf16.h"

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace strata::test {

using simulator::fromBf16;
using simulator::toBf16;

/// Small integers, whose products are exact in any order, or normals.
inline std::vector<uint16_t> randomBf16(size_t count, bool integers, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<uint16_t> values(count);
  for (uint16_t &value : values)
    value = toBf16(integers ? float(int(random() % 7) - 3) : normal(random));
  return values;
}

/// How c = a b^T (rows x columns, depth; all bf16) differs from the product in double; empty if it
/// does not. Integers must be equal; else the error may be `tolerance` of the sum of |products|.
inline std::string compareProduct(const std::vector<uint16_t> &a, const std::vector<uint16_t> &b,
                                  const std::vector<uint16_t> &c, size_t rows, size_t columns,
                                  size_t depth, bool integers, double tolerance = 4e-3) {
  size_t wrong = 0;
  std::string first;
  for (size_t i = 0; i != rows; ++i)
    for (size_t j = 0; j != columns; ++j) {
      double sum = 0, magnitude = 0;
      for (size_t k = 0; k != depth; ++k) {
        double product = double(fromBf16(a[i * depth + k])) * fromBf16(b[j * depth + k]);
        sum += product;
        magnitude += std::fabs(product);
      }
      float result = fromBf16(c[i * columns + j]);
      bool right = integers ? result == fromBf16(toBf16(float(sum)))
                            : std::fabs(result - sum) <= tolerance * magnitude;
      if (!right && !wrong++)
        first = "element (" + std::to_string(i) + ", " + std::to_string(j) + ") is " +
                std::to_string(result) + ", not " + std::to_string(sum);
    }
  return wrong ? std::to_string(wrong) + " wrong: " + first : "";
}

} // namespace strata::test
