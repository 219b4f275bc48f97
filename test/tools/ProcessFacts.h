//===- ProcessFacts.h - what this process takes -----------------*- C++ -*-===//
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <iterator>

namespace strata::test {

/// Bytes of memory.
inline size_t residentBytes() {
  size_t pages = 0;
  if (FILE *file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*s %zu", &pages) != 1)
      pages = 0;
    std::fclose(file);
  }
  return pages * size_t(sysconf(_SC_PAGESIZE));
}

inline int openDescriptors() {
  return int(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

inline size_t mostDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/// As many as this process may ask for.
inline void allowManyDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace strata::test
