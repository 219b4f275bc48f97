//===- CommandLineTest.cpp - the option table -----------------------------===//

#include "tools/command_line/CommandLine.h"

#include <gtest/gtest.h>

namespace strata {
namespace {

struct Values {
  std::string text;
  bool flag = false;
  int64_t number = 0;
  float temperature = 0;
  std::vector<int64_t> list;
  uint64_t seed = 0;
  int format = 0;
};

/// The status of parsing, and what was set.
absl::Status parse(Values &values, std::vector<const char *> words,
                   std::vector<std::string> *rest = nullptr) {
  words.insert(words.begin(), "tool");
  CommandLine commandLine(
      "tool", "FILE", "About.",
      {{"p", "TEXT", "text", setText(values.text)},
       {"flag", "", "a flag", setFlag(values.flag)},
       {"n", "N", "a number", setInteger(values.number, 1, 100)},
       {"temp", "T", "temperature", setNumber(values.temperature, 0, 10)},
       {"list", "N,...", "numbers", setIntegers(values.list, 0, 9)},
       {"seed", "S", "seed", setSeed(values.seed)},
       {"o", "FORMAT", "format", setChoice(values.format, {{"md", 1}, {"csv", 2}, {"json", 3}})}});
  auto arguments = commandLine.parse(int(words.size()), words.data());
  if (arguments.ok() && rest)
    *rest = *arguments;
  return arguments.status();
}

std::string errorOf(std::vector<const char *> words) {
  Values values;
  return std::string(parse(values, std::move(words)).message());
}

TEST(CommandLine, TakesEverySpelling) {
  Values values;
  std::vector<std::string> rest;
  ASSERT_TRUE(parse(values,
                    {"a", "-p", "-x y", "--flag", "-n=7", "--temp", "0.5", "--list=1,2,9", "--seed",
                     "18446744073709551615", "-o", "json", "--", "--b"},
                    &rest)
                  .ok());
  EXPECT_EQ(values.text, "-x y");
  EXPECT_TRUE(values.flag);
  EXPECT_EQ(values.number, 7);
  EXPECT_EQ(values.temperature, 0.5f);
  EXPECT_EQ(values.list, (std::vector<int64_t>{1, 2, 9}));
  EXPECT_EQ(values.seed, UINT64_MAX);
  EXPECT_EQ(values.format, 3);
  EXPECT_EQ(rest, (std::vector<std::string>{"a", "--b"}));
}

TEST(CommandLine, UnknownOptions) {
  EXPECT_EQ(errorOf({"--tmep", "1"}), "unknown option --tmep; did you mean --temp?");
  EXPECT_EQ(errorOf({"--flags"}), "unknown option --flags; did you mean --flag?");
  EXPECT_EQ(errorOf({"-N"}), "unknown option -N; did you mean -p?");
  EXPECT_EQ(errorOf({"--completely-else"}), "unknown option --completely-else");
}

TEST(CommandLine, WrongValues) {
  EXPECT_EQ(errorOf({"-n", "0"}), "-n: expected a whole number from 1 to 100, found \"0\"");
  for (const char *value : {"101", "1.5", "", "x", "-1", "99999999999999999999", "1 2"})
    EXPECT_NE(errorOf({"-n", value}), "") << value;
  for (const char *value : {"nan", "inf", "-0.1", "10.1", "", "1,5"})
    EXPECT_NE(errorOf({"--temp", value}), "") << value;
  for (const char *value : {"", ",", "1,", "1,10", "a"})
    EXPECT_NE(errorOf({"--list", value}), "") << value;
  EXPECT_NE(errorOf({"--seed=-1"}), "");
  EXPECT_EQ(errorOf({"-o", "xml"}), "-o: expected md, csv or json, found \"xml\"");
  EXPECT_EQ(errorOf({"-n"}), "-n: expected N");
  EXPECT_EQ(errorOf({"--flag=1"}), "--flag: expected no value");
}

TEST(CommandLine, WrongListLeavesTheTargetAlone) {
  Values values;
  values.list = {5};
  EXPECT_FALSE(parse(values, {"--list", "1,x"}).ok());
  EXPECT_EQ(values.list, std::vector<int64_t>{5});
}

} // namespace
} // namespace strata
