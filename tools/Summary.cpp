//===- Summary.cpp - what strata-compile says of a model ------------------===//

#include "tools/Summary.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace strata;

Summary strata::summarize(ModuleOp module) {
  Summary summary;
  if (auto model = module->getAttrOfType<ModelAttr>(kModelAttrName))
    summary.name =
        (model.getName().getValue() + " (" + model.getArchitecture().getValue() + ")").str();
  summary.parameters = getParameterCount(module);
  summary.streamedBytes = getStreamedBytes(module);
  module.walk([&](KernelOpInterface) { ++summary.kernels; });
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  if (auto arena = forward->getAttrOfType<IntegerAttr>(kArenaBytesAttrName))
    summary.arenaBytesPerToken = arena.getInt();
  for (Type type : forward.getArgumentTypes())
    if (auto cache = dyn_cast<KVCacheType>(type)) {
      summary.cacheBytesPerToken = cache.getLayers() * cache.getBytesPerToken();
      summary.pageTokens = cache.getPageTokens();
      summary.pageBytes = cache.getPageBytes();
    }
  return summary;
}

void strata::printSummary(const Summary &s, llvm::raw_ostream &os) {
  os << llvm::formatv("model       {0}\n", s.name.empty() ? "unnamed" : s.name);
  os << llvm::formatv("parameters  {0:N}\n", s.parameters);
  os << llvm::formatv("streamed    {0:N} bytes a token\n", s.streamedBytes);
  os << llvm::formatv("kernels     {0:N} launches a step\n", s.kernels);
  os << llvm::formatv("arena       {0:N} bytes x tokens of the step, rounded up to {1}\n",
                      s.arenaBytesPerToken, kArenaTokenMultiple);
  os << llvm::formatv("KV cache    {0:N} bytes a token, in pages of {1} tokens, {2:N} bytes\n",
                      s.cacheBytesPerToken, s.pageTokens, s.pageBytes);
}
