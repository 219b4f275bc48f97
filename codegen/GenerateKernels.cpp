//===- GenerateKernels.cpp - one kernel for each distinct op --------------===//

#include "codegen/GenerateKernels.h"

#include "codegen/ResultNames.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace strata;

static auto typesOf(Operation *op) {
  return llvm::concat<const Type>(op->getOperandTypes(), op->getResultTypes());
}

LogicalResult strata::verifyPlanned(Operation *op, bool wantsWorkspace, StringRef target) {
  if (llvm::any_of(typesOf(op), llvm::IsaPred<TensorType>))
    return op->emitOpError("is on tensors; run --decoder-plan-memory first");
  if (wantsWorkspace && !op->getAttr("workspace"))
    return op->emitOpError() << "has no workspace; run --decoder-assign-" << target
                             << "-workspace before --decoder-plan-memory";
  return success();
}

/// That rows which do not follow each other begin like those that do.
static LogicalResult verifyRowStride(Operation *op, Value matrix, int64_t multiple,
                                     StringRef target) {
  BoxAttr box = getBox(matrix);
  if (!box || box.getRowStride() % multiple == 0)
    return success();
  return op->emitOpError() << "has rows " << box.getRowStride() << " elements apart; the " << target
                           << " target needs a multiple of " << multiple;
}

LogicalResult strata::verifyFeatures(Operation *op, int64_t multiple, StringRef target) {
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  for (Value value : values) {
    Type type = value.getType();
    auto shaped = dyn_cast<ShapedType>(type);
    if (shaped && shaped.getElementType().isBF16() && shaped.getShape().back() % multiple)
      return op->emitOpError() << "has " << shaped.getShape().back() << " features; the " << target
                               << " target needs a multiple of " << multiple;
    if (shaped && failed(verifyRowStride(op, value, multiple, target)))
      return failure();
    auto cache = dyn_cast<KVCacheType>(type);
    if (cache && cache.getHeadDim() % multiple)
      return op->emitOpError() << "head_dim is " << cache.getHeadDim() << "; the " << target
                               << " target needs a multiple of " << multiple;
  }
  return success();
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
  explicit Generator(GenerateKernel generate) : generate(generate) {}

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
    StringRef kind = op->getName().stripDialect();
    std::string name = (kind + "_" + Twine(counts[kind]++)).str();
    FailureOr<GeneratedKernel> generated = generate(op, name);
    if (failed(generated))
      return failure();
    // A kernel serves many layers: no location of one of them.
    OpBuilder builder(op->getParentOp());
    auto made = KernelOp::create(builder, builder.getUnknownLoc(), name, generated->axis,
                                 builder.getArrayAttr(generated->variants));
    return kernel = FlatSymbolRefAttr::get(made.getSymNameAttr());
  }

  GenerateKernel generate;
  llvm::StringMap<FlatSymbolRefAttr> kernels;
  llvm::StringMap<unsigned> counts;
};
} // namespace

LogicalResult strata::generateKernels(ModuleOp module, GenerateKernel generate) {
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  if (!forward)
    return module.emitError("there is no @forward");
  SmallVector<KernelOpInterface> ops;
  forward.walk([&](KernelOpInterface op) { ops.push_back(op); });
  // Names come from ops before: all of them while those still stand.
  auto names = llvm::map_to_vector(ops, [](Operation *op) { return nameResults(op); });
  Generator generator(generate);
  for (auto [op, results] : llvm::zip(ops, names))
    if (failed(generator.replace(op, results)))
      return failure();
  return success();
}
