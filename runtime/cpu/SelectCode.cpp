//===- SelectCode.cpp -----------------------------------------------------===//

#include "runtime/cpu/SelectCode.h"

#include "absl/strings/str_join.h"
#include "runtime/base/Status.h"

#include <vector>

namespace strata::cpu {
namespace {

std::vector<std::string> lacking(const package::CodeObject &code, const CpuFeatures &features) {
  std::vector<std::string> wanted;
  for (const flatbuffers::String *feature : items(code.features()))
    wanted.push_back(text(feature));
  return features.missing(wanted);
}

} // namespace

CpuFeatures featuresOf(const package::CodeObject &code) {
  std::set<std::string, std::less<>> names;
  for (const flatbuffers::String *feature : items(code.features()))
    names.insert(text(feature));
  return CpuFeatures(std::move(names));
}

absl::StatusOr<const package::CodeObject *> selectCode(const package::Program &program,
                                                       const CpuFeatures &features,
                                                       const std::string &target) {
  std::vector<std::string> refused, names;
  for (const package::CodeObject *code : items(program.code())) {
    names.push_back(text(code->target()));
    if (!target.empty() && names.back() != target)
      continue;
    std::vector<std::string> missing = lacking(*code, features);
    if (missing.empty())
      return code;
    refused.push_back(absl::StrCat(names.back(), " (it lacks ", absl::StrJoin(missing, ", "), ")"));
  }
  if (refused.empty())
    return absl::NotFoundError(absl::StrCat("cpu target: expected one of ",
                                            absl::StrJoin(names, ", "), ", found ", target));
  return absl::FailedPreconditionError(absl::StrCat(
      "this CPU cannot run the package's code: it is for ", absl::StrJoin(refused, ", ")));
}

} // namespace strata::cpu
