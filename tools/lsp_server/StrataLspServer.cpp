//===- strata-lsp-server.cpp - MLIR's language server, with our dialect ---===//

#include "dialect/Decoder.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "tools/command_line/CommandLine.h"
#include "tools/command_line/StandardFiles.h"

int main(int argc, char **argv) {
  if (absl::Status reserved = strata::reserveStandardFiles(); !reserved.ok())
    return strata::reportError("strata-lsp-server", reserved);
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<strata::DecoderDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
