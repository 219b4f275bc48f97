//===- PtxasReport.h - registers and occupancy, as ptxas has it -*- C++ -*-===//
#pragma once

#include "codegen/Target.h"
#include "llvm/ADT/StringMap.h"

namespace strata::nvptx {

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

/// Of a real chip: CUDA C++ Programming Guide 13.0, section 20.3, "technical specifications".
Multiprocessor multiprocessorOf(llvm::StringRef chip);

/// Blocks that run on a multiprocessor at a time; 0: not even one fits.
int64_t residentBlocks(const Multiprocessor &sm, const KernelResources &kernel, int64_t threads,
                       int64_t dynamicShared);

/// Of each phase: registers, spilled bytes, and the blocks and warps that a multiprocessor holds.
ScheduleColumns readPtxasReport(const AssemblyReport &report, llvm::ArrayRef<PhaseAttr> phases);

} // namespace strata::nvptx
