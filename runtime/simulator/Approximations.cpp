//===- Approximations.cpp - functions of the special function unit --------===//
//
// Computed in double and rounded once: closer than the hardware's, so tests that compare with a
// GPU need a tolerance.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Bf16.h"
#include "runtime/simulator/Intrinsics.h"

#include <cmath>

static float flushed(float x, uint32_t flush) {
  return flush && std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x;
}

float __sim_ex2(float x, uint32_t flush) {
  return flushed(float(std::exp2(double(flushed(x, flush)))), flush);
}

float __sim_lg2(float x, uint32_t flush) {
  return flushed(float(std::log2(double(flushed(x, flush)))), flush);
}

float __sim_rcp(float x, uint32_t flush) { return flushed(1.0f / flushed(x, flush), flush); }

float __sim_sqrt(float x, uint32_t flush) { return flushed(std::sqrt(flushed(x, flush)), flush); }

float __sim_rsqrt(float x, uint32_t flush) {
  return flushed(float(1.0 / std::sqrt(double(flushed(x, flush)))), flush);
}

float __sim_tanh(float x) { return float(std::tanh(double(x))); }

float __sim_sin(float x, uint32_t flush) {
  return flushed(float(std::sin(double(flushed(x, flush)))), flush);
}

float __sim_cos(float x, uint32_t flush) {
  return flushed(float(std::cos(double(flushed(x, flush)))), flush);
}

float __truncsfbf2(float x) { return std::bit_cast<float>(uint32_t(strata::simulator::toBf16(x))); }
