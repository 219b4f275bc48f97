//===- Linear.cpp - linear and logits on a GPU: phases, parts, rows -------===//

#include "codegen/nvptx/Linear.h"

#include "codegen/nvptx/QuantizedRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

bool strata::nvptx::prefillPrepares(const LinearSpec &spec) {
  return spec.gamma || spec.outputRows;
}

int64_t strata::nvptx::rowBlocks(const LinearSpec &spec, int64_t rowsPerBlock) {
  int64_t blocks = 0;
  for (const LinearSpec::Part &part : spec.parts)
    blocks += llvm::divideCeil(part.rows, rowsPerBlock);
  return blocks;
}

bool strata::nvptx::isInBlocks(const LinearSpec &spec) {
  QuantizedAttr quantized = spec.parts.empty() ? QuantizedAttr() : spec.parts.front().quantized;
  return quantized && factsOf(quantized.getFormat()).isInBlocks();
}

/// All rows of a part: see BlockPart.
static Value viewWeight(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                        const LinearSpec::Part &part) {
  Value bytes = args.buffers[part.weight];
  if (isInBlocks(spec)) {
    int64_t rowBytes = bytesOf(part.quantized.getFormat(), spec.inFeatures);
    return b.view(bytes, b.getI8Type(), {ShapedType::kDynamic}, b.index(part.rows * rowBytes));
  }
  bool narrow = isNarrow(spec);
  int64_t elements = rowElements(part.box, spec.inFeatures);
  return b.view(bytes, narrow ? part.element : Type(b.getI32Type()),
                {ShapedType::kDynamic, narrow ? elements : elements / 2}, b.index(part.rows));
}

BlockPart strata::nvptx::selectPart(KernelBuilder &b, const KernelArguments &args,
                                    const LinearSpec &spec, Value rowBlock, int64_t rowsPerBlock) {
  BlockPart selected;
  int64_t first = 0; // block of the part's first row
  for (auto [i, part] : llvm::enumerate(spec.parts)) {
    Value rows = b.index(part.rows);
    Value weight = viewWeight(b, args, spec, part);
    Value firstRow = b.mul(b.sub(rowBlock, b.index(first)), rowsPerBlock);
    if (i == 0) {
      selected = {b.index(0), firstRow, rows, weight};
    } else {
      Value before = b.less(rowBlock, b.index(first));
      selected = {b.select(before, selected.index, b.index(i)),
                  b.select(before, selected.firstRow, firstRow),
                  b.select(before, selected.rows, rows), b.select(before, selected.weight, weight)};
    }
    first += llvm::divideCeil(part.rows, rowsPerBlock);
  }
  return selected;
}

Value strata::nvptx::storedRowOf(KernelBuilder &b, const LinearSpec &spec, Value part, Value row) {
  Value stored = storedRow(b, spec.parts.front().box, row);
  for (auto [i, other] : llvm::enumerate(spec.parts))
    if (other.box != spec.parts.front().box)
      stored = b.select(b.equal(part, b.index(i)), storedRow(b, other.box, row), stored);
  return stored;
}

SmallVector<Values> strata::nvptx::termsOf(KernelBuilder &b, const LinearSpec &spec,
                                           ValueRange pairs) {
  if (!isF16(spec))
    return {Values(pairs)};
  SmallVector<Values> terms(2);
  for (Value pair : pairs)
    for (auto [i, term] : llvm::enumerate(b.splitF16(pair)))
      terms[i].push_back(term);
  return terms;
}

bool strata::nvptx::isF16(const LinearSpec &spec) { return spec.parts.front().element.isF16(); }

RowOrder strata::nvptx::decodeOrder(const LinearSpec &spec) {
  return spec.rotaryDims ? RowOrder::Paired : RowOrder::Plain;
}

Value strata::nvptx::rowAt(KernelBuilder &b, const LinearSpec &spec, RowOrder order,
                           Value position) {
  if (order == RowOrder::Plain)
    return position;
  // A head is pairs i and i + half, then pairs of what rope leaves alone, made likewise.
  int64_t half = spec.rotaryDims / 2, rest = spec.headDim / 2 - half;
  Value pair = b.div(position, 2), second = b.rem(position, 2);
  Value head = b.div(pair, spec.headDim / 2), i = b.rem(pair, spec.headDim / 2);
  Value turned = b.less(i, b.index(half));
  Value low = b.select(turned, i, b.add(i, half));
  Value distance = b.select(turned, b.index(half), b.index(rest));
  return b.add(b.add(b.mul(head, spec.headDim), low), b.mul(second, distance));
}

static KernelSpec describePhases(const LinearSpec &spec, ChipFamily family) {
  KernelSpec kernel{spec.axis(), {}};
  auto add = [&](int64_t upTo, bool prepares, PhaseSpec main) {
    VariantSpec variant{upTo, {}, 0, upTo ? VariantMode::Usual : VariantMode::Any};
    if (prepares)
      variant.phases.push_back(describePreparation(spec));
    variant.phases.push_back(std::move(main));
    kernel.variants.push_back(std::move(variant));
  };
  if (isNarrow(spec)) {
    add(0, prefillPrepares(spec), describeNarrow(spec));
    return kernel;
  }
  if (isInBlocks(spec)) {
    for (const DecodeForm &form : kDecodeForms)
      add(form.tokens, decodePrepares(spec, form), describeBlocksDecode(spec, form));
    add(0, prefillPrepares(spec), describeBlocksPrefill(spec));
    return kernel;
  }
  for (const DecodeForm &form : kDecodeForms)
    add(form.tokens, decodePrepares(spec, form), describeDecode(spec, form));
  bool sm90 = family == ChipFamily::Sm90 && fitsPrefillSm90(spec);
  add(0, prefillPrepares(spec), sm90 ? describePrefillSm90(spec) : describePrefill(spec));
  return kernel;
}

KernelSpec strata::nvptx::describeProduct(ProductOpInterface op, ChipFamily family) {
  return describePhases(describeOperands(op), family);
}
