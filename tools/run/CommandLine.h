//===- CommandLine.h - options as a table -----------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace strata {

/// Takes the text of an option's value; the error says what was expected.
using OptionSetter = std::function<absl::Status(const std::string &)>;

struct Option {
  std::string name;  // "temp": --temp; "n": -n
  std::string value; // what help calls the value, "N"; empty: the option has none
  std::string help;
  OptionSetter set;
};

/// Reads `program [options] [arguments]` by a table. Both `--name value` and `--name=value` are
/// taken, and `-n value`, `-n=value`; `--` ends the options.
class CommandLine {
public:
  /// `usage` is what help shows behind the program's name; `about` is a paragraph.
  CommandLine(std::string program, std::string usage, std::string about,
              std::vector<Option> options);

  /// Sets what is given and returns the other arguments, in order. Errors: an unknown option (with
  /// the nearest one that there is), a value that is missing or not what was expected.
  absl::StatusOr<std::vector<std::string>> parse(int argc, const char *const *argv) const;
  std::string help() const;

private:
  absl::StatusOr<const Option *> find(const std::string &spelled) const;

  std::string program, usage, about;
  std::vector<Option> options;
};

/// Setters. What they refer to must outlive the table.
OptionSetter setText(std::string &target);
OptionSetter setFlag(bool &target);
/// A whole number from `low` to `high`.
OptionSetter setInteger(int64_t &target, int64_t low, int64_t high);
OptionSetter setSeed(uint64_t &target);
/// A number from `low` to `high`, without "nan" and the like.
OptionSetter setNumber(float &target, float low, float high);
/// Whole numbers from `low` to `high`, separated by commas.
OptionSetter setIntegers(std::vector<int64_t> &target, int64_t low, int64_t high);

/// Prints "PROGRAM: error: MESSAGE" to stderr and returns the exit status 1.
int reportError(const std::string &program, const absl::Status &status);
/// The same for a wrong command line, with a hint to --help; returns 2.
int reportUsage(const std::string &program, const absl::Status &status);
/// Calls a tool's body, which returns the exit status; running out of memory becomes an error.
int runTool(const std::string &program, const std::function<int()> &body);
/// The lines of --version.
std::string versionText(const std::string &program);

} // namespace strata
