//===- Console.h - text to stdout, everything else to stderr ----*- C++ -*-===//
#pragma once

#include "absl/status/status.h"

#include <string>
#include <string_view>

namespace strata {

/// Results go to stdout, at once; notes go to stderr; progress goes there too, but only to a
/// terminal, on a line that the next output replaces.
class Console {
public:
  explicit Console(std::string program);
  ~Console() { clearProgress(); }

  /// All of the text, or an error (a full disk, a closed pipe; nothing, if stdout is a file that
  /// this process reads).
  absl::Status write(std::string_view text);
  /// A line of its own on stderr, "PROGRAM: TEXT".
  void note(const std::string &text);
  /// Replaces the last progress.
  void progress(const std::string &text);
  void clearProgress();
  /// Whether the last text written to stdout ended a line; true at first.
  bool atLineStart() const { return lineStart; }

private:
  std::string program;
  bool terminal;        // stderr is one
  bool checked = false; // that stdout is no file that is read
  bool shown = false;
  bool lineStart = true;
};

} // namespace strata
