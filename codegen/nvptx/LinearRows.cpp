//===- LinearRows.cpp - LayerNorm1P and the gather before a product -------===//

#include "codegen/nvptx/Linear.h"
#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

/// The whole input, as pairs [tokens, pairs].
static Value inputPairs(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  return b.view(args.buffers[spec.input], b.getI32Type(), {ShapedType::kDynamic, spec.pairs()},
                args.tokens);
}

/// The row of the input that is row `row` of the product.
static Value inputRow(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                      Value row) {
  return spec.outputRows ? b.loadIndex(args.buffers[*spec.outputRows], row) : row;
}

//===----------------------------------------------------------------------===//
// The norm, in f32, of some rows at a time by all threads of a block
//===----------------------------------------------------------------------===//

/// body(pair, carried values) for every 4 pairs of a row, shared by the block's threads. As many
/// turns as all threads take have a constant number, so that loads of several are under way.
static Values perLoad(KernelBuilder &b, const LinearSpec &spec, ValueRange initial,
                      llvm::function_ref<Values(Value, ValueRange)> body) {
  int64_t step = b.threads * kLoadPairs, whole = spec.pairs() / step * step;
  Value first = b.mul(b.thread, kLoadPairs);
  Values carried = b.loop(b.index(0), b.index(whole), step, initial,
                          [&](Value i, ValueRange in) { return body(b.add(i, first), in); });
  if (whole == spec.pairs())
    return carried;
  return b.loop(b.add(first, whole), b.index(spec.pairs()), step, carried, body);
}

/// For each row the sum of accumulate(.., x, row) over its features, on every thread.
static Values sumOverRows(KernelBuilder &b, const LinearSpec &spec, Value input, ValueRange rows,
                          Value scratch,
                          llvm::function_ref<Value(Value acc, Value x, size_t row)> accumulate) {
  Values zeros(rows.size(), b.f32(0, kLoadPairs));
  Values sums = perLoad(b, spec, zeros, [&](Value i, ValueRange in) {
    Values acc(in);
    for (auto [r, row] : llvm::enumerate(rows)) {
      Value x = b.load(input, {row, i}, kLoadPairs, 16);
      acc[r] = accumulate(acc[r], b.evens(x), r);
      acc[r] = accumulate(acc[r], b.odds(x), r);
    }
    return acc;
  });
  for (Value &sum : sums) {
    Value lanes = sum;
    sum = vector::ExtractOp::create(b, lanes, int64_t(0));
    for (int64_t i = 1; i != kLoadPairs; ++i)
      sum = b.addf(sum, vector::ExtractOp::create(b, lanes, i));
  }
  return b.blockSums(sums, scratch);
}

