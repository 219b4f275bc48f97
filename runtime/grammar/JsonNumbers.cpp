//===- JsonNumbers.cpp - ranges of numbers as expressions -----------------===//

#include "runtime/grammar/JsonRules.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace strata::grammar {
namespace {

constexpr int64_t kMostWhole = 999'999'999'999'999'999; // 18 digits
constexpr uint32_t kFractionDigits = 17;

/// A bound that is not negative, or none.
struct Decimal {
  int64_t whole = kMostWhole;
  std::string fraction = {}; // without zeros at its end
  bool isExcluded = false;
};

Decimal decimalOf(const NumberBound &bound) {
  if (bound.value > double(kMostWhole))
    return {};
  std::array<char, 512> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bound.value,
                                 std::chars_format::fixed)
                       .ptr;
  const std::string text(digits.data(), end);
  const size_t point = std::min(text.find('.'), text.size());
  Decimal result{std::stoll(text.substr(0, point)), text.substr(std::min(point + 1, text.size())),
                 bound.isExcluded};
  result.fraction.erase(result.fraction.find_last_not_of('0') + 1);
  return result;
}

/// Decimals that are not negative, spelled without an exponent.
class Decimals {
public:
  explicit Decimals(Grammar &grammar) : grammar(grammar) {}

  Expression wholes(int64_t least, int64_t most);
  absl::StatusOr<Expression> between(const Decimal &least, const Decimal &most);

private:
  Expression sameLength(std::string_view least, std::string_view most);
  Expression digit(char first, char last) {
    return first > last ? grammar.never() : grammar.characters({{char32_t(first), char32_t(last)}});
  }
  Expression digits(uint32_t least) {
    return grammar.repeat(digit('0', '9'), {least, kFractionDigits});
  }
  Expression notZero();
  Expression atLeast(std::string_view fraction, bool isExcluded);
  Expression atMost(std::string_view fraction, bool isExcluded);
  Expression fractionFrom(const Decimal &least);
  Expression fractionTo(const Decimal &most);
  Expression anyFraction() {
    return grammar.optional(grammar.sequence({grammar.bytes("."), digits(1)}));
  }

  Grammar &grammar;
};

Expression Decimals::sameLength(std::string_view least, std::string_view most) {
  if (least.empty())
    return grammar.empty();
  const auto length = uint32_t(least.size() - 1);
  const std::string zeros(length, '0'), nines(length, '9');
  const std::string_view lowRest = least.substr(1), highRest = most.substr(1);
  if (lowRest == zeros && highRest == nines)
    return grammar.sequence(
        {digit(least[0], most[0]), grammar.repeat(digit('0', '9'), {length, length})});
  if (least[0] == most[0])
    return grammar.sequence({digit(least[0], least[0]), sameLength(lowRest, highRest)});
  return grammar.choice({grammar.sequence({digit(least[0], least[0]), sameLength(lowRest, nines)}),
                         grammar.sequence({digit(char(least[0] + 1), char(most[0] - 1)),
                                           grammar.repeat(digit('0', '9'), {length, length})}),
                         grammar.sequence({digit(most[0], most[0]), sameLength(zeros, highRest)})});
}

Expression Decimals::wholes(int64_t least, int64_t most) {
  std::vector<Expression> parts;
  for (int64_t first = 0, last = 9;; first = last + 1, last = last * 10 + 9) { // as many digits
    const int64_t from = std::max(first, least), to = std::min(last, most);
    if (from <= to)
      parts.push_back(sameLength(std::to_string(from), std::to_string(to)));
    if (last >= most || last == kMostWhole)
      break;
  }
  return grammar.choice(std::move(parts));
}

/// Digits that are not all zero.
Expression Decimals::notZero() {
  return grammar.sequence(
      {grammar.repeat(grammar.bytes("0"), {0, kFractionDigits}), digit('1', '9'), digits(0)});
}

/// Digits of a fraction that is not smaller, or is larger.
Expression Decimals::atLeast(std::string_view fraction, bool isExcluded) {
  if (fraction.empty())
    return isExcluded ? notZero() : digits(0);
  return grammar.choice({grammar.sequence({digit(char(fraction[0] + 1), '9'), digits(0)}),
                         grammar.sequence({digit(fraction[0], fraction[0]),
                                           atLeast(fraction.substr(1), isExcluded)})});
}

