//===- CpuQuota.cpp - how much of its CPUs a container may use ------------===//

#include "runtime/base/CpuQuota.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

#include <algorithm>
#include <fstream>
#include <vector>

namespace strata {
namespace {

std::vector<std::string> linesOf(const std::string &path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

std::optional<double> numberIn(const std::string &path) {
  const std::vector<std::string> lines = linesOf(path);
  double number;
  if (lines.empty() || !absl::SimpleAtod(lines.front(), &number))
    return std::nullopt;
  return number;
}

std::optional<double> ratio(std::optional<double> quota, std::optional<double> period) {
  return quota && period && *quota > 0 && *period > 0 ? std::optional(*quota / *period)
                                                      : std::nullopt;
}

/// "150000 100000", or "max 100000".
std::optional<double> quotaOfV2(const std::string &folder) {
  const std::vector<std::string> lines = linesOf(folder + "/cpu.max");
  double quota, period;
  const std::vector<std::string> words =
      absl::StrSplit(lines.empty() ? "" : lines.front(), ' ', absl::SkipEmpty());
  if (words.size() != 2 || !absl::SimpleAtod(words[0], &quota) ||
      !absl::SimpleAtod(words[1], &period))
    return std::nullopt;
  return ratio(quota, period);
}

/// The quota is -1 where there is none.
std::optional<double> quotaOfV1(const std::string &folder) {
  return ratio(numberIn(folder + "/cpu.cfs_quota_us"), numberIn(folder + "/cpu.cfs_period_us"));
}

/// Whether a list, separated by commas, names the controller.
bool hasCpu(const std::string &list) {
  const std::vector<std::string> names = absl::StrSplit(list, ',');
  return std::ranges::find(names, "cpu") != names.end();
}

/// Where a hierarchy of control groups is to be seen, and which group that place is.
struct Mount {
  std::string point, group;
  bool isV2;
};

/// Those of /proc/self/mountinfo that limit CPUs: "33 31 0:30 /group /point options - type source
/// options".
std::vector<Mount> findMounts(const std::string &root) {
  std::vector<Mount> mounts;
  for (const std::string &line : linesOf(root + "/proc/self/mountinfo")) {
    const std::vector<std::string> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    const std::vector<std::string> words = absl::StrSplit(halves[0], ' ');
    const std::vector<std::string> type = absl::StrSplit(halves.back(), ' ');
    if (halves.size() != 2 || words.size() < 5 || type.size() < 3)
      continue;
    if (type[0] == "cgroup2" || (type[0] == "cgroup" && hasCpu(type[2])))
      mounts.push_back({words[4], words[3], type[0] == "cgroup2"});
  }
  return mounts;
}

/// The group of this process in the hierarchy of that version: "4:cpu,cpuacct:/group" or
/// "0::/group".
std::optional<std::string> groupOf(const std::string &root, bool isV2) {
  for (const std::string &line : linesOf(root + "/proc/self/cgroup")) {
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() == 3 && (isV2 ? fields[1].empty() : hasCpu(fields[1])))
      return fields[2];
  }
  return std::nullopt;
}

} // namespace

std::optional<double> cpuQuota(const std::string &root) {
  std::optional<double> least;
  for (const Mount &mount : findMounts(root)) {
    std::string group = groupOf(root, mount.isV2).value_or("");
    // A container sees its own group as the root, but may be told the group's name outside.
    if (mount.group != "/")
      group = group.starts_with(mount.group) ? group.substr(mount.group.size()) : "";
    for (;; group.resize(group.rfind('/'))) {
      const std::string folder = root + mount.point + group;
      const auto quota = mount.isV2 ? quotaOfV2(folder) : quotaOfV1(folder);
      if (quota && (!least || *quota < *least))
        least = quota;
      if (group.find('/') == group.npos)
        break;
    }
  }
  return least;
}

} // namespace strata
