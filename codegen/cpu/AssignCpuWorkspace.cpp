//===- AssignCpuWorkspace.cpp - how much workspace each kernel wants ------===//

#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/Kernels.h"

namespace strata {
#define GEN_PASS_DEF_ASSIGNCPUWORKSPACE
#include "codegen/cpu/CpuPasses.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
struct AssignCpuWorkspace : strata::impl::AssignCpuWorkspaceBase<AssignCpuWorkspace> {
  void runOnOperation() override {
    getOperation().walk([](KernelOpInterface op) {
      if (int64_t bytes = cpu::getWorkspaceBytes(op))
        op->setAttr(kWorkspaceBytesAttrName, Builder(op).getI64IntegerAttr(bytes));
    });
  }
};
} // namespace
