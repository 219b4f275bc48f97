//===- CompileArguments.cpp - strata-compile's command line ---------------===//
//
// Not llvm::cl: the shared libLLVM registers options of its own there, --stop-after among them.
//
//===----------------------------------------------------------------------===//

#include "tools/compile/CompileArguments.h"

#include "runtime/base/Status.h"
#include "runtime/checkpoint/HubCache.h"
#include "tools/command_line/CommandLine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Path.h"

#include <map>

using namespace strata;

std::string strata::compilerVersion() {
  return "strata " STRATA_VERSION " (" STRATA_REVISION ", LLVM " LLVM_VERSION_STRING ")";
}

std::string strata::describeTargets() {
  std::vector<std::string> described;
  for (const Target *target : targets())
    described.push_back(target->name().str() + " (" + llvm::join(target->machines(), ", ") + ")");
  return llvm::join(described, ", ");
}

static absl::Status expected(const std::string &what, const std::string &found) {
  return absl::InvalidArgumentError("expected " + what + ", found \"" + found + "\"");
}

/// Calls `each` with the parts between commas.
static OptionSetter setList(std::function<absl::Status(const std::string &)> each) {
  return [each](const std::string &value) {
    llvm::SmallVector<llvm::StringRef> parts;
    llvm::StringRef(value).split(parts, ',');
    for (llvm::StringRef part : parts)
      STRATA_TRY(each(part.str()));
    return absl::OkStatus();
  };
}

namespace {
/// What the command line says of targets: those that --target names, and machines of each.
struct ChosenTargets {
  std::vector<const Target *> named;
  std::map<const Target *, std::vector<std::string>> machines;
};
} // namespace

static absl::Status addTarget(const std::string &name, ChosenTargets &chosen) {
  const Target *target = findTarget(name);
  if (!target)
    return expected("one of " + targetNames(), name);
  if (!llvm::is_contained(chosen.named, target))
    chosen.named.push_back(target);
  return absl::OkStatus();
}

static absl::Status addMachine(const Target &target, const std::string &name,
                               ChosenTargets &chosen) {
  llvm::Expected<std::string> machine = target.findMachine(name);
  if (!machine)
    return absl::InvalidArgumentError(toString(machine.takeError()));
  std::vector<std::string> &machines = chosen.machines[&target];
  if (!llvm::is_contained(machines, *machine))
    machines.push_back(*machine);
  return absl::OkStatus();
}

/// The targets, cpu if none is named, each with its machines.
static absl::StatusOr<std::vector<TargetChoice>> combine(ChosenTargets &chosen) {
  if (chosen.named.empty())
    chosen.named.push_back(targets().front());
  std::vector<TargetChoice> choices;
  for (const Target *target : chosen.named)
    choices.push_back({target, chosen.machines[target]});
  for (const auto &[target, machines] : chosen.machines)
    if (!machines.empty() && !llvm::is_contained(chosen.named, target))
      return absl::InvalidArgumentError("--" + target->machineOption().name +
                                        ": expected --target=" + target->name().str() +
                                        " with it, found none");
  return choices;
}

static absl::Status setStage(const std::string &name, Stage &stage) {
  std::string names;
  for (Stage candidate : kStages) {
    if (name == stageName(candidate)) {
      stage = candidate;
      return absl::OkStatus();
    }
    names += (names.empty() ? "" : ", ") + stageName(candidate).str();
  }
  return expected("one of " + names, name);
}

static absl::Status setMachine(const std::string &name, std::optional<Machine> &machine) {
  machine = findMachine(name);
  return machine ? absl::OkStatus() : expected("one of " + machineNames(), name);
}

static std::vector<Option> optionsOf(CompileArguments &args, ChosenTargets &chosen) {
  CompileOptions &options = args.options;
  std::vector<Option> list = {
      {"o", "FILE", "where the result goes; default: NAME.strata, or - with --stop-after",
       setText(args.output)},
      {"target", "DEVICES", "cpu, the default, cuda, or both: cpu,cuda",
       setList([&](const std::string &name) { return addTarget(name, chosen); })}};
  for (const Target *target : targets()) {
    Target::Option option = target->machineOption();
    list.push_back({option.name, option.value, option.help,
                    setList([target, &chosen](const std::string &name) {
                      return addMachine(*target, name, chosen);
                    })});
  }
  std::vector<Option> others = {
      {"stop-after", "STAGE", "import, fuse, plan, kernels, llvm or package: print its result",
       [&](const std::string &name) { return setStage(name, options.stopAfter); }},
      {"dump-dir", "DIR",
       "leave one file a stage in this folder; for cuda also kernels.CHIP.ptx and what ptxas "
       "says, ptxas.CHIP.txt",
       setText(args.dumpDirectory)},
      {"print-schedule", "",
       "print each kernel's launches: grid, block, shared memory; with ptxas also registers and "
       "how many blocks a GPU's multiprocessor holds",
       setFlag(args.schedule)},
      {"print-roofline", "", "print each kernel's bytes, flops and ideal time on an H100",
       [&](const std::string &) {
         return args.roofline ? absl::OkStatus() : setMachine("h100", args.roofline);
       }},
      {"machine", "NAME", "print the roofline for one of " + machineNames(),
       [&](const std::string &name) { return setMachine(name, args.roofline); }},
      {"embed-weights", "", "put the weights into the package", setFlag(options.embedWeights)},
      {"no-fuse", "", "leave every op a kernel of its own, to bisect a difference",
       [&](const std::string &) {
         options.fuse = false;
         return absl::OkStatus();
       }},
      {"help", "", "this text", setFlag(args.help)},
      {"version", "", "versions and targets", setFlag(args.version)}};
  llvm::move(others, std::back_inserter(list));
  return list;
}

static CommandLine table(CompileArguments &args, ChosenTargets &chosen) {
  return CommandLine(
      "strata-compile", "MODEL [-o model.strata] [options]",
      "Compiles a decoder-only language model. MODEL is a model folder, a .gguf or .nemo file, a "
      "config.json, a preset (nemotron-4-15b, minitron-4b, ...) or a .mlir file.",
      optionsOf(args, chosen));
}

std::string strata::compileHelp() {
  CompileArguments args;
  ChosenTargets chosen;
  return table(args, chosen).help();
}

static std::string defaultOutput(const CompileArguments &args) {
  if (args.options.stopAfter != Stage::Package)
    return "-";
  const std::string name = modelName(args.model);
  return (name.empty() || name == "/" ? "model" : name) + ".strata";
}

absl::StatusOr<CompileArguments> strata::parseCompileArguments(int argc, char **argv) {
  CompileArguments args;
  ChosenTargets chosen;
  STRATA_ASSIGN(std::vector<std::string> models, table(args, chosen).parse(argc, argv));
  if (args.help || args.version)
    return args;
  if (models.size() != 1)
    return absl::InvalidArgumentError("expected one MODEL, found " + std::to_string(models.size()));
  args.model = models.front();
  args.options.compiler = compilerVersion();
  STRATA_ASSIGN(args.options.targets, combine(chosen));
  if (args.output.empty())
    args.output = defaultOutput(args);
  return args;
}
