//===- Linear.cpp - linear and logits on a GPU: phases, rows, parts -------===//

#include "codegen/nvptx/Linear.h"

#include "codegen/nvptx/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

Value strata::nvptx::productRows(const LinearSpec &spec, const KernelArguments &args) {
  return spec.outputRows ? args.outputRows : args.tokens;
}

bool strata::nvptx::prepares(const LinearSpec &spec) { return spec.gamma || spec.outputRows; }

Value strata::nvptx::preparedPairs(KernelBuilder &b, const KernelArguments &args,
                                   const LinearSpec &spec) {
  Value buffer = args.buffers[prepares(spec) ? *spec.workspace : spec.input];
  return b.view(buffer, b.getI32Type(), {ShapedType::kDynamic, spec.pairs()},
                productRows(spec, args));
}

int64_t strata::nvptx::rowBlocks(const LinearSpec &spec, int64_t rowsPerBlock) {
  int64_t blocks = 0;
  for (const LinearSpec::Part &part : spec.parts)
    blocks += llvm::divideCeil(part.rows, rowsPerBlock);
  return blocks;
}

BlockPart strata::nvptx::selectPart(KernelBuilder &b, const KernelArguments &args,
                                    const LinearSpec &spec, Value rowBlock, int64_t rowsPerBlock) {
  BlockPart selected;
  int64_t first = 0; // block of the part's first row
  for (auto [i, part] : llvm::enumerate(spec.parts)) {
    Value rows = b.index(part.rows);
    Value weight = b.view(args.buffers[part.weight], b.getI32Type(),
                          {ShapedType::kDynamic, spec.pairs()}, rows);
    Value firstRow = b.mul(b.sub(rowBlock, b.index(first)), rowsPerBlock);
    if (i == 0) {
      selected = {b.index(0), firstRow, rows, weight};
    } else {
      Value before = b.less(rowBlock, b.index(first));
      selected = {b.select(before, selected.part, b.index(i)),
                  b.select(before, selected.firstRow, firstRow),
                  b.select(before, selected.rows, rows), b.select(before, selected.weight, weight)};
    }
    first += llvm::divideCeil(part.rows, rowsPerBlock);
  }
  return selected;
}

//===----------------------------------------------------------------------===//
// Rows: one block normalizes or gathers one row
//===----------------------------------------------------------------------===//

/// sum over the row of f(even) + f(odd), on every thread.
static Value sumOverRow(KernelBuilder &b, Value input, Value row, int64_t pairs, Value scratch,
                        llvm::function_ref<Value(Value acc, Value x)> accumulate) {
  Values sums =
      b.loop(b.thread, b.index(pairs), b.threads, {b.f32(0)}, [&](Value i, ValueRange acc) {
        Value x = b.load(input, {row, i});
        return Values{accumulate(accumulate(acc[0], b.evens(x)), b.odds(x))};
      });
  return b.blockSum(sums[0], scratch);
}

static void emitRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec) {
  auto rowsOf = [&](unsigned buffer) {
    return b.view(args.buffers[buffer], b.getI32Type(), {ShapedType::kDynamic, spec.pairs()},
                  args.tokens);
  };
  Value input = rowsOf(spec.input), output = rowsOf(*spec.workspace);
  Value row = b.block;
  Value from = spec.outputRows ? b.loadIndex(args.buffers[*spec.outputRows], row) : row;
  if (!spec.gamma) {
    b.perThread(b.index(spec.pairs()), [&](Value i) {
      b.store(b.load(input, {from, i}), output, {row, i});
    });
    return;
  }
  Value scratch = b.shared(b.getF32Type(), {b.threads / kWarp}, 0);
  Value inverseCount = b.f32(1.0 / double(spec.inFeatures));
  Value mean = b.mulf(sumOverRow(b, input, from, spec.pairs(), scratch,
                                 [&](Value acc, Value x) { return b.addf(acc, x); }),
                      inverseCount);
  Value squares = sumOverRow(b, input, from, spec.pairs(), scratch, [&](Value acc, Value x) {
    Value d = b.subf(x, mean);
    return b.fma(d, d, acc);
  });
  Value variance = b.addf(b.mulf(squares, inverseCount), b.f32(spec.eps));
  Value scale = b.divf(b.f32(1), b.sqrt(variance));
  auto vector = [&](unsigned buffer) {
    return b.view(args.buffers[buffer], b.getI32Type(), {spec.pairs()});
  };
  Value gamma = vector(*spec.gamma), beta = vector(*spec.beta);
  b.perThread(b.index(spec.pairs()), [&](Value i) {
    Value x = b.load(input, {from, i}), g = b.load(gamma, i), shift = b.load(beta, i);
    auto normalize = [&](Value x, Value g, Value shift) {
      return b.fma(b.mulf(b.subf(x, mean), scale), b.addf(g, b.f32(1)), shift);
    };
    b.store(b.pairs(normalize(b.evens(x), b.evens(g), b.evens(shift)),
                    normalize(b.odds(x), b.odds(g), b.odds(shift))),
            output, {row, i});
  });
}

PhaseSpec strata::nvptx::describeRows(const LinearSpec &spec) {
  int64_t scratchBytes = spec.gamma ? 4 * kThreads / kWarp : 0;
  return {"rows",
          spec.axis(),
          1,
          1,
          scratchBytes,
          [spec](KernelBuilder &b, const KernelArguments &args) { emitRows(b, args, spec); }};
}

static KernelSpec describePhases(const LinearSpec &spec) {
  KernelSpec kernel{spec.axis(), {}};
  auto add = [&](int64_t upTo, PhaseSpec main) {
    VariantSpec variant{upTo, {}};
    if (prepares(spec))
      variant.phases.push_back(describeRows(spec));
    variant.phases.push_back(std::move(main));
    kernel.variants.push_back(std::move(variant));
  };
  for (auto [form, rows] : llvm::enumerate(kDecodeRows))
    add(rows, describeDecode(spec, form));
  add(0, describePrefill(spec));
  return kernel;
}

KernelSpec strata::nvptx::describeLinear(LinearOp op) {
  return describePhases(describeOperands(op));
}
KernelSpec strata::nvptx::describeLogits(LogitsOp op) {
  return describePhases(describeOperands(op));
}
