//===- StandardFiles.cpp - descriptors 0 to 2 -----------------------------===//

#include "tools/command_line/StandardFiles.h"

#include "absl/strings/str_cat.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace strata {

absl::Status reserveStandardFiles() {
  const bool hasOutput = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
  // A folder can be neither read nor written, and this one is there even where /dev is not.
  for (int file = 0; file <= STDERR_FILENO;) {
    file = ::open("/", O_RDONLY | O_DIRECTORY); // the smallest that is free
    if (file < 0)
      return absl::ErrnoToStatus(errno, "standard files are closed, and cannot be replaced");
    if (file > STDERR_FILENO)
      ::close(file);
  }
  return hasOutput ? absl::OkStatus()
                   : absl::InvalidArgumentError(
                         "standard output: expected an open file, found it closed");
}

absl::Status checkStandardInput() {
  return ferror(stdin) ? absl::UnavailableError("standard input: cannot be read")
                       : absl::OkStatus();
}

} // namespace strata
