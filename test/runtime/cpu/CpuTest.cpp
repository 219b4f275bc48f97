//===- CpuTest.cpp - features, code choice, threads -----------------------===//

#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/Ceiling.h"
#include "runtime/cpu/CodeObject.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/cpu/SelectCode.h"
#include "test/runtime/TestPackage.h"

#include <chrono>
#include <ctime>
#include <numeric>
#include <thread>

namespace strata::test {
namespace {

TEST(CpuFeatures, DetectsWhatTheCompilerUses) {
  auto features = cpu::CpuFeatures::detect();
  EXPECT_TRUE(features.has("sse3")) << features.toString();
  EXPECT_EQ(features.has("avx2"), bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(features.has("fma"), bool(__builtin_cpu_supports("fma")));
  EXPECT_EQ(features.has("avx512bf16"), bool(__builtin_cpu_supports("avx512bf16")));
  EXPECT_EQ(features.missing({"sse3", "no-such"}), std::vector<std::string>{"no-such"});
}

/// A package with code for `targets` of three targets, best first, each in a program of its own.
TestPackage withTargets(size_t targets) {
  TestPackage model = fakeModel();
  const package::ProgramT program = *model.manifest.programs[0];
  model.manifest.programs.clear();
  const std::pair<const char *, std::vector<std::string>> all[] = {
      {"best", {"avx2", "avx512bf16"}}, {"good", {"avx2"}}, {"any", {}}};
  for (const auto &[target, features] : std::span(all).first(targets)) {
    model.manifest.programs.push_back(std::make_unique<package::ProgramT>(program));
    package::CodeObjectT &code = *model.manifest.programs.back()->code[0];
    code.target = target;
    code.features = features;
  }
  model.layout();
  return model;
}

/// The target chosen on a CPU with these features, or the error.
std::string chosen(std::set<std::string, std::less<>> features, const std::string &wanted,
                   size_t targets = 3) {
  TestFolder folder;
  auto package = Package::open(folder.write("fake.strata", withTargets(targets).encode()));
  EXPECT_TRUE(package.ok()) << package.status();
  auto selected = cpu::selectCode(*package, cpu::CpuFeatures(std::move(features)), wanted);
  return selected.ok()
             ? textOf(selected->code->target())
             : std::string(selected.status().message()).substr(package->path().size() + 2);
}

TEST(SelectCode, TakesTheFirstThatRuns) {
  EXPECT_EQ(chosen({"avx2", "avx512bf16"}, ""), "best");
  EXPECT_EQ(chosen({"avx2"}, ""), "good");
  EXPECT_EQ(chosen({}, ""), "any");
}

TEST(SelectCode, TakesTheOneNamed) {
  EXPECT_EQ(chosen({"avx2", "avx512bf16"}, "good"), "good");
  EXPECT_EQ(chosen({}, "good"), "this CPU cannot run the package's code: it is for good (it lacks "
                                "avx2)");
  EXPECT_EQ(chosen({}, "none"), "cpu target: expected one of best, good, any, found none");
}

TEST(SelectCode, SaysWhatTheCpuLacks) {
  EXPECT_EQ(chosen({"sse3"}, "", 2), "this CPU cannot run the package's code: it is for best (it "
                                     "lacks avx2, avx512bf16), good (it lacks avx2)");
}

TEST(SelectCode, SaysWhatTheKernelRefuses) {
  cpu::CpuFeatures refused({"avx2"}, "Operation not permitted");
  EXPECT_EQ(refused.refusal({"amx-tile", "amx-bf16"}),
            "; the kernel refuses the use of tiles: Operation not permitted");
  EXPECT_EQ(refused.refusal({"avx512f"}), "");
  EXPECT_EQ(cpu::CpuFeatures({"avx2"}).refusal({"amx-tile"}), "");
}

TEST(FlopCeiling, IsOfTheCodesBestInstruction) {
  auto instruction = [](std::set<std::string, std::less<>> features, bool bytes) {
    return std::string(
        cpu::FlopCeiling(cpu::CpuFeatures(std::move(features)), bytes).instruction());
  };
  EXPECT_EQ(instruction({"avx512f", "avx512bf16", "amx-bf16"}, false), "tdpbf16ps tmm");
  EXPECT_EQ(instruction({"fma", "avx2", "avx512f", "avx512bf16"}, false), "vdpbf16ps zmm");
  EXPECT_EQ(instruction({"fma", "avx2", "avx512f"}, false), "vfmadd231ps zmm");
  EXPECT_EQ(instruction({"fma", "avx2"}, false), "vfmadd231ps ymm");
  EXPECT_EQ(instruction({"avx512f", "avx512vnni", "amx-bf16"}, true), "tdpbf16ps tmm");
  EXPECT_EQ(instruction({"fma", "avx2", "avx512f", "avx512vnni"}, true), "vpdpbusd zmm");
  EXPECT_EQ(instruction({"fma", "avx2"}, true), "vpmaddubsw ymm");
  EXPECT_EQ(instruction({}, false), "no known instruction");
}

TEST(FlopCeiling, IsMeasuredForWhatThisCpuHas) {
  auto pool = *ThreadPool::create(1);
  auto here = cpu::CpuFeatures::detect();
  EXPECT_EQ(cpu::FlopCeiling(cpu::CpuFeatures({}), false).measure(*pool), 0);
  for (const char *feature : {"amx-bf16", "avx512bf16", "avx512f", "fma", "avx512vnni", "avx2"})
    for (bool bytes : {false, true}) {
      cpu::FlopCeiling ceiling(cpu::CpuFeatures({feature}), bytes);
      bool known = ceiling.instruction() != std::string("no known instruction");
      if (known && here.has(feature)) {
        EXPECT_GT(ceiling.measure(*pool), 1e8) << ceiling.instruction();
      }
    }
}

TEST(CodeObject, FindsFunctions) {
  TestPackage package = fakeModel();
  auto code = cpu::CodeObject::load("x86-64", std::as_bytes(std::span(package.contents[0])));
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_TRUE(code->function("embed").ok());
  EXPECT_TRUE(says(code->function("absent").status(), "cpu.x86-64: symbol absent is named"));
}

TEST(CodeObject, TwoAtOnceAreTwo) {
  TestPackage package = fakeModel();
  auto elf = std::as_bytes(std::span(package.contents[0]));
  auto first = cpu::CodeObject::load("a", elf), second = cpu::CodeObject::load("b", elf);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(*first->function("embed"), *second->function("embed"));
}

TEST(CodeObject, RefusesWhatIsNoElf) {
  std::string bytes(1000, 'x');
  EXPECT_TRUE(says(cpu::CodeObject::load("a", std::as_bytes(std::span(bytes))).status(),
                   "cpu.a: cannot load kernels"));
  EXPECT_FALSE(cpu::CodeObject::load("a", {}).ok());
}

TEST(ThreadPool, SlicesCoverAll) {
  for (int64_t units : {0, 1, 7, 1000, 1 << 30})
    for (int workers : {1, 2, 3, 7, 64}) {
      int64_t next = 0;
      for (int worker = 0; worker < workers; ++worker) {
        Range range = sliceOf(units, worker, workers);
        EXPECT_EQ(range.begin, next);
        next = range.end;
      }
      EXPECT_EQ(next, units);
    }
  int64_t huge = int64_t(1) << 60;
  EXPECT_EQ(sliceOf(huge, 2, 4).end, huge / 4 * 3);
}

class ThreadPoolOf : public testing::TestWithParam<int> {};

TEST_P(ThreadPoolOf, RunsEveryWorkerOnce) {
  auto pool = ThreadPool::create(GetParam());
  ASSERT_TRUE(pool.ok()) << pool.status();
  std::vector<int> calls((*pool)->threads());
  for (int i = 0; i < 200; ++i)
    (*pool)->run([&](int worker) { ++calls[worker]; });
  EXPECT_EQ(calls, std::vector<int>(GetParam(), 200));
}

TEST_P(ThreadPoolOf, BarrierPublishesWrites) {
  auto pool = ThreadPool::create(GetParam());
  ASSERT_TRUE(pool.ok()) << pool.status();
  int threads = (*pool)->threads(), wrong = 0;
  std::vector<int> values(threads);
  (*pool)->run([&](int worker) {
    for (int round = 0; round < 300; ++round) {
      values[worker] = round;
      (*pool)->barrier();
      if (std::accumulate(values.begin(), values.end(), 0) != round * threads)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
      (*pool)->barrier();
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_P(ThreadPoolOf, WakesAfterSleeping) {
  auto pool = ThreadPool::create(GetParam());
  ASSERT_TRUE(pool.ok()) << pool.status();
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> calls = 0;
    (*pool)->run([&](int worker) {
      if (worker == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      ++calls;
    });
    EXPECT_EQ(calls, (*pool)->threads());
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolOf, testing::Values(1, 2, 3, 8));

double cpuSeconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

// Of CPU time, so it does not matter what else runs. Two threads that spin would take 0.2 s.
TEST(ThreadPool, LeavesTheCpusToOthersWhenItWaits) {
  auto pool = *ThreadPool::create(2);
  pool->run([](int) {});
  double before = cpuSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(100)); // between jobs
  pool->run([&](int worker) {
    if (worker == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(100)); // the other waits at the end
  });
  EXPECT_LT(cpuSeconds() - before, 0.02);
}

TEST(ThreadPool, RefusesNonsense) {
  EXPECT_TRUE(says(ThreadPool::create(0).status(), "threads: expected 1 to 1024, found 0"));
  EXPECT_FALSE(ThreadPool::create(-1).ok());
  EXPECT_FALSE(ThreadPool::create(100000).ok());
}

} // namespace
} // namespace strata::test
