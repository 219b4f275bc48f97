//===- LinearNarrow.cpp - rows that are not whole loads of 16 bytes -------===//
//
// Rows whose features are no multiple of 8 do not begin where 16 bytes can be loaded. Here they are
// read number by number, neighbouring lanes neighbouring features, in one form for all steps.
//
//===----------------------------------------------------------------------===//

#include "codegen/nvptx/Linear.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

bool strata::nvptx::isNarrow(const LinearSpec &spec) {
  constexpr int64_t together = 2 * kLoadPairs;
  return spec.inFeatures % together || llvm::any_of(spec.parts, [&](const LinearSpec::Part &part) {
           return rowElements(part.box, spec.inFeatures) % together;
         });
}

/// A buffer of `rows` rows of the product's input, as bf16.
static Value inputRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                       unsigned buffer, Value rows) {
  return b.view(args.buffers[buffer], b.getBF16Type(), {ShapedType::kDynamic, spec.inFeatures},
                rows);
}

//===----------------------------------------------------------------------===//
// The rows phase: one block normalizes or gathers one row
//===----------------------------------------------------------------------===//

/// The sum of valueOf(i) over all features, on every thread.
static Value sumOverFeatures(KernelBuilder &b, const LinearSpec &spec, Value scratch,
                             llvm::function_ref<Value(Value)> valueOf) {
  Values sum = b.loop(b.thread, b.index(spec.inFeatures), b.threads, b.f32(0),
                      [&](Value i, ValueRange acc) { return Values{b.addf(acc[0], valueOf(i))}; });
  return b.blockSums(sum, scratch).front();
}

void strata::nvptx::emitNarrowRows(KernelBuilder &b, const KernelArguments &args,
                                   const LinearSpec &spec) {
  Value input = inputRows(b, args, spec, spec.input, args.tokens);
  Value output = inputRows(b, args, spec, *spec.workspace, productRows(spec, args));
  Value from = spec.outputRows ? b.loadIndex(args.buffers[*spec.outputRows], b.block) : b.block;
  Value features = b.index(spec.inFeatures);
  if (!spec.gamma)
    return b.perThread(features, [&](Value i) {
      b.store(b.load(input, {from, i}), output, {b.block, i});
    });
  Value scratch = b.shared(b.getF32Type(), {1, b.threads / kWarp}, 0);
  Value inverseCount = b.f32(1.0 / double(spec.inFeatures));
  auto at = [&](Value i) { return b.toF32(b.load(input, {from, i})); };
  Value mean = b.mulf(sumOverFeatures(b, spec, scratch, at), inverseCount);
  Value squares = sumOverFeatures(b, spec, scratch, [&](Value i) {
    Value d = b.subf(at(i), mean);
    return b.mulf(d, d);
  });
  Value scale = b.divf(b.f32(1), b.sqrt(b.addf(b.mulf(squares, inverseCount), b.f32(spec.eps))));
  Value gamma = b.view(args.buffers[*spec.gamma], spec.gammaElement, {spec.inFeatures});
  Value beta = b.view(args.buffers[*spec.beta], spec.betaElement, {spec.inFeatures});
  b.perThread(features, [&](Value i) {
    Value g = b.toF32(b.load(gamma, i)), shift = b.toF32(b.load(beta, i));
    Value factor = spec.gammaIncludesOne ? g : b.addf(g, b.f32(1));
    Value y = b.fma(b.mulf(b.subf(at(i), mean), scale), factor, shift);
    b.store(b.toBf16(y), output, {b.block, i});
  });
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

/// Products of the tokens from `firstToken` on with a row of the weight, on every lane.
static Values emitRowProducts(KernelBuilder &b, const LinearSpec &spec, Value weight, Value row,
                              Value input, Value firstToken, Value rows) {
  Values tokens; // those beyond the step repeat its last one
  for (int64_t t = 0; t != kNarrowTokens; ++t)
    tokens.push_back(b.min(b.add(firstToken, t), b.sub(rows, b.index(1))));
  Values sums = b.loop(b.lane, b.index(spec.inFeatures), kWarp, Values(kNarrowTokens, b.f32(0)),
                       [&](Value i, ValueRange in) {
                         Values acc(in);
                         Value w = b.toF32(b.load(weight, {row, i}));
                         for (auto [sum, token] : llvm::zip(acc, tokens))
                           sum = b.fma(w, b.toF32(b.load(input, {token, i})), sum);
                         return acc;
                       });
  for (Value &sum : sums)
    sum = b.warpSum(sum);
  return sums;
}

static void emitNarrow(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  int64_t rowBlockCount = rowBlocks(spec, kNarrowRows);
  Value firstToken = b.mul(b.div(b.block, rowBlockCount), kNarrowTokens);
  BlockPart part = selectPart(b, args, spec, b.rem(b.block, rowBlockCount), kNarrowRows);
  Value rows = productRows(spec, args);
  Value input = prefillPrepares(spec) ? inputRows(b, args, spec, *spec.workspace, rows)
                                      : inputRows(b, args, spec, spec.input, args.tokens);
  Value tile = b.shared(b.getF32Type(), {kNarrowTokens, kNarrowRows}, 0);
  b.loop(b.warp, b.index(kNarrowRows), b.threads / kWarp, [&](Value column) {
    Value inside = b.min(b.add(part.firstRow, column), b.sub(part.rows, b.index(1)));
    Value row = storedRowOf(b, spec, part.index, rowAt(b, spec, decodeOrder(spec), inside));
    Values sums = emitRowProducts(b, spec, part.weight, row, input, firstToken, rows);
    b.ifThen(b.equal(b.lane, b.index(0)), [&] {
      for (auto [t, sum] : llvm::enumerate(sums))
        b.store(sum, tile, {b.index(t), column});
    });
  });
  emitEpilogue(b, args, spec, part.index,
               {tile, kNarrowRows, firstToken,
                b.min(b.sub(rows, firstToken), b.index(kNarrowTokens)), part.firstRow,
                b.min(b.sub(part.rows, part.firstRow), b.index(kNarrowRows)), decodeOrder(spec)});
}

PhaseSpec strata::nvptx::describeNarrow(const LinearSpec &spec) {
  return {"narrow",
          spec.axis(),
          kNarrowTokens,
          rowBlocks(spec, kNarrowRows),
          [=](KernelBuilder &b, const KernelArguments &args) { emitNarrow(b, args, spec); },
          block(4 * kNarrowTokens * kNarrowRows)};
}
