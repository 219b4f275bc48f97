//===- CompileKernel.cpp --------------------------------------------------===//

#include "test/simulator/CompileKernel.h"

#include "codegen/cpu/EmitObject.h"
#include "codegen/nvptx/KernelBuilder.h"
#include "codegen/nvptx/SimulatorRewrite.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static OwningOpRef<ModuleOp> lower(MLIRContext &context, const std::string &text) {
  auto module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    llvm::report_fatal_error("the test's kernel cannot be parsed");
  PassManager pm(&context);
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(strata::createSimulateNvvm());
  if (failed(pm.run(*module)))
    llvm::report_fatal_error("the test's kernel cannot be lowered");
  return module;
}

std::string strata::test::compileKernel(const std::string &text) {
  DialectRegistry registry;
  strata::nvptx::KernelBuilder::registerDialects(registry);
  registry.insert<cf::ControlFlowDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OwningOpRef<ModuleOp> lowered = lower(context, text);
  strata::cpu::LevelModule module{*lowered, strata::cpu::findLevel("x86-64-v3")};
  auto images = strata::cpu::emitSharedObjects(module, /*mayImport=*/true);
  if (!images)
    llvm::report_fatal_error(images.takeError());
  return std::move(images->front());
}
