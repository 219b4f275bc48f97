//===- strata-opt.cpp - mlir-opt with Strata's dialect and passes ---------===//

#include "codegen/CodegenPasses.h"
#include "dialect/Decoder.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Passes.h"
#include "runtime/base/InputFiles.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/StandardFiles.h"

#include <unistd.h>

/// That MLIR's driver, which opens the output first, does not write over its input.
static absl::Status checkFiles(const std::string &input, const std::string &output) {
  strata::noteInput(input == "-" ? "/dev/stdin" : input);
  return output == "-" ? strata::checkOutput(STDOUT_FILENO, "standard output")
                       : strata::checkOutput(output);
}

int main(int argc, char **argv) {
  if (absl::Status reserved = strata::reserveStandardFiles(); !reserved.ok())
    return strata::reportError("strata-opt", reserved);
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<strata::DecoderDialect>();
  mlir::registerAllPasses();
  strata::registerStrataPasses();
  strata::registerAllCodegenPasses();
  auto [input, output] =
      mlir::registerAndParseCLIOptions(argc, argv, "Strata's optimizer driver\n", registry);
  if (absl::Status good = checkFiles(input, output); !good.ok())
    return strata::reportError("strata-opt", good);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, input, output, registry));
}
