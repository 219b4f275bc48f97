//===- GpuTarget.cpp - parses the targets of GPU code ---------------------===//

#include "runtime/package/GpuTarget.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace strata {

std::string Capability::toString() const { return absl::StrCat(major, ".", minor); }

std::optional<GpuTarget> parseGpuTarget(absl::string_view target, package::CodeFormat format) {
  if (format == package::CodeFormat::elf)
    return target == "sim" || target == "sim_90a" ? std::optional<GpuTarget>({Capability(), false})
                                                  : std::nullopt;
  bool ptx = absl::ConsumeSuffix(&target, ".ptx");
  bool only = absl::ConsumeSuffix(&target, "a"); // of features that no later one has
  int number = 0;
  if (ptx != (format == package::CodeFormat::ptx) || !absl::ConsumePrefix(&target, "sm_") ||
      target.empty() || target.size() > 3 ||
      target.find_first_not_of("0123456789") != absl::string_view::npos ||
      !absl::SimpleAtoi(target, &number) || number < 10)
    return std::nullopt;
  return GpuTarget{{number / 10, number % 10}, ptx && !only};
}

} // namespace strata
