//===- ResultNames.cpp ----------------------------------------------------===//

#include "codegen/ResultNames.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;

static std::string nameValue(Value value);

static std::string withStage(const std::string &name, StringRef stage) {
  return name.empty() || stage.empty() ? name : name + "." + stage.str();
}

/// What a step makes of a module's product; nothing else where the step belongs to the module.
static StringRef stageOf(const EpilogueStep &step) {
  switch (step.kind) {
  case EpilogueStep::Kind::bias:
    return "";
  case EpilogueStep::Kind::activation:
    return stringifyActivation(step.activation);
  case EpilogueStep::Kind::rope:
    return "rope";
  case EpilogueStep::Kind::residual:
    return "residual";
  }
  llvm_unreachable("a step without a name");
}

/// The module of a product: that of its weight, as siblings share one linear.
static std::string nameProduct(LinearOp linear, unsigned index) {
  std::string name;
  if (auto weight = linear.getWeights()[index].getDefiningOp<ParameterOp>()) {
    StringRef key = weight.getKey();
    key.consume_back(".weight");
    name = key.str();
  }
  for (const EpilogueStep &step : linear.getEpilogue(index))
    name = withStage(name, stageOf(step));
  return name;
}

/// A sum is called after the branch that is added to the stream.
static std::string nameSum(AddOp add) {
  bool left = add.getLhs().getDefiningOp<LinearOp>() && !add.getRhs().getDefiningOp<LinearOp>();
  return withStage(nameValue(left ? add.getLhs() : add.getRhs()), "residual");
}

static std::string nameValue(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return "";
  std::string module = getModelName(op->getLoc()).str();
  return TypeSwitch<Operation *, std::string>(op)
      .Case([&](LinearOp linear) {
        return nameProduct(linear, cast<OpResult>(value).getResultNumber());
      })
      .Case([&](AddOp add) { return nameSum(add); })
      .Case([&](RopeOp rope) { return withStage(nameValue(rope.getInput()), "rope"); })
      .Case([&](ActivationOp op) {
        return withStage(nameValue(op.getInput()), stringifyActivation(op.getActivation()));
      })
      .Case([&](AttentionOp) { return withStage(module, "attention"); })
      .Default([&](Operation *) { return module; });
}

llvm::SmallVector<std::string> strata::nameResults(Operation *op) {
  return llvm::map_to_vector(op->getResults(), [](Value result) {
    return isa<ShapedType>(result.getType()) ? nameValue(result) : std::string();
  });
}

Location strata::withResultNames(Location location, llvm::ArrayRef<std::string> names) {
  MLIRContext *context = location.getContext();
  auto attributes = llvm::map_to_vector(
      names, [&](const std::string &name) -> Attribute { return StringAttr::get(context, name); });
  return FusedLoc::get(context, {location}, ArrayAttr::get(context, attributes));
}

llvm::SmallVector<std::string> strata::readResultNames(Location location) {
  llvm::SmallVector<std::string> names;
  auto fused = dyn_cast<FusedLoc>(location);
  if (auto list = fused ? dyn_cast_or_null<ArrayAttr>(fused.getMetadata()) : ArrayAttr())
    for (auto name : list.getAsRange<StringAttr>())
      names.push_back(name.str());
  return names;
}
