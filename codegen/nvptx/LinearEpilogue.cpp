//===- LinearEpilogue.cpp - the clauses of linear, on a tile --------------===//

#include "codegen/Epilogue.h"
#include "codegen/Rotary.h"
#include "codegen/nvptx/Cache.h"
#include "codegen/nvptx/Linear.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// body(token of the tile, i) for each token and each i < count, shared by the block's threads.
static void perElement(KernelBuilder &b, Value tokens, Value count,
                       llvm::function_ref<void(Value, Value)> body) {
  b.perThread(b.mul(tokens, count), [&](Value flat) {
    Value token = arith::DivUIOp::create(b, flat, count);
    body(token, b.sub(flat, b.mul(token, count)));
  });
}

/// The row of the part in a column of the tile.
static Value rowOf(KernelBuilder &b, const LinearSpec &spec, const Tile &tile, Value column) {
  return rowAt(b, spec, tile.order, b.add(tile.firstRow, column));
}

/// body(token of the tile, angle, column of its first feature, of its second) for all that rope
/// turns.
static void perAngle(KernelBuilder &b, const LinearSpec &spec, const Tile &tile,
                     llvm::function_ref<void(Value, Value, Value, Value)> body) {
  int64_t half = spec.rotaryDims / 2;
  if (tile.order == RowOrder::Paired) {
    perElement(b, tile.tokens, b.div(tile.rows, 2), [&](Value t, Value pair) {
      Value low = b.mul(pair, 2), angle = b.rem(rowOf(b, spec, tile, low), spec.headDim);
      b.ifThen(b.less(angle, b.index(half)), [&] { body(t, angle, low, b.add(low, 1)); });
    });
    return;
  }
  Value angles = b.mul(b.div(tile.rows, spec.headDim), half);
  perElement(b, tile.tokens, angles, [&](Value t, Value flat) {
    Value head = b.div(flat, half), angle = b.rem(flat, half);
    Value low = b.add(b.mul(head, spec.headDim), angle);
    body(t, angle, low, b.add(low, half));
  });
}

/// Rotates the heads of the tile in place.
static void emitRope(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                     const LinearSpec::Step &rope, const Tile &tile) {
  Value table = b.view(args.buffers[rope.operand], rope.element,
                       {ShapedType::kDynamic, spec.rotaryDims}, args.tokens);
  perAngle(b, spec, tile, [&](Value t, Value angle, Value low, Value high) {
    Value token = b.add(tile.firstToken, t);
    Value x = b.load(tile.values, {t, low}), y = b.load(tile.values, {t, high});
    Value cos = b.load(table, {token, angle});
    Value sin = b.load(table, {token, b.add(angle, spec.rotaryDims / 2)});
    auto [first, second] = rotate(b, x, y, cos, sin);
    b.store(first, tile.values, {t, low});
    b.store(second, tile.values, {t, high});
  });
  b.barrier();
}

static void applyInPlace(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                         const LinearSpec::Part &part, ArrayRef<LinearSpec::Step> steps,
                         const Tile &tile) {
  if (steps.empty())
    return;
  StepsOnValues apply = prepareSteps(b, args, spec, part, steps);
  perElement(b, tile.tokens, tile.rows, [&](Value t, Value i) {
    Value token = b.add(tile.firstToken, t), row = rowOf(b, spec, tile, i);
    b.store(apply(b.load(tile.values, {t, i}), token, row, 0), tile.values, {t, i});
  });
  b.barrier();
}

/// The tile after `steps` as a part of the result.
static void storeResult(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const LinearSpec::Part &part, ArrayRef<LinearSpec::Step> steps,
                        const Tile &tile) {
  bool logits = part.sink == LinearSpec::Sink::Logits;
  Value result =
      b.view(args.buffers[part.result], logits ? Type(b.getF32Type()) : Type(b.getBF16Type()),
             {ShapedType::kDynamic, part.rows}, productRows(spec, args));
  StepsOnValues apply = prepareSteps(b, args, spec, part, steps);
  perElement(b, tile.tokens, tile.rows, [&](Value t, Value i) {
    Value token = b.add(tile.firstToken, t), row = rowOf(b, spec, tile, i);
    Value y = apply(b.load(tile.values, {t, i}), token, row, 0);
    b.store(logits ? y : b.toBf16(y), result, {token, row});
  });
}

/// The tile after `steps` as keys or values of the cache.
static void storeInCache(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                         const LinearSpec::Part &part, ArrayRef<LinearSpec::Step> steps,
                         const Tile &tile) {
  StepsOnValues apply = prepareSteps(b, args, spec, part, steps);
  perElement(b, tile.tokens, tile.rows, [&](Value t, Value i) {
    Value token = b.add(tile.firstToken, t);
    CacheSlot slot = cacheSlot(b, args, *spec.cache, token);
    Value row = rowOf(b, spec, tile, i);
    Value head = b.div(row, spec.headDim), feature = b.rem(row, spec.headDim);
    Value target = part.sink == LinearSpec::Sink::Key ? slot.page.keys : slot.page.values;
    Value y = apply(b.load(tile.values, {t, i}), token, row, 0);
    b.store(b.toBf16(y), target, {head, slot.slot, feature});
  });
}

static void emitPart(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                     const LinearSpec::Part &part, const Tile &tile) {
  using Sink = LinearSpec::Sink;
  auto [before, rope, after] = part.aroundRope();
  if (rope) {
    applyInPlace(b, args, spec, part, before, tile);
    emitRope(b, args, spec, *rope, tile);
  }
  auto store = part.sink == Sink::Result || part.sink == Sink::Logits ? storeResult : storeInCache;
  store(b, args, spec, part, after, tile);
}

void strata::nvptx::emitEpilogue(KernelBuilder &b, const KernelArguments &args,
                                 const LinearSpec &spec, Value part, const Tile &tile) {
  b.barrier();
  for (auto [i, candidate] : llvm::enumerate(spec.parts))
    // The part is the same for all threads of a block, so barriers inside are met by all.
    b.ifThen(b.equal(part, b.index(i)), [&] { emitPart(b, args, spec, candidate, tile); });
}
