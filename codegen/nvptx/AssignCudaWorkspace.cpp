//===- AssignCudaWorkspace.cpp - how much workspace each kernel wants -----===//

#include "codegen/nvptx/CudaPasses.h"
#include "codegen/nvptx/Kernels.h"

namespace strata {
#define GEN_PASS_DEF_ASSIGNCUDAWORKSPACE
#include "codegen/nvptx/CudaPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
struct AssignCudaWorkspace : strata::impl::AssignCudaWorkspaceBase<AssignCudaWorkspace> {
  void runOnOperation() override {
    getOperation().walk([](KernelOpInterface op) {
      if (int64_t bytes = nvptx::getWorkspaceBytes(op))
        op->setAttr(kWorkspaceBytesAttrName, Builder(op).getI64IntegerAttr(bytes));
    });
  }
};
} // namespace
