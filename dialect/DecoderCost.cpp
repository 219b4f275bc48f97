//===- DecoderCost.cpp - bytes and flops of each kernel op ----------------===//
//
// What an op must move and compute at least, whatever the target: weights once a step, activations
// once in and once out, cached tokens once for each token that attends to them.
//
//===----------------------------------------------------------------------===//

#include "dialect/Storage.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace strata;

/// Bytes of one row of activations or of a table, and of a whole parameter.
static int64_t rowBytes(Value value) {
  return llvm::divideCeil(getRowBits(cast<ShapedType>(value.getType())), 8);
}
static int64_t bytes(Value value) {
  return llvm::divideCeil(getBits(cast<ShapedType>(value.getType())), 8);
}
static int64_t normBytes(Value gamma, Value beta) { return gamma ? bytes(gamma) + bytes(beta) : 0; }

/// Flops of one feature: centre, square and sum, scale, gamma, beta.
static constexpr int64_t kNormFlops = 8;

static CostAttr cost(Operation *op, int64_t fixedBytes, int64_t rowBytes, int64_t rowFlops,
                     int64_t contextBytes = 0, int64_t contextFlops = 0) {
  return CostAttr::get(op->getContext(), fixedBytes, rowBytes, rowFlops, contextBytes,
                       contextFlops);
}

CostAttr EmbeddingOp::getCost() {
  return cost(*this, 0, rowBytes(getTokens()) + rowBytes(getTable()) + rowBytes(getResult()), 0);
}

CostAttr RotaryTableOp::getCost() {
  // A sine or cosine counts as 20 flops.
  return cost(*this, 0, rowBytes(getResult()), 20 * columnsOf(getResult()));
}

CostAttr LinearOp::getCost() {
  int64_t fixed = normBytes(getGamma(), getBeta()), row = rowBytes(getInput());
  for (Value weight : getWeights()) {
    fixed += bytes(weight);
    row += 2 * rowsOf(weight); // the product, or its cached key or value: bf16
  }
  for (Value bias : getBiases())
    fixed += bytes(bias);
  if (getResidual())
    row += rowBytes(getResidual());
  int64_t flops = 2 * columnsOf(getInput()) * getOutFeatures();
  if (!getBiases().empty())
    flops += getOutFeatures();
  if (getGamma())
    flops += kNormFlops * columnsOf(getInput());
  return cost(*this, fixed, row, flops);
}

CostAttr AttentionOp::getCost() {
  // A query head multiplies and adds head_dim features twice for each cached token: K and V.
  return cost(*this, 0, 2 * rowBytes(getQuery()), 0, getCache().getType().getBytesPerToken(),
              4 * columnsOf(getQuery()));
}

CostAttr LogitsOp::getCost() {
  return cost(*this, bytes(getWeight()) + normBytes(getGamma(), getBeta()),
              rowBytes(getInput()) + rowBytes(getResult()),
              2 * rowsOf(getWeight()) * columnsOf(getWeight()));
}

CostAttr LayerNormOp::getCost() {
  return cost(*this, normBytes(getGamma(), getBeta()), 2 * rowBytes(getInput()),
              kNormFlops * columnsOf(getInput()));
}

CostAttr RopeOp::getCost() {
  int64_t heads = columnsOf(getInput()) / getHeadDim();
  return cost(*this, 0, 2 * rowBytes(getInput()) + rowBytes(getTable()),
              3 * heads * columnsOf(getTable()));
}

CostAttr CacheAppendOp::getCost() {
  return cost(*this, 0, 2 * (rowBytes(getKeys()) + rowBytes(getValues())), 0);
}

CostAttr ActivationOp::getCost() {
  return cost(*this, 0, 2 * rowBytes(getInput()), 2 * columnsOf(getInput()));
}

CostAttr AddOp::getCost() { return cost(*this, 0, 3 * rowBytes(getLhs()), columnsOf(getLhs())); }
