//===- Schedule.cpp - what a program's launches are, as a table -----------===//

#include "compiler/Schedule.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace strata;

std::vector<ScheduleRow> strata::collectSchedule(ModuleOp module) {
  std::vector<ScheduleRow> rows;
  for (auto kernel : module.getOps<KernelOp>()) {
    int64_t firstUsual = 1, firstInvariant = 1; // rows that no variant before takes
    for (auto variant : kernel.getVariants().getAsRange<VariantAttr>()) {
      const bool usual = variant.isOf(VariantMode::Usual);
      for (PhaseAttr phase : variant.getPhases())
        rows.push_back(
            {kernel.getSymName().str(), variant, usual ? firstUsual : firstInvariant, phase});
      if (variant.getUpTo() && usual)
        firstUsual = variant.getUpTo() + 1;
      if (variant.getUpTo() && variant.isOf(VariantMode::BatchInvariant))
        firstInvariant = variant.getUpTo() + 1;
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

/// Workgroups in a step of so many rows of one sequence, if it runs this variant.
static std::string workgroups(const ScheduleRow &row, int64_t rows) {
  int64_t upTo = row.variant.getUpTo(), run = row.variant.getUpToRun();
  if (rows < row.firstRows || (upTo && rows > upTo) || (run && rows > run))
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

/// "16", "any", "any, runs of 1": of one new token of each sequence.
static std::string limitsOf(VariantAttr variant) {
  std::string rows = variant.getUpTo() ? std::to_string(variant.getUpTo()) : "any";
  if (variant.getMode() == VariantMode::BatchInvariant)
    rows += ", batch-invariant";
  return variant.getUpToRun() ? rows + ", runs of " + std::to_string(variant.getUpToRun()) : rows;
}

static Cells cellsOf(const ScheduleRow &row, bool blocks) {
  Cells cells{row.kernel,           limitsOf(row.variant),
              phaseName(row).str(), gridFormula(row.phase),
              workgroups(row, 1),   workgroups(row, 512)};
  if (blocks) {
    cells.push_back(std::to_string(row.phase.getBlock()));
    cells.push_back(std::to_string(row.phase.getShared()));
  }
  return cells;
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

/// "cpu for x86-64-v3", "cuda for sm_80, sim".
static std::string programName(const ScheduledProgram &program) {
  std::string name = program.target->name().str();
  const std::vector<std::string> &machines = program.machines.machines;
  return machines.empty() ? name : name + " for " + llvm::join(machines, ", ");
}

void strata::printSchedule(const ScheduledProgram &program, ArrayRef<AssemblyReport> reports,
                           raw_ostream &os) {
  bool blocks = llvm::any_of(program.rows, [](auto &row) { return row.phase.getBlock() > 0; });
  std::vector<Cells> lines{{"kernel", "up to", "phase", "grid", "T=1", "T=512"}};
  if (blocks)
    lines.front().insert(lines.front().end(), {"threads", "shared"});
  for (const ScheduleRow &row : program.rows)
    lines.push_back(cellsOf(row, blocks));
  auto phases = llvm::map_to_vector(program.rows, [](auto &row) { return row.phase; });
  bool reported = false;
  for (const AssemblyReport &report : reports) {
    if (!llvm::is_contained(program.machines.machines, report.machine))
      continue;
    reported = true;
    ScheduleColumns columns = program.target->readSchedule(report, phases);
    llvm::append_range(lines.front(), columns.titles);
    for (auto [cells, line] :
         llvm::zip_equal(columns.rows, llvm::drop_begin(MutableArrayRef(lines))))
      llvm::append_range(line, cells);
  }
  os << llvm::formatv("\nschedule of {0}; T: rows of the step, tokens or outputs",
                      programName(program));
  os << (reported ? "; blocks, warps: on a multiprocessor at a time\n" : "\n");
  printTable(lines, os);
}
