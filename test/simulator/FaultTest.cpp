//===- FaultTest.cpp - what is wrong with a kernel is reported ------------===//
//
// Each test breaks a kernel in one way that programs get wrong, and expects to be told which kernel
// and what.
//
//===----------------------------------------------------------------------===//

#include "test/simulator/KernelRuns.h"

#include <gmock/gmock.h>

namespace strata::test {
namespace {

struct Fault {
  const char *name;
  const char *kernel;
  Outcome (*run)(const Trial &);
  Changes changes;
  const char *message;    ///< of the error
  bool onlyRaces = false; ///< other schedules may not notice
  unsigned extraBlocks = 0;
};

void PrintTo(const Fault &fault, std::ostream *os) { *os << fault.name; }

Outcome gemmWgmma(const Trial &trial) { return runGemmWgmma(trial); }

const Fault faults[] = {
    {"MissingBarrierInRing", "gemm_mma", runGemmMma, {{"nvvm.barrier0\n", "\n"}}, "race", true},
    {"WrongWaitCount",
     "gemm_mma",
     runGemmMma,
     {{"cp.async.wait.group 1", "cp.async.wait.group 2"}},
     "asynchronous copy in flight",
     true},
    {"MisalignedLdmatrix",
     "gemm_mma",
     runGemmMma,
     {{"%m(\\d+) = nvvm.ldmatrix (%v\\d+) ",
       "%p$1 = llvm.getelementptr $2[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8\n"
       "%m$1 = nvvm.ldmatrix %p$1 "}},
     "ldmatrix at .* is not aligned to 16 bytes"},
    {"BlockPastTheEnd",
     "gemv",
     runGemv,
     {},
     "load of 16 bytes at byte 3[0-9]+ of an allocation of 32768 bytes",
     false,
     1},
    {"MisalignedLoad",
     "gemv",
     runGemv,
     {{"%x\\[%mine\\] : (.*), bf16", "%x[%mine] : $1, i8"}},
     "load at .* is not aligned to 16 bytes"},
    {"LaneOutsideOfMask",
     "gemv",
     runGemv,
     {{"%all = arith.constant -1", "%all = arith.constant 65535"}},
     "lane [0-9]+ (is not in its own mask 0xffff|reads lane [0-9]+, which is not in mask 0xffff)"},
    {"HalfWarpShuffles",
     "gemv",
     runGemv,
     {{"%s1 = (.*) : f32 -> f32", "%half = arith.cmpi ult, %lane, %c16 : i32\n"
                                  "%s1 = scf.if %half -> f32 {\n"
                                  "  %q = $1 : f32 -> f32\n  scf.yield %q : f32\n"
                                  "} else {\n  scf.yield %t2 : f32\n}"}},
     "deadlock: .*shfl.sync"},
    {"DivergentCollectives",
     "gemv",
     runGemv,
     {{"%s1 = (.*) : f32 -> f32", "%half = arith.cmpi ult, %lane, %c16 : i32\n"
                                  "%s1 = scf.if %half -> f32 {\n"
                                  "  %q = $1 : f32 -> f32\n  scf.yield %q : f32\n"
                                  "} else {\n  nvvm.bar.warp.sync %all : i32\n"
                                  "  scf.yield %t2 : f32\n}"}},
     "divergent warp: lane [0-9]+ is at"},
    {"ReadBeforeWrite",
     "reduce",
     runReduce,
     {{"nvvm.barrier0 // stored", ""}},
     "race: .* is not ordered after the (write|read) of thread",
     true},
    {"WriteBeforeReads",
     "reduce",
     runReduce,
     {{"nvvm.barrier0 // read", ""}},
     "race: .* is not ordered after the (write|read) of thread",
     true},
    {"BarrierOfTooMany",
     "reduce",
     runReduce,
     {{"nvvm.barrier0 // stored", "%many = arith.constant 288 : i32\n"
                                  "nvvm.barrier id = %c1 number_of_threads = %many"}},
     "deadlock: 256 threads .* wait in barrier"},
    {"BarrierOfHalfWarps",
     "reduce",
     runReduce,
     {{"nvvm.barrier0 // stored",
       "%many = arith.constant 128 : i32\n"
       "%odd = llvm.trunc %thread : i32 to i1\n"
       "scf.if %odd {\nnvvm.barrier id = %c1 number_of_threads = %many\n}"}},
     "(divergent warp|deadlock|race)"},
    {"SharedOutOfBounds",
     "reduce",
     runReduce,
     {{"%numbers\\[%thread\\]", "%numbers[%at]"}},
     "store of 4 bytes at shared memory \\+ 1[0-9]+: the block has 1024 bytes"},
    {"ConsumerNeverReleases",
     "gemm_wgmma",
     gemmWgmma,
     {{".*// release\n", ""}},
     "deadlock: .*mbarrier.try_wait .*1 of 1 arrivals"},
    {"ProducerDoesNotWait",
     "gemm_wgmma",
     gemmWgmma,
     {{"(%done\\d+) = nvvm.mbarrier.try_wait .* // empty", "$1 = arith.constant true"}},
     "(more than 1 arrivals|race)"},
    {"TooFewBytesExpected",
     "gemm_wgmma",
     gemmWgmma,
     {{"(nvvm.mbarrier.arrive.expect_tx %v\\d+, )%c16384",
       "%few = arith.constant 16368 : i32\n$1%few"}},
     "deadlock: .*-16 bytes are missing"},
    {"TooManyBytesExpected",
     "gemm_wgmma",
     gemmWgmma,
     {{"(nvvm.mbarrier.arrive.expect_tx %v\\d+, )%c16384",
       "%many = arith.constant 16400 : i32\n$1%many"}},
     "deadlock: .* 16 bytes are missing"},
    {"HalfOfTheBytesExpected",
     "gemm_wgmma",
     gemmWgmma,
     {{"(nvvm.mbarrier.arrive.expect_tx %v\\d+, )%c16384",
       "%half = arith.constant 8192 : i32\n$1%half"}},
     "(fewer bytes were expected than are copied|race: .* in flight)"},
    {"NoWgmmaWait",
     "gemm_wgmma",
     gemmWgmma,
     {{"nvvm.wgmma.wait.group.*\n", ""}},
     "(wgmma.wait_group is missing|race)"},
    {"StageReleasedInFlight",
     "gemm_wgmma",
     gemmWgmma,
     {{"wait.group.sync.aligned 1", "wait.group.sync.aligned 2"}},
     "race: tensor copy .* is not ordered after the read of wgmma",
     true},
    {"MisalignedStage",
     "gemm_wgmma",
     gemmWgmma,
     {{"%thread = ", "%odd = arith.constant 16400 : i32\n%thread = "},
      {"(%v\\d+ = arith.muli %v\\d+), %c16384", "$1, %odd"}},
     "tensor copy's target at .* is not aligned to 1024 bytes"},
    {"InitializationNotAwaited",
     "gemm_wgmma",
     gemmWgmma,
     {{"nvvm.barrier0\n", "\n"}},
     "(is not ordered after its initialization|no mbarrier has been initialized)",
     true},
    {"NoProxyFence",
     "wgmma_plain",
     runWgmmaPlain,
     {{"nvvm.fence.proxy .*", ""}},
     "needs a fence.proxy.async after the write of thread",
     true},
    {"NoBarrierBeforeWgmma", "wgmma_plain", runWgmmaPlain, {{"nvvm.barrier0", ""}}, "race", true},
    {"NoWgmmaFence",
     "wgmma_plain",
     runWgmmaPlain,
     {{"nvvm.wgmma.fence.aligned", ""}},
     "wgmma before the first wgmma.fence"},
    {"BufferNotFreed",
     "pingpong",
     runPingpong,
     {{"(  nvvm.barrier.arrive id = %c2 number_of_threads = %c64\n)    \\}", "    }"}},
     "deadlock: .*barrier"},
    {"BufferNotAwaited",
     "pingpong",
     runPingpong,
     {{"nvvm.barrier id = %c2 .*", "nvvm.barrier.arrive id = %c2 number_of_threads = %c64"}},
     "race",
     true},
    {"BulkCopyNotAwaited",
     "bulk_copy",
     runBulkCopy,
     {{"nvvm.mbarrier.try_wait.parity .*", ""}},
     "race",
     true},
};

class SimulatedFault : public testing::TestWithParam<Fault> {};

TEST_P(SimulatedFault, IsReported) {
  const Fault &fault = GetParam();
  for (const Schedule &schedule : allSchedules()) {
    testing::internal::CaptureStderr();
    Outcome outcome = fault.run(
        {.schedule = schedule, .changes = fault.changes, .extraBlocks = fault.extraBlocks});
    std::string log = testing::internal::GetCapturedStderr();
    if (fault.onlyRaces && !schedule.races)
      continue;
    EXPECT_EQ(outcome.result, CUDA_ERROR_LAUNCH_FAILED) << outcome.wrong;
    std::string error = DriverTable::get().error();
    EXPECT_TRUE(error.starts_with("kernel " + std::string(fault.kernel) + ", block (")) << error;
    EXPECT_THAT(error, testing::ContainsRegex(fault.message));
    EXPECT_EQ(log, "strata simulator: " + error + "\n");
    EXPECT_EQ(error.find("seed " + std::to_string(schedule.seed)) != std::string::npos,
              schedule.random);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SimulatedFault, testing::ValuesIn(faults),
                         [](const auto &info) { return info.param.name; });

TEST(SimulatedFault, WrongSwizzle) {
  for (const Schedule &schedule : allSchedules()) {
    Outcome outcome = runGemmWgmma({.schedule = schedule}, CU_TENSOR_MAP_SWIZZLE_NONE);
    EXPECT_EQ(outcome.result, CUDA_SUCCESS);
    EXPECT_NE(outcome.wrong, "");
  }
}

} // namespace
} // namespace strata::test
