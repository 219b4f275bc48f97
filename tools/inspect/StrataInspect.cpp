//===- StrataInspect.cpp - strata-inspect: what is in a file --------------===//

#include "runtime/base/Status.h"
#include "runtime/package/PackageFormat.h"
#include "tools/command_line/Tool.h"
#include "tools/inspect/Inspect.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace strata {
namespace {

constexpr const char *kAbout =
    "Says what a model folder, a config.json, a file of tensors or a compiled package holds:\n"
    "sizes, parameters, types, tokenizer; of a folder, why strata-compile would refuse it; of a\n"
    "package, its code and what a token costs. The exit status is 1 if something is refused.";

/// A package tells by its first bytes, or by its name if those are damaged.
bool isPackage(const std::filesystem::path &path) {
  if (std::filesystem::is_directory(path))
    return false;
  char magic[sizeof kPackageMagic] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::ranges::equal(magic, kPackageMagic) || path.extension() == ".strata";
}

/// Prints and returns the exit status.
absl::StatusOr<int> inspect(const std::string &path, const InspectOptions &options,
                            Console &console) {
  if (isPackage(path)) {
    STRATA_ASSIGN(Package package, Package::open(path));
    STRATA_ASSIGN(std::string description, describePackage(package, options));
    STRATA_TRY(console.write(description));
    return 0;
  }
  STRATA_ASSIGN(InspectedModel model, inspectModel(path));
  STRATA_TRY(console.write(describeModel(model, options)));
  return model.refused.empty() ? 0 : 1;
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  using namespace strata;
  std::string path;
  InspectOptions options;
  bool json = false;
  return runMain(
      {.program = "strata-inspect",
       .usage = "PATH  [options]",
       .about = kAbout,
       .options = {{"tensors", "", "a line for each tensor", setFlag(options.tensors)},
                   {"plan", "", "a line for each dispatch of a package", setFlag(options.plan)},
                   {"json", "", "everything, as JSON", setFlag(json)}},
       .argument = "path",
       .path = path,
       .run =
           [&](Console &console) {
             options.format = json ? InspectFormat::json : InspectFormat::text;
             return inspect(path, options, console);
           }},
      argc, argv);
}
