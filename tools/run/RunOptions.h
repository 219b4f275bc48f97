//===- RunOptions.h - the command line of strata-run ------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/Sampler.h"
#include "tools/run/Chat.h"

#include <cstdint>
#include <optional>
#include <string>

namespace strata {

struct RunOptions {
  std::string package;
  std::optional<std::string> prompt, file; // -p, -f
  bool interactive = false;
  bool chat = false;
  ChatOptions chatOptions;
  std::optional<int64_t> tokens; // -n
  bool echo = true;
  SamplingParams sampling;
  std::string device = "cpu";
  int64_t threads = 0; // 0: all CPUs
  std::string weights; // a folder; empty: what the package names
  int64_t context = 0; // 0: the model's
  int64_t chunk = 512;
  std::string cpu;  // target; empty: the best
  std::string dump; // folder for the prompt's activations; empty: none
  bool help = false, version = false, listDevices = false;
};

/// Reads and checks the command line. Text for --help, --version and
/// --list-devices is left to the caller.
absl::StatusOr<RunOptions> parseRunOptions(int argc, const char *const *argv);
std::string runHelp();

} // namespace strata
