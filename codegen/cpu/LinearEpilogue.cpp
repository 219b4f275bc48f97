//===- LinearEpilogue.cpp - the clauses of linear, on a tile --------------===//

#include "codegen/Epilogue.h"
#include "codegen/Rotary.h"
#include "codegen/cpu/Linear.h"
#include "codegen/cpu/Schedule.h"

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

namespace {
/// Writes the epilogue of one row of a tile, which is row `token` of the product.
class RowEpilogue {
public:
  RowEpilogue(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
              const LinearSpec::Part &part, const Tile &tile, Value row)
      : b(b), args(args), spec(spec), part(part), tile(tile), row(row),
        token(b.add(tile.firstToken, row)) {}

  void emit() {
    auto [before, rope, after] = part.aroundRope();
    if (rope) {
      applyInPlace(before);
      Value table = b.view(args.buffers[rope->operand], rope->element,
                           {ShapedType::kDynamic, spec.rotaryDims}, args.tokens);
      emitRope(b, tile.values, row, table, token, spec.rotaryDims);
    }
    if (part.sink == Sink::Result || part.sink == Sink::Logits)
      return storeResult(after);
    applyInPlace(after);
    CacheSlot slot = cacheSlot(b, args, *spec.cache, token, b.div(tile.firstRow, spec.headDim));
    auto store = part.sink == Sink::Key ? storeKey : storeValue;
    store(b, slot, tile.values, row, spec.headDim);
  }

private:
  using Sink = LinearSpec::Sink;

  void applyInPlace(ArrayRef<LinearSpec::Step> steps) {
    if (steps.empty())
      return;
    StepsOnValues apply = prepareSteps(b, args, spec, part, steps);
    b.vectors(tile.rows, [&](Value i, int64_t lanes) {
      Value y = b.load(tile.values, {row, i}, lanes);
      b.store(apply(y, token, b.add(tile.firstRow, i), lanes), tile.values, {row, i});
    });
  }

  /// The row after `steps` as part of a row of the result.
  void storeResult(ArrayRef<LinearSpec::Step> steps) {
    bool logits = part.sink == Sink::Logits;
    Value result =
        b.view(args.buffers[part.result], logits ? Type(b.getF32Type()) : Type(b.getBF16Type()),
               {ShapedType::kDynamic, part.rows}, productRows(spec, args));
    StepsOnValues apply = prepareSteps(b, args, spec, part, steps);
    b.vectors(tile.rows, [&](Value i, int64_t lanes) {
      Value at = b.add(tile.firstRow, i);
      Value y = apply(b.load(tile.values, {row, i}, lanes), token, at, lanes);
      b.store(logits ? y : b.toBf16(y), result, {token, at});
    });
  }

  KernelBuilder &b;
  const KernelArguments &args;
  const LinearSpec &spec;
  const LinearSpec::Part &part;
  const Tile &tile;
  const Value row, token;
};
} // namespace

Value strata::cpu::stackTile(KernelBuilder &b, const LinearSpec &spec) {
  int64_t columns = llvm::alignTo(std::max(spec.headDim, kPrefillRows), 16);
  return b.stack(b.getF32Type(), {kPackTokens, columns});
}

void strata::cpu::emitEpilogue(KernelBuilder &b, const KernelArguments &args,
                               const LinearSpec &spec, const LinearSpec::Part &part,
                               const Tile &tile) {
  std::string name = (args.kernel + ".epilogue" + Twine(&part - spec.parts.begin())).str();
  Values arguments = args.buffers;
  llvm::append_values(arguments, args.tokens, args.outputRows, args.pageTableStride, args.layer);
  llvm::append_range(arguments, tile.arguments());
  b.call(name, arguments, [&](KernelBuilder &b, ValueRange values) {
    size_t buffers = args.buffers.size();
    KernelArguments inner{Values(values.take_front(buffers)),
                          values[buffers],
                          values[buffers + 1],
                          values[buffers + 2],
                          values[buffers + 3],
                          {},
                          {}};
    Tile tile = Tile::fromArguments(values.drop_front(buffers + 4));
    b.loop(b.index(0), tile.tokens, 1,
           [&](Value row) { RowEpilogue(b, inner, spec, part, tile, row).emit(); });
  });
}
