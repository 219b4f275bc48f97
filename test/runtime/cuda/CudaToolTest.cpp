//===- CudaToolTest.cpp - strata-run and strata-bench with a GPU ----------===//

#include "test/runtime/cuda/FakeGpu.h"
#include "test/tools/DevicePackages.h"
#include "test/tools/RunCommand.h"

#include <dlfcn.h>

namespace strata::test {
namespace {

bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

class CudaTool : public DevicePackages {
protected:
  /// Runs a tool with the driver of a folder and FAKE_CUDA.
  Result run(const std::string &command, const std::string &settings = "",
             const std::string &driver = STRATA_FAKE_DRIVER_FOLDER) {
    return runCommand(folder, "FAKE_CUDA=" + settings + " LD_LIBRARY_PATH=" + driver +
                                  " timeout 20 " + command);
  }

  std::string strataRun(const std::string &package) {
    return STRATA_RUN " " + package + " -p 'In the beginning' -n 4 --threads 1";
  }
};

TEST_F(CudaTool, WritesTheSameText) {
  Result cpu = run(strataRun(forCpu)), cuda = run(strataRun(forCuda) + " --device cuda");
  EXPECT_EQ(cuda.status, 0) << cuda.err;
  EXPECT_EQ(cuda.out, cpu.out);
  EXPECT_TRUE(contains(cuda.err, "tok/s")) << cuda.err;
  EXPECT_EQ(run(strataRun(forCuda) + " --device=cuda:1", "devices=2").out, cpu.out);
}

TEST_F(CudaTool, CodeIsChosenByName) {
  Result named = run(strataRun(forCuda) + " --device cuda --code sim");
  EXPECT_EQ(named.out, run(strataRun(forCpu)).out) << named.err;
  Result other = run(strataRun(forCuda) + " --device cuda --code sm_80");
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "cuda target: expected one of sim, found sm_80")) << other.err;
}

TEST_F(CudaTool, ListsDevices) {
  Result two = run(STRATA_RUN " --list-devices", "devices=2,capability=90,memory=80000000000");
  EXPECT_EQ(two.status, 0);
  EXPECT_EQ(two.out.rfind("cpu ", 0), 0u);
  EXPECT_TRUE(contains(two.out, "cuda:1  Fake GPU, compute capability 9.0, 80.0 GB, 4 multi"));
  EXPECT_TRUE(contains(two.out, "driver for CUDA 12.4")) << two.out;
  Result none = run(STRATA_BENCH " --list-devices", "devices=0");
  EXPECT_EQ(none.status, 0);
  EXPECT_TRUE(contains(none.out, "cuda    none: cuInit: CUDA_ERROR_NO_DEVICE (100)")) << none.out;
}

TEST_F(CudaTool, NoDriver) {
  if (void *real = dlopen("/usr/lib/x86_64-linux-gnu/libcuda.so.1", RTLD_LAZY)) {
    dlclose(real);
    GTEST_SKIP() << "this machine has one";
  }
  Result result = run(strataRun(forCuda) + " --device cuda", "", "");
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "error: NVIDIA's driver is not installed, or not found: "
                                   "libcuda.so.1"))
      << result.err;
  EXPECT_TRUE(contains(run(STRATA_RUN " --list-devices", "", "").out, "cuda    none: NVIDIA's"));
}

TEST_F(CudaTool, OldDriver) {
  Result result =
      run(strataRun(forCuda) + " --device cuda", "version=11040", STRATA_OLD_DRIVER_FOLDER);
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.err, "libcuda.so.1 has no cuTensorMapEncodeTiled: expected a driver "
                                   "for CUDA 12.0 or later, found one for 11.4"))
      << result.err;
}

TEST_F(CudaTool, PackagesForOtherMachines) {
  Result other = run(strataRun(forCuda) + " --device cuda", "capability=75");
  EXPECT_EQ(other.status, 1);
  EXPECT_TRUE(contains(other.err, "cuda:0 (Fake GPU) has compute capability 7.5, the package's "
                                  "code is sim (for the simulator)"))
      << other.err;
  EXPECT_TRUE(contains(run(strataRun(forCuda)).err, "a program for (cuda), found cpu"));
  EXPECT_TRUE(
      contains(run(strataRun(forCpu) + " --device cuda").err, "a program for (cpu), found cuda"));
}

TEST_F(CudaTool, AnyCallThatFails) {
  const std::vector<int> codes = {2, 700, 100, 804, 46, 710};
  int failures = 0;
  for (int k = 1; k <= 200; ++k) { // more than there are
    std::string code = std::to_string(codes[size_t(k) % codes.size()]);
    Result result = run(strataRun(forCuda) + " --device cuda",
                        "failAt=" + std::to_string(k) + ",failCode=" + code);
    if (result.status == 0)
      continue; // no such call, or one whose error nobody can be told
    ++failures;
    EXPECT_EQ(result.status, 1) << k << ": " << result.err;
    EXPECT_TRUE(contains(result.err, "strata-run: error: ")) << result.err;
    EXPECT_TRUE(contains(result.err, " (" + code + "): ")) << result.err;
  }
  EXPECT_GT(failures, 70);
}

TEST_F(CudaTool, Bench) {
  std::string bench = STRATA_BENCH " " + forCuda + " --device cuda -p 8,20 -n 4 -r 2";
  Result markdown = run(bench + " --random-weights");
  EXPECT_EQ(markdown.status, 0) << markdown.err;
  for (const char *part : {"| sim | - | pp8 |", "tg4 |", "with the same threads: read",
                           "of the same random weights", "fake products"})
    EXPECT_TRUE(contains(markdown.out, part)) << markdown.out;
  Result json = run(bench + " -o json");
  EXPECT_EQ(json.status, 0) << json.err;
  EXPECT_TRUE(contains(json.out, "\"peak_instruction\": \"fake products\"")) << json.out;
  EXPECT_FALSE(contains(json.out, "null")) << json.out;
  Result kernels = run(bench + " -b 2 --per-kernel");
  EXPECT_EQ(kernels.status, 0) << kernels.err;
  for (const char *part :
       {"Kernels of tg4 b2, timed one by one:", "| attend | attend | 8 | 20000.00 |"})
    EXPECT_TRUE(contains(kernels.out, part)) << kernels.out;
}

} // namespace
} // namespace strata::test
