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

  /// Packages of models that cannot be asked beside the fake one: of fewer tokens, and with a token
  /// that is another.
  std::string writeModelOfFewerTokens() {
    TestPackage fewer = fakeModel(tokenizer);
    fewer.manifest.model->vocabulary = 2047;
    for (auto &dispatch : fewer.manifest.programs[0]->dispatches)
      dispatch->results.clear();
    fewer.layout();
    return folder.write("narrow.strata", fewer.encode());
  }
  std::string writeModelOfOtherTokens() {
    std::string other = tokenizer;
    const std::string piece = "\x0A\x06\xE2\x96\x81the"; // of some token
    EXPECT_NE(other.find(piece), std::string::npos);
    other[other.find(piece) + piece.size() - 1] = '~';
    return folder.write("other.strata", fakeModel(other).encode());
  }

  TestFolder folder;
  std::string tokenizer, package;
};

} // namespace strata::test
