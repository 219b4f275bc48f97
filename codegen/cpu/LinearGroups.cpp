//===- LinearGroups.cpp - any number of tokens, each as if it were alone --===//
//
// The form of batch-invariant steps: rows of the weight as in the decode form, with some tokens at
// a time, whose products are summed in the order of that form. A unit of rows stays in the
// second-level cache while all tokens pass.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/RowProduct.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Tokens of a group: as many as the form of a few takes.
static int64_t groupTokens(const KernelBuilder &b) { return b.level.rowTiles.size(); }

void strata::cpu::emitGroupRows(KernelBuilder &b, const KernelArguments &args,
                                const LinearSpec &spec) {
  forEachPackShare(b, args, spec.pairs(), [&](const PackShare &share) {
    emitInputGroups(b, args, spec, groupTokens(b), share);
  });
}

/// values[token][row - firstRow] of a group: `weight` and `packed` are buffers.
static void multiplyTokens(KernelBuilder &b, Value weight, Value packed, const LinearSpec &spec,
                           const LinearSpec::Part &part, const TokenGroup &group) {
  int64_t most = groupTokens(b), vectors = llvm::divideCeil(spec.pairs(), b.lanes());
  RowStep step = describeStep(b, weight, packed, b.index(part.storedRows()), spec, part, most);
  auto rows = cast<MemRefType>(step.input.getType());
  step.input = b.view(packed, rows.getElementType(), {vectors, most, rows.getDimSize(2)}, {},
                      b.mul(group.firstToken, vectors * b.lanes() * 4));
  multiplyGroup(b, step, group.firstRow, group.endRow,
                [&](Value row, int64_t token, Value product) {
                  b.store(product, group.values, {b.index(token), b.sub(row, group.firstRow)});
                });
}

/// "groups_6144x16", "groups_6144x128_f16_apart_12288": of these the code depends.
static std::string groupsName(const LinearSpec &spec, const LinearSpec::Part &part) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "groups_" << spec.inFeatures << 'x' << unitRows(spec);
  if (!part.element.isBF16())
    os << '_' << part.element;
  os << boxName(part.box);
  return name;
}

void strata::cpu::emitGroups(KernelBuilder &b, const KernelArguments &args,
                             const LinearSpec &spec) {
  forEachTokenGroup(
      b, args, spec, groupTokens(b), [&](const LinearSpec::Part &part, const TokenGroup &group) {
        Values arguments{args.buffers[part.weight],
                         args.buffers[*spec.workspace],
                         group.firstRow,
                         group.endRow,
                         group.firstToken,
                         group.values};
        b.call(groupsName(spec, part), arguments, [&](KernelBuilder &b, ValueRange args) {
          multiplyTokens(b, args[0], args[1], spec, part, {args[2], args[3], args[4], args[5]});
        });
      });
}
