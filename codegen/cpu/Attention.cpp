//===- Attention.cpp - causal attention over the paged cache --------------===//
//
// A workgroup is one KV head and a block of tokens. Its tokens are taken in runs of one sequence;
// the query heads that share the KV head, of all tokens of a run, are rows that go through a page
// together, so that a key or value that was loaded serves several of them. Softmax is online
// (Milakov and Gimelshein, arXiv 1805.02867): a running maximum and sum per row, results rescaled
// when the maximum grows. Weights are rounded to bf16 for the product with the values, as
// FlashAttention does (arXiv 2205.14135); their sum is not. Pages go in order and a row's
// arithmetic is its own, so a token's result does not depend on what else is in the step. Of a
// level with tiles several tokens of a sequence are multiplied by tiles and a single one by
// vectors; where steps are to be batch-invariant, all by tiles.
//
//===----------------------------------------------------------------------===//

#include "codegen/Buffers.h"
#include "codegen/cpu/AttentionTiles.h"
#include "codegen/cpu/Cache.h"
#include "codegen/cpu/Schedule.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <cmath>

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

namespace {
struct AttentionSpec {
  explicit AttentionSpec(AttentionOp op)
      : cache(op, op.getCache().getType()), headDim(cache.type.getHeadDim()),
        kvHeads(cache.type.getHeads()), features(columnsOf(op.getQuery())),
        group(features / headDim / kvHeads), pageTokens(cache.type.getPageTokens()) {
    auto buffers = listBuffers(op);
    query = findBuffer(buffers, op.getQuery());
    result = findBuffer(buffers, op.getResult());
  }
  CacheBuffers cache;
  int64_t headDim, kvHeads, features;
  int64_t group; ///< query heads of a KV head
  int64_t pageTokens;
  unsigned query, result;

  int64_t headPairs() const { return headDim / 2; }
};

/// A run of consecutive tokens of one sequence, and the state of its rows on the stack. Row r is
/// query head r % group of token firstToken + r / group.
struct Run {
  Value head, firstToken;
  Value rows;
  int64_t tileRows;              ///< rows that share the loads of a key or value
  bool wholeTiles;               ///< no rows are left beside the tiles
  Value query;                   ///< pairs [T, features / 2]
  Value contexts;                ///< index [rows]: tokens that a row sees
  Value scores;                  ///< f32 [rows, page_tokens]
  Value weights;                 ///< bf16 [rows, page_tokens]
  Value weightPairs;             ///< the same as pairs [rows, page_tokens / 2]
  Value sums;                    ///< f32 [rows, head_dim]: weighted values so far
  Value maxima;                  ///< f32 [rows]
  Value totals;                  ///< f32 [rows]: sum of the weights
  Value queryRows;               ///< of tiles: pairs [rows, head_dim / 2]; else null
  Value lastValues;              ///< of tiles: those of a page that is not full, and zeros
  std::optional<CachePage> next; ///< the page after this one, if it is to be fetched meanwhile:
                                 ///< where memory decides the speed
};
} // namespace

/// Asks for `count` elements of keys or values, in the order in which they lie.
static void prefetchPage(KernelBuilder &b, Value memory, Value from, int64_t count) {
  for (int64_t line = 0; line < count; line += kLineBytes / 4)
    b.prefetch(memory, {b.index(0), b.add(from, line)});
}

/// Rows of a tile for the query heads of one token: none of them shall be left for a tile of its
/// own.
static int64_t chooseTileRows(const Level &level, int64_t group) {
  for (int64_t tile = level.attentionRows; tile > kAttentionRows; --tile)
    if (group % tile == 0)
      return tile;
  return std::min(group, kAttentionRows);
}

/// Stack arrays for up to `rows` rows.
static Run allocateRun(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                       int64_t rows) {
  Type f32 = b.getF32Type();
  bool tiled = rows > spec.group && attendsByTiles(b.level, spec.headDim);
  rows = tiled ? int64_t(llvm::alignTo(rows, kTileRows)) : rows;
  Value bytes = b.stack(b.getI8Type(), {2 * rows * spec.pageTokens});
  Run run;
  if (tiled) {
    run.queryRows = b.stack(b.getI32Type(), {rows, spec.headPairs()});
    run.lastValues = b.stack(b.getI32Type(), {spec.pageTokens / 2, spec.headDim});
  }
  run.query = b.view(args.buffers[spec.query], b.getI32Type(),
                     {ShapedType::kDynamic, spec.features / 2}, args.tokens);
  run.contexts = b.stack(b.getIndexType(), {rows});
  run.scores = b.stack(f32, {rows, spec.pageTokens});
  run.weights = b.view(bytes, b.getBF16Type(), {rows, spec.pageTokens});
  run.weightPairs = b.view(bytes, b.getI32Type(), {rows, spec.pageTokens / 2});
  run.sums = b.stack(f32, {rows, spec.headDim});
  run.maxima = b.stack(f32, {rows});
  run.totals = b.stack(f32, {rows});
  return run;
}

