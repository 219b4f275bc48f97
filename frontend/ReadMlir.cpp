//===- ReadMlir.cpp - a model written as MLIR text ------------------------===//

#include "frontend/ReadMlir.h"

#include "dialect/Decoder.h"
#include "frontend/CheckNesting.h"
#include "runtime/base/MappedFile.h"
#include "runtime/base/Status.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace strata {
namespace {

constexpr uint64_t kMaxMlirBytes = uint64_t(256) << 20;

absl::Status invalid(const Twine &message) { return absl::InvalidArgumentError(message.str()); }

std::string print(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// "model.mlir:3:5", or "model.mlir" where the line is not known.
std::string formatPlace(Location location, const std::string &path) {
  auto line = location->findInstanceOf<FileLineColLoc>();
  if (!line)
    return path;
  return absl::StrCat(path, ":", line.getLine(), ":", line.getColumn());
}

/// Parses and verifies; the first error becomes the status.
absl::StatusOr<OwningOpRef<ModuleOp>> parse(const std::string &text, const std::string &path,
                                            MLIRContext &context) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (message.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      message = formatPlace(diagnostic.getLocation(), path) + ": " + diagnostic.str();
    return success();
  });
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text, path), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
  if (!module)
    return invalid(message.empty() ? path + ": not MLIR" : message);
  return module;
}

//===----------------------------------------------------------------------===//
// What makes a module a model
//===----------------------------------------------------------------------===//

absl::StatusOr<func::FuncOp> findForward(ModuleOp module, const std::string &path) {
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  if (!forward)
    return invalid(path + ": no function @forward");
  for (Operation &op : module.getOps())
    if (&op != forward)
      return invalid(formatPlace(op.getLoc(), path) + ": expected @forward alone, found another " +
                     op.getName().getStringRef());
  if (forward.isExternal() || !forward.getBody().hasOneBlock())
    return invalid(formatPlace(forward.getLoc(), path) + ": @forward must have one block");
  return forward;
}

bool isTensor(Type type, ArrayRef<int64_t> shape, Type element) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getShape() == shape && tensor.getElementType() == element;
}

/// The logits may have any number of columns.
bool isLogits(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() == 2 && tensor.isDynamicDim(0) && !tensor.isDynamicDim(1) &&
         tensor.getElementType().isF32();
}

bool isSignature(FunctionType type) {
  if (type.getNumInputs() != 3 || type.getNumResults() != 2)
    return false;
  Type i32 = IntegerType::get(type.getContext(), 32);
  Type cache = type.getInput(2);
  return isTensor(type.getInput(0), {ShapedType::kDynamic}, i32) &&
         isa<BatchType>(type.getInput(1)) && isa<KVCacheType>(cache) &&
         isLogits(type.getResult(0)) && type.getResult(1) == cache;
}

absl::Status checkForward(func::FuncOp forward, const std::string &path) {
  if (!isSignature(forward.getFunctionType()))
    return invalid(formatPlace(forward.getLoc(), path) +
                   ": @forward: expected (tensor<?xi32>, !decoder.batch, !decoder.kv_cache<..>) -> "
                   "(tensor<?xVOCABULARYxf32>, !decoder.kv_cache<..>), found " +
                   print(forward.getFunctionType()));
  for (Operation &op : forward.getBody().front())
    if (!isa<DecoderDialect>(op.getDialect()) && !isa<func::ReturnOp>(op))
      return invalid(formatPlace(op.getLoc(), path) + ": @forward: expected decoder ops, found " +
                     op.getName().getStringRef());
  return absl::OkStatus();
}
} // namespace

absl::StatusOr<OwningOpRef<ModuleOp>> readMlir(const std::string &path, MLIRContext &context) {
  context.loadDialect<DecoderDialect, func::FuncDialect>();
  STRATA_ASSIGN(std::string text, readFile(path, kMaxMlirBytes));
  if (isBytecode(llvm::MemoryBufferRef(text, path)))
    return invalid(path + ": expected MLIR text, found bytecode");
  STRATA_TRY(annotate(checkNesting(text), path));
  STRATA_ASSIGN(OwningOpRef<ModuleOp> module, parse(text, path, context));
  STRATA_ASSIGN(func::FuncOp forward, findForward(*module, path));
  STRATA_TRY(checkForward(forward, path));
  if (!module.get()->hasAttr(kModelAttrName))
    return invalid(path + ": module has no attribute " + kModelAttrName +
                   ", expected a #decoder.model");
  return module;
}

} // namespace strata
