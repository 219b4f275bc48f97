//===- Version.cpp - what --version says ----------------------------------===//

#include "runtime/base/Status.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/package/PackageFormat.h"
#include "tools/command_line/CommandLine.h"

namespace strata {

std::string versionNumber() { return STRATA_VERSION; }

std::string versionText(const std::string &program) {
  return absl::StrCat(program, " " STRATA_VERSION " (revision " STRATA_REVISION ")\n",
                      "packages: format ", kPackageMajor, ".", kPackageMinor, "\n",
                      "devices: cpu, cuda\n", "this cpu: ", cpu::CpuFeatures::detect().toString(),
                      "\n");
}

} // namespace strata
