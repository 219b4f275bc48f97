//===- InputFiles.h - no file is written that is read -----------*- C++ -*-===//
//
// The process remembers each file that it reads by device and inode, so that whatever is written
// can be compared with all of them, by whatever names or links.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "absl/status/status.h"

#include <string>

namespace strata {

/// Remembers that the open file is read here; messages call it `name`. MappedFile::open and
/// readFile do so for theirs. What is no regular file is not remembered. From any thread.
void noteInput(int descriptor, const std::string &name);
/// The same for a file that something else opens by its path.
void noteInput(const std::string &path);

/// INVALID_ARGUMENT if `path` leads to a file that was noted. To be called before anything is
/// written, and once all is open that is read.
absl::Status checkOutput(const std::string &path);
/// The same for an open file; the error calls it `name`.
absl::Status checkOutput(int descriptor, const std::string &name);

} // namespace strata
