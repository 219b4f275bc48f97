//===- RoundInputs.cpp - to what targets round the inputs of products -----===//

#include "codegen/CodegenPasses.h"
#include "codegen/Target.h"

namespace strata {
#define GEN_PASS_DEF_ROUNDINPUTS
#include "codegen/CodegenPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
struct RoundInputs : strata::impl::RoundInputsBase<RoundInputs> {
  using RoundInputsBase::RoundInputsBase;

  void runOnOperation() override {
    const Target *found = findTarget(target, getOperation());
    if (!found)
      return signalPassFailure();
    getOperation().walk([&](ProductOpInterface op) {
      if (!op.getRoundingAttr())
        op.setRoundingAttr(found->inputRounding(op));
    });
  }
};
} // namespace
