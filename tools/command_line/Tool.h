//===- Tool.h - what the main() of every tool does --------------*- C++ -*-===//
#pragma once

#include "runtime/OpenEngine.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/Console.h"

#include <functional>
#include <string>
#include <vector>

namespace strata {

constexpr int64_t kMostTokens = kMostContext; // that an option takes

/// A tool about one file or folder. What it refers to holds its options and outlives it.
struct Tool {
  std::string program, usage, about; // as CommandLine has them
  std::vector<Option> options;       // its own; --help and --version are added
  std::string argument = "package";  // what the one argument is
  std::string &path;                 // where that goes
  /// Of a tool that runs packages: set by --device, --threads and --code, which are added as well
  /// as --list-devices.
  EngineOptions *engine = nullptr;
  /// What no option can see alone, once all are set; an error is one of usage.
  std::function<absl::Status()> check = [] { return absl::OkStatus(); };
  /// Does the work and returns the exit status.
  std::function<absl::StatusOr<int>(Console &)> run = {};
};

/// All of main(): signals, the command line, the texts of --help and the like, the run. Returns the
/// exit status: 1 after an error, 2 after a wrong command line, each told on stderr. Running out of
/// memory is an error.
int runMain(const Tool &tool, int argc, const char *const *argv);

} // namespace strata
