//===- LinearGroups.cpp - any number of tokens, each as if it were alone --===//
//
// The form of batch-invariant steps: rows of the weight as in the decode form, with a group of
// tokens, whose products are summed in the order of that form: in as many chains, of which each
// takes every so many-th vector, added one after the other. The rows stay in the second-level cache
// while all tokens pass.
//
// Pairs that a level multiplies as they are take whole rows, with the sums in registers. Where
// products are f32, widening an input costs as much as half of them: so some columns at a time are
// multiplied with some rows, and what the tokens have of them is widened once for all, in the
// first-level cache. The chains' sums wait in memory meanwhile.
//
//===----------------------------------------------------------------------===//

#include "codegen/cpu/RowProduct.h"
#include "codegen/cpu/Schedule.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

/// Tokens of a group: as many as the form of a few takes.
static int64_t groupTokens(const KernelBuilder &b) { return b.level.rowTiles.size(); }

void strata::cpu::emitGroupRows(KernelBuilder &b, const KernelArguments &args,
                                const LinearSpec &spec) {
  forEachPackShare(b, args, spec.pairs(), [&](const PackShare &share) {
    emitInputGroups(b, args, spec, groupTokens(b), share);
  });
}

namespace {
/// The tokens of a group and rows [first, end) of a weight, kGroupRows at most.
struct GroupWork {
  RowStep step;
  Value first, end;
  int64_t chains;
  Value input; ///< of some columns, widened: f32 [vectors][1 or, of pairs, 2][tokens][lanes()]
  Value sums;  ///< [rows][chains][tokens * lanes()]
};

/// Columns from `first` on, `count` of them, which begin with a vector of the first chain.
struct Columns {
  Value first;
  int64_t count;
};
} // namespace

/// A vector as numbers in f32: of pairs the even ones and the odd ones.
static Values widen(KernelBuilder &b, Value vector) {
  if (!cast<VectorType>(vector.getType()).getElementType().isInteger(32))
    return {b.toF32(vector)};
  return {b.evens(vector), b.odds(vector)};
}

/// body(column behind the first, mask) for the vectors of `columns`, of which the last may be
/// partial.
static void forEachVector(KernelBuilder &b, const Columns &columns,
                          llvm::function_ref<void(Value, Value)> body) {
  int64_t whole = columns.count / b.lanes() * b.lanes();
  b.loop(b.index(0), b.index(whole), b.lanes(), [&](Value column) { body(column, Value()); });
  if (whole != columns.count)
    body(b.index(whole), b.mask(columns.count - whole));
}

/// Fills work.input; what a vector has beyond the last column is 0.
static void prepareInput(KernelBuilder &b, const GroupWork &work, const Columns &columns) {
  int64_t width = cast<MemRefType>(work.step.input.getType()).getDimSize(2);
  forEachVector(b, columns, [&](Value column, Value mask) {
    Value at = b.add(columns.first, column), vector = b.div(column, b.lanes());
    for (int64_t t = 0; t != work.step.tokens; ++t) {
      Value x =
          b.loadMasked(work.step.input, {b.div(at, width), b.index(t), b.rem(at, width)}, mask);
      for (auto [i, factor] : llvm::enumerate(widen(b, x)))
        b.store(factor, work.input, {vector, b.index(int64_t(i)), b.index(t), b.index(0)});
    }
  });
}

/// Adds the products of the vector that lies `column` behind the first to sums[row][token].
static void addVector(KernelBuilder &b, const GroupWork &work, ValueRange rows,
                      const Columns &columns, Value column, Value mask,
                      llvm::MutableArrayRef<Value> sums) {
  int64_t tokens = work.step.tokens;
  llvm::SmallVector<Values> weights;
  for (Value row : rows)
    weights.push_back(
        widen(b, b.loadMasked(work.step.weight, {row, b.add(columns.first, column)}, mask)));
  Value vector = b.div(column, b.lanes());
  for (size_t i = 0; i != weights.front().size(); ++i)
    for (int64_t t = 0; t != tokens; ++t) {
      Value x =
          b.load(work.input, {vector, b.index(int64_t(i)), b.index(t), b.index(0)}, b.lanes());
      for (size_t r = 0; r != rows.size(); ++r)
        sums[r * tokens + t] = b.dot(sums[r * tokens + t], weights[r][i], x);
    }
}

