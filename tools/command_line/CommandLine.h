//===- CommandLine.h - options as a table -----------------------*- C++ -*-===//
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
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
template <typename Text>
OptionSetter setText(Text &target) {
  return [&target](const std::string &value) {
    target = value;
    return absl::OkStatus();
  };
}
OptionSetter setFlag(bool &target);
absl::StatusOr<int64_t> parseInteger(const std::string &value, int64_t low, int64_t high);
/// A whole number from `low` to `high`.
template <typename Integer>
OptionSetter setInteger(Integer &target, int64_t low, int64_t high) {
  return [&target, low, high](const std::string &value) {
    absl::StatusOr<int64_t> number = parseInteger(value, low, high);
    if (number.ok())
      target = Integer(*number);
    return number.status();
  };
}
OptionSetter setSeed(uint64_t &target);
/// A number from `low` to `high`, without "nan" and the like.
OptionSetter setNumber(float &target, float low, float high);
/// Whole numbers from `low` to `high`, separated by commas.
OptionSetter setIntegers(std::vector<int64_t> &target, int64_t low, int64_t high);
absl::Status unknownChoice(std::vector<std::string> names, const std::string &found);
/// One of the names, of which there are at least two.
template <typename Choice>
OptionSetter setChoice(Choice &target, std::vector<std::pair<std::string, Choice>> choices) {
  return [&target, choices = std::move(choices)](const std::string &value) {
    std::vector<std::string> names;
    for (const auto &[name, choice] : choices) {
      if (name == value) {
        target = choice;
        return absl::OkStatus();
      }
      names.push_back(name);
    }
    return unknownChoice(std::move(names), value);
  };
}

/// Prints "PROGRAM: error: MESSAGE" to stderr and returns the exit status 1.
int reportError(const std::string &program, const absl::Status &status);
/// The same for a wrong command line, with a hint to --help; returns 2.
int reportUsage(const std::string &program, const absl::Status &status);
/// "0.1.0".
std::string versionNumber();
/// The lines of --version.
std::string versionText(const std::string &program);

} // namespace strata
