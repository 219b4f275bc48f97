//===- PtxasReport.cpp - registers and occupancy, as ptxas has it ---------===//

#include "codegen/nvptx/PtxasReport.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

//===----------------------------------------------------------------------===//
// What ptxas says
//===----------------------------------------------------------------------===//

/// The number before `what` in a line like "0 bytes stack frame, 8 bytes spill stores"; else 0.
static int64_t numberBefore(StringRef line, StringRef what) {
  size_t end = line.find(what);
  if (end == StringRef::npos)
    return 0;
  StringRef before = line.take_front(end).rtrim();
  StringRef digits = before.take_back(before.size() - before.find_last_not_of("0123456789") - 1);
  int64_t number = 0;
  digits.getAsInteger(10, number);
  return number;
}

/// The text between the first two quotes of a line.
static StringRef quoted(StringRef line) { return line.split('\'').second.split('\'').first; }

llvm::StringMap<KernelResources> strata::nvptx::parsePtxasReport(StringRef report) {
  llvm::StringMap<KernelResources> kernels;
  KernelResources ignored, *kernel = &ignored;
  for (StringRef line : llvm::split(report, '\n')) {
    if (line.contains("Compiling entry function")) {
      kernel = &kernels[quoted(line)];
    } else if (line.contains("bytes stack frame")) {
      kernel->stack = numberBefore(line, "bytes stack frame");
      kernel->spillStores = numberBefore(line, "bytes spill stores");
      kernel->spillLoads = numberBefore(line, "bytes spill loads");
    } else if (line.contains("Used ")) {
      kernel->registers = numberBefore(line, "registers");
      kernel->shared = numberBefore(line, "bytes smem");
    }
  }
  return kernels;
}

std::vector<std::string> strata::nvptx::findPtxasProblems(const AssemblyReport &report) {
  std::vector<std::string> problems;
  for (StringRef line : llvm::split(report.text, '\n'))
    if (llvm::Regex("\\(C75[0-9][0-9]\\)|wgmma.*serialized").match(line))
      problems.push_back((report.machine + ": " + line.trim()).str());
  for (const auto &[name, kernel] : parsePtxasReport(report.text))
    if (kernel.spillStores || kernel.spillLoads)
      problems.push_back(llvm::formatv("{0}: {1} spills: {2} bytes of stores, {3} bytes of loads",
                                       report.machine, name, kernel.spillStores,
                                       kernel.spillLoads));
  llvm::sort(problems);
  return problems;
}

//===----------------------------------------------------------------------===//
// What fits on a multiprocessor
//===----------------------------------------------------------------------===//

Multiprocessor strata::nvptx::multiprocessorOf(StringRef chip) {
  Multiprocessor sm;
  sm.shared = chip == "sm_80" ? 164 << 10 : 228 << 10;
  if (chip == "sm_86" || chip == "sm_89") {
    sm.threads = 1536;
    sm.blocks = chip == "sm_86" ? 16 : 24;
    sm.shared = 100 << 10;
  }
  return sm;
}

int64_t strata::nvptx::residentBlocks(const Multiprocessor &sm, const KernelResources &kernel,
                                      int64_t threads, int64_t dynamicShared) {
  // A warp's registers come in units of 256, from one of the multiprocessor's four parts.
  int64_t warps = llvm::divideCeil(threads, 32);
  int64_t registersOfWarp = llvm::alignTo(std::max<int64_t>(kernel.registers, 1) * 32, 256);
  int64_t warpsByRegisters = sm.registers / 4 / registersOfWarp * 4;
  int64_t sharedOfBlock = llvm::alignTo(kernel.shared + dynamicShared, 128) + sm.reservedShared;
  return std::min(
      {sm.blocks, sm.threads / (warps * 32), warpsByRegisters / warps, sm.shared / sharedOfBlock});
}

/// Registers, spilled bytes, blocks and warps of a multiprocessor.
static std::vector<std::string> cellsOf(PhaseAttr phase, StringRef chip,
                                        const llvm::StringMap<KernelResources> &kernels) {
  auto found = kernels.find(phase.getSymbol().getValue());
  if (found == kernels.end())
    return {"-", "-", "-", "-"};
  const KernelResources &kernel = found->second;
  int64_t threads = phase.getBlock();
  int64_t blocks = residentBlocks(multiprocessorOf(chip), kernel, threads, phase.getShared());
  return {std::to_string(kernel.registers), std::to_string(kernel.spillStores + kernel.spillLoads),
          std::to_string(blocks), std::to_string(blocks * llvm::divideCeil(threads, 32))};
}

ScheduleColumns strata::nvptx::readPtxasReport(const AssemblyReport &report,
                                               ArrayRef<PhaseAttr> phases) {
  auto kernels = parsePtxasReport(report.text);
  ScheduleColumns columns{{report.machine + " regs", "spills", "blocks", "warps"}, {}};
  for (PhaseAttr phase : phases)
    columns.rows.push_back(cellsOf(phase, report.machine, kernels));
  return columns;
}
