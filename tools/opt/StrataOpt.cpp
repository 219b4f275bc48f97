//===- strata-opt.cpp - mlir-opt with Strata's dialect and passes ---------===//

#include "codegen/CodegenPasses.h"
#include "dialect/Decoder.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<strata::DecoderDialect>();
  mlir::registerAllPasses();
  strata::registerStrataPasses();
  strata::registerAllCodegenPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Strata's optimizer driver\n", registry));
}
