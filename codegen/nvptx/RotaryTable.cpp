//===- RotaryTable.cpp - cosines and sines of the step's positions --------===//

#include "codegen/Buffers.h"
#include "codegen/Rotary.h"
#include "codegen/nvptx/OpKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// One block computes the angles of one token. The frequencies are immediate operands of a chain of
/// selects: a GPU module keeps no tables.
KernelSpec strata::nvptx::describeRotaryTable(RotaryTableOp op) {
  auto buffers = listBuffers(op);
  unsigned positions = findBuffer(buffers, BufferRole::Positions),
           result = findBuffer(buffers, op.getResult());
  int64_t dims = columnsOf(op.getResult()), half = dims / 2;
  SmallVector<float> frequencies = rotaryFrequencies(op);
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    Value array =
        b.view(args.buffers[positions], b.getI32Type(), {ShapedType::kDynamic}, args.tokens);
    Value position = arith::SIToFPOp::create(b, b.getF32Type(), b.load(array, b.block));
    Value to =
        b.view(args.buffers[result], b.getF32Type(), {ShapedType::kDynamic, dims}, args.tokens);
    b.perThread(b.index(half), [&](Value i) {
      Value frequency = b.f32(frequencies.front());
      for (int64_t j = 1; j != half; ++j)
        frequency = b.select(b.equal(i, b.index(j)), b.f32(frequencies[j]), frequency);
      auto [cos, sin] = emitCosSin(b, b.mulf(position, frequency));
      b.store(cos, to, {b.block, i});
      b.store(sin, to, {b.block, b.add(i, half)});
    });
  };
  return {Axis::Tokens, {{0, {{"rotary_table", Axis::Tokens, 1, 1, emit, block()}}}}};
}
