//===- RotaryTable.cpp - cosines and sines of the step's positions --------===//

#include "codegen/Buffers.h"
#include "codegen/Rotary.h"
#include "codegen/cpu/OpKernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

KernelSpec strata::cpu::describeRotaryTable(RotaryTableOp op) {
  auto buffers = listBuffers(op);
  unsigned positions = findBuffer(buffers, BufferRole::Positions),
           result = findBuffer(buffers, op.getResult());
  int64_t dims = columnsOf(op.getResult()), half = dims / 2;
  SmallVector<float> values = rotaryFrequencies(op);
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    Value table = arith::ConstantOp::create(
        b, DenseElementsAttr::get(cast<VectorType>(b.f32Type(half)), ArrayRef<float>(values)));
    Value frequency = b.stack(b.getF32Type(), {half});
    b.store(table, frequency, b.index(0));
    Value to =
        b.view(args.buffers[result], b.getF32Type(), {ShapedType::kDynamic, dims}, args.tokens);
    b.loop(args.begin, args.end, 1, [&](Value token) {
      Value array =
          b.view(args.buffers[positions], b.getI32Type(), {ShapedType::kDynamic}, args.tokens);
      Value position = arith::SIToFPOp::create(b, b.getF32Type(), b.load(array, token));
      b.loop(b.index(0), b.index(half), 1, [&](Value i) {
        auto [cos, sin] = emitCosSin(b, b.mulf(position, b.load(frequency, i)));
        b.store(cos, to, {token, i});
        b.store(sin, to, {token, b.add(i, half)});
      });
    });
  };
  return {Axis::Tokens, {{0, {{"rotary_table", Axis::Tokens, 1, 1, emit}}}}};
}
