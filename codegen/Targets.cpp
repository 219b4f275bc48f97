//===- Targets.cpp - the list of targets ----------------------------------===//

#include "codegen/Target.h"

#include "codegen/cpu/CpuTarget.h"
#include "codegen/nvptx/CudaTarget.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace strata;

llvm::ArrayRef<const Target *> strata::targets() {
  static const cpu::CpuTarget cpu;
  static const nvptx::CudaTarget cuda;
  static const Target *all[] = {&cpu, &cuda};
  return all;
}

const Target *strata::findTarget(llvm::StringRef name) {
  auto found = llvm::find_if(targets(), [&](const Target *t) { return t->name() == name; });
  return found == targets().end() ? nullptr : *found;
}

const Target *strata::findTarget(llvm::StringRef name, mlir::Operation *op) {
  const Target *found = findTarget(name);
  if (!found)
    op->emitError() << "unknown target '" << name << "', expected one of " << targetNames();
  return found;
}

std::string strata::targetNames() {
  return llvm::join(llvm::map_range(targets(), [](const Target *t) { return t->name(); }), ", ");
}
