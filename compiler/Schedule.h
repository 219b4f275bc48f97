//===- Schedule.h - what a program's launches are, as a table ---*- C++ -*-===//
//
// Prints what follows from the schedules of codegen: grids, blocks, shared memory and, as far as
// ptxas has said how many registers a kernel takes, how much of a GPU's multiprocessor it fills.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Pipeline.h"
#include "dialect/Decoder.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

namespace strata {

/// What `ptxas -v` says of one kernel.
struct KernelResources {
  int64_t registers = 0; ///< of a thread
  int64_t shared = 0;    ///< static, in bytes
  int64_t stack = 0, spillStores = 0, spillLoads = 0;
};

/// What `ptxas -v` says, by kernel.
llvm::StringMap<KernelResources> parsePtxasReport(llvm::StringRef report);

/// What of a report must not be: spills, and advisories such as serialized wgmma (C75xx), each as a
/// sentence that names the kernel.
std::vector<std::string> findPtxasProblems(const AssemblyReport &report);

/// What a multiprocessor has to share out among blocks.
struct Multiprocessor {
  int64_t registers = 65536, threads = 2048, blocks = 32;
  int64_t shared;                ///< bytes for all blocks
  int64_t reservedShared = 1024; ///< bytes of them that each block takes for the system
};

/// Of "sm_80" or "sm_90a".
Multiprocessor multiprocessorOf(llvm::StringRef chip);

/// Blocks that run on a multiprocessor at a time; 0: not even one fits.
int64_t residentBlocks(const Multiprocessor &sm, const KernelResources &kernel, int64_t threads,
                       int64_t dynamicShared);

/// One phase of one variant of a kernel.
struct ScheduleRow {
  std::string kernel;
  int64_t firstRows, upTo; ///< the variant runs from firstRows to upTo rows; upTo 0: no limit
  PhaseAttr phase;
};

/// The rows of a program after the stage `kernels`.
std::vector<ScheduleRow> collectSchedule(mlir::ModuleOp module);

struct ScheduledProgram {
  Target target;
  std::vector<std::string> chips; ///< for cuda
  std::vector<ScheduleRow> rows;
};

/// A line for each row; registers and occupancy on those of its chips that there are reports of.
void printSchedule(const ScheduledProgram &program, llvm::ArrayRef<AssemblyReport> reports,
                   llvm::raw_ostream &os);

} // namespace strata