/// Digits of a fraction that is not larger, or is smaller.
Expression Decimals::atMost(std::string_view fraction, bool isExcluded) {
  if (fraction.empty())
    return isExcluded ? grammar.never() : grammar.repeat(grammar.bytes("0"), {0, kFractionDigits});
  return grammar.choice({grammar.empty(),
                         grammar.sequence({digit('0', char(fraction[0] - 1)), digits(0)}),
                         grammar.sequence({digit(fraction[0], fraction[0]),
                                           atMost(fraction.substr(1), isExcluded)})});
}

Expression Decimals::fractionFrom(const Decimal &least) {
  if (least.fraction.empty() && !least.isExcluded)
    return anyFraction();
  return grammar.sequence({grammar.bytes("."), atLeast(least.fraction, least.isExcluded)});
}

Expression Decimals::fractionTo(const Decimal &most) {
  const bool isZero = most.fraction.empty();
  if (isZero && most.isExcluded)
    return grammar.never();
  if (isZero)
    return grammar.optional(grammar.sequence(
        {grammar.bytes("."), grammar.repeat(grammar.bytes("0"), {1, kFractionDigits})}));
  // Of a point at least one digit follows.
  return grammar.optional(grammar.sequence(
      {grammar.bytes("."),
       grammar.choice({grammar.sequence({digit('0', char(most.fraction[0] - 1)), digits(0)}),
                       grammar.sequence({digit(most.fraction[0], most.fraction[0]),
                                         atMost(std::string_view(most.fraction).substr(1),
                                                most.isExcluded)})})}));
}

absl::StatusOr<Expression> Decimals::between(const Decimal &least, const Decimal &most) {
  const auto whole = [&](int64_t value) { return grammar.bytes(std::to_string(value)); };
  if (least.whole > most.whole)
    return grammar.never();
  if (least.whole < most.whole)
    return grammar.choice(
        {grammar.sequence({whole(least.whole), fractionFrom(least)}),
         grammar.sequence({wholes(least.whole + 1, most.whole - 1), anyFraction()}),
         grammar.sequence({whole(most.whole), fractionTo(most)})});
  if (least.fraction.empty() && !least.isExcluded)
    return grammar.sequence({whole(most.whole), fractionTo(most)});
  if (least.fraction == most.fraction && !least.isExcluded && !most.isExcluded)
    return grammar.sequence({whole(least.whole), grammar.bytes("." + least.fraction)});
  if (least.fraction >= most.fraction)
    return grammar.never();
  return absl::InvalidArgumentError(
      "numbers between two bounds with the same whole part are not supported");
}

NumberBound negative(const NumberBound &bound) { return {-bound.value, bound.isExcluded}; }

/// The largest whole number that is not above the bound.
int64_t lastWhole(const std::optional<NumberBound> &bound) {
  if (!bound || bound->value > double(kMostWhole))
    return kMostWhole;
  if (bound->value < -double(kMostWhole))
    return -kMostWhole - 1;
  const double whole = std::floor(bound->value);
  return int64_t(whole) - (bound->isExcluded && whole == bound->value);
}

} // namespace

Expression JsonRules::integer(const NumberBounds &bounds) {
  const int64_t most = lastWhole(bounds.most);
  const int64_t least =
      -lastWhole(bounds.least ? std::optional(negative(*bounds.least)) : std::nullopt);
  Decimals decimals(grammar);
  return grammar.choice({decimals.wholes(std::max<int64_t>(least, 0), most),
                         grammar.sequence({grammar.bytes("-"),
                                           decimals.wholes(std::max<int64_t>(-most, 1), -least)})});
}

absl::StatusOr<Expression> JsonRules::number(const NumberBounds &bounds) {
  Decimals decimals(grammar);
  Expression above = grammar.never(), below = grammar.never();
  if (!bounds.most || bounds.most->value >= 0) {
    const NumberBound zero = {0, false};
    const bool fromZero = !bounds.least || bounds.least->value < 0;
    STRATA_ASSIGN(above, decimals.between(decimalOf(fromZero ? zero : *bounds.least),
                                          bounds.most ? decimalOf(*bounds.most) : Decimal{}));
  }
  if (!bounds.least || bounds.least->value < 0) {
    const bool allowsZero = !bounds.most || bounds.most->value > 0 || !bounds.most->isExcluded;
    const NumberBound zero = {0, !allowsZero}; // "-0" is one
    const bool toZero = !bounds.most || bounds.most->value >= 0;
    STRATA_ASSIGN(below,
                  decimals.between(decimalOf(toZero ? zero : negative(*bounds.most)),
                                   bounds.least ? decimalOf(negative(*bounds.least)) : Decimal{}));
  }
  return grammar.choice({above, grammar.sequence({grammar.bytes("-"), below})});
}

} // namespace strata::grammar
