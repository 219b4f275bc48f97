//===- RunCommand.h - commands as a shell runs them -------------*- C++ -*-===//
#pragma once

#include "test/runtime/TestFolder.h"

#include <sys/wait.h>

#include <cstdlib>

namespace strata::test {

struct Result {
  int status; // exit status
  std::string out, err;
};

/// Runs a line of shell without standard input. What it prints goes through files in `folder`.
inline Result runCommand(const TestFolder &folder, const std::string &line) {
  std::string out = folder.path("out"), err = folder.path("err");
  int status = system(("( " + line + " ) >" + out + " 2>" + err + " </dev/null").c_str());
  return {WEXITSTATUS(status), contentsOf(out), contentsOf(err)};
}

} // namespace strata::test
