//===- ResultNames.cpp ----------------------------------------------------===//

#include "codegen/ResultNames.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;

static std::string nameValue(Value value);

static std::string join(const std::string &name, StringRef stage) {
  return name.empty() ? "" : (name + "." + stage).str();
}

/// The module of a product: that of its weight, as siblings share one linear.
static std::string nameProduct(LinearOp linear, unsigned index) {
  std::string name;
  if (auto weight = linear.getWeights()[index].getDefiningOp<ParameterOp>()) {
    StringRef key = weight.getKey();
    key.consume_back(".weight");
    name = key.str();
  }
  if (linear.getSquaredRelu())
    name = join(name, "squared_relu");
  if (linear.getRotary() && linear.isRoped(index))
    name = join(name, "rope");
  return linear.getResidual() ? join(name, "residual") : name;
}

/// A sum is called after the branch that is added to the stream.
static std::string nameSum(AddOp add) {
  bool left = add.getLhs().getDefiningOp<LinearOp>() && !add.getRhs().getDefiningOp<LinearOp>();
  return join(nameValue(left ? add.getLhs() : add.getRhs()), "residual");
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
      .Case([&](RopeOp rope) { return join(nameValue(rope.getInput()), "rope"); })
      .Case([&](SquaredReluOp relu) { return join(nameValue(relu.getInput()), "squared_relu"); })
      .Case([&](AttentionOp) { return join(module, "attention"); })
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
