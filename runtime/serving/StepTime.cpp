//===- StepTime.cpp - how long a step will take ---------------------------===//

#include "runtime/serving/StepTime.h"

#include <algorithm>
#include <cstddef>

namespace strata::serving {
namespace {

constexpr double kForget = 0.9; // a measurement counts so much less with each that follows

package::Cost add(const package::Cost &a, const package::Cost &b) {
  return {a.fixed_bytes() + b.fixed_bytes(), a.row_bytes() + b.row_bytes(),
          a.row_flops() + b.row_flops(), a.context_bytes() + b.context_bytes(),
          a.context_flops() + b.context_flops()};
}

} // namespace

StepCost::StepCost(const package::Program &program) {
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    if (dispatch->cost()) {
      package::Cost &sum = sums[size_t(program.kernels()->Get(dispatch->kernel())->axis())];
      sum = add(sum, *dispatch->cost());
    }
}

Work StepCost::of(const StepInputs &inputs) const {
  Work work;
  for (size_t axis = 0; axis < sums.size(); ++axis)
    work += workOf(sums[axis], package::Axis(axis), inputs);
  return work;
}

void StepTime::learn(const Work &work, double seconds, bool hasPrompt) {
  if (!(seconds > 0))
    return;
  Sums &own = sums[hasPrompt];
  const double bytes = work.bytes / seconds, flops = work.flops / seconds;
  const auto count = [](double &sum, double value) { sum = sum * kForget + value; };
  count(own.bytes, bytes);
  count(own.flops, flops);
  count(own.bytesBytes, bytes * bytes);
  count(own.bytesFlops, bytes * flops);
  count(own.flopsFlops, flops * flops);
}

double StepTime::predict(const Work &work) const {
  const double x = sums[0].bytes + sums[1].bytes, y = sums[0].flops + sums[1].flops;
  const double xx = sums[0].bytesBytes + sums[1].bytesBytes;
  const double xy = sums[0].bytesFlops + sums[1].bytesFlops;
  const double yy = sums[0].flopsFlops + sums[1].flopsFlops;
  const double determinant = xx * yy - xy * xy;
  double perByte = xx > 0 ? x / xx : 0, perFlop = 0;
  if (determinant > 1e-6 * xx * yy) { // else all steps were alike
    perByte = (x * yy - y * xy) / determinant;
    perFlop = (y * xx - x * xy) / determinant;
    if (perByte < 0)
      perFlop = y / yy, perByte = 0;
    else if (perFlop < 0)
      perByte = x / xx, perFlop = 0;
  }
  return perByte * work.bytes + perFlop * work.flops;
}

} // namespace strata::serving
