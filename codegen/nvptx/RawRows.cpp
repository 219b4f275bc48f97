//===- RawRows.cpp - rows in blocks on their way to shared memory ---------===//

#include "codegen/nvptx/RawRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"
#include <numeric>

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

static constexpr int64_t kLoad = 16; // bytes of a copy

int64_t RawStretches::slotBytes() const {
  int64_t step = std::gcd(std::gcd(rowBytes(), stretchBytes()), kLoad);
  return llvm::alignTo(stretchBytes() + kLoad - step, kLoad);
}

/// Where a stretch begins, in bytes from the weight's first.
static Value firstByte(KernelBuilder &b, const RawStretches &stretches, Value row, Value stretch) {
  return b.add(b.mul(row, stretches.rowBytes()), b.mul(stretch, stretches.stretchBytes()));
}

Value RawStretches::offsetInSlot(KernelBuilder &b, Value row, Value stretch) const {
  return b.rem(firstByte(b, *this, row, stretch), kLoad);
}

void strata::nvptx::copyStretches(KernelBuilder &b, const RawStretches &stretches, Value weight,
                                  Value stretch, Value shared, Value slots, int64_t rows,
                                  const Copiers &copiers, llvm::function_ref<Value(Value)> rowOf,
                                  llvm::function_ref<Value(Value)> isThere) {
  int64_t slotLoads = stretches.slotBytes() / kLoad, loads = rows * slotLoads;
  auto copy = [&](Value flat) {
    Value slot = b.div(flat, slotLoads), row = rowOf(slot);
    Value first = firstByte(b, stretches, row, stretch);
    Value rowEnd = b.mul(b.add(row, 1), stretches.rowBytes());
    Value end = b.min(b.add(first, stretches.stretchBytes()), rowEnd);
    Value from = b.add(b.sub(first, b.rem(first, kLoad)), b.mul(b.rem(flat, slotLoads), kLoad));
    Value inside = b.less(from, end);
    if (isThere)
      inside = b.both(inside, isThere(slot));
    Value bytes = b.min(b.sub(end, b.select(inside, from, end)), b.index(kLoad));
    b.copyAsync(shared, b.add(slots, b.mul(flat, kLoad)), weight,
                b.select(inside, from, b.index(0)),
                arith::IndexCastOp::create(b, b.getI32Type(), bytes));
  };
  for (int64_t i = 0; i < loads; i += copiers.count) {
    Value flat = b.add(copiers.index, i);
    if (i + copiers.count <= loads)
      copy(flat);
    else
      b.ifThen(b.less(flat, b.index(loads)), [&] { copy(flat); });
  }
}

/// The formats of a product's weights, each once.
static llvm::SmallSetVector<QuantizedFormat, 4> formatsOf(const LinearSpec &spec) {
  llvm::SmallSetVector<QuantizedFormat, 4> formats;
  for (const LinearSpec::Part &part : spec.parts)
    formats.insert(part.quantized.getFormat());
  return formats;
}

void strata::nvptx::forFormatOf(KernelBuilder &b, const LinearSpec &spec, Value part,
                                llvm::function_ref<void(QuantizedFormat)> body) {
  auto formats = formatsOf(spec);
  if (formats.size() == 1)
    return body(formats.front());
  for (QuantizedFormat format : formats) {
    Value isOne;
    for (auto [i, each] : llvm::enumerate(spec.parts))
      if (each.quantized.getFormat() == format) {
        Value equal = b.equal(part, b.index(i));
        isOne = isOne ? Value(arith::OrIOp::create(b, isOne, equal)) : equal;
      }
    b.ifThen(isOne, [&] { body(format); });
  }
}

int64_t strata::nvptx::mostOfFormats(const LinearSpec &spec,
                                     llvm::function_ref<int64_t(QuantizedFormat)> of) {
  int64_t most = 0;
  for (QuantizedFormat format : formatsOf(spec))
    most = std::max(most, of(format));
  return most;
}
