//===- CompileArguments.h - strata-compile's command line -------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "compiler/Compile.h"
#include "passes/Roofline.h"
#include <optional>
#include <string>

namespace strata {

struct CompileArguments {
  std::string model;
  std::string output;              ///< resolved: never empty; "-" is standard output
  std::string dumpDirectory;       ///< empty: no dumps
  std::optional<Machine> roofline; ///< print the roofline for this machine
  CompileOptions options;
  bool schedule = false; ///< print the table of launches
  bool help = false, version = false;
};

/// Every value is checked here, before any work begins.
absl::StatusOr<CompileArguments> parseCompileArguments(int argc, char **argv);

std::string compileHelp();
/// "strata 0.1.0 (a1b2c3d, LLVM 22.1.8)"
std::string compilerVersion();
/// "cpu (x86-64-v4-bf16, x86-64-v3), cuda (sm_80, ...)"
std::string describeTargets();

} // namespace strata
