//===- Reference.cpp ------------------------------------------------------===//

#include "test/kernels/Reference.h"

#include <algorithm>
#include <cmath>

namespace strata::test {

double toBf16(double value) {
  if (std::fabs(value) < 0x1p-126)
    return 0;
  int exponent;
  double mantissa = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
}

double toType(double value, const std::string &type) {
  if (type == "bf16")
    return toBf16(value);
  return type == "f16" ? double(static_cast<_Float16>(value)) : double(float(value));
}

Row toRow(std::span<const float> values) {
  Row row(values.size());
  for (size_t i = 0; i != row.size(); ++i)
    row[i].value = values[i];
  return row;
}

Row Reference::round(Row row) {
  for (Bounded &x : row) {
    double low = toBf16(x.value - x.error), high = toBf16(x.value + x.error);
    x = {(low + high) / 2, (high - low) / 2};
  }
  return row;
}

Row Reference::products(const Row &x, const Matrix &weight) const {
  Row result(size_t(weight.rows));
  for (int64_t r = 0; r != weight.rows; ++r) {
    std::span<const float> w = weight.row(r);
    double sum = 0, size = 0, error = 0;
    for (size_t i = 0; i != w.size(); ++i) {
      double term = x[i].value * w[i];
      sum += term;
      size += weight.magnitudes.empty()
                  ? std::fabs(term)
                  : std::fabs(x[i].value) * weight.magnitudes[size_t(r) * w.size() + i];
      error += x[i].error * std::fabs(w[i]);
    }
    result[size_t(r)] = {sum, error + double(w.size()) * unit * (size + error)};
  }
  return result;
}

Row Reference::orProductsOfBf16(Row x) const {
  constexpr double most = (1 + 0x1p-9) * (1 + 0x1p-9) - 1; // of a product, relatively
  for (Bounded &value : x)
    value.error += unit == 0 ? 0 : most * (std::fabs(value.value) + value.error);
  return x;
}

Row Reference::norm(const Row &x, std::span<const float> gamma, double offset,
                    std::span<const float> beta, double eps) const {
  double n = double(x.size()), mean = 0, size = 0, squares = 0;
  for (const Bounded &e : x) {
    mean += e.value / n;
    size += std::fabs(e.value) / n;
  }
  for (const Bounded &e : x)
    squares += (e.value - mean) * (e.value - mean);
  double scale = 1 / std::sqrt(squares / n + eps);
  Row result(x.size());
  for (size_t i = 0; i != x.size(); ++i) {
    double distance = x[i].value - mean, factor = offset + double(gamma[i]);
    double y = distance * scale * factor;
    // The mean is wrong by n * unit * size, the scale by half of a sum's relative error.
    double error = n * unit * (size + std::fabs(distance)) * scale * std::fabs(factor);
    result[i] = {y + beta[i], error + 8 * unit * (std::fabs(y) + std::fabs(beta[i]))};
  }
  return result;
}

/// `x` of a group whose largest magnitude is from `least` to `most`.
static Bounded toByte(const Bounded &x, double least, double most, double unit) {
  double low = x.value - x.error, high = x.value + x.error;
  // The reciprocal and the product are rounded.
  auto byte = [&](double value, double scale, double error) {
    return std::nearbyint(value * 127 / scale * (1 + error));
  };
  double error = 3 * unit, fewest = byte(low, low < 0 ? least : most, low < 0 ? error : -error),
         largest = byte(high, high < 0 ? most : least, high < 0 ? -error : error);
  low = fewest * (fewest < 0 ? most : least) / 127;
  high = largest * (largest < 0 ? least : most) / 127;
  return {(low + high) / 2, (high - low) / 2 + unit * std::max(std::fabs(low), std::fabs(high))};
}

Row Reference::toBytes(const Row &x, int64_t group) const {
  Row result;
  for (size_t first = 0; first != x.size(); first += size_t(group)) {
    std::span<const Bounded> features = std::span(x).subspan(first, size_t(group));
    double least = 0, most = 0;
    for (const Bounded &f : features) {
      least = std::max(least, std::fabs(f.value) - f.error);
      most = std::max(most, std::fabs(f.value) + f.error);
    }
    for (const Bounded &f : features)
      result.push_back(most == 0 ? Bounded{} : toByte(f, least, most, unit));
  }
  return result;
}

Row Reference::squaredRelu(const Row &x) const {
  Row result(x.size());
  for (size_t i = 0; i != x.size(); ++i) {
    double low = std::max(0.0, x[i].value - x[i].error),
           high = std::max(0.0, x[i].value + x[i].error);
    double middle = (low * low + high * high) / 2;
    result[i] = {middle, (high * high - low * low) / 2 + unit * high * high};
  }
  return result;
}

Row Reference::add(const Row &x, const Row &y) const {
  Row result(x.size());
  for (size_t i = 0; i != x.size(); ++i) {
    double sum = x[i].value + y[i].value;
    result[i] = {sum, x[i].error + y[i].error + unit * std::fabs(sum)};
  }
  return result;
}

Row Reference::rope(const Row &x, int64_t headDim, int64_t dims, float theta,
                    int64_t position) const {
  Row result = x;
  for (size_t head = 0; head != x.size(); head += size_t(headDim))
    for (int64_t i = 0; i != dims / 2; ++i) {
      float frequency = 1.0f / std::pow(theta, float(2 * i) / float(dims));
      float angle = float(position) * frequency;
      double cosine = std::cos(double(angle)), sine = std::sin(double(angle));
      size_t low = head + size_t(i), high = low + size_t(dims / 2);
      const Bounded &a = x[low], &b = x[high];
      auto turned = [&](double c, double s) {
        double error = std::fabs(c) * a.error + std::fabs(s) * b.error;
        // Cosine, sine, each product and the sum are rounded.
        return Bounded{c * a.value + s * b.value,
                       error + 4 * unit * (std::fabs(a.value) + std::fabs(b.value) + error)};
      };
      result[low] = turned(cosine, -sine);
      result[high] = turned(sine, cosine);
    }
  return result;
}

Row Reference::attend(std::span<const Bounded> query,
                      const std::vector<std::span<const Bounded>> &keys,
                      const std::vector<std::span<const Bounded>> &values, bool bf16Weights) const {
  double n = double(keys.size()), dim = double(query.size()), root = std::sqrt(dim);
  std::vector<double> scores, errors;
  for (std::span<const Bounded> key : keys) {
    double sum = 0, size = 0, error = 0;
    for (size_t i = 0; i != key.size(); ++i) {
      const Bounded &q = query[i], &k = key[i];
      sum += q.value * k.value;
      size += std::fabs(q.value * k.value);
      error += std::fabs(q.value) * k.error + q.error * (std::fabs(k.value) + k.error);
    }
    scores.push_back(sum / root);
    errors.push_back((error + (dim + 2) * unit * (size + error)) / root);
  }
  double maximum = *std::max_element(scores.begin(), scores.end()), total = 0, worst = 0;
  for (size_t t = 0; t != scores.size(); ++t) {
    // The exponential's argument is a rounded difference; 2^-20 is for its polynomial.
    double distance = maximum - scores[t];
    errors[t] = std::expm1(errors[t] + unit * 4 * (distance + std::fabs(maximum))) + 16 * unit;
    worst = std::max(worst, errors[t]);
    scores[t] = std::exp(-distance);
    total += scores[t];
  }
  Row result(query.size());
  for (size_t i = 0; i != result.size(); ++i) {
    double sum = 0, error = 0;
    for (size_t t = 0; t != scores.size(); ++t)
      sum += scores[t] * values[t][i].value;
    double mean = sum / total;
    for (size_t t = 0; t != scores.size(); ++t) {
      double size = std::fabs(values[t][i].value), distance = std::fabs(values[t][i].value - mean);
      // A weight's error moves the mean by its part of the distance to it; if the divisor has not
      // got the same error, by its part of the value.
      double rounding = bf16Weights && unit != 0 ? 0x1p-8 * std::max(size, distance) : 0;
      error +=
          scores[t] * (errors[t] * distance + rounding + values[t][i].error + 2 * n * unit * size);
    }
    result[i] = {mean, error / total / std::max(1 - worst, 0.1)};
  }
  return result;
}

} // namespace strata::test
