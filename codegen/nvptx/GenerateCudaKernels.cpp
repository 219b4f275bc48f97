//===- GenerateCudaKernels.cpp - one GPU kernel for each distinct op ------===//

#include "codegen/Buffers.h"
#include "codegen/GenerateKernels.h"
#include "codegen/nvptx/Auxiliary.h"
#include "codegen/nvptx/CudaPasses.h"
#include "codegen/nvptx/Kernels.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace strata {
#define GEN_PASS_DEF_GENERATECUDAKERNELS
#include "codegen/nvptx/CudaPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

static MemRefType bytesIn(MLIRContext *context, unsigned space) {
  Builder builder(context);
  return MemRefType::get({1}, builder.getI8Type(), MemRefLayoutAttrInterface(),
                         builder.getI64IntegerAttr(space));
}

/// Weights are never written while a kernel runs, so their loads may take the read-only path. Other
/// buffers stay without promises.
static void markWeights(func::FuncOp function, ArrayRef<BufferRef> buffers) {
  for (auto [i, buffer] : llvm::enumerate(buffers))
    if (buffer.value && buffer.value.getDefiningOp<ParameterOp>())
      KernelBuilder::markReadOnly(function, i);
}

/// func @name(buffers: memref<1xi8, 1>..., tokens, output_rows, page_table_stride, layer: i32,
/// tensor maps: !llvm.ptr...).
static void emitFunction(ModuleOp cudaModule, StringAttr name, const PhaseSpec &phase,
                         ArrayRef<BufferRef> buffers, Location loc) {
  auto builder = OpBuilder::atBlockEnd(cudaModule.getBody());
  SmallVector<Type> inputs(buffers.size(), bytesIn(builder.getContext(), kGlobalSpace));
  inputs.append(4, builder.getI32Type());
  unsigned firstMap = inputs.size();
  inputs.append(phase.maps.size(), LLVM::LLVMPointerType::get(builder.getContext()));
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(inputs, {}));
  markWeights(function, buffers);
  for (unsigned i = firstMap; i != inputs.size(); ++i)
    KernelBuilder::markTensorMap(function, i);
  Block *body = function.addEntryBlock();
  KernelBuilder kernel(function, body, phase.threads);
  KernelArguments args{Values(body->getArguments().take_front(buffers.size())), {}, {}, {}, {},
                       Values(body->getArguments().drop_front(firstMap))};
  Value *scalars[] = {&args.tokens, &args.outputRows, &args.pageTableStride, &args.layer};
  for (auto [i, scalar] : llvm::enumerate(scalars))
    *scalar = kernel.toIndex(body->getArgument(buffers.size() + i));
  phase.emit(kernel, args);
  func::ReturnOp::create(kernel);
}

namespace {
struct GenerateCudaKernels : strata::impl::GenerateCudaKernelsBase<GenerateCudaKernels> {
  using GenerateCudaKernelsBase::GenerateCudaKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    KernelBuilder::registerDialects(registry);
  }

  void runOnOperation() override {
    const Chip *found = findChip(chip);
    if (!found) {
      getOperation().emitError() << "unknown cuda chip '" << chip << "'";
      return signalPassFailure();
    }
    generation = found->generation;
    auto builder = OpBuilder::atBlockEnd(getOperation().getBody());
    cudaModule = ModuleOp::create(builder, getOperation().getLoc(), kCudaModuleName);
    builder.setInsertionPointToStart(cudaModule.getBody());
    memref::GlobalOp::create(builder, getOperation().getLoc(), kSharedName,
                             builder.getStringAttr("private"), bytesIn(&getContext(), kSharedSpace),
                             Attribute(),
                             /*constant=*/false, builder.getI64IntegerAttr(1024));
    auto generate = [&](Operation *op, StringRef name) { return generateKernel(op, name); };
    if (failed(generateKernels(getOperation(), generate)))
      return signalPassFailure();
    emitAuxiliaryKernels(cudaModule, vocabulary);
  }

private:
  FailureOr<GeneratedKernel> generateKernel(Operation *op, StringRef name) {
    FailureOr<KernelSpec> spec = describeKernel(op, generation);
    if (failed(spec))
      return failure();
    if (auto logits = dyn_cast<LogitsOp>(op))
      vocabulary = rows(logits.getWeight());
    auto buffers = listBuffers(op);
    GeneratedKernel kernel{spec->axis, {}};
    for (const VariantSpec &variant : spec->variants) {
      SmallVector<PhaseAttr> phases;
      for (const PhaseSpec &phase : variant.phases) {
        // A point is no part of a name in PTX.
        auto symbol = StringAttr::get(&getContext(), name + "_" + phase.name);
        if (!cudaModule.lookupSymbol(symbol)) // variants may share a phase
          emitFunction(cudaModule, symbol, phase, buffers, op->getLoc());
        SmallVector<TensorMapAttr> maps;
        for (const TensorMapSpec &map : phase.maps)
          maps.push_back(TensorMapAttr::get(&getContext(), map.buffer, map.axis, map.rows,
                                            map.columns, map.boxRows, map.boxColumns,
                                            map.rowStride));
        phases.push_back(PhaseAttr::get(&getContext(), symbol, phase.axis, phase.divisor,
                                        phase.factor, phase.threads, phase.sharedBytes, maps));
      }
      kernel.variants.push_back(VariantAttr::get(&getContext(), variant.upTo, phases));
    }
    return kernel;
  }

  ModuleOp cudaModule;
  Generation generation;
  std::optional<int64_t> vocabulary; // of the logits, if there are any
};
} // namespace