/// Rows that share the loads of tokens.
static constexpr int64_t kRowsTogether = 2;

/// Adds what the columns give to the sums of rows from `row` on, kRowsTogether of them: chain by
/// chain, so that those of all tokens fit into registers. The next rows are fetched meanwhile.
static void addColumns(KernelBuilder &b, const GroupWork &work, const Columns &columns, Value row) {
  const RowStep &step = work.step;
  int64_t lanes = b.lanes(), whole = columns.count / lanes * lanes;
  Values rows, next; // beyond the last: that again
  for (int64_t r = 0; r != kRowsTogether; ++r) {
    rows.push_back(storedRow(b, step.box, b.min(b.add(row, r), b.add(work.end, -1))));
    next.push_back(storedRow(b, step.box, b.add(row, kRowsTogether + r)));
  }
  auto place = [&](Value chain, int64_t sum) {
    return Values{b.add(b.sub(row, work.first), sum / step.tokens), chain,
                  b.index(sum % step.tokens * lanes)};
  };
  b.loop(b.index(0), b.index(work.chains), 1, [&](Value chain) {
    Values sums;
    for (int64_t i = 0; i != kRowsTogether * step.tokens; ++i)
      sums.push_back(b.load(work.sums, place(chain, i), lanes));
    sums = b.loop(b.mul(chain, lanes), b.index(whole), work.chains * lanes, sums,
                  [&](Value column, ValueRange in) {
                    Values acc(in);
                    for (Value row : next)
                      b.prefetch(step.weight, {row, b.add(columns.first, column)});
                    addVector(b, work, rows, columns, column, Value(), acc);
                    return acc;
                  });
    auto store = [&] {
      for (auto [i, sum] : llvm::enumerate(sums))
        b.store(sum, work.sums, place(chain, int64_t(i)));
    };
    store();
    if (whole == columns.count)
      return;
    b.ifThen(b.equal(chain, b.index(whole / lanes % work.chains)), [&] {
      addVector(b, work, rows, columns, b.index(whole), b.mask(columns.count - whole), sums);
      store();
    });
  });
}

/// values[token][row - first] = the chains' sums, added in order; lanes() rows at a time.
static void addChains(KernelBuilder &b, const GroupWork &work, Value values, Value firstColumn) {
  b.loop(b.index(0), b.sub(work.end, work.first), b.lanes(), [&](Value row) {
    b.loop(b.index(0), b.index(work.step.tokens), 1, [&](Value token) {
      Values totals;
      for (int64_t r = 0; r != b.lanes(); ++r)
        for (int64_t chain = 0; chain != work.chains; ++chain) {
          Value sum = b.load(work.sums, {b.add(row, r), b.index(chain), b.mul(token, b.lanes())},
                             b.lanes());
          if (chain == 0)
            totals.push_back(sum);
          else
            totals.back() = b.addf(totals.back(), sum);
        }
      b.store(b.sums(totals), values, {token, b.add(firstColumn, row)});
    });
  });
}

