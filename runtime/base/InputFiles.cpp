//===- InputFiles.cpp - no file is written that is read -------------------===//
#include "runtime/base/InputFiles.h"

#include "absl/strings/str_cat.h"

#include <map>
#include <mutex>
#include <sys/stat.h>
#include <utility>

namespace strata {
namespace {

/// What a file is, whatever leads to it.
using Identity = std::pair<dev_t, ino_t>;

/// Of the process: who writes a file cannot know of all who read.
struct Inputs {
  std::mutex mutex;
  std::map<Identity, std::string> names;
};

Inputs &inputs() {
  static Inputs inputs;
  return inputs;
}

void note(const struct stat &file, const std::string &name) {
  if (!S_ISREG(file.st_mode))
    return;
  const std::lock_guard lock(inputs().mutex);
  inputs().names.try_emplace({file.st_dev, file.st_ino}, name);
}

absl::Status check(const struct stat &file, const std::string &name) {
  const std::lock_guard lock(inputs().mutex);
  const auto found = inputs().names.find({file.st_dev, file.st_ino});
  if (found == inputs().names.end())
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": expected a file to write, found one that is read: ", found->second));
}

} // namespace

void noteInput(int descriptor, const std::string &name) {
  if (struct stat file; ::fstat(descriptor, &file) == 0)
    note(file, name);
}

void noteInput(const std::string &path) {
  if (struct stat file; ::stat(path.c_str(), &file) == 0)
    note(file, path);
}

absl::Status checkOutput(const std::string &path) {
  struct stat file;
  return ::stat(path.c_str(), &file) == 0 ? check(file, path) : absl::OkStatus();
}

absl::Status checkOutput(int descriptor, const std::string &name) {
  struct stat file;
  return ::fstat(descriptor, &file) == 0 ? check(file, name) : absl::OkStatus();
}

} // namespace strata
