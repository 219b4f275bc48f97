//===- CpuFeatures.h - what this CPU can execute ----------------*- C++ -*-===//
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace strata::cpu {

/// The instruction sets that both the CPU and the operating system support, by LLVM's names
/// ("avx2", "avx512bf16"). A value type; immutable, so safe to share between threads.
class CpuFeatures {
public:
  /// What cpuid reports and the kernel saves on a context switch (xgetbv). Asks the kernel for the
  /// permission to use AMX's tiles, which holds for all threads of the process.
  static CpuFeatures detect();
  /// A pretended CPU, for tests and error messages.
  explicit CpuFeatures(std::set<std::string, std::less<>> names, std::string refusal = "")
      : names(std::move(names)), tileRefusal(std::move(refusal)) {}

  bool has(std::string_view name) const { return names.find(name) != names.end(); }
  /// The names of `wanted` that this CPU lacks, in their order; unknown names are lacking.
  std::vector<std::string> missing(const std::vector<std::string> &wanted) const;
  /// "; the kernel refuses …" where this CPU has AMX's tiles that this process may not use, and
  /// some of `lacking` need them; else empty.
  std::string refusal(const std::vector<std::string> &lacking) const;
  /// All names, sorted, separated by blanks.
  std::string toString() const;

private:
  std::set<std::string, std::less<>> names;
  std::string tileRefusal; // why; empty: nothing was refused
};

} // namespace strata::cpu
