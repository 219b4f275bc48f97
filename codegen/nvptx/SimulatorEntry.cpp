//===- SimulatorEntry.cpp - what the simulated driver looks for -----------===//

#include "codegen/nvptx/NvvmNames.h"
#include "codegen/nvptx/SimulatorBuilder.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "runtime/simulator/Intrinsics.h"

using namespace mlir;
using namespace strata::simulator;

/// The type that a parameter passed by value points to; null for other parameters.
static Type byValueType(LLVM::LLVMFuncOp kernel, unsigned argument) {
  auto attribute =
      kernel.getArgAttrOfType<TypeAttr>(argument, LLVM::LLVMDialect::getByValAttrName());
  return attribute ? attribute.getValue() : Type();
}

/// A block's shape in an attribute of one to three sizes; zeros if there is none.
static std::array<uint32_t, 3> blockShape(LLVM::LLVMFuncOp kernel, StringRef name) {
  std::array<uint32_t, 3> shape = {0, 0, 0};
  auto attribute = kernel->getAttrOfType<DenseI32ArrayAttr>(name);
  if (!attribute)
    return shape;
  shape = {1, 1, 1};
  llvm::copy(attribute.asArrayRef().take_front(3), shape.begin());
  return shape;
}

/// ImageInfo, and the bytes of each parameter.
static SmallVector<int32_t> describe(LLVM::LLVMFuncOp kernel, uint64_t staticSharedBytes) {
  auto required = blockShape(kernel, NVVM::NVVMDialect::getReqntidAttrName());
  auto most = blockShape(kernel, NVVM::NVVMDialect::getMaxntidAttrName());
  if (required[0])
    most = required;
  SmallVector<int32_t> words = {int32_t(ImageInfo::currentVersion),
                                int32_t(staticSharedBytes),
                                int32_t(required[0]),
                                int32_t(required[1]),
                                int32_t(required[2]),
                                int32_t(most[0] * most[1] * most[2]),
                                int32_t(kernel.getNumArguments())};
  DataLayout layout = DataLayout::closest(kernel);
  for (unsigned i = 0; i != kernel.getNumArguments(); ++i) {
    Type byValue = byValueType(kernel, i);
    words.push_back(layout.getTypeSize(byValue ? byValue : kernel.getArgument(i).getType()));
  }
  return words;
}

static void emitInfo(OpBuilder &builder, LLVM::LLVMFuncOp kernel, uint64_t staticSharedBytes) {
  SmallVector<int32_t> words = describe(kernel, staticSharedBytes);
  auto type = LLVM::LLVMArrayType::get(builder.getI32Type(), words.size());
  LLVM::GlobalOp::create(builder, kernel.getLoc(), type, /*isConstant=*/true,
                         LLVM::Linkage::External, ("__sim_info_" + kernel.getName()).str(),
                         builder.getI32TensorAttr(words), /*alignment=*/4);
}

/// __sim_entry_NAME(parameters: ptr): loads each parameter from where its pointer points to, and
/// calls the kernel.
static void emitEntry(SimulatorBuilder &builder, LLVM::LLVMFuncOp kernel) {
  Location loc = kernel.getLoc();
  Type pointer = builder.pointer();
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer});
  auto entry =
      LLVM::LLVMFuncOp::create(builder, loc, ("__sim_entry_" + kernel.getName()).str(), type);
  Block *block = entry.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> operands;
  for (unsigned i = 0; i != kernel.getNumArguments(); ++i) {
    Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, block->getArgument(0),
                                     ArrayRef<LLVM::GEPArg>{int32_t(i)});
    Value operand = LLVM::LoadOp::create(builder, loc, pointer, slot);
    if (!byValueType(kernel, i))
      operand = LLVM::LoadOp::create(builder, loc, kernel.getArgument(i).getType(), operand);
    operands.push_back(operand);
  }
  LLVM::CallOp::create(builder, loc, kernel, operands);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

void strata::simulator::emitSimulatorEntry(SimulatorBuilder &builder, LLVM::LLVMFuncOp kernel,
                                           uint64_t staticSharedBytes) {
  builder.setInsertionPointAfter(kernel);
  emitInfo(builder, kernel, staticSharedBytes);
  emitEntry(builder, kernel);
  kernel.setLinkage(LLVM::Linkage::Internal);
}
