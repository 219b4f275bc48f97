//===- CompileArguments.cpp - strata-compile's command line ---------------===//
//
// Not llvm::cl: the shared libLLVM registers options of its own there, --stop-after among them.
//
//===----------------------------------------------------------------------===//

#include "tools/compile/CompileArguments.h"

#include "codegen/cpu/Level.h"
#include "codegen/nvptx/Chip.h"
#include "runtime/base/Status.h"
#include "runtime/cpu/CpuFeatures.h"
#include "tools/command_line/CommandLine.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/Path.h"

using namespace strata;

std::string strata::compilerVersion() {
  return "strata " STRATA_VERSION " (" STRATA_REVISION ", LLVM " LLVM_VERSION_STRING ")";
}

std::string strata::levelNames() {
  std::string names;
  for (const cpu::Level &level : cpu::levels())
    names += (names.empty() ? "" : ", ") + level.name.str();
  return names;
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

static absl::Status addTarget(const std::string &name, std::vector<Target> &targets) {
  for (Target target : {Target::Cpu, Target::Cuda})
    if (name == targetName(target)) {
      if (!llvm::is_contained(targets, target))
        targets.push_back(target);
      return absl::OkStatus();
    }
  return expected("cpu or cuda", name);
}

static absl::Status addLevel(const std::string &name, std::vector<std::string> &levels) {
  if (cpu::findLevel(name)) {
    levels.push_back(name);
    return absl::OkStatus();
  }
  if (name != "native")
    return expected("native or one of " + levelNames(), name);
  auto features = cpu::CpuFeatures::detect();
  for (const cpu::Level &level : cpu::levels())
    if (features.missing({level.required.begin(), level.required.end()}).empty()) {
      levels.push_back(level.name.str());
      return absl::OkStatus();
    }
  return absl::InvalidArgumentError("this CPU has none of the levels " + levelNames());
}

static absl::Status addChip(const std::string &name, std::vector<std::string> &chips) {
  if (!nvptx::findChip(name))
    return expected("one of " + nvptx::chipNames(), name);
  if (!llvm::is_contained(chips, name))
    chips.push_back(name);
  return absl::OkStatus();
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

static CommandLine table(CompileArguments &args) {
  CompileOptions &options = args.options;
  return CommandLine(
      "strata-compile", "MODEL [-o model.strata] [options]",
      "Compiles a decoder-only language model. MODEL is a model folder, a .gguf or .nemo file, a "
      "config.json, a preset (nemotron-4-15b, minitron-4b, ...) or a .mlir file.",
      {{"o", "FILE", "where the result goes; default: NAME.strata, or - with --stop-after",
        setText(args.output)},
       {"target", "DEVICES", "cpu, the default, cuda, or both: cpu,cuda",
        setList([&](const std::string &name) { return addTarget(name, args.targets); })},
       {"cpu", "LEVELS", "native, or some of " + levelNames() + "; default: all of them",
        setList([&](const std::string &name) { return addLevel(name, options.pipeline.levels); })},
       {"arch", "CHIPS",
        "GPUs for --target=cuda: sm_80, sm_90a, and the simulated one with the kernels of either: "
        "sim, sim_90a; default: sm_80,sm_90a. Where ptxas is found (in PATH, in "
        "/usr/local/cuda/bin, or the path in the environment's STRATA_PTXAS; empty: none) each "
        "gets a cubin; PTX for sm_80 and later always goes with them",
        setList([&](const std::string &name) { return addChip(name, args.chips); })},
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
          options.pipeline.fuse = false;
          return absl::OkStatus();
        }},
       {"help", "", "this text", setFlag(args.help)},
       {"version", "", "versions and targets", setFlag(args.version)}});
}

std::string strata::compileHelp() {
  CompileArguments args;
  return table(args).help();
}

static std::string defaultOutput(const CompileArguments &args) {
  if (args.options.stopAfter != Stage::Package)
    return "-";
  llvm::StringRef name = llvm::sys::path::stem(llvm::StringRef(args.model).rtrim('/'));
  return (name.empty() ? "model" : name).str() + ".strata";
}

absl::StatusOr<CompileArguments> strata::parseCompileArguments(int argc, char **argv) {
  CompileArguments args;
  STRATA_ASSIGN(std::vector<std::string> models, table(args).parse(argc, argv));
  if (args.help || args.version)
    return args;
  if (models.size() != 1)
    return absl::InvalidArgumentError("expected one MODEL, found " + std::to_string(models.size()));
  args.model = models.front();
  args.options.compiler = compilerVersion();
  if (!args.targets.empty())
    args.options.targets = args.targets;
  if (!args.chips.empty())
    args.options.pipeline.chips = args.chips;
  if (args.output.empty())
    args.output = defaultOutput(args);
  return args;
}
