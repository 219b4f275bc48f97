//===- ToolFixture.h - command lines as one calls them ----------*- C++ -*-===//
#pragma once

#include "test/runtime/TestPackage.h"
#include "test/tools/RunCommand.h"

namespace strata::test {

/// The fake model with the demonstration model's tokenizer. Its likeliest token is always the last
/// of the vocabulary.
class Tool : public testing::Test {
protected:
  Tool() : tokenizer(contentsOf(STRATA_DEMO_MODEL "/tokenizer.model")) {
    package = folder.write("fake.strata", fakeModel(tokenizer).encode());
  }

  /// Runs a shell command in which %r is strata-run, %b strata-bench, %s strata-score, %i
  /// strata-inspect, %q strata-quantize, %p the fake package and %d the demonstration model's
  /// folder.
  Result run(std::string command) {
    for (auto [mark, text] : {std::pair<std::string, std::string>{"%r", STRATA_RUN},
                              {"%b", STRATA_BENCH},
                              {"%s", STRATA_SCORE},
                              {"%i", STRATA_INSPECT},
                              {"%q", STRATA_QUANTIZE},
                              {"%d", STRATA_DEMO_MODEL},
                              {"%p", package}})
      for (size_t at; (at = command.find(mark)) != std::string::npos;)
        command.replace(at, 2, text);
    return runCommand(folder, command);
  }

  void expectError(const std::string &command, int status, const std::string &message) {
    Result result = run(command);
    EXPECT_EQ(result.status, status) << command << "\n" << result.err;
    EXPECT_NE(result.err.find(message), std::string::npos) << command << "\n" << result.err;
  }

  TestFolder folder;
  std::string tokenizer, package;
};

} // namespace strata::test
