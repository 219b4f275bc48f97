//===- Console.cpp - text to stdout, everything else to stderr ------------===//

#include "tools/command_line/Console.h"

#include "runtime/base/InputFiles.h"
#include "runtime/base/Status.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace strata {

Console::Console(std::string program)
    : program(std::move(program)), terminal(isatty(STDERR_FILENO)) {}

absl::Status Console::write(std::string_view text) {
  clearProgress();
  if (!std::exchange(checked, true))
    STRATA_TRY(checkOutput(STDOUT_FILENO, "standard output"));
  if (!text.empty())
    lineStart = text.back() == '\n';
  while (!text.empty()) {
    ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return absl::ErrnoToStatus(errno, "cannot write to standard output");
    text.remove_prefix(size_t(written));
  }
  return absl::OkStatus();
}

void Console::note(const std::string &text) {
  clearProgress();
  fprintf(stderr, "%s: %s\n", program.c_str(), text.c_str());
}

void Console::progress(const std::string &text) {
  if (!terminal)
    return;
  fprintf(stderr, "\r\033[K%s", text.c_str());
  fflush(stderr);
  shown = true;
}

void Console::clearProgress() {
  if (!shown)
    return;
  fprintf(stderr, "\r\033[K");
  fflush(stderr);
  shown = false;
}

} // namespace strata
