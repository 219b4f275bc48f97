//===- LinearEpilogue.cpp - the clauses of linear, on a tile --------------===//

#include "codegen/Rotary.h"
#include "codegen/cpu/Linear.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

void strata::cpu::emitRope(KernelBuilder &b, Value features, Value row, Value table, Value token,
                           int64_t dims) {
  int64_t half = dims / 2;
  b.vectors(half, [&](Value i, int64_t lanes) {
    Value x = b.load(features, {row, i}, lanes), y = b.load(features, {row, b.add(i, half)}, lanes);
    Value cos = b.load(table, {token, i}, lanes),
          sin = b.load(table, {token, b.add(i, half)}, lanes);
    auto [first, second] = rotate(b, x, y, cos, sin);
    b.store(first, features, {row, i});
    b.store(second, features, {row, b.add(i, half)});
  });
}

/// Rows of a tile as rows of the result: squared ReLU, residual, rounding.
static void emitStore(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                      const LinearSpec::Part &part, const Tile &tile, Value row) {
  bool logits = part.sink == LinearSpec::Sink::Logits;
  Value token = b.add(tile.firstToken, row);
  auto activations = [&](unsigned buffer, Type element) {
    return b.view(args.buffers[buffer], element, {ShapedType::kDynamic, part.rows},
                  productRows(spec, args));
  };
  Value result = activations(part.result, logits ? Type(b.getF32Type()) : Type(b.getBF16Type()));
  Value residual = spec.residual ? activations(*spec.residual, b.getBF16Type()) : Value();
  b.vectors(tile.rows, [&](Value i, int64_t lanes) {
    Value at = b.add(tile.firstRow, i);
    Value y = b.load(tile.values, {row, i}, lanes);
    if (spec.squaredRelu) {
      y = b.maxf(y, b.f32(0, lanes));
      y = b.mulf(y, y);
    }
    if (residual)
      y = b.addf(b.toF32(b.load(residual, {token, at}, lanes)), y);
    b.store(logits ? y : b.toBf16(y), result, {token, at});
  });
}

void strata::cpu::emitEpilogue(KernelBuilder &b, const KernelArguments &args,
                               const LinearSpec &spec, const LinearSpec::Part &part,
                               const Tile &tile) {
  using Sink = LinearSpec::Sink;
  b.loop(b.index(0), tile.tokens, 1, [&](Value row) {
    Value token = b.add(tile.firstToken, row);
    if (part.roped) {
      Value table = b.view(args.buffers[*spec.rotary], b.getF32Type(),
                           {ShapedType::kDynamic, spec.rotaryDims}, args.tokens);
      emitRope(b, tile.values, row, table, token, spec.rotaryDims);
    }
    if (part.sink == Sink::Result || part.sink == Sink::Logits)
      return emitStore(b, args, spec, part, tile, row);
    CacheSlot slot = cacheSlot(b, args, *spec.cache, token, b.div(tile.firstRow, spec.headDim));
    auto store = part.sink == Sink::Key ? storeKey : storeValue;
    store(b, slot, tile.values, row, spec.headDim);
  });
}
