//===- Roofline.h - what a step costs at least ------------------*- C++ -*-===//
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include <optional>
#include <string>

namespace strata {

/// Ceilings that were measured, not the data sheet's.
struct Machine {
  std::string name;
  double gigabytesPerSecond; // pure read
  double teraflops;          // dense bf16
};

/// a100, h100 or h200.
std::optional<Machine> findMachine(llvm::StringRef name);

/// The names that findMachine knows, for messages: "a100, h100, h200".
std::string machineNames();

/// One sequence's step.
struct Step {
  int64_t tokens = 1;
  int64_t context = 0;    // tokens cached before it
  int64_t outputRows = 1; // rows whose logits are wanted
};

/// Prints a row for each distinct kernel op of the module, and the totals.
void printRoofline(mlir::ModuleOp module, const Machine &machine, llvm::raw_ostream &os,
                   const Step &step = {});

} // namespace strata
