//===- SimulatorBuilder.cpp -----------------------------------------------===//

#include "codegen/nvptx/SimulatorBuilder.h"

using namespace mlir;
using namespace strata::simulator;

void SimulatorBuilder::startAt(Operation *op) {
  setInsertionPoint(op);
  loc = op->getLoc();
  function = op->getParentOfType<LLVM::LLVMFuncOp>();
}

Value SimulatorBuilder::i32(int64_t value) {
  return LLVM::ConstantOp::create(*this, loc, getI32Type(), getI32IntegerAttr(int32_t(value)));
}

static Type withoutAddressSpace(Type type) {
  if (isa<LLVM::LLVMPointerType>(type))
    return LLVM::LLVMPointerType::get(type.getContext());
  return type;
}

LLVM::LLVMFuncOp SimulatorBuilder::declare(StringRef name, Type result, ValueRange operands) {
  LLVM::LLVMFuncOp &declaration = declarations[name];
  if (declaration)
    return declaration;
  InsertionGuard guard(*this);
  setInsertionPointToStart(&module->getRegion(0).front());
  auto types = llvm::map_to_vector(operands.getTypes(), withoutAddressSpace);
  Type type = result ? result : LLVM::LLVMVoidType::get(getContext());
  declaration = LLVM::LLVMFuncOp::create(*this, getUnknownLoc(), name,
                                         LLVM::LLVMFunctionType::get(type, types));
  return declaration;
}

Value SimulatorBuilder::call(StringRef name, Type result, ValueRange operands) {
  auto op = LLVM::CallOp::create(*this, loc, declare(name, result, operands), operands);
  return result ? op.getResult() : Value();
}

Value SimulatorBuilder::callPure(StringRef name, Type result, ValueRange operands) {
  LLVM::LLVMFuncOp declaration = declare(name, result, operands);
  auto none = LLVM::ModRefInfo::NoModRef;
  declaration.setMemoryEffectsAttr(
      LLVM::MemoryEffectsAttr::get(getContext(), {none, none, none, none, none, none}));
  declaration.setWillReturn(true);
  declaration.setNoUnwind(true);
  return call(name, result, operands);
}

Value SimulatorBuilder::slot(Type type) {
  Value &found = slots[{function, type}];
  if (found)
    return found;
  InsertionGuard guard(*this);
  setInsertionPointToStart(&function.getBody().front());
  return found = LLVM::AllocaOp::create(*this, function.getLoc(), pointer(), type, i32(1), 16);
}

Value SimulatorBuilder::element(Value slot, Type type, int32_t index) {
  return LLVM::GEPOp::create(*this, loc, pointer(), type, slot, ArrayRef<LLVM::GEPArg>{0, index});
}

void SimulatorBuilder::store(Value value, Value address) {
  LLVM::StoreOp::create(*this, loc, value, address);
}

Value SimulatorBuilder::load(Type type, Value address) {
  return LLVM::LoadOp::create(*this, loc, type, address);
}

Value SimulatorBuilder::toBits(Value value) {
  if (value.getType().isInteger(1))
    return LLVM::ZExtOp::create(*this, loc, getI32Type(), value);
  if (value.getType().isInteger(64))
    return LLVM::TruncOp::create(*this, loc, getI32Type(), value);
  return value.getType().isInteger(32)
             ? value
             : Value(LLVM::BitcastOp::create(*this, loc, getI32Type(), value));
}

Value SimulatorBuilder::fromBits(Value bits, Type type) {
  if (bits.getType().isInteger(64))
    bits = LLVM::TruncOp::create(*this, loc, getI32Type(), bits);
  if (type.isInteger(1))
    return toBool(bits);
  return type.isInteger(32) ? bits : Value(LLVM::BitcastOp::create(*this, loc, type, bits));
}

Value SimulatorBuilder::toBool(Value bits) {
  return LLVM::TruncOp::create(*this, loc, getI1Type(), bits);
}

Value SimulatorBuilder::pack(Type type, ValueRange values) {
  Value result = LLVM::PoisonOp::create(*this, loc, type);
  for (auto [index, value] : llvm::enumerate(values))
    result =
        LLVM::InsertValueOp::create(*this, loc, result, value, ArrayRef<int64_t>{int64_t(index)});
  return result;
}
