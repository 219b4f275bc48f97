//===- PythonNumbers.cpp - what Python takes for JSON's numbers -----------===//
#include "runtime/base/PythonNumbers.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace strata {
namespace {

bool isWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// One past the last digit from `at` on; npos if there is none.
size_t endOfDigits(std::string_view text, size_t at) {
  const size_t begin = at;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])))
    ++at;
  return at == begin ? std::string_view::npos : at;
}

/// Whether all of `text` is a number as JSON spells it: -1.5e+3, no 007, no ".5".
bool isNumber(std::string_view text) {
  size_t at = text.starts_with('-');
  const bool zero = text.substr(at).starts_with('0');
  at = zero ? at + 1 : endOfDigits(text, at);
  if (at < text.size() && text[at] == '.')
    at = endOfDigits(text, at + 1);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    at += at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-');
    at = endOfDigits(text, at + 1);
  }
  return at == text.size();
}

/// Whether a strict parser with 64 bits would refuse it.
bool isTooLarge(std::string_view number) {
  if (number.find_first_of(".eE") != std::string_view::npos)
    return std::isinf(std::strtod(std::string(number).c_str(), nullptr));
  int64_t value;
  return std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc();
}

/// How many characters at the beginning of `text` are a number of Python's alone; 0: none.
size_t lengthOf(std::string_view text) {
  for (std::string_view name : {"NaN", "Infinity", "-Infinity"})
    if (text.starts_with(name) && (text.size() == name.size() || !isWord(text[name.size()])))
      return name.size();
  if (text[0] != '-' && !std::isdigit(static_cast<unsigned char>(text[0])))
    return 0;
  const size_t end = std::min(text.find_first_not_of("+-.0123456789eE"), text.size());
  const std::string_view number = text.substr(0, end);
  // Shorter ones always fit, but for exponents.
  const bool mayBe = number.size() > 18 || number.find_first_of("eE") != number.npos;
  return mayBe && isNumber(number) && isTooLarge(number) ? end : 0;
}

/// One past the end of the string, number, word or other character at `at`.
size_t endOfToken(std::string_view text, size_t at) {
  if (text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at)
      at += text[at] == '\\';
    return std::min(at + 1, text.size());
  }
  const size_t begin = at;
  while (at < text.size() &&
         (isWord(text[at]) || text[at] == '-' || text[at] == '+' || text[at] == '.'))
    ++at;
  return std::max(at, begin + 1);
}

} // namespace

double PythonNumber::value() const {
  if (text == "NaN")
    return std::numeric_limits<double>::quiet_NaN();
  return std::strtod(text.c_str(), nullptr); // takes Infinity, too
}

std::optional<std::string> PythonNumbers::replaceIn(std::string_view text) {
  std::string replaced;
  size_t done = 0, line = 1, counted = 0; // lines up to `counted`
  for (size_t at = 0; at < text.size(); at = endOfToken(text, at)) {
    const size_t length = lengthOf(text.substr(at));
    if (length == 0)
      continue;
    line +=
        size_t(std::count(text.begin() + ptrdiff_t(counted), text.begin() + ptrdiff_t(at), '\n'));
    counted = at;
    replaced.append(text, done, at - done).append(std::to_string(kFirst + found.size()));
    found.push_back({std::string(text.substr(at, length)), line});
    done = at + length;
  }
  if (found.empty())
    return std::nullopt;
  return replaced.append(text.substr(done));
}

} // namespace strata