/// Products of the rows with all columns.
static void multiplyRows(KernelBuilder &b, const GroupWork &work) {
  const RowStep &step = work.step;
  int64_t rowLanes = step.tokens * b.lanes();
  b.loop(b.index(0), b.index(kGroupRows), 1, [&](Value row) {
    b.loop(b.index(0), b.index(work.chains), 1, [&](Value chain) {
      for (int64_t at = 0; at != rowLanes; at += b.lanes())
        b.store(b.f32(0, b.lanes()), work.sums, {row, chain, b.index(at)});
    });
  });
  auto add = [&](const Columns &columns) {
    prepareInput(b, work, columns);
    b.loop(work.first, work.end, kRowsTogether,
           [&](Value row) { addColumns(b, work, columns, row); });
  };
  int64_t block = cast<MemRefType>(work.input.getType()).getDimSize(0) * b.lanes();
  int64_t full = step.columns / block * block;
  b.loop(b.index(0), b.index(full), block, [&](Value first) { add({first, block}); });
  if (full != step.columns)
    add({b.index(full), step.columns - full});
}

/// values[token][row - firstRow] of a group, by products in f32.
static void multiplyWidened(KernelBuilder &b, const RowStep &step, bool inPairs,
                            const TokenGroup &group) {
  int64_t lanes = b.lanes(), chains = b.level.rowTiles.front().accumulators;
  int64_t halves = inPairs ? 2 : 1, vectorBytes = halves * step.tokens * lanes * 4;
  int64_t block = std::min<int64_t>(kInputBytes / vectorBytes / chains * chains,
                                    llvm::alignTo(llvm::divideCeil(step.columns, lanes), chains));
  Value input = b.stack(b.getF32Type(), {block, halves, step.tokens, lanes});
  Value sums = b.stack(b.getF32Type(), {kGroupRows, chains, step.tokens * lanes});
  b.loop(group.firstRow, group.endRow, kGroupRows, [&](Value first) {
    GroupWork work{step, first, b.min(b.add(first, kGroupRows), group.endRow), chains, input, sums};
    multiplyRows(b, work);
    addChains(b, work, group.values, b.sub(first, group.firstRow));
  });
}

/// values[token][row - firstRow] of a group: `weight` and `packed` are buffers.
static void multiplyTokens(KernelBuilder &b, Value weight, Value packed, const LinearSpec &spec,
                           const LinearSpec::Part &part, const TokenGroup &group) {
  int64_t most = groupTokens(b), vectors = llvm::divideCeil(spec.pairs(), b.lanes());
  RowStep step = describeStep(b, weight, packed, b.index(part.storedRows()), spec, part, most);
  auto rows = cast<MemRefType>(step.input.getType());
  step.input = b.view(packed, rows.getElementType(), {vectors, most, rows.getDimSize(2)}, {},
                      b.mul(group.firstToken, vectors * b.lanes() * 4));
  if (!spec.isInPairs(part) || !b.level.bf16Dot)
    return multiplyWidened(b, step, spec.isInPairs(part), group);
  multiplyGroup(b, step, group.firstRow, group.endRow,
                [&](Value row, int64_t token, Value product) {
                  b.store(product, group.values, {b.index(token), b.sub(row, group.firstRow)});
                });
}

/// "groups_6144_64x64", "groups_6144_f16_apart_12288_64x128": of these the code depends.
static std::string groupsName(const LinearSpec &spec, const LinearSpec::Part &part,
                              const TokenGroup &group) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "groups_" << spec.inFeatures;
  if (!part.element.isBF16())
    os << '_' << part.element;
  os << boxName(part.box) << shapesOf(group.values);
  return name;
}

void strata::cpu::emitGroups(KernelBuilder &b, const KernelArguments &args,
                             const LinearSpec &spec) {
  forEachTokenGroup(
      b, args, spec, groupTokens(b), [&](const LinearSpec::Part &part, const TokenGroup &group) {
        Values arguments{args.buffers[part.weight],
                         args.buffers[*spec.workspace],
                         group.firstRow,
                         group.endRow,
                         group.firstToken,
                         group.values};
        b.call(groupsName(spec, part, group), arguments, [&](KernelBuilder &b, ValueRange args) {
          multiplyTokens(b, args[0], args[1], spec, part, {args[2], args[3], args[4], args[5]});
        });
      });
}
