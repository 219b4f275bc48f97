//===- FuseActivation.cpp - activation into its linear --------------------===//

#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSEACTIVATION
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-activation";

/// What would come after the activation in the clause order, or is there already.
StringRef clauseInTheWay(LinearOp linear) {
  if (linear.getWeights().size() != 1)
    return "several weights";
  if (linear.getActivation())
    return "an activation clause already";
  if (linear.getResidual())
    return "a residual clause, which would come after the activation";
  return linear.getRotary() ? "a rope clause" : "";
}

struct ActivationIntoLinear : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp activation, PatternRewriter &rewriter) const override {
    if (std::string why = whyNotAbsorbed(activation.getInput(), activation); !why.empty())
      return missed(activation, kPass, why);
    LinearOp linear = getLinearOf(activation.getInput());
    if (StringRef clause = clauseInTheWay(linear); !clause.empty())
      return missed(activation, kPass, describe(linear) + " has " + clause);
    rewriter.modifyOpInPlace(linear,
                             [&] { linear.setActivationAttr(activation.getActivationAttr()); });
    rewriter.replaceOp(activation, linear);
    return success();
  }
};

struct FuseActivation : strata::impl::FuseActivationBase<FuseActivation> {
  void runOnOperation() override {
    if (failed(applyOnce<ActivationIntoLinear>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
