//===- FuseRope.cpp - rope into its linear --------------------------------===//

#include "passes/Fusion.h"
#include "passes/Passes.h"

namespace strata {
#define GEN_PASS_DEF_FUSEROPE
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
constexpr StringLiteral kPass = "decoder-fuse-rope";

/// Why the linear's clauses cannot take this rotation of weight `index`; empty if they can.
StringRef whyNotRotated(LinearOp linear, int64_t index, RopeOp rope) {
  if (linear.getActivation() || linear.getResidual())
    return "has an activation or residual clause";
  if (!isDefinedBefore(rope.getTable(), linear))
    return "stands before the rotary table";
  if (!linear.getRotary())
    return "";
  if (linear.getRotary() != rope.getTable() || *linear.getHeadDim() != rope.getHeadDim())
    return "has a rope clause of another table or head_dim";
  return linear.isRoped(index) ? "rotates this product already" : "";
}

struct RopeIntoLinear : OpRewritePattern<RopeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RopeOp rope, PatternRewriter &rewriter) const override {
    Value product = rope.getInput();
    if (std::string why = whyNotAbsorbed(product, rope); !why.empty())
      return missed(rope, kPass, why);
    LinearOp linear = getLinearOf(product);
    int64_t index = cast<OpResult>(product).getResultNumber();
    if (StringRef why = whyNotRotated(linear, index, rope); !why.empty())
      return missed(rope, kPass, describe(linear) + " " + why);
    rewriter.modifyOpInPlace(linear, [&] { rotate(linear, index, rope); });
    rewriter.replaceOp(rope, product);
    return success();
  }

  static void rotate(LinearOp linear, int64_t index, RopeOp rope) {
    SmallVector<int64_t> roped(linear.getRoped().value_or(ArrayRef<int64_t>()));
    roped.insert(llvm::lower_bound(roped, index), index);
    linear.getRotaryMutable().assign(rope.getTable());
    linear.setHeadDimAttr(rope.getHeadDimAttr());
    linear.setRoped(roped);
  }
};

struct FuseRope : strata::impl::FuseRopeBase<FuseRope> {
  void runOnOperation() override {
    if (failed(applyOnce<RopeIntoLinear>(getOperation())))
      signalPassFailure();
  }
};
} // namespace
