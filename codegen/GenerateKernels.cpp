//===- GenerateKernels.cpp - one kernel for each distinct op --------------===//

#include "codegen/CodegenPasses.h"
#include "codegen/ResultNames.h"
#include "codegen/Target.h"
#include "llvm/ADT/StringMap.h"

namespace strata {
#define GEN_PASS_DEF_GENERATEKERNELS
#include "codegen/CodegenPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

static auto typesOf(Operation *op) {
  return llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes());
}

/// What distinguishes kernels: op, clauses, shapes. Not layer, buffers or location.
static std::string signature(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName();
  for (NamedAttribute attribute : op->getAttrDictionary())
    if (attribute.getName() != "layer" && attribute.getName() != "workspace")
      os << ' ' << attribute.getName() << '=' << attribute.getValue();
  for (Type type : typesOf(op)) {
    os << ' ';
    if (auto shaped = dyn_cast<ShapedType>(type))
      os << asTensor(shaped);
    else
      os << type;
  }
  return text;
}

namespace {
class Generator {
public:
  Generator(KernelGenerator &target, ModuleOp bodies) : target(target), bodies(bodies) {}

  LogicalResult replace(KernelOpInterface op, ArrayRef<std::string> names) {
    FailureOr<FlatSymbolRefAttr> kernel = getKernel(op);
    if (failed(kernel))
      return failure();
    OpBuilder builder(op);
    auto layer = op->getAttrOfType<IntegerAttr>("layer");
    if (!layer)
      layer = builder.getI64IntegerAttr(0);
    auto dispatch = DispatchOp::create(builder, withResultNames(op.getLoc(), names),
                                       op->getResultTypes(), *kernel, op->getOperands(), layer,
                                       op.getCost(), op->getAttrOfType<ArenaAttr>("workspace"));
    op->replaceAllUsesWith(dispatch);
    op->erase();
    return success();
  }

private:
  /// The kernel of this kind of op, made when it is first asked for.
  FailureOr<FlatSymbolRefAttr> getKernel(KernelOpInterface op) {
    FlatSymbolRefAttr &kernel = kernels[signature(op)];
    if (kernel)
      return kernel;
    FailureOr<KernelSpec> spec = target.describe(op);
    if (failed(spec))
      return failure();
    StringRef kind = op->getName().stripDialect();
    std::string name = (kind + "_" + Twine(counts[kind]++)).str();
    SmallVector<Attribute> variants;
    for (const VariantSpec &variant : spec->variants)
      variants.push_back(emitVariant(op, name, variant));
    // A kernel serves many layers: no location of one of them.
    OpBuilder builder(op->getParentOp());
    auto made = KernelOp::create(builder, builder.getUnknownLoc(), name, spec->axis,
                                 builder.getArrayAttr(variants));
    return kernel = FlatSymbolRefAttr::get(made.getSymNameAttr());
  }

  /// Writes the functions of a variant.
  VariantAttr emitVariant(Operation *op, StringRef kernel, const VariantSpec &variant) {
    MLIRContext *context = op->getContext();
    SmallVector<PhaseAttr> phases;
    for (const PhaseSpec &phase : variant.phases) {
      auto symbol = StringAttr::get(context, target.symbolOf(kernel, phase));
      if (!bodies.lookupSymbol(symbol)) // variants may share a phase
        target.emitFunction(bodies, symbol, phase, listBuffers(op), op->getLoc());
      SmallVector<TensorMapAttr> maps;
      for (const TensorMapSpec &map : phase.block.maps)
        maps.push_back(TensorMapAttr::get(context, map.buffer, map.axis, map.rows, map.columns,
                                          map.boxRows, map.boxColumns, map.rowStride));
      phases.push_back(PhaseAttr::get(context, symbol, phase.axis, phase.divisor, phase.factor,
                                      phase.block.threads, phase.block.sharedBytes, maps));
    }
    return VariantAttr::get(context, variant.upTo, variant.upToRun, variant.mode, phases);
  }

  KernelGenerator &target;
  ModuleOp bodies;
  llvm::StringMap<FlatSymbolRefAttr> kernels;
  llvm::StringMap<unsigned> counts;
};

struct GenerateKernels : strata::impl::GenerateKernelsBase<GenerateKernels> {
  using GenerateKernelsBase::GenerateKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    for (const Target *each : targets())
      each->registerDialects(registry);
  }

  void runOnOperation() override {
    if (failed(generate()))
      signalPassFailure();
  }

private:
  LogicalResult generate() {
    ModuleOp program = getOperation();
    const Target *found = findTarget(target, program);
    if (!found)
      return failure();
    std::unique_ptr<KernelGenerator> generator = found->generatorFor(machine);
    if (!generator)
      return program.emitError() << "unknown machine '" << machine << "' of target " << target;
    auto forward = program.lookupSymbol<func::FuncOp>("forward");
    if (!forward)
      return program.emitError("there is no @forward");
    auto builder = OpBuilder::atBlockEnd(program.getBody());
    ModuleOp bodies = generator->createModule(builder, program.getLoc());
    if (failed(replaceAll(forward, Generator(*generator, bodies))))
      return failure();
    generator->finish(bodies);
    return success();
  }

  LogicalResult replaceAll(func::FuncOp forward, Generator generator) {
    SmallVector<KernelOpInterface> ops;
    forward.walk([&](KernelOpInterface op) { ops.push_back(op); });
    // Names come from ops before: all of them while those still stand.
    auto names = llvm::map_to_vector(ops, [](Operation *op) { return nameResults(op); });
    for (auto [op, results] : llvm::zip(ops, names))
      if (failed(generator.replace(op, results)))
        return failure();
    return success();
  }
};
} // namespace
