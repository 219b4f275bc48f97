//===- GenerateCpuKernels.cpp - one kernel for each distinct op -----------===//

#include "codegen/Buffers.h"
#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "llvm/ADT/StringMap.h"

namespace strata {
#define GEN_PASS_DEF_GENERATECPUKERNELS
#include "codegen/cpu/CpuPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// What distinguishes kernels: op, clauses, shapes. Not layer, buffers or location.
static std::string signature(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName();
  for (NamedAttribute attribute : op->getAttrDictionary())
    if (attribute.getName() != "layer" && attribute.getName() != "workspace")
      os << ' ' << attribute.getName() << '=' << attribute.getValue();
  for (Type type : llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes())) {
    os << ' ';
    if (auto shaped = dyn_cast<ShapedType>(type))
      os << RankedTensorType::get(shaped.getShape(), shaped.getElementType());
    else
      os << type;
  }
  return text;
}

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
    function.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());
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

  void runOnOperation() override {
    auto forward = getOperation().lookupSymbol<func::FuncOp>("forward");
    if (!forward) {
      getOperation().emitError("there is no @forward");
      return signalPassFailure();
    }
    if (failed(createLevelModules()))
      return signalPassFailure();
    SmallVector<KernelOpInterface> ops;
    forward.walk([&](KernelOpInterface op) { ops.push_back(op); });
    for (KernelOpInterface op : ops)
      if (failed(replace(op)))
        return signalPassFailure();
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

  LogicalResult replace(KernelOpInterface op) {
    FailureOr<FlatSymbolRefAttr> kernel = getKernel(op);
    if (failed(kernel))
      return failure();
    OpBuilder builder(op);
    auto layer = op->getAttrOfType<IntegerAttr>("layer");
    if (!layer)
      layer = builder.getI64IntegerAttr(0);
    auto dispatch =
        DispatchOp::create(builder, op.getLoc(), op->getResultTypes(), *kernel, op->getOperands(),
                           layer, op.getCost(), op->getAttrOfType<ArenaAttr>("workspace"));
    op->replaceAllUsesWith(dispatch);
    op->erase();
    return success();
  }

  /// The kernel of this kind of op, made when it is first asked for.
  FailureOr<FlatSymbolRefAttr> getKernel(KernelOpInterface op) {
    FlatSymbolRefAttr &kernel = kernels[signature(op)];
    if (kernel)
      return kernel;
    FailureOr<KernelSpec> spec = describeKernel(op);
    if (failed(spec))
      return failure();
    StringRef kind = op->getName().stripDialect();
    std::string name = (kind + "_" + Twine(counts[kind]++)).str();
    return kernel = createKernel(op, name, *spec);
  }

  FlatSymbolRefAttr createKernel(KernelOpInterface op, const std::string &name,
                                 const KernelSpec &spec) {
    unsigned buffers = listBuffers(op).size();
    OpBuilder builder(op->getParentOp());
    SmallVector<Attribute> variants;
    for (const VariantSpec &variant : spec.variants) {
      SmallVector<PhaseAttr> phases;
      for (const PhaseSpec &phase : variant.phases) {
        std::string symbol = name + "." + phase.name;
        for (auto &[level, levelModule] : modules)
          emitFunction(levelModule, *level, symbol, phase, buffers, op.getLoc());
        phases.push_back(PhaseAttr::get(&getContext(), builder.getStringAttr(symbol), phase.axis,
                                        phase.divisor, phase.factor));
      }
      variants.push_back(VariantAttr::get(&getContext(), variant.upTo, phases));
    }
    // A kernel serves many layers: no location of one of them.
    auto kernel = KernelOp::create(builder, builder.getUnknownLoc(), name, spec.axis,
                                   builder.getArrayAttr(variants));
    return FlatSymbolRefAttr::get(kernel.getSymNameAttr());
  }

  SmallVector<std::pair<const Level *, ModuleOp>> modules;
  llvm::StringMap<FlatSymbolRefAttr> kernels;
  llvm::StringMap<unsigned> counts;
};
} // namespace
