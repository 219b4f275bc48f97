//===- FuseNorm.cpp - layer_norm into its reader's norm clause ------------===//

#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSENORM
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-norm";

struct NormIntoReader : OpRewritePattern<LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LayerNormOp norm, PatternRewriter &rewriter) const override {
    if (!norm->hasOneUse())
      return missed(norm, kPass,
                    "the result has " + Twine(norm.getResult().getNumUses()) +
                        " uses; as a clause each would compute it again");
    OpOperand &use = *norm->use_begin();
    auto reader = dyn_cast<ProductOpInterface>(use.getOwner());
    if (!reader)
      return missed(norm, kPass,
                    "it is read by " + describe(use.getOwner()) + ", not by a linear or logits");
    if (&use != &reader.getInputMutable())
      return missed(norm, kPass, "it is not the input of " + describe(reader));
    if (reader.getGamma())
      return missed(norm, kPass, describe(reader) + " has a norm clause already");
    rewriter.modifyOpInPlace(reader, [&] {
      use.set(norm.getInput());
      reader.setNorm(norm);
    });
    rewriter.eraseOp(norm);
    return success();
  }
};

struct FuseNorm : strata::impl::FuseNormBase<FuseNorm> {
  void runOnOperation() override {
    if (failed(applyOnce<NormIntoReader>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
