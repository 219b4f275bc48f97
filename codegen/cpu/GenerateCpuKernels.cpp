//===- GenerateCpuKernels.cpp - one kernel for each distinct op -----------===//

#include "codegen/Buffers.h"
#include "codegen/GenerateKernels.h"
#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/Kernels.h"

namespace strata {
#define GEN_PASS_DEF_GENERATECPUKERNELS
#include "codegen/cpu/CpuPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// func @name(buffers: memref<1xi8>..., tokens, output_rows, page_table_stride, layer, begin, end:
/// index), with its body from `phase`.
static void emitFunction(ModuleOp levelModule, const Level &level, StringRef name,
                         const PhaseSpec &phase, unsigned buffers, Location loc) {
  auto builder = OpBuilder::atBlockEnd(levelModule.getBody());
  Type buffer = MemRefType::get({1}, builder.getI8Type());
  SmallVector<Type> inputs(buffers, buffer);
  inputs.append(6, builder.getIndexType());
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(inputs, {}));
  // The plan gives every buffer a place of its own while the kernel runs.
  for (unsigned i = 0; i != buffers; ++i)
    KernelBuilder::markNoAlias(function, i);
  Block *body = function.addEntryBlock();
  KernelBuilder kernel(function, body, level);
  auto scalars = body->getArguments().drop_front(buffers);
  KernelArguments args{Values(body->getArguments().take_front(buffers)),
                       scalars[0],
                       scalars[1],
                       scalars[2],
                       scalars[3],
                       scalars[4],
                       scalars[5]};
  phase.emit(kernel, args);
  func::ReturnOp::create(kernel);
}

namespace {
struct GenerateCpuKernels : strata::impl::GenerateCpuKernelsBase<GenerateCpuKernels> {
  using GenerateCpuKernelsBase::GenerateCpuKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    KernelBuilder::registerDialects(registry);
  }

  void runOnOperation() override {
    auto generate = [&](Operation *op, StringRef name) { return generateKernel(op, name); };
    if (failed(createLevelModules()) || failed(generateKernels(getOperation(), generate)))
      signalPassFailure();
  }

private:
  LogicalResult createLevelModules() {
    for (const std::string &name : levels)
      if (!findLevel(name))
        return getOperation().emitError() << "unknown cpu level '" << name << "'";
    auto builder = OpBuilder::atBlockEnd(getOperation().getBody());
    for (const Level &level : cpu::levels())
      if (levels.empty() || llvm::is_contained(levels, level.name.str()))
        modules.push_back(
            {&level, ModuleOp::create(builder, getOperation().getLoc(), level.moduleName)});
    return success();
  }

  FailureOr<GeneratedKernel> generateKernel(Operation *op, StringRef name) {
    FailureOr<KernelSpec> spec = describeKernel(op);
    if (failed(spec))
      return failure();
    unsigned buffers = listBuffers(op).size();
    GeneratedKernel kernel{spec->axis, {}};
    for (const VariantSpec &variant : spec->variants) {
      SmallVector<PhaseAttr> phases;
      for (const PhaseSpec &phase : variant.phases) {
        auto symbol = StringAttr::get(&getContext(), name + "." + phase.name);
        for (auto &[level, levelModule] : modules)
          emitFunction(levelModule, *level, symbol, phase, buffers, op->getLoc());
        phases.push_back(PhaseAttr::get(&getContext(), symbol, phase.axis, phase.divisor,
                                        phase.factor, /*block=*/0, /*shared=*/0, /*maps=*/{}));
      }
      kernel.variants.push_back(VariantAttr::get(&getContext(), variant.upTo, phases));
    }
    return kernel;
  }

  SmallVector<std::pair<const Level *, ModuleOp>> modules;
};
} // namespace
