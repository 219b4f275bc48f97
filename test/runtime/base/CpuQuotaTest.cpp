#include "runtime/base/CpuQuota.h"

#include "runtime/base/ThreadPool.h"
#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>

#include <sched.h>

using namespace strata;

namespace {

/// A machine's root folder.
struct Machine {
  TestFolder folder;

  void add(const std::string &path, const std::string &text) {
    const std::filesystem::path file = folder.path(path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::optional<double> quota() const { return cpuQuota(folder.path()); }
};

constexpr const char *kV2 = "35 24 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char *kV1 =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

} // namespace

TEST(CpuQuota, NoneWithoutControlGroups) {
  Machine machine;
  EXPECT_EQ(machine.quota(), std::nullopt);
  machine.add("proc/self/mountinfo", "23 1 8:1 / / rw - ext4 /dev/sda1 rw\nnonsense\n");
  machine.add("proc/self/cgroup", "nonsense\n");
  EXPECT_EQ(machine.quota(), std::nullopt);
}

TEST(CpuQuota, Version2) {
  Machine machine;
  machine.add("proc/self/mountinfo", kV2);
  machine.add("proc/self/cgroup", "0::/user.slice/mine\n");
  EXPECT_EQ(machine.quota(), std::nullopt);
  machine.add("sys/fs/cgroup/user.slice/mine/cpu.max", "max 100000\n");
  EXPECT_EQ(machine.quota(), std::nullopt);
  machine.add("sys/fs/cgroup/user.slice/mine/cpu.max", "250000 100000\n");
  EXPECT_EQ(machine.quota(), 2.5);
  machine.add("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n"); // of a group around it
  EXPECT_EQ(machine.quota(), 0.5);
}

/// Docker and Kubernetes mount the container's own group as the root.
TEST(CpuQuota, InAContainer) {
  Machine machine;
  machine.add("proc/self/mountinfo",
              "35 24 0:30 /docker/4f2a /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  machine.add("proc/self/cgroup", "0::/docker/4f2a\n");
  machine.add("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(machine.quota(), 4);
  machine.add("proc/self/cgroup", "0::/\n"); // with a namespace of its own
  EXPECT_EQ(machine.quota(), 4);
}

TEST(CpuQuota, Version1) {
  Machine machine;
  machine.add("proc/self/mountinfo", kV1);
  machine.add("proc/self/cgroup", "3:cpuset:/other\n2:cpuacct,cpu:/docker/7\n0::/docker/7\n");
  const std::string folder = "sys/fs/cgroup/cpu,cpuacct/docker/7/";
  machine.add(folder + "cpu.cfs_period_us", "100000\n");
  machine.add(folder + "cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(machine.quota(), std::nullopt);
  machine.add(folder + "cpu.cfs_quota_us", "150000\n");
  EXPECT_EQ(machine.quota(), 1.5);
}

TEST(CpuQuota, ThreadsKeepWithinIt) {
  EXPECT_EQ(threadsWithin(8, std::nullopt), 8);
  EXPECT_EQ(threadsWithin(8, 2.5), 2); // a third would be stopped half of the time
  EXPECT_EQ(threadsWithin(8, 0.5), 1);
  EXPECT_EQ(threadsWithin(8, 64), 8);
}

/// Two processes would else wait for each other's threads, or share one CPU while another is free.
TEST(ThreadPool, ThreadsGoWhereThereIsRoom) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  for (const int threads : {1, 2, CPU_COUNT(&before)}) {
    const auto pool = ThreadPool::create(threads);
    std::vector<int> cpus(size_t(threads), 0);
    (*pool)->run([&](int worker) {
      cpu_set_t during;
      sched_getaffinity(0, sizeof during, &during);
      cpus[size_t(worker)] = CPU_COUNT(&during);
    });
    EXPECT_EQ(cpus, std::vector<int>(size_t(threads), CPU_COUNT(&before)));
  }
}
