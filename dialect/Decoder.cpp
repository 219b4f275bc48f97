//===- Decoder.cpp - dialect, types and attributes ------------------------===//

#include "dialect/Decoder.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace strata;

#include "dialect/DecoderDialect.cpp.inc"
#include "dialect/DecoderEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialect/DecoderTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/DecoderAttrs.cpp.inc"

#include "dialect/DecoderInterfaces.cpp.inc"

void DecoderDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/DecoderTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/DecoderAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/DecoderOps.cpp.inc"
      >();
}

/// Accepts only the discardable attributes that the dialect itself defines.
LogicalResult DecoderDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kModelAttrName) {
    if (!isa<ModuleOp>(op) || !isa<ModelAttr>(attribute.getValue()))
      return op->emitOpError() << "'" << kModelAttrName << "' must be a #decoder.model on a module";
    return success();
  }
  if (llvm::is_contained({kWorkspaceBytesAttrName, kArenaBytesAttrName},
                         attribute.getName().getValue())) {
    auto bytes = dyn_cast<IntegerAttr>(attribute.getValue());
    if (!bytes || !bytes.getType().isInteger(64) || bytes.getInt() < 0)
      return op->emitOpError() << "'" << attribute.getName().getValue() << "' must be an i64 >= 0";
    return success();
  }
  return op->emitOpError() << "has an unknown attribute '" << attribute.getName().getValue() << "'";
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t layers,
                                  int64_t heads, int64_t headDim, int64_t pageTokens) {
  // The product of all four, times 4 bytes, has to fit: a page's bytes are computed from them.
  constexpr int64_t kLimit = int64_t(1) << 16;
  for (auto [name, value] : {std::pair{"layers", layers},
                             {"heads", heads},
                             {"head_dim", headDim},
                             {"page_tokens", pageTokens}})
    if (value <= 0 || value > kLimit)
      return emitError() << name << " is " << value << ", expected 1 to " << kLimit;
  return success();
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

LogicalResult BoxAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t rowStride,
                              int64_t groupRows, int64_t groupStride) {
  if (rowStride < 0 || (!rowStride && !groupRows && !groupStride)) // box_c1
    return emitError() << "box has a row stride of " << rowStride
                       << " elements, expected one > 0, or groups of rows";
  if ((groupRows || groupStride) && (groupRows <= 0 || groupStride <= groupRows))
    return emitError() << "box has groups of " << groupRows << " rows, " << groupStride
                       << " apart, expected rows > 0 and a larger stride";
  return success();
}

AffineMap BoxAttr::getAffineMap() const {
  AffineExpr row = getAffineDimExpr(0, getContext()), column = getAffineDimExpr(1, getContext());
  if (getGroupRows())
    row = row.floorDiv(getGroupRows()) * getGroupStride() + row % getGroupRows();
  if (getRowStride())
    return AffineMap::get(2, 0, row * getRowStride() + column);
  return AffineMap::get(2, 0, {row, column}, getContext());
}

/// Whether the last row ends within 2^48 elements.
static bool fits(BoxAttr box, int64_t rows, int64_t columns) {
  constexpr int64_t kMost = int64_t(1) << 48;
  int64_t storedRows = rows, span;
  if (int64_t groupRows = box.getGroupRows();
      groupRows && (llvm::MulOverflow(rows / groupRows - 1, box.getGroupStride(), storedRows) ||
                    llvm::AddOverflow(storedRows, groupRows, storedRows)))
    return false;
  return !llvm::MulOverflow(storedRows, box.getRowElements(columns), span) && span <= kMost;
}

LogicalResult BoxAttr::verifyLayout(ArrayRef<int64_t> shape,
                                    function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != 2 || ShapedType::isDynamic(shape[0])) // box_c2
    return emitError() << "box is of a matrix with a static number of rows";
  if (int64_t group = getGroupRows(); group && (shape[0] % group || shape[0] / group < 2))
    return emitError() << "matrix has " << shape[0] << " rows, expected at least two groups of "
                       << group;
  if (ShapedType::isDynamic(shape[1]) || (getRowStride() && getRowStride() <= shape[1])) // box_c3
    return emitError() << "matrix has " << shape[1]
                       << " columns, expected a static number below the row stride "
                       << getRowStride();
  if (!fits(*this, shape[0], shape[1])) // box_c4
    return emitError() << "box spans more than 2^48 elements";
  return success();
}

LogicalResult BoxAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                      function_ref<InFlightDiagnostic()> emitError) const {
  return verifyLayout(shape, emitError);
}

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

StringRef strata::getModelName(Location location) {
  StringRef name;
  location->walk([&](Location inner) {
    auto named = dyn_cast<NameLoc>(inner);
    if (named)
      name = named.getName();
    return named ? WalkResult::interrupt() : WalkResult::advance();
  });
  return name;
}

int64_t strata::getStreamedBytes(Operation *root) {
  int64_t bytes = 0;
  root->walk([&](KernelOpInterface op) { bytes += op.getCost().getFixedBytes(); });
  return bytes;
}

int64_t strata::getParameterCount(Operation *root) {
  llvm::StringSet<> seen;
  int64_t count = 0;
  root->walk([&](ParameterOp op) {
    if (seen.insert(op.getKey()).second)
      count += cast<ShapedType>(op.getType()).getNumElements();
  });
  return count;
}