/// Nothing is summed yet. Returns the tokens that the row with the longest context sees.
static Value reset(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                   const Run &run) {
  Values longest = b.loop(b.index(0), run.rows, 1, {b.index(0)}, [&](Value row, ValueRange most) {
    Value token = b.add(run.firstToken, b.div(row, spec.group));
    Value context = b.add(b.loadIndex(args.buffers[spec.cache.positions], token), 1);
    b.store(context, run.contexts, row);
    b.store(b.f32(kLeastMaximum), run.maxima, row);
    b.store(b.f32(0), run.totals, row);
    b.vectors(spec.headDim, [&](Value i, int64_t lanes) {
      b.store(b.f32(0, lanes), run.sums, {row, i});
    });
    return Values{b.max(most[0], context)};
  });
  return longest[0];
}

/// body(first row, rows) for the rows of a run: whole tiles, then single rows.
static void forEachTile(KernelBuilder &b, const Run &run,
                        llvm::function_ref<void(Value, int64_t)> body) {
  Value tiled = b.mul(b.div(run.rows, run.tileRows), run.tileRows);
  b.loop(b.index(0), tiled, run.tileRows, [&](Value row) { body(row, run.tileRows); });
  if (!run.wholeTiles)
    b.loop(tiled, run.rows, 1, [&](Value row) { body(row, 1); });
}

/// scores[row ..][slot ..] = q . K / sqrt(head_dim) for `width` vectors of slots; -inf where the
/// slot is beyond the row's context.
static void emitScoresTile(KernelBuilder &b, const AttentionSpec &spec, const Run &run,
                           const CachePage &page, Value firstPosition, Value row, int64_t rows,
                           Value slot, int64_t width) {
  int64_t lanes = b.lanes();
  Values tokens, firstPairs;
  for (int64_t r = 0; r != rows; ++r) {
    Value at = b.add(row, r);
    Value head = b.add(b.mul(run.head, spec.group), b.rem(at, spec.group));
    tokens.push_back(b.add(run.firstToken, b.div(at, spec.group)));
    firstPairs.push_back(b.mul(head, spec.headPairs()));
  }
  Values zeros(rows * width, b.f32(0, lanes));
  Values dots =
      b.loop(b.index(0), b.index(spec.headPairs()), 1, zeros, [&](Value i, ValueRange in) {
        Values acc(in), keys;
        if (run.next)
          prefetchPage(b, run.next->keys, b.add(b.mul(i, spec.pageTokens), slot), width * lanes);
        for (int64_t v = 0; v != width; ++v)
          keys.push_back(b.load(page.keys, {i, b.add(slot, v * lanes)}, lanes));
        for (int64_t r = 0; r != rows; ++r) {
          Value q = b.splat(b.load(run.query, {tokens[r], b.add(firstPairs[r], i)}), lanes);
          for (int64_t v = 0; v != width; ++v)
            acc[r * width + v] = b.dot(acc[r * width + v], q, keys[v]);
        }
        return acc;
      });
  double scale = 1.0 / std::sqrt(double(spec.headDim));
  for (int64_t r = 0; r != rows; ++r) {
    Value visible = b.sub(b.load(run.contexts, b.add(row, r)), firstPosition);
    for (int64_t v = 0; v != width; ++v) {
      Value at = b.add(slot, v * lanes);
      Value scaled = b.mulf(dots[r * width + v], b.f32(scale, lanes));
      b.store(b.selectLanes(b.mask(b.sub(visible, at)), scaled, b.f32(-INFINITY, lanes)),
              run.scores, {b.add(row, r), at});
    }
  }
}

static void emitScores(KernelBuilder &b, const AttentionSpec &spec, const Run &run,
                       const CachePage &page, Value firstPosition) {
  int64_t width = std::min(b.level.tileVectors(), spec.pageTokens / b.lanes());
  forEachTile(b, run, [&](Value row, int64_t rows) {
    b.loop(b.index(0), b.index(spec.pageTokens), width * b.lanes(), [&](Value slot) {
      emitScoresTile(b, spec, run, page, firstPosition, row, rows, slot, width);
    });
  });
}

