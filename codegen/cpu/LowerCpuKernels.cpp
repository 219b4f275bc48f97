//===- LowerCpuKernels.cpp - a level's module to the llvm dialect ---------===//

#include "codegen/LowerBodies.h"
#include "codegen/cpu/CpuPasses.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

namespace strata {
#define GEN_PASS_DEF_EMITCPUENTRIES
#include "codegen/cpu/CpuPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

/// The entry: llvm.func @name(buffers: ptr, tokens, output_rows, page_table_stride, layer, begin,
/// end: i64), which loads the body's pointers and calls it.
static void emitEntry(LLVM::LLVMFuncOp body, StringRef name) {
  OpBuilder builder(body);
  Location loc = body.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext()), i64 = builder.getI64Type();
  SmallVector<Type> inputs(7, i64);
  inputs.front() = pointer;
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), inputs);
  auto entry = LLVM::LLVMFuncOp::create(builder, loc, name, type);
  Block *block = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> operands;
  unsigned buffers = body.getNumArguments() - 6;
  for (unsigned i = 0; i != buffers; ++i) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, pointer, block->getArgument(0),
                                        ArrayRef<LLVM::GEPArg>{int32_t(i)});
    operands.push_back(LLVM::LoadOp::create(builder, loc, pointer, address));
  }
  llvm::append_range(operands, block->getArguments().drop_front());
  LLVM::CallOp::create(builder, loc, body, operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

namespace {
struct EmitCpuEntries : strata::impl::EmitCpuEntriesBase<EmitCpuEntries> {
  void runOnOperation() override {
    for (auto body : llvm::make_early_inc_range(getOperation().getOps<LLVM::LLVMFuncOp>())) {
      if (body.isPrivate()) { // shared by kernels: one copy is enough, a unit of its own
        body.setVisibility_(LLVM::Visibility::Hidden);
        body.setNoInline(true);
        continue;
      }
      std::string name = body.getName().str();
      body.setName(name + ".body");
      body.setLinkage(LLVM::Linkage::Internal);
      body.setAlwaysInline(true);
      emitEntry(body, name);
    }
  }
};
} // namespace

void strata::buildLowerCpuKernelsPipeline(OpPassManager &pm) {
  buildLowerBodiesPipeline(pm);
  pm.addPass(createEmitCpuEntries());
}

void strata::registerCpuPassesAndPipelines() {
  registerCpuPasses();
  PassPipelineRegistration<>(
      "decoder-lower-cpu-kernels", "lower the kernels of every x86-64 level to the llvm dialect",
      [](OpPassManager &pm) { buildLowerCpuKernelsPipeline(pm.nest<ModuleOp>()); });
}
