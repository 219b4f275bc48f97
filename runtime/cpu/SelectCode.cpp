//===- SelectCode.cpp - which machine code this CPU can run ---------------===//

#include "runtime/cpu/SelectCode.h"

#include "absl/strings/str_join.h"
#include "runtime/base/Status.h"

#include <vector>

namespace strata::cpu {
namespace {

std::vector<std::string> lacking(const package::CodeObject &code, const CpuFeatures &features) {
  std::vector<std::string> wanted;
  for (const flatbuffers::String *feature : itemsOf(code.features()))
    wanted.push_back(textOf(feature));
  return features.missing(wanted);
}

} // namespace

CpuFeatures featuresOf(const package::CodeObject &code) {
  std::set<std::string, std::less<>> names;
  for (const flatbuffers::String *feature : itemsOf(code.features()))
    names.insert(textOf(feature));
  return CpuFeatures(std::move(names));
}

absl::StatusOr<SelectedCode> selectCode(const Package &package, const CpuFeatures &features,
                                        const std::string &target) {
  STRATA_ASSIGN(const std::vector<SelectedCode> all, package.code("cpu"));
  std::vector<std::string> refused, names;
  for (const SelectedCode &each : all) {
    names.push_back(textOf(each.code->target()));
    if (!target.empty() && names.back() != target)
      continue;
    std::vector<std::string> missing = lacking(*each.code, features);
    if (missing.empty())
      return each;
    refused.push_back(absl::StrCat(names.back(), " (it lacks ", absl::StrJoin(missing, ", "),
                                   features.refusal(missing), ")"));
  }
  if (refused.empty())
    return absl::NotFoundError(absl::StrCat(package.path(), ": cpu target: expected one of ",
                                            absl::StrJoin(names, ", "), ", found ", target));
  return absl::FailedPreconditionError(
      absl::StrCat(package.path(), ": this CPU cannot run the package's code: it is for ",
                   absl::StrJoin(refused, ", ")));
}

} // namespace strata::cpu