/// Turns a row's scores into weights relative to its new maximum and rescales what was summed
/// before.
static void emitSoftmax(KernelBuilder &b, const AttentionSpec &spec, const Run &run, Value row) {
  int64_t lanes = b.lanes();
  Value zero = b.index(0), end = b.index(spec.pageTokens);
  Values highest = b.loop(zero, end, lanes, {b.f32(-INFINITY, lanes)}, [&](Value s, ValueRange m) {
    return Values{b.maxf(m[0], b.load(run.scores, {row, s}, lanes))};
  });
  Value before = b.load(run.maxima, row);
  Value maximum = b.maxf(before, b.maximum(highest[0]));
  Value maxima = b.splat(maximum, lanes);
  Values total = b.loop(zero, end, lanes, {b.f32(0, lanes)}, [&](Value s, ValueRange sum) {
    Value score = b.load(run.scores, {row, s}, lanes);
    Value weight = b.exp(b.subf(score, maxima));
    // exp stops at e^-87; a hidden token weighs nothing at all.
    Value hidden =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, score, b.f32(-INFINITY, lanes));
    weight = b.selectLanes(hidden, b.f32(0, lanes), weight);
    b.store(b.toBf16(weight), run.weights, {row, s});
    return Values{b.addf(sum[0], weight)};
  });
  Value decay = vector::ExtractOp::create(b, b.exp(b.splat(b.subf(before, maximum), 1)), 0);
  b.store(maximum, run.maxima, row);
  b.store(b.addf(b.mulf(b.load(run.totals, row), decay), b.sum(total[0])), run.totals, row);
  b.vectors(spec.headDim, [&](Value i, int64_t n) {
    b.store(b.mulf(b.load(run.sums, {row, i}, n), b.splat(decay, n)), run.sums, {row, i});
  });
}

/// sums[row ..][i ..] += weights . V for `width` vectors of `lanes` features.
static void emitValuesTile(KernelBuilder &b, const AttentionSpec &spec, const Run &run,
                           const CachePage &page, Value pairs, Value row, int64_t rows, Value i,
                           int64_t width, int64_t lanes) {
  auto at = [&](int64_t n) { return Values{b.add(row, n / width), b.add(i, n % width * lanes)}; };
  Values sums;
  for (int64_t n = 0; n != rows * width; ++n)
    sums.push_back(b.load(run.sums, at(n), lanes));
  sums = b.loop(b.index(0), pairs, 1, sums, [&](Value pair, ValueRange in) {
    Values acc(in), values;
    if (run.next)
      prefetchPage(b, run.next->values,
                   b.add(b.mul(i, spec.pageTokens / 2), b.mul(pair, width * lanes)), width * lanes);
    for (int64_t v = 0; v != width; ++v)
      values.push_back(b.load(page.values, {pair, b.add(i, v * lanes)}, lanes));
    for (int64_t r = 0; r != rows; ++r) {
      Value weight = b.splat(b.load(run.weightPairs, {b.add(row, r), pair}), lanes);
      for (int64_t v = 0; v != width; ++v)
        acc[r * width + v] = b.dot(acc[r * width + v], weight, values[v]);
    }
    return acc;
  });
  for (int64_t n = 0; n != rows * width; ++n)
    b.store(sums[n], run.sums, at(n));
}

/// sums += weights . V over the first `pairs` pairs of the page's tokens.
static void emitValues(KernelBuilder &b, const AttentionSpec &spec, const Run &run,
                       const CachePage &page, Value pairs) {
  int64_t width = b.level.tileVectors();
  int64_t wide = spec.headDim / (width * b.lanes()) * (width * b.lanes());
  forEachTile(b, run, [&](Value row, int64_t rows) {
    if (wide)
      b.loop(b.index(0), b.index(wide), width * b.lanes(), [&](Value i) {
        emitValuesTile(b, spec, run, page, pairs, row, rows, i, width, b.lanes());
      });
    b.vectors(spec.headDim - wide, [&](Value i, int64_t lanes) {
      emitValuesTile(b, spec, run, page, pairs, row, rows, b.add(i, wide), 1, lanes);
    });
  });
}

