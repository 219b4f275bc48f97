//===- StrataInspect.cpp - strata-inspect: what is in a file --------------===//

#include "runtime/PackageFormat.h"
#include "runtime/Status.h"
#include "tools/run/CommandLine.h"
#include "tools/run/Console.h"
#include "tools/run/Inspect.h"
#include "tools/run/Interrupt.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace strata {
namespace {

constexpr const char *kProgram = "strata-inspect";

struct Options {
  std::string path;
  InspectOptions inspect;
  bool json = false, help = false, version = false;
};

CommandLine table(Options &options) {
  return CommandLine(
      kProgram, "PATH  [options]",
      "Says what a model folder, a config.json, a file of tensors or a compiled package holds:\n"
      "sizes, parameters, types, tokenizer; of a folder, why strata-compile would refuse it; of a\n"
      "package, its code and what a token costs. The exit status is 1 if something is refused.",
      {{"tensors", "", "a line for each tensor", setFlag(options.inspect.tensors)},
       {"plan", "", "a line for each dispatch of a package", setFlag(options.inspect.plan)},
       {"json", "", "everything, as JSON", setFlag(options.json)},
       {"help", "", "this text", setFlag(options.help)},
       {"version", "", "versions, devices and what this CPU can do", setFlag(options.version)}});
}

absl::StatusOr<Options> parse(int argc, const char *const *argv) {
  Options options;
  STRATA_ASSIGN(std::vector<std::string> arguments, table(options).parse(argc, argv));
  if (options.help || options.version)
    return options;
  if (arguments.size() != 1)
    return absl::InvalidArgumentError(absl::StrCat("expected one path, found ", arguments.size()));
  options.path = arguments[0];
  options.inspect.format = options.json ? InspectFormat::json : InspectFormat::text;
  return options;
}

/// A package tells by its first bytes, or by its name if those are damaged.
bool isPackage(const std::filesystem::path &path) {
  if (std::filesystem::is_directory(path))
    return false;
  char magic[sizeof kPackageMagic] = {};
  std::ifstream(path, std::ios::binary).read(magic, sizeof magic);
  return std::ranges::equal(magic, kPackageMagic) || path.extension() == ".strata";
}

/// Prints and returns the exit status.
absl::StatusOr<int> inspect(const Options &options, Console &console) {
  if (isPackage(options.path)) {
    STRATA_ASSIGN(Package package, Package::open(options.path));
    STRATA_ASSIGN(std::string description, describePackage(package, options.inspect));
    STRATA_TRY(console.write(description));
    return 0;
  }
  STRATA_ASSIGN(InspectedModel model, inspectModel(options.path));
  STRATA_TRY(console.write(describeModel(model, options.inspect)));
  return model.refused.empty() ? 0 : 1;
}

absl::StatusOr<int> run(const Options &options) {
  Console console(kProgram);
  Options defaults;
  if (options.help || options.version) {
    STRATA_TRY(console.write(options.help ? table(defaults).help() : versionText(kProgram)));
    return 0;
  }
  return inspect(options, console);
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  strata::installSignalHandlers();
  return strata::runTool(strata::kProgram, [&] {
    auto options = strata::parse(argc, argv);
    if (!options.ok())
      return strata::reportUsage(strata::kProgram, options.status());
    auto status = strata::run(*options);
    return status.ok() ? *status : strata::reportError(strata::kProgram, status.status());
  });
}
