//===- Checked.h - arithmetic on sizes that cannot wrap ---------*- C++ -*-===//
//
// Sizes and offsets read from files go through this type: an overflow is remembered through the
// rest of the expression and found once, at the end.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace strata {

/// An unsigned 64-bit number, or "it did not fit". Sums and products of such are the same.
///
///     std::optional<uint64_t> end = (Checked(rows) * columns * 2 + offset).value();
class Checked {
public:
  constexpr Checked(uint64_t value) : number(value) {}

  /// The number; empty if any step so far did not fit into 64 bits.
  constexpr std::optional<uint64_t> value() const {
    return fits ? std::optional<uint64_t>(number) : std::nullopt;
  }

  /// Whether it fits and is no larger than `limit`.
  constexpr bool atMost(uint64_t limit) const { return fits && number <= limit; }

  friend constexpr Checked operator+(Checked a, Checked b) {
    Checked sum(0);
    sum.fits = !__builtin_add_overflow(a.number, b.number, &sum.number) && a.fits && b.fits;
    return sum;
  }

  /// Zero times something that did not fit still does not fit.
  friend constexpr Checked operator*(Checked a, Checked b) {
    Checked product(0);
    product.fits = !__builtin_mul_overflow(a.number, b.number, &product.number) && a.fits && b.fits;
    return product;
  }

private:
  uint64_t number;
  bool fits = true;
};

/// The number of elements of a tensor; 1 for rank 0.
constexpr Checked checkedProduct(std::span<const uint64_t> shape) {
  Checked product(1);
  for (uint64_t dimension : shape)
    product = product * dimension;
  return product;
}

} // namespace strata
