//===- Version.cpp - what --version says ----------------------------------===//

#include "runtime/PackageFormat.h"
#include "runtime/Status.h"
#include "runtime/cpu/CpuFeatures.h"
#include "tools/run/CommandLine.h"

namespace strata {

std::string versionText(const std::string &program) {
  return absl::StrCat(program, " " STRATA_VERSION " (revision " STRATA_REVISION ")\n",
                      "packages: format ", kPackageMajor, ".", kPackageMinor, "\n",
                      "devices: cpu, cuda\n", "this cpu: ", cpu::CpuFeatures::detect().toString(),
                      "\n");
}

} // namespace strata
