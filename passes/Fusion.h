//===- Fusion.h - what the fusions share ------------------------*- C++ -*-===//
#pragma once

#include "dialect/Decoder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/Twine.h"

namespace strata {

/// Leaves a remark that says why `pass` (its flag) did not fuse `op`, for those who ask with
/// --remarks-filter-missed. Returns failure.
llvm::LogicalResult missed(mlir::Operation *op, llvm::StringLiteral pass, const llvm::Twine &why);

/// "linear 'model.layers.3.mlp.up_proj'": what a remark calls an op.
std::string describe(mlir::Operation *op);

/// The linear of which `value` is a product, or null. The product's weight has its result's number.
LinearOp getLinearOf(mlir::Value value);

/// Whether `value`, which is visible in the block of `op`, exists already where `op` stands.
bool isDefinedBefore(mlir::Value value, mlir::Operation *op);

/// Why `user` cannot become a clause of the linear that computes `product`: there is none, the
/// product is needed for itself, or is of another type. Empty if nothing speaks against it.
std::string whyNotAbsorbed(mlir::Value product, mlir::Operation *user);

/// Fails where buffers have places already: what is live when would change under them.
llvm::LogicalResult checkNotPlanned(mlir::Operation *function);

/// Tries one pattern once on every op, in order.
template <typename Pattern>
llvm::LogicalResult applyOnce(mlir::Operation *function) {
  if (failed(checkNotPlanned(function)))
    return llvm::failure();
  mlir::RewritePatternSet patterns(function->getContext());
  patterns.add<Pattern>(function->getContext());
  mlir::walkAndApplyPatterns(function, std::move(patterns));
  return llvm::success();
}

} // namespace strata
