//===- SelectCode.cpp - which machine code a GPU can run ------------------===//

#include "runtime/cuda/SelectCode.h"

#include "absl/strings/str_join.h"
#include "runtime/base/Status.h"

#include <optional>
#include <vector>

namespace strata::cuda {
namespace {

bool canRun(const GpuTarget &target, Capability capability) {
  return target.later ? capability >= target.capability : capability == target.capability;
}

/// Machine code before PTX, late PTX before early.
bool isBetter(const GpuTarget &a, const GpuTarget &b) {
  return a.later != b.later ? !a.later : a.capability > b.capability;
}

/// "sm_80 (for 8.0)", "sm_80.ptx (for 8.0 and later)", "sim (for the simulator)".
std::string describe(const std::string &name, const GpuTarget &target) {
  if (target.capability == Capability())
    return absl::StrCat(name, " (for the simulator)");
  return absl::StrCat(name, " (for ", target.capability.toString(),
                      target.later ? " and later)" : ")");
}

absl::Status noCode(const std::vector<std::string> &refused, const std::vector<std::string> &names,
                    Capability capability, const std::string &device, const std::string &target) {
  if (refused.empty())
    return absl::NotFoundError(absl::StrCat("cuda target: expected one of ",
                                            absl::StrJoin(names, ", "), ", found ", target));
  std::string found = capability == Capability()
                          ? "is a simulator"
                          : absl::StrCat("has compute capability ", capability.toString());
  return absl::FailedPreconditionError(absl::StrCat(device, " ", found, ", the package's code is ",
                                                    absl::StrJoin(refused, ", "),
                                                    "; compile the model with another --arch"));
}

} // namespace

absl::StatusOr<SelectedCode> selectCode(const Package &package, Capability capability,
                                        const std::string &device, const std::string &target) {
  STRATA_ASSIGN(const std::vector<SelectedCode> all, package.code("cuda"));
  std::optional<SelectedCode> best;
  GpuTarget bestTarget = {};
  std::vector<std::string> refused, names;
  for (const SelectedCode &each : all) {
    GpuTarget found = *parseGpuTarget(textOf(each.code->target()), each.code->format()); // verified
    names.push_back(textOf(each.code->target()));
    if (!target.empty() && names.back() != target)
      continue;
    if (!canRun(found, capability))
      refused.push_back(describe(names.back(), found));
    else if (!best || isBetter(found, bestTarget)) {
      best = each;
      bestTarget = found;
    }
  }
  if (best)
    return *best;
  return annotate(noCode(refused, names, capability, device, target), package.path());
}

} // namespace strata::cuda
