//===- LinearFew.cpp - a few tokens: still the weight stream decides ------===//
//
// The form of several tokens, up to as many as Level::rowTiles has shapes for: rows of the weight
// as in the decode form, in the frame of the prefill form.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/RowProduct.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

void strata::cpu::emitFewRows(KernelBuilder &b, const KernelArguments &args,
                              const LinearSpec &spec) {
  forEachPackShare(b, args, spec.pairs(), [&](const PackShare &share) {
    emitInputRows(b, args, spec, b.index(0), productRows(spec, args), share);
  });
}

/// products[row][token] of a block of two tokens or more, as many as the level has tiles for.
static void multiplyFew(KernelBuilder &b, const RowFactors &factors, const LinearSpec &spec,
                        const LinearSpec::Part &part, const PrefillBlock &block) {
  for (int64_t tokens = 2; tokens <= int64_t(b.level.rowTiles.size()); ++tokens)
    b.ifThen(b.equal(block.tokens, b.index(tokens)), [&] {
      RowStep step =
          describeStep(b, factors.weight, factors.input, block.endRow, spec, part, tokens);
      int64_t rows = rowsTogether(step);
      b.loop(block.firstRow, block.endRow, rows, [&](Value first) {
        Value end = b.min(b.add(first, rows), block.endRow);
        multiplyUnit(b, step, first, end, block.products, [&](Value row) {
          return Values{b.sub(row, block.firstRow), b.index(0)};
        });
      });
    });
}

void strata::cpu::emitFew(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  forEachPrefillBlock(b, args, spec, kPackTokens,
                      [&](const LinearSpec::Part &part, const PrefillBlock &block) {
                        callSharedProduct(b, args, spec, part, block, "few",
                                          [&](KernelBuilder &b, const RowFactors &factors,
                                              const PrefillBlock &place) {
                                            multiplyFew(b, factors, spec, part, place);
                                          });
                      });
}
