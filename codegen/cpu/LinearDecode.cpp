//===- LinearDecode.cpp - one token: the weight stream decides ------------===//

#include "codegen/cpu/RowProduct.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

void strata::cpu::emitRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  Value vectors = b.index(llvm::divideCeil(spec.pairs(), b.lanes()));
  emitInputRows(b, args, spec, args.begin, args.end, {b.index(0), b.index(0), vectors});
}

void strata::cpu::emitDecode(KernelBuilder &b, const KernelArguments &args,
                             const LinearSpec &spec) {
  bool prepared = spec.gamma || spec.outputRows;
  Value input = args.buffers[prepared ? *spec.workspace : spec.input];
  forEachDecodeUnit(b, args, spec, 1, [&](const LinearSpec::Part &part, const DecodeUnit &unit) {
    RowStep step = describeStep(b, args.buffers[part.weight], input, b.index(part.storedRows()),
                                spec, part, unit.tokens);
    multiplyUnit(b, step, unit.firstRow, unit.endRow, unit.values, [&](Value row) {
      return Values{b.index(0), b.sub(row, unit.firstRow)};
    });
  });
}