static void emitResult(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                       const Run &run) {
  Value result = b.view(args.buffers[spec.result], b.getBF16Type(),
                        {ShapedType::kDynamic, spec.features}, args.tokens);
  b.loop(b.index(0), run.rows, 1, [&](Value row) {
    Value token = b.add(run.firstToken, b.div(row, spec.group));
    Value head = b.add(b.mul(run.head, spec.group), b.rem(row, spec.group));
    Value first = b.mul(head, spec.headDim);
    Value inverse = b.divf(b.f32(1), b.load(run.totals, row));
    b.vectors(spec.headDim, [&](Value i, int64_t lanes) {
      Value sum = b.load(run.sums, {row, i}, lanes);
      b.store(b.toBf16(b.mulf(sum, b.splat(inverse, lanes))), result, {token, b.add(first, i)});
    });
  });
}

/// The queries of a run's rows one behind the other.
static void copyQueries(KernelBuilder &b, const AttentionSpec &spec, const Run &run) {
  b.loop(b.index(0), run.rows, 1, [&](Value row) {
    Value head = b.add(b.mul(run.head, spec.group), b.rem(row, spec.group));
    Value token = b.add(run.firstToken, b.div(row, spec.group));
    b.vectors(spec.headPairs(), [&](Value i, int64_t lanes) {
      Value from = b.add(b.mul(head, spec.headPairs()), i);
      b.store(b.load(run.query, {token, from}, lanes), run.queryRows, {row, i});
    });
  });
}

/// emitScores by tiles.
static void emitTiledScores(KernelBuilder &b, const AttentionSpec &spec, const Run &run,
                            const CachePage &page, Value firstPosition) {
  emitTileProduct(b, {run.queryRows, page.keys, run.scores, run.rows, spec.pageTokens,
                      spec.headPairs(), /*added=*/false});
  Value scale = b.f32(1.0 / std::sqrt(double(spec.headDim)), b.lanes());
  b.loop(b.index(0), run.rows, 1, [&](Value row) {
    Value visible = b.sub(b.load(run.contexts, row), firstPosition);
    b.loop(b.index(0), b.index(spec.pageTokens), b.lanes(), [&](Value slot) {
      Value scaled = b.mulf(b.load(run.scores, {row, slot}, b.lanes()), scale);
      b.store(b.selectLanes(b.mask(b.sub(visible, slot)), scaled, b.f32(-INFINITY, b.lanes())),
              run.scores, {row, slot});
    });
  });
}

/// emitValues by tiles. Behind the pairs that count, a page holds anything.
static void emitTiledValues(KernelBuilder &b, const AttentionSpec &spec, const Run &run,
                            const CachePage &page, Value pairs) {
  auto add = [&](Value values) {
    emitTileProduct(b, {run.weightPairs, values, run.sums, run.rows, spec.headDim,
                        spec.pageTokens / 2, /*added=*/true});
  };
  b.ifElse(
      b.equal(pairs, b.index(spec.pageTokens / 2)), [&] { add(page.values); },
      [&] {
        copyRows(b, page.values, run.lastValues, pairs);
        add(run.lastValues);
      });
}

/// A single token's run is as fast as its keys and values can be read; products decide the others.
static void emitRun(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                    Run run, bool singleToken) {
  run.tileRows = singleToken ? chooseTileRows(b.level, spec.group) : kAttentionRows;
  run.wholeTiles = singleToken && spec.group % run.tileRows == 0;
  Value sequence = b.loadIndex(args.buffers[spec.cache.sequences], run.firstToken);
  Value context = reset(b, args, spec, run), pages = b.ceilDiv(context, spec.pageTokens);
  auto pageAt = [&](Value pageIndex) {
    return cachePageAt(b, args, spec.cache, sequence, pageIndex, run.head);
  };
  bool tiled = run.queryRows && !singleToken;
  if (tiled)
    copyQueries(b, spec, run);
  b.loop(b.index(0), pages, 1, [&](Value pageIndex) {
    CachePage page = pageAt(pageIndex);
    if (singleToken)
      run.next = pageAt(b.min(b.add(pageIndex, 1), b.sub(pages, b.index(1))));
    Value first = b.mul(pageIndex, spec.pageTokens);
    Value count = b.min(b.sub(context, first), b.index(spec.pageTokens));
    (tiled ? emitTiledScores : emitScores)(b, spec, run, page, first);
    b.loop(b.index(0), run.rows, 1, [&](Value row) { emitSoftmax(b, spec, run, row); });
    (tiled ? emitTiledValues : emitValues)(b, spec, run, page, b.ceilDiv(count, 2));
  });
  emitResult(b, args, spec, run);
}

