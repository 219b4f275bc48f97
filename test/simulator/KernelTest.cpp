//===- KernelTest.cpp - correct kernels are right in every schedule -------===//

#include "test/simulator/KernelRuns.h"

namespace strata::test {
namespace {

template <typename Kernel>
void expectRight(Kernel kernel) {
  for (const Schedule &schedule : allSchedules())
    for (bool integers : {true, false}) {
      Outcome outcome = kernel({.schedule = schedule, .integers = integers});
      EXPECT_TRUE(outcome.right())
          << outcome.result << ' ' << outcome.wrong << " seed " << schedule.seed << " random "
          << schedule.random << " races " << schedule.races << " integers " << integers << ": "
          << DriverTable::get().error();
    }
}

TEST(SimulatedKernel, Gemv) { expectRight(runGemv); }
TEST(SimulatedKernel, Reduce) { expectRight(runReduce); }
TEST(SimulatedKernel, GemmMma) { expectRight(runGemmMma); }
TEST(SimulatedKernel, GemmWgmma) {
  expectRight([](const Trial &trial) { return runGemmWgmma(trial); });
}
TEST(SimulatedKernel, WgmmaPlain) { expectRight(runWgmmaPlain); }
TEST(SimulatedKernel, Pingpong) { expectRight(runPingpong); }
TEST(SimulatedKernel, BulkCopy) { expectRight(runBulkCopy); }
TEST(SimulatedKernel, Collectives) { expectRight(runCollectives); }

} // namespace
} // namespace strata::test
