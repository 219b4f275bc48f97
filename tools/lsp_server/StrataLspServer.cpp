//===- strata-lsp-server.cpp - MLIR's language server, with our dialect ---===//

#include "dialect/Decoder.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<strata::DecoderDialect>();
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
