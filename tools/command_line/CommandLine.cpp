//===- CommandLine.cpp - options as a table -------------------------------===//

#include "tools/command_line/CommandLine.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace strata {
namespace {

std::string dashed(const std::string &name) {
  return absl::StrCat(name.size() == 1 ? "-" : "--", name);
}

/// Letters to insert, remove or replace to make one of the other.
size_t distance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

absl::Status expected(const std::string &what, const std::string &found) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", what, ", found \"", found, "\""));
}

} // namespace

CommandLine::CommandLine(std::string program, std::string usage, std::string about,
                         std::vector<Option> options)
    : program(std::move(program)), usage(std::move(usage)), about(std::move(about)),
      options(std::move(options)) {}

absl::StatusOr<const Option *> CommandLine::find(const std::string &spelled) const {
  const Option *nearest = nullptr;
  size_t best = spelled.size() / 2 + 1;
  for (const Option &option : options) {
    if (dashed(option.name) == spelled)
      return &option;
    if (size_t d = distance(dashed(option.name), spelled); d < best) {
      best = d;
      nearest = &option;
    }
  }
  std::string hint = nearest ? absl::StrCat("; did you mean ", dashed(nearest->name), "?") : "";
  return absl::InvalidArgumentError(absl::StrCat("unknown option ", spelled, hint));
}

absl::StatusOr<std::vector<std::string>> CommandLine::parse(int argc,
                                                            const char *const *argv) const {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--") {
      arguments.insert(arguments.end(), argv + i + 1, argv + argc);
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      arguments.push_back(word);
      continue;
    }
    size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    bool inside = equals != std::string::npos;
    STRATA_ASSIGN(const Option *option, find(name));
    if (option->value.empty() && inside)
      return absl::InvalidArgumentError(absl::StrCat(name, ": expected no value"));
    if (!option->value.empty() && !inside && i + 1 == argc)
      return absl::InvalidArgumentError(absl::StrCat(name, ": expected ", option->value));
    std::string value = inside ? word.substr(equals + 1) : option->value.empty() ? "" : argv[++i];
    STRATA_TRY(annotate(option->set(value), name));
  }
  return arguments;
}

std::string CommandLine::help() const {
  std::string text = absl::StrCat("usage: ", program, " ", usage, "\n\n", about, "\n\n");
  size_t width = 0;
  auto left = [](const Option &option) {
    return absl::StrCat(dashed(option.name), option.value.empty() ? "" : " ", option.value);
  };
  for (const Option &option : options)
    width = std::max(width, left(option).size());
  for (const Option &option : options) {
    std::string start = left(option);
    absl::StrAppend(&text, "  ", start, std::string(width - start.size() + 2, ' '), option.help,
                    "\n");
  }
  return text;
}

OptionSetter setFlag(bool &target) {
  return [&target](const std::string &) {
    target = true;
    return absl::OkStatus();
  };
}

absl::StatusOr<int64_t> parseInteger(const std::string &value, int64_t low, int64_t high) {
  int64_t number;
  if (absl::SimpleAtoi(value, &number) && number >= low && number <= high)
    return number;
  return expected(absl::StrCat("a whole number from ", low, " to ", high), value);
}

OptionSetter setSeed(uint64_t &target) {
  return [&target](const std::string &value) {
    return absl::SimpleAtoi(value, &target) ? absl::OkStatus()
                                            : expected("a whole number from 0 to 2^64 - 1", value);
  };
}

OptionSetter setNumber(float &target, float low, float high) {
  return [&target, low, high](const std::string &value) {
    float number;
    if (!absl::SimpleAtof(value, &number) || !(number >= low && number <= high))
      return expected(absl::StrCat("a number from ", low, " to ", high), value);
    target = number;
    return absl::OkStatus();
  };
}

OptionSetter setIntegers(std::vector<int64_t> &target, int64_t low, int64_t high) {
  return [&target, low, high](const std::string &value) -> absl::Status {
    std::vector<int64_t> numbers;
    for (const std::string &part : std::vector<std::string>(absl::StrSplit(value, ','))) {
      STRATA_ASSIGN(int64_t number, parseInteger(part, low, high));
      numbers.push_back(number);
    }
    target = std::move(numbers);
    return absl::OkStatus();
  };
}

absl::Status unknownChoice(std::vector<std::string> names, const std::string &found) {
  std::string last = std::move(names.back());
  names.pop_back();
  return expected(absl::StrCat(absl::StrJoin(names, ", "), " or ", last), found);
}

int reportError(const std::string &program, const absl::Status &status) {
  std::string message(status.message());
  fprintf(stderr, "%s: error: %s\n", program.c_str(), message.c_str());
  return 1;
}

int reportUsage(const std::string &program, const absl::Status &status) {
  reportError(program, status);
  fprintf(stderr, "%s --help shows the options\n", program.c_str());
  return 2;
}

} // namespace strata
