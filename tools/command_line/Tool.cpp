//===- Tool.cpp - what the main() of every tool does ----------------------===//

#include "tools/command_line/Tool.h"

#include "runtime/Devices.h"
#include "runtime/base/Status.h"
#include "tools/command_line/Devices.h"
#include "tools/command_line/Interrupt.h"
#include "tools/command_line/StandardFiles.h"

#include <exception>

namespace strata {
namespace {

/// Options that are answered with a text instead of a run.
struct Questions {
  bool help = false, version = false, devices = false;

  bool any() const { return help || version || devices; }
};

CommandLine commandLineOf(const Tool &tool, Questions &asked) {
  std::vector<Option> options = tool.options;
  if (EngineOptions *engine = tool.engine) {
    options.push_back({"device", "D", "cpu, the default, or cuda[:N]", setDevice(engine->device)});
    options.push_back({"list-devices", "", "the devices that there are", setFlag(asked.devices)});
    options.push_back({"threads", "N", "threads; default: one for each CPU",
                       setInteger(engine->threads, 1, 1024)});
    options.push_back({"code", "TARGET",
                       "which of the package's code to run, e.g. x86-64-v3, on a GPU sm_80.ptx; "
                       "default: the best",
                       setText(engine->target)});
    options.push_back(
        {"batch-invariant", "",
         "logits have the same bits however a text is cut into steps and whatever else "
         "is in them, on one kind of machine; without it, sums may be rounded in another "
         "order, and now and then a text goes another way",
         setFlag(engine->batchInvariant)});
  }
  options.push_back({"help", "", "this text", setFlag(asked.help)});
  options.push_back(
      {"version", "", "versions, devices and what this CPU can do", setFlag(asked.version)});
  return CommandLine(tool.program, tool.usage, tool.about, std::move(options));
}

absl::Status takeArguments(const Tool &tool, const std::vector<std::string> &arguments) {
  if (arguments.size() != 1)
    return absl::InvalidArgumentError(
        absl::StrCat("expected one ", tool.argument, ", found ", arguments.size()));
  tool.path = arguments[0];
  return tool.check();
}

int parseAndRun(const Tool &tool, int argc, const char *const *argv) {
  Questions asked;
  CommandLine commandLine = commandLineOf(tool, asked);
  auto arguments = commandLine.parse(argc, argv);
  if (!arguments.ok())
    return reportUsage(tool.program, arguments.status());
  Console console(tool.program);
  if (asked.any()) {
    absl::Status written = console.write(asked.help      ? commandLine.help()
                                         : asked.version ? versionText(tool.program)
                                                         : describeDevices());
    return written.ok() ? 0 : reportError(tool.program, written);
  }
  if (absl::Status good = takeArguments(tool, *arguments); !good.ok())
    return reportUsage(tool.program, good);
  absl::StatusOr<int> status = tool.run(console);
  return status.ok() ? *status : reportError(tool.program, status.status());
}

} // namespace

int runMain(const Tool &tool, int argc, const char *const *argv) {
  if (absl::Status reserved = reserveStandardFiles(); !reserved.ok())
    return reportError(tool.program, reserved);
  installSignalHandlers();
  try {
    return parseAndRun(tool, argc, argv);
  } catch (const std::exception &error) { // of the standard library; ours throws nothing
    return reportError(tool.program, absl::ResourceExhaustedError(error.what()));
  }
}

} // namespace strata
