//===- SelectCode.cpp -----------------------------------------------------===//

#include "runtime/cuda/SelectCode.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "runtime/Status.h"

#include <vector>

namespace strata::cuda {
namespace {

bool canRun(const CodeTarget &target, Capability capability) {
  return target.later ? capability >= target.capability : capability == target.capability;
}

/// Machine code before PTX, late PTX before early.
bool isBetter(const CodeTarget &a, const CodeTarget &b) {
  return a.later != b.later ? !a.later : a.capability > b.capability;
}

/// "sm_80 (for 8.0)", "sm_80.ptx (for 8.0 and later)", "sim (for the simulator)".
std::string describe(const std::string &name, const CodeTarget &target) {
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

std::string Capability::toString() const { return absl::StrCat(major, ".", minor); }

std::optional<CodeTarget> parseTarget(absl::string_view target, package::CodeFormat format) {
  if (format == package::CodeFormat::elf)
    return target == "sim" || target == "sim_90a" ? std::optional<CodeTarget>({Capability(), false})
                                                  : std::nullopt;
  bool ptx = absl::ConsumeSuffix(&target, ".ptx");
  bool only = absl::ConsumeSuffix(&target, "a"); // of features that no later one has
  int number = 0;
  if (ptx != (format == package::CodeFormat::ptx) || !absl::ConsumePrefix(&target, "sm_") ||
      target.empty() || target.size() > 3 ||
      target.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(target, &number) || number < 10)
    return std::nullopt;
  return CodeTarget{{number / 10, number % 10}, ptx && !only};
}

absl::StatusOr<SelectedCode> selectCode(const Package &package, Capability capability,
                                        const std::string &device, const std::string &target) {
  STRATA_TRY(package.program("cuda").status());
  std::optional<SelectedCode> best;
  CodeTarget bestTarget = {};
  std::vector<std::string> refused, names;
  for (const package::Program *program : items(package.manifest().programs())) {
    if (text(program->device()) != "cuda")
      continue;
    for (const package::CodeObject *code : items(program->code())) {
      CodeTarget found = *parseTarget(text(code->target()), code->format()); // verified
      names.push_back(text(code->target()));
      if (!target.empty() && names.back() != target)
        continue;
      if (!canRun(found, capability))
        refused.push_back(describe(names.back(), found));
      else if (!best || isBetter(found, bestTarget)) {
        best = {program, code};
        bestTarget = found;
      }
    }
  }
  if (best)
    return *best;
  return annotate(noCode(refused, names, capability, device, target), package.path());
}

} // namespace strata::cuda
