//===- Summary.cpp - what strata-compile says of a model ------------------===//

#include "compiler/Summary.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace strata;

void strata::printModel(ModuleOp module, llvm::raw_ostream &os) {
  auto model = module->getAttrOfType<ModelAttr>(kModelAttrName);
  int64_t kernels = 0;
  module.walk([&](KernelOpInterface) { ++kernels; });
  os << llvm::formatv("model       {0} ({1})\n", model.getName().getValue(),
                      model.getArchitecture().getValue());
  os << llvm::formatv("parameters  {0:N}\n", getParameterCount(module));
  os << llvm::formatv("streamed    {0:N} bytes a token\n", getStreamedBytes(module));
  os << llvm::formatv("kernels     {0:N} launches a step\n", kernels);
  for (Type type : module.lookupSymbol<func::FuncOp>("forward").getArgumentTypes())
    if (auto cache = dyn_cast<KVCacheType>(type))
      os << llvm::formatv("KV cache    {0:N} bytes a token, in pages of {1} tokens, {2:N} bytes\n",
                          cache.getLayers() * cache.getBytesPerToken(), cache.getPageTokens(),
                          cache.getPageBytes());
}

void strata::printPlan(ModuleOp module, llvm::raw_ostream &os) {
  auto arena =
      module.lookupSymbol<func::FuncOp>("forward")->getAttrOfType<IntegerAttr>(kArenaBytesAttrName);
  os << llvm::formatv("arena       {0:N} bytes x tokens of the step, rounded up to {1}\n",
                      arena.getInt(), kArenaTokenMultiple);
}
