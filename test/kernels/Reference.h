//===- Reference.h - what a kernel may compute, in f64 ----------*- C++ -*-===//
//
// Interval arithmetic: a value, and how far a right kernel's may be from it. What a kernel does in
// f32 widens the interval by the rounding errors that it may make, whatever the order of its sums;
// where it rounds to bf16 both ends are rounded, so that the interval becomes a single number
// unless a tie is within reach. So the tolerance is not a guess: for y = x . w of n features before
// rounding it is n * 2^-24 * sum |x_i w_i|, and after rounding at most one bf16 number more.
//
// For small integers f32 is exact: with unit = 0 only the right number is accepted.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace strata::test {

struct Bounded {
  double value = 0, error = 0;
};
using Row = std::vector<Bounded>;

/// The nearest bf16, ties to even; below the least normal f32 it is 0.
double toBf16(double value);

/// The nearest number of a type as MLIR spells it: bf16, f16 or f32.
double toType(double value, const std::string &type);

/// Numbers, row-major.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> values;
  std::vector<float> magnitudes; // of values that are sums: those of both summands; or empty
  std::vector<std::byte> stored; // how it is stored, where that does not follow from the values

  Matrix() = default;
  Matrix(int64_t rows, int64_t columns)
      : rows(rows), columns(columns), values(size_t(rows * columns)) {}
  float &at(int64_t row, int64_t column) { return values[size_t(row * columns + column)]; }
  std::span<const float> row(int64_t index) const {
    return std::span(values).subspan(size_t(index * columns), size_t(columns));
  }
};

class Reference {
public:
  /// Relative error of an operation in f32.
  explicit Reference(bool exact) : unit(exact ? 0 : 0x1p-24) {}

  /// The clauses, f32 unless they say otherwise.
  Row products(const Row &x, const Matrix &weight) const;
  /// `offset` is added to gamma.
  Row norm(const Row &x, std::span<const float> gamma, double offset, std::span<const float> beta,
           double eps) const;
  /// Rounded to 8 bits, in groups of so many features: what decoder.linear says of i8 weights.
  Row toBytes(const Row &x, int64_t group) const;
  /// Numbers whose products with weights may be those of both rounded to bf16.
  Row orProductsOfBf16(Row x) const;
  Row squaredRelu(const Row &x) const;
  Row add(const Row &x, const Row &y) const;
  /// Each head of `headDim` features. Frequencies and angles are f32, as the dialect says.
  Row rope(const Row &x, int64_t headDim, int64_t dims, float theta, int64_t position) const;

  /// One head: softmax(query . keys / sqrt(head_dim)) values. With `bf16Weights` the softmax may
  /// be rounded to bf16 before it is multiplied with the values.
  Row attend(std::span<const Bounded> query, const std::vector<std::span<const Bounded>> &keys,
             const std::vector<std::span<const Bounded>> &values, bool bf16Weights) const;

  static Row round(Row row);

private:
  double unit;
};

Row toRow(std::span<const float> values);

} // namespace strata::test