/// Whether token `token` of a block that begins at `first` is another sequence's than the one
/// before.
static Value startsRun(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                       Value token, Value first) {
  Value sequences = args.buffers[spec.cache.sequences];
  Value before = b.max(b.sub(token, b.index(1)), first);
  Value change = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, b.loadIndex(sequences, token),
                                       b.loadIndex(sequences, before));
  return arith::OrIOp::create(b, b.equal(token, first), change);
}

/// The end of the run that starts at token `first`: the next token of another sequence, at most
/// `end`.
static Value findRunEnd(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                        Value first, Value end) {
  Value sequences = args.buffers[spec.cache.sequences];
  Value sequence = b.loadIndex(sequences, first);
  Values found = b.loop(b.add(first, 1), end, 1, {end}, [&](Value token, ValueRange nearest) {
    Value same = b.equal(b.loadIndex(sequences, token), sequence);
    return Values{b.min(nearest[0], b.select(same, end, token))};
  });
  return found[0];
}

/// Block number `order` of `blocks`. Later tokens see more, so blocks from both ends take turns:
/// then the contiguous ranges that threads receive cost about the same.
static Value blockAt(KernelBuilder &b, Value order, Value blocks) {
  Value half = b.div(order, 2);
  Value fromEnd = b.sub(b.sub(blocks, b.index(1)), half);
  return b.select(b.equal(b.rem(order, 2), b.index(0)), half, fromEnd);
}

/// `alike`: a single token is multiplied as several are.
static void emitAttention(KernelBuilder &b, const KernelArguments &args, const AttentionSpec &spec,
                          int64_t blockTokens, bool alike) {
  Run run = allocateRun(b, args, spec, blockTokens * spec.group);
  if (run.queryRows)
    b.configureTiles();
  Value blocks = b.ceilDiv(args.tokens, blockTokens);
  b.loop(args.begin, args.end, 1, [&](Value unit) {
    run.head = b.rem(unit, spec.kvHeads);
    Value first = b.mul(blockAt(b, b.div(unit, spec.kvHeads), blocks), blockTokens);
    Value end = b.min(b.add(first, blockTokens), args.tokens);
    b.loop(first, end, 1, [&](Value token) {
      b.ifThen(startsRun(b, args, spec, token, first), [&] {
        run.firstToken = token;
        run.rows = b.mul(b.sub(findRunEnd(b, args, spec, token, end), token), spec.group);
        if (alike)
          return emitRun(b, args, spec, run, false);
        Value single = b.equal(run.rows, b.index(spec.group));
        b.ifThen(single, [&] { emitRun(b, args, spec, run, true); });
        if (blockTokens > 1)
          b.ifThen(b.less(b.index(spec.group), run.rows),
                   [&] { emitRun(b, args, spec, run, false); });
      });
    });
  });
  if (run.queryRows)
    b.releaseTiles();
}

/// A form for steps of up to `upTo` tokens, `upToRun` of a sequence (0: any), in blocks of
/// `blockTokens`.
static VariantSpec describeForm(const AttentionSpec &spec, int64_t upTo, int64_t upToRun,
                                int64_t blockTokens, VariantMode mode = VariantMode::Any) {
  const bool alike = mode == VariantMode::BatchInvariant;
  auto emit = [=](KernelBuilder &b, const KernelArguments &args) {
    emitAttention(b, args, spec, blockTokens, alike);
  };
  std::string name = blockTokens == 1 ? "attention"
                     : alike          ? "attention_alike"
                                      : "attention_blocks";
  return {upTo, {{name, Axis::Tokens, blockTokens, spec.kvHeads, emit}}, upToRun, mode};
}

KernelSpec strata::cpu::describeAttention(AttentionOp op, const Level &level) {
  AttentionSpec spec(op);
  int64_t blockTokens = std::max<int64_t>(kBlockRows / spec.group, 1);
  if (blockTokens == 1)
    return {Axis::Tokens, {describeForm(spec, 0, 0, 1)}};
  const bool tiled = attendsByTiles(level, spec.headDim);
  const VariantMode mode = tiled ? VariantMode::Usual : VariantMode::Any;
  KernelSpec kernel{Axis::Tokens,
                    {describeForm(spec, kMostSplitTokens, 0, 1, mode),
                     describeForm(spec, 0, 1, 1, mode),
                     describeForm(spec, 0, 0, blockTokens, mode)}};
  if (tiled)
    kernel.variants.push_back(describeForm(spec, 0, 0, blockTokens, VariantMode::BatchInvariant));
  return kernel;
}
