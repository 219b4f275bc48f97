//===- Fusion.cpp - what the fusions share --------------------------------===//

#include "passes/Fusion.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace strata;

LogicalResult strata::missed(Operation *op, StringLiteral pass, const Twine &why) {
  auto parent = op->getParentOp();
  auto name = parent->getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
  auto options = remark::RemarkOpts::name(op->getName().getStringRef()).category(pass);
  if (auto remark = remark::missed(op->getLoc(), options.function(name ? name.getValue() : "")))
    remark << remark::reason("{0}", why.str());
  return failure();
}

std::string strata::describe(Operation *op) {
  std::string text = op->getName().stripDialect().str();
  if (StringRef name = getModelName(op->getLoc()); !name.empty())
    text += (" '" + name + "'").str();
  return text;
}

LogicalResult strata::checkNotPlanned(Operation *function) {
  if (function->hasAttr(kArenaBytesAttrName))
    return function->emitOpError("is planned already, fusions come before");
  return success();
}

LinearOp strata::getLinearOf(Value value) {
  auto linear = value.getDefiningOp<LinearOp>();
  return linear && isa<ShapedType>(value.getType()) ? linear : LinearOp();
}

bool strata::isDefinedBefore(Value value, Operation *op) {
  Operation *definition = value.getDefiningOp();
  return !definition || definition->getBlock() != op->getBlock() || definition->isBeforeInBlock(op);
}

std::string strata::whyNotAbsorbed(Value product, Operation *user) {
  LinearOp linear = getLinearOf(product);
  if (!linear)
    return "not the product of a linear";
  if (linear->getBlock() != user->getBlock())
    return "the linear is in another block";
  if (!product.hasOneUse())
    return ("the product of " + describe(linear) + " has " + Twine(product.getNumUses()) + " uses")
        .str();
  Type type = user->getResult(0).getType();
  if (isa<ShapedType>(type) && type != product.getType())
    return "the product and the result have different types";
  return "";
}
