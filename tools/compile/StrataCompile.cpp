//===- StrataCompile.cpp - a model definition to model.strata -------------===//

#include "compiler/Schedule.h"
#include "compiler/Summary.h"
#include "runtime/base/InputFiles.h"
#include "runtime/base/Status.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/StandardFiles.h"
#include "tools/compile/CompileArguments.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"
#include <chrono>
#include <unistd.h>

using namespace llvm;
using namespace strata;

static Error error(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), message);
}

/// Leaves a file in the dump folder.
static Error writeDump(const std::string &folder, StringRef name, StringRef bytes) {
  if (std::error_code code = sys::fs::create_directories(folder))
    return error(folder + ": " + code.message());
  SmallString<128> path(folder);
  sys::path::append(path, name);
  return writeFileAtomically(path, bytes);
}

static Error writeStandardOutput(StringRef text) {
  outs() << text;
  outs().flush();
  if (!outs().has_error())
    return Error::success();
  std::error_code code = outs().error();
  outs().clear_error();
  return error("standard output: cannot write: " + code.message());
}

/// The name of a file that a stage may leave: import.mlir, plan.cpu.mlir, ptxas.sm_80.txt.
static bool isDumpName(StringRef name) {
  StringRef first = name.split('.').first;
  return first == "ptxas" ||
         any_of(kStages, [&](Stage stage) { return first == stageName(stage); });
}

/// That nothing is going to be written over a file that was read.
static absl::Status checkOutputs(const CompileArguments &args) {
  STRATA_TRY(checkOutput(STDOUT_FILENO, "standard output"));
  if (args.output != "-")
    STRATA_TRY(checkOutput(args.output));
  if (args.dumpDirectory.empty())
    return absl::OkStatus();
  std::error_code code;
  for (sys::fs::directory_iterator file(args.dumpDirectory, code), end; !code && file != end;
       file.increment(code))
    if (isDumpName(sys::path::filename(file->path())))
      STRATA_TRY(checkOutput(file->path()));
  return absl::OkStatus();
}

/// That the targets have kernels for the model, where it comes to kernels.
static Error checkTargets(const ImportedModel &model, const CompileOptions &options) {
  for (const TargetChoice &choice : options.targets)
    for (const auto &[target, reason] : model.unsupported)
      if (options.stopAfter >= Stage::Kernels && choice.target->name() == target)
        return error(reason);
  return Error::success();
}

static void warn(const Twine &message) { errs() << "strata-compile: warning: " << message << "\n"; }

namespace {
/// What --print-schedule shows: a table for each program. Complete only after the last stage, as
/// ptxas runs there.
struct Schedule {
  std::vector<ScheduledProgram> programs;
  std::vector<AssemblyReport> reports;

  void print(raw_ostream &os) const {
    for (const ScheduledProgram &program : programs)
      printSchedule(program, reports, os);
  }
};
} // namespace

static Error run(const CompileArguments &args) {
  auto start = std::chrono::steady_clock::now();
  mlir::MLIRContext context;
  absl::StatusOr<ImportedModel> model = importModel(args.model, context);
  if (!model.ok())
    return error(std::string(model.status().message()));
  if (absl::Status good = checkOutputs(args); !good.ok())
    return error(std::string(good.message()));
  for (const std::string &warning : model->warnings)
    warn(warning);
  if (Error unsupported = checkTargets(*model, args.options))
    return unsupported;

  std::string report;
  raw_string_ostream os(report);
  CompileOptions options = args.options;
  Schedule schedule;
  options.onStage = [&](const StageResult &result) {
    if (result.stage == Stage::Fuse && args.roofline)
      printRoofline(result.module, *args.roofline, os);
    if (result.stage == Stage::Fuse)
      printModel(result.module, os);
    if (result.stage == Stage::Plan)
      printPlan(result.module, os);
    if (result.stage == Stage::Kernels && args.schedule)
      schedule.programs.push_back({result.target, result.machines, collectSchedule(result.module)});
  };
  options.onAssembled = [&](const AssemblyReport &report) {
    for (const Target *target : targets())
      for (const std::string &problem : target->findProblems(report))
        warn(problem);
    schedule.reports.push_back(report);
  };
  if (!args.dumpDirectory.empty())
    options.dump = [&](StringRef name, StringRef bytes) {
      return writeDump(args.dumpDirectory, name, bytes);
    };
  Expected<std::string> result = compile(*model, options);
  if (!result)
    return result.takeError();
  if (args.output == "-")
    return writeStandardOutput(*result);
  if (Error failed = writeFileAtomically(args.output, *result))
    return failed;
  if (args.schedule) {
    schedule.print(os);
    os << '\n';
  }
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  os << formatv("wrote       {0}, {1:N} bytes, in {2:F2} s\n", args.output, result->size(),
                seconds.count());
  return writeStandardOutput(report);
}

int main(int argc, char **argv) {
  if (absl::Status reserved = reserveStandardFiles(); !reserved.ok())
    return reportError("strata-compile", reserved);
  InitLLVM init(argc, argv);
  absl::StatusOr<CompileArguments> args = parseCompileArguments(argc, argv);
  if (!args.ok())
    return reportUsage("strata-compile", args.status());
  if (args->help || args->version) {
    outs() << (args->help ? compileHelp()
                          : compilerVersion() + "\ntargets: " + describeTargets() + "\n");
    return 0;
  }
  if (Error failed = run(*args))
    return reportError("strata-compile", absl::InternalError(toString(std::move(failed))));
  return 0;
}
