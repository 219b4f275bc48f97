//===- SimulatorBuilder.h - calls of the simulator --------------*- C++ -*-===//
#pragma once

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace strata::simulator {

/// Builds the calls that replace the ops of one module. Pointers keep their address spaces until
/// all ops are rewritten; the functions that are called are declared without any.
class SimulatorBuilder : public mlir::OpBuilder {
public:
  explicit SimulatorBuilder(mlir::Operation *module)
      : OpBuilder(module->getContext()), module(module) {}

  /// All that follows is built before `op`, with its location.
  void startAt(mlir::Operation *op);

  mlir::Value i32(int64_t value);
  mlir::Type pointer() { return mlir::LLVM::LLVMPointerType::get(getContext()); }

  /// A call of the simulator's function of that name; without a result if `result` is null.
  mlir::Value call(llvm::StringRef function, mlir::Type result, mlir::ValueRange operands);
  /// The same, of a function whose result never changes for a thread.
  mlir::Value callPure(llvm::StringRef function, mlir::Type result, mlir::ValueRange operands);

  /// Memory of this type in the function's entry block, for a call's operands and results; the same
  /// for every op, so it must not be in use across two of them.
  mlir::Value slot(mlir::Type type);
  /// The address of element `index` of a slot of a struct or array type.
  mlir::Value element(mlir::Value slot, mlir::Type type, int32_t index);
  void store(mlir::Value value, mlir::Value address);
  mlir::Value load(mlir::Type type, mlir::Value address);

  /// A 32-bit value as i32, and back as `type`.
  mlir::Value toBits(mlir::Value value);
  mlir::Value fromBits(mlir::Value bits, mlir::Type type);
  mlir::Value toBool(mlir::Value bits);
  /// A struct of these values.
  mlir::Value pack(mlir::Type type, mlir::ValueRange values);

private:
  mlir::LLVM::LLVMFuncOp declare(llvm::StringRef function, mlir::Type result,
                                 mlir::ValueRange operands);

  mlir::Operation *module;
  mlir::Location loc = getUnknownLoc();
  mlir::LLVM::LLVMFuncOp function;
  llvm::StringMap<mlir::LLVM::LLVMFuncOp> declarations;
  llvm::DenseMap<std::pair<mlir::Operation *, mlir::Type>, mlir::Value> slots;
};

/// Replaces an op of the nvvm dialect, or a call of an NVVM intrinsic; erases it. Fails, with an
/// error on the op, if the simulator does not know it.
mlir::LogicalResult rewriteNvvmOp(SimulatorBuilder &builder, mlir::Operation *op);

/// Announces what a load, a store or an atomic is about to touch. Fails on other ops of the llvm
/// dialect that touch memory.
mlir::LogicalResult announceAccess(SimulatorBuilder &builder, mlir::Operation *op);

/// The entry of a kernel and its description; the kernel itself becomes internal.
void emitSimulatorEntry(SimulatorBuilder &builder, mlir::LLVM::LLVMFuncOp kernel,
                        uint64_t staticSharedBytes);

} // namespace strata::simulator
