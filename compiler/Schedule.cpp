//===- Schedule.cpp - what a program's launches are, as a table -----------===//

#include "compiler/Schedule.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace strata;

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

llvm::StringMap<KernelResources> strata::parsePtxasReport(StringRef report) {
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

std::vector<std::string> strata::findPtxasProblems(const AssemblyReport &report) {
  std::vector<std::string> problems;
  for (StringRef line : llvm::split(report.text, '\n'))
    if (llvm::Regex("\\(C75[0-9][0-9]\\)|wgmma.*serialized").match(line))
      problems.push_back((report.chip + ": " + line.trim()).str());
  for (const auto &[name, kernel] : parsePtxasReport(report.text))
    if (kernel.spillStores || kernel.spillLoads)
      problems.push_back(llvm::formatv("{0}: {1} spills: {2} bytes of stores, {3} bytes of loads",
                                       report.chip, name, kernel.spillStores, kernel.spillLoads));
  llvm::sort(problems);
  return problems;
}

//===----------------------------------------------------------------------===//
// What fits on a multiprocessor
//===----------------------------------------------------------------------===//

Multiprocessor strata::multiprocessorOf(StringRef chip) {
  Multiprocessor sm;
  sm.shared = (chip == "sm_80" ? 164 : 228) * 1024;
  return sm;
}

int64_t strata::residentBlocks(const Multiprocessor &sm, const KernelResources &kernel,
                               int64_t threads, int64_t dynamicShared) {
  // A warp's registers come in units of 256, from one of the multiprocessor's four parts.
  int64_t warps = llvm::divideCeil(threads, 32);
  int64_t registersOfWarp = llvm::alignTo(std::max<int64_t>(kernel.registers, 1) * 32, 256);
  int64_t warpsByRegisters = sm.registers / 4 / registersOfWarp * 4;
  int64_t sharedOfBlock = llvm::alignTo(kernel.shared + dynamicShared, 128) + sm.reservedShared;
  return std::min(
      {sm.blocks, sm.threads / (warps * 32), warpsByRegisters / warps, sm.shared / sharedOfBlock});
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

std::vector<ScheduleRow> strata::collectSchedule(ModuleOp module) {
  std::vector<ScheduleRow> rows;
  for (auto kernel : module.getOps<KernelOp>()) {
    int64_t first = 1;
    for (auto variant : kernel.getVariants().getAsRange<VariantAttr>()) {
      for (PhaseAttr phase : variant.getPhases())
        rows.push_back({kernel.getSymName().str(), first, variant.getUpTo(), phase});
      first = variant.getUpTo() + 1;
    }
  }
  return rows;
}

/// factor * ceil(axis / divisor), without what changes nothing.
static std::string gridFormula(PhaseAttr phase) {
  std::string factor = std::to_string(phase.getFactor());
  if (phase.getAxis() == Axis::One)
    return factor;
  std::string units = stringifyAxis(phase.getAxis()).str();
  if (phase.getDivisor() != 1)
    units = llvm::formatv("ceil({0} / {1})", units, phase.getDivisor());
  return phase.getFactor() == 1 ? units : factor + " * " + units;
}

/// Workgroups in a step of so many rows, if it runs this variant.
static std::string workgroups(const ScheduleRow &row, int64_t rows) {
  if (rows < row.firstRows || (row.upTo && rows > row.upTo))
    return "-";
  int64_t units =
      row.phase.getAxis() == Axis::One ? 1 : llvm::divideCeil(rows, row.phase.getDivisor());
  return std::to_string(units * row.phase.getFactor());
}

/// The phase's own name: its symbol without the kernel's.
static StringRef phaseName(const ScheduleRow &row) {
  StringRef name = row.phase.getSymbol().getValue();
  return name.consume_front(row.kernel) ? name.drop_front() : name;
}

using Cells = std::vector<std::string>;

static Cells cellsOf(const ScheduleRow &row, Target target) {
  Cells cells{row.kernel,           row.upTo ? std::to_string(row.upTo) : "any",
              phaseName(row).str(), gridFormula(row.phase),
              workgroups(row, 1),   workgroups(row, 512)};
  if (target == Target::Cuda) {
    cells.push_back(std::to_string(row.phase.getBlock()));
    cells.push_back(std::to_string(row.phase.getShared()));
  }
  return cells;
}

/// Registers, spilled bytes, blocks and warps of a multiprocessor.
static Cells resourceCells(const ScheduleRow &row, StringRef chip,
                           const llvm::StringMap<KernelResources> &kernels) {
  auto found = kernels.find(row.phase.getSymbol().getValue());
  if (found == kernels.end())
    return {"-", "-", "-", "-"};
  const KernelResources &kernel = found->second;
  int64_t threads = row.phase.getBlock();
  int64_t blocks = residentBlocks(multiprocessorOf(chip), kernel, threads, row.phase.getShared());
  return {std::to_string(kernel.registers), std::to_string(kernel.spillStores + kernel.spillLoads),
          std::to_string(blocks), std::to_string(blocks * llvm::divideCeil(threads, 32))};
}

/// Columns as wide as their widest cell: kernel, phase and grid flush left, the rest right.
static void printTable(ArrayRef<Cells> lines, raw_ostream &os) {
  std::vector<size_t> widths(lines.back().size());
  for (const Cells &line : lines)
    for (auto [width, cell] : llvm::zip_first(widths, line))
      width = std::max(width, cell.size());
  for (const Cells &line : lines) {
    std::string text;
    for (auto [i, cell] : llvm::enumerate(line)) {
      bool left = i == 0 || i == 2 || i == 3;
      std::string padding(widths[i] - cell.size(), ' ');
      text += (i ? "  " : "") + (left ? cell + padding : padding + cell);
    }
    os << StringRef(text).rtrim() << '\n';
  }
}

/// "cpu", "cuda for sm_80, sim".
static std::string programName(const ScheduledProgram &program) {
  std::string name = targetName(program.target).str();
  if (program.target == Target::Cuda && !program.chips.empty())
    name += " for " + llvm::join(program.chips, ", ");
  return name;
}

void strata::printSchedule(const ScheduledProgram &program, ArrayRef<AssemblyReport> allReports,
                           raw_ostream &os) {
  SmallVector<AssemblyReport> reports;
  if (program.target == Target::Cuda)
    llvm::copy_if(allReports, std::back_inserter(reports), [&](const AssemblyReport &report) {
      return llvm::is_contained(program.chips, report.chip);
    });
  Cells titles{"kernel", "up to", "phase", "grid", "T=1", "T=512"};
  if (program.target == Target::Cuda)
    titles.insert(titles.end(), {"threads", "shared"});
  for (const AssemblyReport &report : reports)
    titles.insert(titles.end(), {report.chip + " regs", "spills", "blocks", "warps"});
  std::vector<Cells> lines{titles};
  for (const ScheduleRow &row : program.rows)
    lines.push_back(cellsOf(row, program.target));
  for (const AssemblyReport &report : reports) {
    auto kernels = parsePtxasReport(report.text);
    for (auto [row, line] : llvm::zip_equal(program.rows, llvm::drop_begin(MutableArrayRef(lines))))
      llvm::append_range(line, resourceCells(row, report.chip, kernels));
  }
  os << llvm::formatv("\nschedule of {0}; T: rows of the step, tokens or outputs",
                      programName(program));
  os << (reports.empty() ? "\n" : "; blocks, warps: on a multiprocessor at a time\n");
  printTable(lines, os);
}
