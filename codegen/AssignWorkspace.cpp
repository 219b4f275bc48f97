//===- AssignWorkspace.cpp - how much workspace each kernel wants ---------===//

#include "codegen/CodegenPasses.h"
#include "codegen/Target.h"

namespace strata {
#define GEN_PASS_DEF_ASSIGNWORKSPACE
#include "codegen/CodegenPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
struct AssignWorkspace : strata::impl::AssignWorkspaceBase<AssignWorkspace> {
  using AssignWorkspaceBase::AssignWorkspaceBase;

  void runOnOperation() override {
    const Target *found = findTarget(target, getOperation());
    if (!found)
      return signalPassFailure();
    getOperation().walk([&](KernelOpInterface op) {
      if (int64_t bytes = found->workspaceBytes(op))
        op->setAttr(kWorkspaceBytesAttrName, Builder(op).getI64IntegerAttr(bytes));
    });
  }
};
} // namespace

void strata::registerAllCodegenPasses() {
  registerCodegenPasses();
  for (const Target *target : targets())
    target->registerPasses();
}
