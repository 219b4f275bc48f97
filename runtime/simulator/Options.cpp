//===- Options.cpp - how to simulate --------------------------------------===//

#include "runtime/simulator/Options.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace strata::simulator {
namespace {

/// The variables, one after another; remembers the first problem.
class Environment {
public:
  explicit Environment(std::string &problem) : problem(problem) {}

  /// Which of two words the variable holds: false for the first, which is the default.
  bool either(const char *name, std::string_view first, std::string_view second) {
    const char *value = std::getenv(name);
    if (!value || value == first)
      return false;
    if (value != second)
      fail(name, value, std::string(first) + " or " + std::string(second));
    return true;
  }

  template <typename Number>
  Number number(const char *name, Number otherwise) {
    const char *value = std::getenv(name);
    if (!value)
      return otherwise;
    Number result = 0;
    const char *end = value + std::strlen(value);
    auto [rest, error] = std::from_chars(value, end, result);
    if (error != std::errc() || rest != end || rest == value)
      fail(name, value, "a number");
    return result;
  }

private:
  void fail(const char *name, const char *value, const std::string &wanted) {
    if (problem.empty())
      problem = std::string(name) + " is '" + value + "', not " + wanted;
  }

  std::string &problem;
};

} // namespace

bool Options::read(Options &options, std::string &problem) {
  Environment environment(problem);
  options.randomSchedule = environment.either("STRATA_SIM_SCHEDULE", "sequential", "random");
  options.races = environment.either("STRATA_SIM_RACES", "0", "1");
  options.lazyStreams = environment.either("STRATA_SIM_STREAMS", "eager", "lazy");
  options.seed = environment.number("STRATA_SIM_SEED", options.seed);
  options.memoryBytes = environment.number("STRATA_SIM_MEMORY", options.memoryBytes);
  return problem.empty();
}

} // namespace strata::simulator
