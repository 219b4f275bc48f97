//===- HubCache.cpp - where models lie, and what they are called ----------===//
#include "runtime/checkpoint/HubCache.h"

#include "runtime/base/MappedFile.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxRefBytes = 4096;
constexpr size_t kShortestHash = 32; // digits

bool isHash(std::string_view name) {
  if (name.starts_with("sha256-"))
    name.remove_prefix(7);
  return name.size() >= kShortestHash && std::ranges::all_of(name, absl::ascii_isxdigit);
}

/// "NAME" of "models--ORGANIZATION--NAME"; empty for other names.
std::string repositoryName(const std::string &folder) {
  const std::vector<std::string> parts = absl::StrSplit(folder, "--");
  return parts.size() >= 2 && parts[0] == "models" ? parts.back() : "";
}

/// Without "." and "..", and without a slash at the end.
fs::path normalized(const std::string &path) {
  std::error_code ignored;
  const fs::path place = fs::absolute(path, ignored).lexically_normal();
  return place.has_filename() ? place : place.parent_path();
}

} // namespace

std::optional<std::string> hubSnapshot(const std::string &folder) {
  std::error_code error;
  const fs::path snapshots = fs::path(folder) / "snapshots",
                 ref = fs::path(folder) / "refs" / "main";
  if (const auto revision = readFile(ref, kMaxRefBytes); revision.ok()) {
    const std::string name(absl::StripAsciiWhitespace(*revision));
    if (isHash(name) && fs::is_directory(snapshots / name, error))
      return snapshots / name;
  }
  if (repositoryName(normalized(folder).filename()).empty())
    return std::nullopt;
  std::vector<std::string> found;
  for (fs::directory_iterator entry(snapshots, error), end; !error && entry != end;
       entry.increment(error))
    found.push_back(entry->path());
  return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
}

std::string modelName(const std::string &path) {
  std::error_code ignored;
  fs::path place = normalized(path);
  std::string name = fs::is_directory(place, ignored) ? place.filename() : place.stem();
  for (; isHash(name) && place.has_relative_path(); name = place.filename())
    place = place.parent_path();
  if (name == "snapshots" || name == "blobs")
    name = place.parent_path().filename();
  const std::string repository = repositoryName(name);
  return repository.empty() ? name : repository;
}

} // namespace strata
