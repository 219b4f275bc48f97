//===- Schedule.h - what a program's launches are, as a table ---*- C++ -*-===//
//
// Prints what follows from the schedules of codegen: grids, blocks, shared memory and, as far as an
// assembler has reported, how much of a machine a kernel takes.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Target.h"
#include "llvm/Support/raw_ostream.h"

namespace strata {

/// One phase of one variant of a kernel.
struct ScheduleRow {
  std::string kernel;
  VariantAttr variant;
  int64_t firstRows; ///< the variant runs from so many rows on
  PhaseAttr phase;
};

/// The rows of a program after the stage `kernels`.
std::vector<ScheduleRow> collectSchedule(mlir::ModuleOp module);

struct ScheduledProgram {
  const Target *target;
  MachineClass machines;
  std::vector<ScheduleRow> rows;
};

/// A line for each row; what reports say of those of its machines that there are reports of.
void printSchedule(const ScheduledProgram &program, llvm::ArrayRef<AssemblyReport> reports,
                   llvm::raw_ostream &os);

} // namespace strata
