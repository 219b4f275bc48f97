//===- Roofline.cpp - what a step costs at least --------------------------===//

#include "passes/Roofline.h"

#include "dialect/Decoder.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace strata;

//===----------------------------------------------------------------------===//
// Machines
//===----------------------------------------------------------------------===//

namespace {
struct MachineRow {
  StringLiteral name;
  double gigabytesPerSecond, teraflops;
};

constexpr MachineRow kMachines[] = {
    {"a100", 1880, 260}, // A100-80G SXM: 92 % of 2039; 260 of 312
    {"h100", 3240, 800}, // H100 SXM: fast.cu's sum reads at 96.7 % of 3352; 800 of 989
    {"h200", 4640, 800}, // H200 SXM: the same 96.7 % of 4800, not measured yet
};
} // namespace

std::optional<Machine> strata::findMachine(StringRef name) {
  for (const MachineRow &row : kMachines)
    if (row.name == name)
      return Machine{row.name.str(), row.gigabytesPerSecond, row.teraflops};
  return std::nullopt;
}

std::string strata::machineNames() {
  return llvm::join(llvm::map_range(kMachines, [](auto &row) { return row.name; }), ", ");
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {
/// What one op moves and computes in a step, and the time it takes at least.
struct Row {
  std::string op, name;
  CostAttr cost;
  int64_t count = 0;
  double streamed, activations, flops; // of one op: bytes, bytes, flops
  double memoryUs, computeUs;

  bool isLike(const Row &other) const {
    return op == other.op && name == other.name && cost == other.cost;
  }
  double idealUs() const { return std::max(memoryUs, computeUs); }
  StringRef bound() const {
    return idealUs() == 0 ? "-" : memoryUs >= computeUs ? "memory" : "compute";
  }
};

/// "model.layers.31.mlp.up_proj" -> "model.layers.*.mlp.up_proj".
std::string withoutLayer(StringRef name) {
  SmallVector<StringRef> parts;
  name.split(parts, '.');
  for (StringRef &part : parts)
    if (!part.empty() && llvm::all_of(part, llvm::isDigit))
      part = "*";
  return llvm::join(parts, ".");
}

/// "model.layers.*.mlp.up_proj"; an op without a name is told by its result.
std::string getRowName(Operation *op) {
  if (StringRef name = getModelName(op->getLoc()); !name.empty())
    return withoutLayer(name);
  std::string type;
  llvm::raw_string_ostream(type) << op->getResult(0).getType();
  return type;
}

Row makeRow(KernelOpInterface op, const Machine &machine, const Step &step) {
  CostAttr cost = op.getCost();
  double rows = op.getAxis() == Axis::Outputs ? step.outputRows : step.tokens;
  // Keys and values are read once for all tokens of a sequence; each token computes with those
  // before the step, those of the step before it, and its own.
  double cached = double(step.context) + step.tokens;
  double attended = step.tokens * (step.context + (step.tokens + 1.0) / 2);
  Row row;
  row.op = op->getName().stripDialect();
  row.name = getRowName(op);
  row.cost = cost;
  row.streamed = cost.getFixedBytes() + cached * cost.getContextBytes();
  row.activations = rows * cost.getRowBytes();
  row.flops = rows * cost.getRowFlops() + attended * cost.getContextFlops();
  row.memoryUs = row.streamed / machine.gigabytesPerSecond / 1e3;
  row.computeUs = row.flops / machine.teraflops / 1e6;
  return row;
}

/// Ops of one name (but for the layer) and one cost share a row.
std::vector<Row> collectRows(ModuleOp module, const Machine &machine, const Step &step) {
  std::vector<Row> rows;
  module.walk([&](KernelOpInterface op) {
    Row row = makeRow(op, machine, step);
    auto found = llvm::find_if(rows, [&](const Row &other) { return other.isLike(row); });
    ++(found != rows.end() ? *found : rows.emplace_back(row)).count;
  });
  return rows;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

using Line = std::array<std::string, 9>;

std::string fixed(double value, int digits) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.*f", digits, value);
  return text;
}

Line toLine(const Row &row) {
  return {row.op,
          row.name,
          std::to_string(row.count),
          fixed(row.streamed / 1e6, 2),
          fixed(row.activations / 1e6, 2),
          fixed(row.flops / 1e9, 2),
          fixed(row.idealUs(), 2),
          fixed(row.idealUs() * row.count, 1),
          row.bound().str()};
}

/// The first two columns and the last are words, the others numbers.
void printTable(ArrayRef<Line> lines, raw_ostream &os) {
  std::array<size_t, 9> widths{};
  for (const Line &line : lines)
    for (auto [width, cell] : llvm::zip(widths, line))
      width = std::max(width, cell.size());
  for (const Line &line : lines) {
    std::string text;
    for (auto [i, width, cell] : llvm::enumerate(widths, line)) {
      std::string padding(width - cell.size(), ' ');
      text += (i < 2 || i == 8 ? cell + padding : padding + cell) + "  ";
    }
    os << StringRef(text).rtrim() << "\n";
  }
}
} // namespace

void strata::printRoofline(ModuleOp module, const Machine &machine, raw_ostream &os,
                           const Step &step) {
  std::vector<Row> rows = collectRows(module, machine, step);
  std::vector<Line> lines{
      {"op", "name", "count", "MB", "activation MB", "GFLOP", "ideal us", "total us", "bound"}};
  double streamed = 0, flops = 0, us = 0;
  for (const Row &row : rows) {
    lines.push_back(toLine(row));
    streamed += row.count * row.streamed;
    flops += row.count * row.flops;
    us += row.count * row.idealUs();
  }
  os << llvm::formatv("{0}: {1} GB/s, {2} TFLOP/s; a step of tokens = {3} after context = {4}\n",
                      machine.name, fixed(machine.gigabytesPerSecond, 0),
                      fixed(machine.teraflops, 1), step.tokens, step.context);
  printTable(lines, os);
  os << llvm::formatv("total: {0} GB streamed, {1} GFLOP, {2} ms, {3} tokens/s\n",
                      fixed(streamed / 1e9, 2), fixed(flops / 1e9, 2), fixed(us / 1e3, 2),
                      us > 0 ? fixed(step.tokens / us * 1e6, 1) : "-");
}
