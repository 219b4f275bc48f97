//===- Storage.cpp - how parameters are stored ----------------------------===//

#include "dialect/Storage.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace strata;

static Attribute getEncoding(Type type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    return memref.getLayout();
  return cast<RankedTensorType>(type).getEncoding();
}

QuantizedAttr strata::getQuantized(Type type) {
  return dyn_cast_or_null<QuantizedAttr>(getEncoding(type));
}

static BoxAttr getBox(Type type) {
  if (QuantizedAttr quantized = getQuantized(type))
    return quantized.getBox();
  return dyn_cast_or_null<BoxAttr>(getEncoding(type));
}

int64_t strata::groupOf(QuantizedAttr quantized) {
  const QuantizedFormatFacts &facts = factsOf(quantized.getFormat());
  return facts.isInBlocks() ? facts.group : quantized.getGroup();
}

QuantizedAttr strata::getQuantized(Value matrix) { return getQuantized(matrix.getType()); }
bool strata::hasScales(Value matrix) {
  QuantizedAttr quantized = getQuantized(matrix);
  return quantized && quantized.getScale();
}
bool strata::isInBlocks(Value matrix) {
  QuantizedAttr quantized = getQuantized(matrix);
  return quantized && factsOf(quantized.getFormat()).isInBlocks();
}
BoxAttr strata::getBox(Value matrix) { return ::getBox(matrix.getType()); }

RankedTensorType strata::asTensor(ShapedType type) {
  Attribute encoding = getEncoding(type);
  if (!isa_and_nonnull<BoxAttr, QuantizedAttr>(encoding))
    encoding = {};
  return RankedTensorType::get(type.getShape(), type.getElementType(), encoding);
}

/// The box of the scales of a weight that has this box.
static BoxAttr scaleBox(BoxAttr box, int64_t group) {
  if (!box)
    return box;
  return BoxAttr::get(box.getContext(), box.getRowStride() / group, box.getGroupRows(),
                      box.getGroupStride());
}

SmallVector<RankedTensorType, 2> strata::getPlanes(ShapedType type) {
  QuantizedAttr quantized = getQuantized(type);
  if (!quantized || !quantized.getScale())
    return {asTensor(type)};
  const QuantizedFormatFacts &facts = factsOf(quantized.getFormat());
  int64_t out = type.getDimSize(0), in = type.getDimSize(1), group = groupOf(quantized);
  Type element = IntegerType::get(type.getContext(), facts.blockBits);
  BoxAttr box = quantized.getBox();
  return {RankedTensorType::get({out, in / facts.blockWeights}, element, box),
          RankedTensorType::get({out, in / group}, quantized.getScale(), scaleBox(box, group))};
}

/// Bits of so many elements of a plane.
static int64_t bitsOf(RankedTensorType plane, int64_t elements) {
  QuantizedAttr quantized = getQuantized(plane);
  if (!quantized)
    return elements * plane.getElementTypeBitWidth();
  const QuantizedFormatFacts &facts = factsOf(quantized.getFormat());
  return elements / facts.blockWeights * facts.blockBits;
}

int64_t strata::getBits(ShapedType type) {
  int64_t bits = 0;
  for (RankedTensorType plane : getPlanes(type))
    bits += bitsOf(plane, plane.getNumElements());
  return bits;
}

int64_t strata::getRowBits(ShapedType type) {
  int64_t bits = 0;
  for (RankedTensorType plane : getPlanes(type))
    bits += bitsOf(plane, type.getRank() == 1 ? 1 : plane.getDimSize(1));
  return bits;
}

int64_t strata::getSpanBytes(RankedTensorType plane) {
  int64_t count = plane.getNumElements();
  if (BoxAttr box = ::getBox(plane))
    count = box.getSpan(plane.getDimSize(0), plane.getDimSize(1));
  return llvm::divideCeil(bitsOf(plane, count), 8);
}

//===----------------------------------------------------------------------===//
// #decoder.quantized
//===----------------------------------------------------------------------===//

/// Of a format in blocks: they say everything.
static LogicalResult verifyBlocks(function_ref<InFlightDiagnostic()> emitError, StringRef format,
                                  int64_t group, Type scale, BoxAttr box) {
  if (scale) // quantized_c1
    return emitError() << "scale is " << scale << ", expected none beside the blocks of " << format;
  if (box) // quantized_c3
    return emitError() << "blocks of " << format
                       << " are in a box, expected rows that follow each other";
  if (group) // quantized_c4
    return emitError() << "group is " << group << ", expected none beside the blocks of " << format;
  return success();
}

LogicalResult QuantizedAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                    QuantizedFormat format, int64_t group, Type scale,
                                    BoxAttr box) {
  StringRef name = stringifyQuantizedFormat(format);
  const QuantizedFormatFacts &facts = factsOf(format);
  if (facts.isInBlocks())
    return verifyBlocks(emitError, name, group, scale, box);
  if (!scale)
    return emitError() << name << " has no scale, expected bf16, f16 or f32";
  if (!scale.isBF16() && !scale.isF16() && !scale.isF32()) // quantized_c1
    return emitError() << "scale is " << scale << ", expected bf16, f16 or f32";
  if (group <= 0) // quantized_c4
    return emitError() << name << " has no group, expected the number of features that share a "
                       << "scale";
  if (box && facts.blockWeights != 1) // quantized_c3
    return emitError() << "words of " << name
                       << " are in a box, expected rows that follow each other";
  if (box && box.getRowStride() % group) // quantized_c3
    return emitError() << "row stride is " << box.getRowStride() << ", expected a multiple of "
                       << group << ", the group of " << name;
  return success();
}

AffineMap QuantizedAttr::getAffineMap() const {
  return getBox() ? getBox().getAffineMap() : AffineMap::getMultiDimIdentityMap(2, getContext());
}

LogicalResult QuantizedAttr::verifyLayout(ArrayRef<int64_t> shape,
                                          function_ref<InFlightDiagnostic()> emitError) const {
  const QuantizedFormatFacts &facts = factsOf(getFormat());
  int64_t multiple = facts.isInBlocks() ? facts.blockWeights : kRoundingGroup;
  if (shape.size() != 2 || ShapedType::isDynamicShape(shape) || shape[1] % multiple) // quantized_c2
    return emitError() << "quantized weight has the shape [" << shape
                       << "], expected [out, in], in "
                       << "being a multiple of " << multiple;
  if (!facts.isInBlocks() && !isSupportedGroup(getGroup(), shape[1])) // quantized_c4
    return emitError() << "group is " << getGroup() << ", expected 32, 64, 128 or 256, of which "
                       << "rows of " << shape[1] << " features are a multiple, or all of a row";
  return getBox() ? getBox().verifyLayout(shape, emitError) : success();
}

LogicalResult QuantizedAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                            function_ref<InFlightDiagnostic()> emitError) const {
  return verifyLayout(shape, emitError);
}

LogicalResult RoundingAttr::verify(function_ref<InFlightDiagnostic()> emitError, Type element,
                                   int64_t group) {
  if (!element.isInteger(8) || group <= 0) // rounding_c1
    return emitError() << "input is rounded to " << element << " in groups of " << group
                       << ", expected i8 and a group > 0";
  return success();
}