/// The 4 pairs of a norm's vector from pair `pair` on, as evens() and odds() take them apart.
static Value loadPairs(KernelBuilder &b, Value buffer, Type element, int64_t pairs, Value pair) {
  if (element.isBF16())
    return b.load(b.view(buffer, b.getI32Type(), {pairs}), pair, kLoadPairs, 16);
  Value vector = b.view(buffer, element, {2 * pairs}), at = b.mul(pair, 2);
  if (element.isF16())
    return b.toF32(b.load(vector, at, 2 * kLoadPairs, 16));
  Value low = b.load(vector, at, 4, 16), high = b.load(vector, b.add(at, 4), 4, 16);
  return vector::ShuffleOp::create(b, low, high, ArrayRef<int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

/// Normalizes rows `from` of the input into rows `to` of `target`, pairs [.., pairs]. `scratch` is
/// shared f32 [rows, warps].
static void emitNorm(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                     ValueRange from, Value target, ValueRange to, Value scratch) {
  Value input = inputPairs(b, args, spec), inverseCount = b.f32(1.0 / double(spec.inFeatures));
  Values means = sumOverRows(b, spec, input, from, scratch,
                             [&](Value acc, Value x, size_t) { return b.addf(acc, x); });
  for (Value &mean : means)
    mean = b.splat(b.mulf(mean, inverseCount), kLoadPairs);
  Values scales = sumOverRows(b, spec, input, from, scratch, [&](Value acc, Value x, size_t row) {
    Value d = b.subf(x, means[row]);
    return b.fma(d, d, acc);
  });
  for (Value &scale : scales) {
    Value variance = b.addf(b.mulf(scale, inverseCount), b.f32(spec.eps));
    scale = b.splat(b.divf(b.f32(1), b.sqrt(variance)), kLoadPairs);
  }
  Value one = b.f32(1, kLoadPairs);
  perLoad(b, spec, {}, [&](Value i, ValueRange) {
    Value g = loadPairs(b, args.buffers[*spec.gamma], spec.gammaElement, spec.pairs(), i);
    Value shift = loadPairs(b, args.buffers[*spec.beta], spec.betaElement, spec.pairs(), i);
    for (auto [row, source] : llvm::enumerate(from)) {
      auto normalize = [&](Value x, Value g, Value shift) {
        Value factor = spec.gammaIncludesOne ? g : b.addf(g, one);
        return b.fma(b.mulf(b.subf(x, means[row]), scales[row]), factor, shift);
      };
      Value x = b.load(input, {source, i}, kLoadPairs, 16);
      b.store(b.pairs(normalize(b.evens(x), b.evens(g), b.evens(shift)),
                      normalize(b.odds(x), b.odds(g), b.odds(shift))),
              target, {to[row], i}, 16);
    }
    return Values();
  });
}

//===----------------------------------------------------------------------===//
// A launch of its own: one block normalizes or gathers one row
//===----------------------------------------------------------------------===//

static Value workspacePairs(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  return b.view(args.buffers[*spec.workspace], b.getI32Type(), {ShapedType::kDynamic, spec.pairs()},
                productRows(spec, args));
}

static void emitRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  Value output = workspacePairs(b, args, spec), from = inputRow(b, args, spec, b.block);
  if (spec.gamma) {
    Value scratch = b.shared(b.getF32Type(), {1, b.threads / kWarp}, 0);
    emitNorm(b, args, spec, from, output, b.block, scratch);
    return;
  }
  Value input = inputPairs(b, args, spec);
  b.perThread(b.index(spec.pairs()), [&](Value i) {
    b.store(b.load(input, {from, i}), output, {b.block, i});
  });
}

PhaseSpec strata::nvptx::describePreparation(const LinearSpec &spec) {
  int64_t scratchBytes = spec.gamma ? 4 * kThreads / kWarp : 0;
  return {"rows",
          spec.axis(),
          1,
          1,
          [spec](KernelBuilder &b, const KernelArguments &args) {
            (isNarrow(spec) ? emitNarrowRows : emitRows)(b, args, spec);
          },
          block(scratchBytes)};
}

Value strata::nvptx::preparedPairs(KernelBuilder &b, const KernelArguments &args,
                                   const LinearSpec &spec) {
  return prefillPrepares(spec) ? workspacePairs(b, args, spec) : inputPairs(b, args, spec);
}

//===----------------------------------------------------------------------===//
// In the decode form's own prologue
//===----------------------------------------------------------------------===//

/// Bytes of the rows of a form, normalized.
static int64_t normalizedBytes(const LinearSpec &spec, const DecodeForm &form) {
  return form.tokens * 2 * spec.inFeatures;
}

static bool stages(const LinearSpec &spec, const DecodeForm &form) {
  return spec.gamma && normalizedBytes(spec, form) <= kStagedBytes;
}

bool strata::nvptx::decodePrepares(const LinearSpec &spec, const DecodeForm &form) {
  return spec.gamma && !stages(spec, form);
}

int64_t strata::nvptx::stagedBytes(const LinearSpec &spec, const DecodeForm &form) {
  if (!stages(spec, form))
    return 0;
  return normalizedBytes(spec, form) + 4 * form.tokens * kThreads / kWarp;
}

InputRows strata::nvptx::stageRows(KernelBuilder &b, const KernelArguments &args,
                                   const LinearSpec &spec, const DecodeForm &form,
                                   int64_t sharedOffset) {
  Value last = b.sub(productRows(spec, args), b.index(1));
  // Rows beyond the step repeat its last one.
  auto inside = [&b, last](Value row) { return b.min(row, last); };
  if (decodePrepares(spec, form))
    return {workspacePairs(b, args, spec), inside};
  auto source = [&b, &args, &spec, inside](Value row) {
    return inputRow(b, args, spec, inside(row));
  };
  if (!spec.gamma)
    return {inputPairs(b, args, spec), source};
  Value rows = b.shared(b.getI32Type(), {form.tokens, spec.pairs()}, sharedOffset);
  Value scratch = b.shared(b.getF32Type(), {form.tokens, b.threads / kWarp},
                           sharedOffset + normalizedBytes(spec, form));
  Values from, to;
  for (int64_t row = 0; row != form.tokens; ++row) {
    to.push_back(b.index(row));
    from.push_back(source(to.back()));
  }
  emitNorm(b, args, spec, from, rows, to, scratch);
  b.barrier();
  return {rows, [](Value row) { return row; }};
}
