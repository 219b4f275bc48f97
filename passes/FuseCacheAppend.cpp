//===- FuseCacheAppend.cpp - cache_append into the linear of k and v ------===//

#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSECACHEAPPEND
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-cache-append";

/// Whether the op's keys and values are the last two of at least three products of `linear`.
bool areLastProducts(CacheAppendOp append, LinearOp linear) {
  unsigned count = linear->getNumResults();
  return !linear.getCache() && count >= 3 && append.getKeys() == linear->getResult(count - 2) &&
         append.getValues() == linear->getResult(count - 1);
}

/// Whether an op between `linear` and `append` still reads the cache that would be overwritten.
bool isReadBetween(CacheAppendOp append, LinearOp linear) {
  return llvm::any_of(append.getCache().getUsers(), [&](Operation *user) {
    Operation *reader = linear->getBlock()->findAncestorOpInBlock(*user);
    return reader && linear->isBeforeInBlock(reader) && reader->isBeforeInBlock(append);
  });
}

std::string whyNotAppended(CacheAppendOp append) {
  if (std::string why = whyNotAbsorbed(append.getKeys(), append); !why.empty())
    return "keys: " + why;
  if (std::string why = whyNotAbsorbed(append.getValues(), append); !why.empty())
    return "values: " + why;
  LinearOp linear = getLinearOf(append.getKeys());
  if (!areLastProducts(append, linear))
    return "keys and values are not the last two of at least three products of one linear";
  if (!isDefinedBefore(append.getCache(), linear) || !isDefinedBefore(append.getBatch(), linear))
    return describe(linear) + " stands before the cache or the batch";
  if (isReadBetween(append, linear))
    return "the old cache is read after " + describe(linear);
  return "";
}

struct CacheAppendIntoLinear : OpRewritePattern<CacheAppendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CacheAppendOp append, PatternRewriter &rewriter) const override {
    if (std::string why = whyNotAppended(append); !why.empty())
      return missed(append, kPass, why);
    LinearOp linear = getLinearOf(append.getKeys());
    SmallVector<Type> types(linear->getResults().drop_back(2).getTypes());
    types.push_back(append.getType());
    rewriter.setInsertionPoint(linear);
    auto fused = LinearOp::create(rewriter, linear.getLoc(), types, linear->getOperands(),
                                  linear.getProperties());
    fused.getCacheMutable().assign(append.getCache());
    fused.getBatchMutable().assign(append.getBatch());
    fused.setLayerAttr(append.getLayerAttr());
    rewriter.replaceOp(append, fused->getResults().back());
    rewriter.replaceAllUsesWith(linear->getResults().drop_back(2), fused->getResults().drop_back());
    rewriter.eraseOp(linear);
    return success();
  }
};

struct FuseCacheAppend : strata::impl::FuseCacheAppendBase<FuseCacheAppend> {
  void runOnOperation() override {
    if (failed(applyOnce<CacheAppendIntoLinear>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
