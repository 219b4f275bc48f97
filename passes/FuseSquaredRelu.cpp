//===- FuseSquaredRelu.cpp - squared_relu into its linear -----------------===//

#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSESQUAREDRELU
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-squared-relu";

/// What would come after squared_relu in the clause order, or is there already.
StringRef clauseInTheWay(LinearOp linear) {
  if (linear.getWeights().size() != 1)
    return "several weights";
  if (linear.getSquaredRelu())
    return "a squared_relu clause already";
  if (linear.getResidual())
    return "a residual clause, which would come after squared_relu";
  return linear.getRotary() ? "a rope clause" : "";
}

struct SquaredReluIntoLinear : OpRewritePattern<SquaredReluOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SquaredReluOp relu, PatternRewriter &rewriter) const override {
    if (std::string why = whyNotAbsorbed(relu.getInput(), relu); !why.empty())
      return missed(relu, kPass, why);
    LinearOp linear = getLinearOf(relu.getInput());
    if (StringRef clause = clauseInTheWay(linear); !clause.empty())
      return missed(relu, kPass, describe(linear) + " has " + clause);
    rewriter.modifyOpInPlace(linear, [&] { linear.setSquaredRelu(true); });
    rewriter.replaceOp(relu, linear);
    return success();
  }
};

struct FuseSquaredRelu : strata::impl::FuseSquaredReluBase<FuseSquaredRelu> {
  void runOnOperation() override {
    if (failed(applyOnce<SquaredReluIntoLinear>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
