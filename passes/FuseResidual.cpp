//===- FuseResidual.cpp - add into its linear -----------------------------===//

#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSERESIDUAL
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-residual";

/// Why the linear of `product` cannot add `other`; empty if it can.
std::string whyNotAdded(Value product, Value other, AddOp add) {
  if (std::string why = whyNotAbsorbed(product, add); !why.empty())
    return why;
  LinearOp linear = getLinearOf(product);
  if (linear.getWeights().size() != 1 || linear.getRotary())
    return describe(linear) + " has several weights or a rope clause";
  if (linear.getResidual())
    return describe(linear) + " has a residual clause already";
  if (other.getType() != product.getType())
    return "the addends have different types";
  if (!isDefinedBefore(other, linear))
    return describe(linear) + " stands before the other addend";
  return "";
}

struct AddIntoLinear : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp add, PatternRewriter &rewriter) const override {
    std::string right = whyNotAdded(add.getRhs(), add.getLhs(), add);
    if (right.empty())
      return absorb(add.getRhs(), add.getLhs(), add, rewriter);
    std::string left = whyNotAdded(add.getLhs(), add.getRhs(), add);
    if (left.empty())
      return absorb(add.getLhs(), add.getRhs(), add, rewriter);
    return missed(add, kPass, "left: " + left + "; right: " + right);
  }

  static LogicalResult absorb(Value product, Value other, AddOp add, PatternRewriter &rewriter) {
    LinearOp linear = getLinearOf(product);
    rewriter.modifyOpInPlace(linear, [&] { linear.getResidualMutable().assign(other); });
    rewriter.replaceOp(add, product);
    return success();
  }
};

struct FuseResidual : strata::impl::FuseResidualBase<FuseResidual> {
  void runOnOperation() override {
    if (failed(applyOnce<AddIntoLinear>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
