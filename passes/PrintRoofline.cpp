//===- PrintRoofline.cpp - the pass around printRoofline ------------------===//

#include "passes/Passes.h"
#include "passes/Roofline.h"
#include "llvm/Support/raw_ostream.h"

namespace strata {
#define GEN_PASS_DEF_PRINTROOFLINE
#include "passes/Passes.h.inc"
} // namespace strata

using namespace mlir;
using namespace strata;

namespace {
struct PrintRoofline : strata::impl::PrintRooflineBase<PrintRoofline> {
  using PrintRooflineBase::PrintRooflineBase;

  void runOnOperation() override {
    std::optional<Machine> found = getMachine();
    if (!found)
      return signalPassFailure();
    if (tokens < 1 || context < 0) {
      emitError(getOperation().getLoc()) << "a step has tokens >= 1 and context >= 0, found "
                                         << tokens.getValue() << " and " << context.getValue();
      return signalPassFailure();
    }
    printRoofline(getOperation(), *found, llvm::outs(), Step{tokens, context});
    markAllAnalysesPreserved();
  }

private:
  /// The named machine, or the one that the two figures describe.
  std::optional<Machine> getMachine() {
    if (bandwidthGbs > 0 && tflops > 0)
      return Machine{"this machine", bandwidthGbs, tflops};
    if (bandwidthGbs != 0 || tflops != 0) {
      emitError(getOperation().getLoc(), "bandwidth-gbs and tflops go together, both more than 0");
      return std::nullopt;
    }
    std::optional<Machine> named = findMachine(machine);
    if (!named)
      emitError(getOperation().getLoc())
          << "no machine is called '" << machine << "'; known are " << machineNames();
    return named;
  }
};
} // namespace
