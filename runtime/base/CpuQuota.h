//===- CpuQuota.h - how much of its CPUs a container may use ----*- C++ -*-===//
#pragma once

#include <optional>
#include <string>

namespace strata {

/// CPUs' worth of time that this process' control groups allow it, the least on the way from the
/// root to its own: cpu.max of version 2 (Linux, Documentation/admin-guide/cgroup-v2.rst),
/// cpu.cfs_quota_us of version 1. None: no limit, or no control groups. Paths begin with `root`.
std::optional<double> cpuQuota(const std::string &root = "");

} // namespace strata
