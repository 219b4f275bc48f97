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

void strata::cpu::emitGroups(KernelBuilder &b, const KernelArguments &args,
                             const LinearSpec &spec) {
  int64_t most = groupTokens(b), vectors = llvm::divideCeil(spec.pairs(), b.lanes());
  forEachTokenGroup(
      b, args, spec, most, [&](const LinearSpec::Part &part, const TokenGroup &group) {
        RowStep step = describeStep(b, args.buffers[part.weight], args.buffers[*spec.workspace],
                                    b.index(part.storedRows()), spec, part, most);
        Type element = cast<MemRefType>(step.input.getType()).getElementType();
        int64_t width = cast<MemRefType>(step.input.getType()).getDimSize(2);
        step.input = b.view(args.buffers[*spec.workspace], element, {vectors, most, width}, {},
                            b.mul(group.firstToken, vectors * b.lanes() * 4));
        multiplyGroup(
            b, step, group.firstRow, group.endRow, [&](Value row, int64_t token, Value product) {
              b.store(product, group.values, {b.index(token), b.sub(row, group.firstRow)});
            });
      });
}
