//===- Buffers.cpp - the buffer arguments of a kernel op ------------------===//

#include "codegen/Buffers.h"

#include "dialect/Storage.h"

using namespace mlir;
using namespace strata;

static void append(Value value, SmallVectorImpl<BufferRef> &buffers) {
  if (isa<BatchType>(value.getType())) {
    for (BufferRole role : {BufferRole::Positions, BufferRole::Sequences, BufferRole::OutputRows,
                            BufferRole::PageTable})
      buffers.push_back({role, value});
    return;
  }
  bool isCache = isa<KVCacheType>(value.getType());
  buffers.push_back({isCache ? BufferRole::Cache : BufferRole::Value, value});
}

static bool isWeightWithScales(Value operand) {
  return isa<ShapedType>(operand.getType()) && hasScales(operand);
}

llvm::SmallVector<BufferRef> strata::listBuffers(Operation *op) {
  llvm::SmallVector<BufferRef> buffers;
  llvm::SmallVector<BufferRef> scales;
  for (Value operand : op->getOperands()) {
    bool isWeight = isWeightWithScales(operand);
    if (!isWeight && !isa<BatchType>(operand.getType()))
      buffers.append(std::exchange(scales, {}));
    append(operand, buffers);
    if (isWeight)
      scales.push_back({BufferRole::Scales, operand});
  }
  buffers.append(scales);
  for (Value result : op->getResults())
    if (isa<ShapedType>(result.getType()))
      buffers.push_back({BufferRole::Value, result});
  if (op->getAttr("workspace"))
    buffers.push_back({BufferRole::Workspace, Value()});
  return buffers;
}

unsigned strata::findBuffer(ArrayRef<BufferRef> buffers, Value value) {
  auto *found = llvm::find_if(buffers, [&](const BufferRef &ref) { return ref.value == value; });
  assert(found != buffers.end() && "not a buffer of this op");
  return found - buffers.begin();
}

unsigned strata::findBuffer(ArrayRef<BufferRef> buffers, BufferRole role) {
  auto *found = llvm::find_if(buffers, [&](const BufferRef &ref) { return ref.role == role; });
  assert(found != buffers.end() && "this op has no such buffer");
  return found - buffers.begin();
}

unsigned strata::findScales(ArrayRef<BufferRef> buffers, Value weight) {
  auto *found = llvm::find_if(buffers, [&](const BufferRef &ref) {
    return ref.role == BufferRole::Scales && ref.value == weight;
  });
  assert(found != buffers.end() && "not a quantized weight of this op");
  return found - buffers.begin();
}

CacheBuffers::CacheBuffers(Operation *op, KVCacheType type) : type(type) {
  auto buffers = listBuffers(op);
  cache = findBuffer(buffers, BufferRole::Cache);
  positions = findBuffer(buffers, BufferRole::Positions);
  sequences = findBuffer(buffers, BufferRole::Sequences);
  pageTable = findBuffer(buffers, BufferRole::PageTable);
}
