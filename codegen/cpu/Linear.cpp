//===- Linear.cpp - linear and logits on a CPU: facts and phases ----------===//

#include "codegen/cpu/ProductStrategy.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

int64_t strata::cpu::unitRows(const LinearSpec &spec) {
  return spec.headDim ? spec.headDim : kUnitRows;
}

static int64_t unitCount(const LinearSpec &spec, const LinearSpec::Part &part) {
  return llvm::divideCeil(part.rows, unitRows(spec));
}

Value strata::cpu::inputPairs(KernelBuilder &b, const KernelArguments &args,
                              const LinearSpec &spec) {
  return b.viewPairs(args.buffers[spec.input], ShapedType::kDynamic, spec.inFeatures, args.tokens);
}

Value strata::cpu::inputRow(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                            Value row) {
  return spec.outputRows ? b.loadIndex(args.buffers[*spec.outputRows], row) : row;
}

std::optional<NormParameters> strata::cpu::normOf(KernelBuilder &b, const KernelArguments &args,
                                                  const LinearSpec &spec) {
  if (!spec.gamma)
    return std::nullopt;
  auto vector = [&](unsigned buffer, Type element) {
    return normVector(b, args.buffers[buffer], element, spec.inFeatures);
  };
  return NormParameters{vector(*spec.gamma, spec.gammaElement),
                        vector(*spec.beta, spec.betaElement), spec.gammaIncludesOne, spec.eps};
}

Value strata::cpu::weightRows(KernelBuilder &b, Value buffer, const LinearSpec &spec,
                              const LinearSpec::Part &part, Value rows) {
  int64_t elements = rowElements(part.box, spec.inFeatures);
  if (spec.isInPairs(part))
    return b.view(buffer, b.getI32Type(), {ShapedType::kDynamic, elements / 2}, rows);
  Type element = part.element.isBF16() ? Type(b.getI16Type()) : part.element;
  return b.view(buffer, element, {ShapedType::kDynamic, elements}, rows);
}

void strata::cpu::prefetchRows(KernelBuilder &b, Value weight, int64_t columns, Value row,
                               Value from, int64_t count) {
  auto type = cast<MemRefType>(weight.getType());
  if (type.getDimSize(1) != columns) { // the next row does not follow
    row = b.add(row, b.div(from, columns));
    from = b.rem(from, columns);
  }
  int64_t bits = type.getElementTypeBitWidth();
  for (int64_t ahead = 0; ahead < count; ahead += kLineBytes * 8 / bits)
    b.prefetch(weight, {row, b.add(from, ahead)});
}

void strata::cpu::forEachPart(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
    llvm::function_ref<void(const LinearSpec::Part &, Value, Value)> body) {
  int64_t first = 0; // unit of the part's first row
  for (const LinearSpec::Part &part : spec.parts) {
    int64_t units = unitCount(spec, part);
    auto rowOf = [&](Value unit) {
      Value local = b.max(b.min(b.sub(unit, b.index(first)), b.index(units)), b.index(0));
      return b.min(b.mul(local, unitRows(spec)), b.index(part.rows));
    };
    body(part, rowOf(args.begin), rowOf(args.end));
    first += units;
  }
}

void strata::cpu::forEachDecodeUnit(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, int64_t most,
    llvm::function_ref<void(const LinearSpec::Part &, const DecodeUnit &)> multiply) {
  Value values = stackTile(b, spec);
  Value tokens = productRows(spec, args);
  forEachPart(b, args, spec, [&](const LinearSpec::Part &part, Value first, Value end) {
    b.loop(first, end, unitRows(spec), [&](Value firstRow) {
      Value count = b.min(b.sub(end, firstRow), b.index(unitRows(spec)));
      for (int64_t known = 1; known <= most; ++known)
        b.ifThen(b.equal(tokens, b.index(known)), [&] {
          multiply(part, {firstRow, b.add(firstRow, count), values, known});
        });
      emitEpilogue(b, args, spec, part, {values, b.index(0), tokens, firstRow, count});
    });
  });
}

void strata::cpu::forEachTokenGroup(
    KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec, int64_t groupTokens,
    llvm::function_ref<void(const LinearSpec::Part &, const TokenGroup &)> multiply) {
  int64_t rows = spec.headDim ? spec.headDim : kGroupRows;
  Value values = stackTile(b, spec);
  Value tokens = productRows(spec, args);
  forEachPart(b, args, spec, [&](const LinearSpec::Part &part, Value first, Value end) {
    b.loop(first, end, rows, [&](Value firstRow) {
      Value count = b.min(b.sub(end, firstRow), b.index(rows));
      b.loop(b.index(0), tokens, groupTokens, [&](Value firstToken) {
        multiply(part, {firstRow, b.add(firstRow, count), firstToken, values});
        Value inside = b.min(b.sub(tokens, firstToken), b.index(groupTokens));
        emitEpilogue(b, args, spec, part, {values, firstToken, inside, firstRow, count});
      });
    });
  });
}

/// Whether more than a few tokens are multiplied by tiles.
static bool takesTiles(const LinearSpec &spec, const Level &level) {
  auto fits = [&](const LinearSpec::Part &part) { return part.quantized || spec.isInPairs(part); };
  return level.matrixTiles != Tiles::None && findStrategy(spec)->emitTiles &&
         llvm::all_of(spec.parts, fits);
}

static KernelSpec describePhases(const LinearSpec &spec, const Level &level) {
  int64_t units = 0;
  for (const LinearSpec::Part &part : spec.parts)
    units += unitCount(spec, part);
  const ProductStrategy &strategy = *findStrategy(spec);
  const bool tiled = takesTiles(spec, level);
  KernelSpec kernel{spec.axis(), {}};
  const PhaseSpec rows{"rows", spec.axis(), 1, 1,
                       sharedInputPhase("rows", spec, strategy.emitRows)};
  auto shared = [&](StringRef name, EmitPhase *emit) {
    return PhaseSpec{name.str(), spec.axis(), kPackVector, kPackShares,
                     sharedInputPhase(name, spec, emit)};
  };
  auto product = [&](StringRef name, EmitPhase *emit) {
    auto bound = [spec, emit](KernelBuilder &b, const KernelArguments &args) {
      emit(b, args, spec);
    };
    return PhaseSpec{name.str(), Axis::One, 1, units, bound};
  };
  auto add = [&](int64_t upTo, VariantMode mode, std::vector<PhaseSpec> phases) {
    kernel.variants.push_back({upTo, std::move(phases), 0, mode});
  };
  std::vector<PhaseSpec> decode;
  if (strategy.preparesRows(spec))
    decode.push_back(rows);
  decode.push_back(product("decode", strategy.emitDecode));
  // One token's sums are those of batch-invariant steps, but not those of tiles of bf16 as it lies.
  const bool asStored = tiled && strategy.emitStreamedTiles;
  add(strategy.decodeRows, asStored ? VariantMode::Usual : VariantMode::Any, decode);
  if (strategy.emitFew && !asStored)
    add(level.rowTiles.size(), VariantMode::Usual,
        {shared("few_rows", strategy.emitFewRows), product("few", strategy.emitFew)});
  const PhaseSpec packTiles = shared("pack_tiles", strategy.emitPackTiles);
  if (asStored) { // each sum is one chain, whatever the panel
    add(kStreamedPanel.tokens, VariantMode::Any,
        {packTiles, product("streamed_tiles", strategy.emitStreamedTiles)});
    add(kFewTokensPanel.tokens, VariantMode::Any,
        {packTiles, product("few_tiles", strategy.emitFewTiles)});
    add(0, VariantMode::Any, {packTiles, product("tiles", strategy.emitTiles)});
    return kernel;
  }
  const std::vector<PhaseSpec> prefill{shared("pack", strategy.emitPack),
                                       product("prefill", strategy.emitPrefill)};
  if (tiled) {
    add(kDecodedTilesRows, VariantMode::Any, prefill);
    add(0, VariantMode::Usual, {packTiles, product("tiles", strategy.emitTiles)});
    add(0, VariantMode::BatchInvariant, prefill);
    return kernel;
  }
  add(0, strategy.emitGroups ? VariantMode::Usual : VariantMode::Any, prefill);
  if (strategy.emitGroups)
    add(0, VariantMode::BatchInvariant,
        {shared("group_rows", strategy.emitGroupRows), product("groups", strategy.emitGroups)});
  return kernel;
}

KernelSpec strata::cpu::describeProduct(ProductOpInterface op, const Level &level) {
  return describePhases(describeOperands(op), level);
}
