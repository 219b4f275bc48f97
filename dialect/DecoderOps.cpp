//===- DecoderOps.cpp - verifiers and canonicalizations -------------------===//

#include "dialect/Storage.h"

#include "mlir/IR/PatternMatch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace strata;

#define GET_OP_CLASSES
#include "dialect/DecoderOps.cpp.inc"

namespace {
#include "dialect/DecoderCanonicalize.inc"

/// The shape without the place: tensors and memrefs of one shape and element type are the same.
bool sameShape(Value a, Value b) {
  auto x = cast<ShapedType>(a.getType()), y = cast<ShapedType>(b.getType());
  return x.getShape() == y.getShape() && x.getElementType() == y.getElementType();
}

bool isContiguous(Type type) {
  if (auto memref = dyn_cast<MemRefType>(type))
    return memref.getLayout().isIdentity();
  return !cast<RankedTensorType>(type).getEncoding();
}

LogicalResult verifyNorm(Operation *op, Value input, Value gamma, Value beta,
                         std::optional<APFloat> eps, bool gammaIncludesOne) {
  if (!gamma != !beta || !gamma != !eps)
    return op->emitOpError("norm needs gamma, beta and eps together");
  if (gammaIncludesOne && !gamma)
    return op->emitOpError("gamma_includes_one needs a gamma");
  if (!gamma)
    return success();
  for (auto [name, vector] : {std::pair{"gamma", gamma}, {"beta", beta}})
    if (elementsOf(vector) != columnsOf(input))
      return op->emitOpError() << name << " has " << elementsOf(vector) << " elements, input has "
                               << columnsOf(input) << " features";
  float value = eps->convertToFloat();
  if (!(value > 0 && value < 1))
    return op->emitOpError() << "eps is " << value << ", expected more than 0 and less than 1";
  return success();
}

LogicalResult verifyWeight(Operation *op, Value weight, Value input) {
  if (columnsOf(weight) != columnsOf(input))
    return op->emitOpError() << "weight has " << columnsOf(weight) << " columns, input has "
                             << columnsOf(input) << " features";
  return success();
}

LogicalResult verifyRounding(Operation *op, RoundingAttr rounding, Value input) {
  if (rounding && columnsOf(input) % rounding.getGroup())
    return op->emitOpError() << "input has " << columnsOf(input)
                             << " features, expected a multiple of " << rounding.getGroup()
                             << ", the group in which it is rounded";
  return success();
}

LogicalResult verifyFeatures(Operation *op, Value result, int64_t expected) {
  if (columnsOf(result) != expected)
    return op->emitOpError() << "result has " << columnsOf(result) << " features, expected "
                             << expected;
  return success();
}

LogicalResult verifyLayer(Operation *op, int64_t layer, KVCacheType cache) {
  if (layer < 0 || layer >= cache.getLayers())
    return op->emitOpError() << "layer is " << layer << ", the cache has " << cache.getLayers();
  return success();
}

LogicalResult verifyHeads(Operation *op, StringRef what, int64_t features, int64_t headDim) {
  if (headDim <= 0 || features % headDim)
    return op->emitOpError() << what << " has " << features
                             << " features, not a multiple of head_dim " << headDim;
  return success();
}
} // namespace

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

void ParameterOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  // model.layers.3.mlp.up_proj.weight -> %layers.3.mlp.up_proj.weight
  StringRef key = getKey();
  key.consume_front("model.");
  setName(getResult(), key);
}

SmallVector<StringRef, 2> ParameterOp::getKeys() {
  SmallVector<StringRef, 2> keys = {getKey()};
  if (getScales())
    keys.push_back(*getScales());
  return keys;
}

LogicalResult ParameterOp::verify() {
  if (getKey().empty()) // parameter_c1
    return emitOpError("key is empty");
  if (!isContiguous(getType()) && asTensor(cast<ShapedType>(getType())).getEncoding() == nullptr)
    return emitOpError() << "'" << getKey() << "' has type " << getType() // parameter_c3
                         << ", expected no encoding or layout but #decoder.box or "
                         << "#decoder.quantized";
  if (bool(getScales()) != hasScales(getResult())) // parameter_c4
    return emitOpError() << "'" << getKey() << "' has " << (getScales() ? "" : "no ")
                         << "scales; quantized weights that are not in blocks have them, and no "
                         << "other parameter";
  int64_t count = 1; // parameter_c2
  for (int64_t size : cast<ShapedType>(getType()).getShape())
    if (llvm::MulOverflow(count, size, count) || count > (int64_t(1) << 48))
      return emitOpError() << "'" << getKey() << "' has more than 2^48 elements";
  return success();
}

LogicalResult EmbeddingOp::verify() {
  if (hasScales(getTable())) // embedding_c2
    return emitOpError("table has scales beside it, expected bf16, f16, f32 or blocks");
  return verifyFeatures(*this, getResult(), columnsOf(getTable())); // embedding_c1
}

LogicalResult RotaryTableOp::verify() {
  int64_t columns = columnsOf(getResult()); // rotary_table_c1
  if (ShapedType::isDynamic(columns) || columns <= 0 || columns % 2)
    return emitOpError() << "has " << columns << " columns, expected an even number > 0";
  for (auto [name, attr] : {std::pair{"theta", getTheta()}, {"scale", getScale()}})
    if (float value = attr.convertToFloat(); !(value > 0) || !std::isfinite(value))
      return emitOpError() << name << " is " << value // rotary_table_c2
                           << ", expected a finite number > 0";
  if (int64_t dims = getDims().value_or(columns); dims != columns && dims != columns - 1)
    return emitOpError() << "has " << columns << " columns, expected " << dims // rotary_table_c3
                         << " dims rounded up to an even number";
  return success();
}

//===----------------------------------------------------------------------===//
// linear
//===----------------------------------------------------------------------===//

int64_t LinearOp::getOutFeatures() {
  int64_t sum = 0;
  for (Value weight : getWeights())
    sum += rowsOf(weight);
  return sum;
}

void LinearOp::build(OpBuilder &, OperationState &state, Type type, Value input, Value weight,
                     Value bias, RoundingAttr rounding) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setRounding(rounding);
  // Input, weights, gamma, beta, biases; no rope, residual or cache.
  properties.operandSegmentSizes = {1, 1, 0, 0, bias ? 1 : 0, 0, 0, 0, 0};
  state.addOperands({input, weight});
  if (bias)
    state.addOperands(bias);
  state.addTypes(type);
}

SmallVector<EpilogueStep, 4> LinearOp::getEpilogue(unsigned weight) {
  using Kind = EpilogueStep::Kind;
  SmallVector<EpilogueStep, 4> steps;
  if (!getBiases().empty())
    steps.push_back({Kind::bias, getBiases()[weight]});
  if (std::optional<Activation> activation = getActivation())
    steps.push_back({Kind::activation, {}, *activation});
  if (isRoped(weight))
    steps.push_back({Kind::rope, getRotary(), {}, int64_t(*getHeadDim())});
  if (getResidual())
    steps.push_back({Kind::residual, getResidual()});
  return steps;
}

static LogicalResult verifyBiases(LinearOp op) {
  if (op.getBiases().empty())
    return success();
  if (op.getBiases().size() != op.getWeights().size())
    return op.emitOpError() << "has " << op.getBiases().size() << " biases, expected one for each "
                            << "of " << op.getWeights().size() << " weights";
  for (auto [bias, weight] : llvm::zip(op.getBiases(), op.getWeights()))
    if (elementsOf(bias) != rowsOf(weight))
      return op.emitOpError() << "bias has " << elementsOf(bias) << " elements, its weight has "
                              << rowsOf(weight) << " rows";
  return success();
}

static LogicalResult verifyRopeClause(LinearOp op) {
  if (!op.getRotary() || !op.getHeadDim() || !op.getRoped())
    return op.emitOpError("rope needs a table, head_dim and weights together");
  int64_t headDim = *op.getHeadDim(), last = -1;
  ArrayRef<int64_t> roped = *op.getRoped();
  if (columnsOf(op.getRotary()) > headDim)
    return op.emitOpError() << "rotary table has " << columnsOf(op.getRotary())
                            << " columns, head_dim is " << headDim;
  for (int64_t i : roped) {
    if (i <= last || i >= int64_t(op.getWeights().size()))
      return op.emitOpError() << "rope names weight " << i << " of " << op.getWeights().size()
                              << "; they must be in range and ascending";
    if (failed(verifyHeads(op, "roped weight", rowsOf(op.getWeights()[i]), headDim)))
      return failure();
    last = i;
  }
  return success();
}

static LogicalResult verifyCacheClause(LinearOp op) {
  if (!op.getCache() || !op.getBatch() || !op.getLayer())
    return op.emitOpError("cache needs a cache, a batch and a layer together");
  KVCacheType cache = op.getCache().getType();
  if (op.getWeights().size() < 3)
    return op.emitOpError() << "cache needs at least 3 weights, found " << op.getWeights().size();
  for (Value weight : op.getWeights().take_back(2))
    if (rowsOf(weight) != cache.getHeads() * cache.getHeadDim())
      return op.emitOpError() << "key or value weight has " << rowsOf(weight)
                              << " rows, the cache takes " << cache.getHeads() * cache.getHeadDim();
  return verifyLayer(op, *op.getLayer(), cache);
}

static LogicalResult verifyResults(LinearOp op) {
  unsigned products = op.getNumProducts(), expected = products + (op.getCache() ? 1 : 0);
  if (op->getNumResults() != expected)
    return op.emitOpError() << "has " << op->getNumResults() << " results, expected " << expected;
  for (unsigned i = 0; i != products; ++i) {
    Value result = op->getResult(i);
    if (!isa<ShapedType>(result.getType()))
      return op.emitOpError() << "result " << i << " must be activations";
    if (failed(verifyFeatures(op, result, rowsOf(op.getWeights()[i]))))
      return failure();
  }
  if (op.getCache() && op->getResult(products).getType() != op.getCache().getType())
    return op.emitOpError("the last result must be the cache, of the same type");
  return success();
}

LogicalResult LinearOp::verify() {
  if (getWeights().empty()) // linear_c7
    return emitOpError("has no weight");
  for (Value weight : getWeights()) // linear_c1
    if (failed(verifyWeight(*this, weight, getInput())))
      return failure();
  if (failed(verifyRounding(*this, getRoundingAttr(), getInput()))) // linear_c8
    return failure();
  if (failed(verifyNorm(*this, getInput(), getGamma(), getBeta(), getEps(), // linear_c3
                        getGammaIncludesOne())))
    return failure();
  if ((getRotary() || getHeadDim() || getRoped()) && failed(verifyRopeClause(*this))) // linear_c4
    return failure();
  if ((getCache() || getBatch() || getLayer()) && failed(verifyCacheClause(*this))) // linear_c6
    return failure();
  if (failed(verifyResults(*this))) // linear_c2
    return failure();
  if (failed(verifyBiases(*this))) // linear_c9
    return failure();
  if (!getResidual() && !getActivation())
    return success();
  if (getWeights().size() != 1 || getRotary() || getCache()) // linear_c5
    return emitOpError("residual and activation need one weight, and no rope or cache");
  if (getResidual() && !sameShape(getResidual(), getResult(0)))
    return emitOpError() << "residual has " << columnsOf(getResidual()) << " features, result has "
                         << columnsOf(getResult(0));
  return success();
}

namespace {
/// Drops a weight whose product nobody uses. With a rope or cache clause weights have roles; those
/// stay.
struct DropUnusedWeights : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LinearOp op, PatternRewriter &rewriter) const override {
    if (op.getCache() || op.getRotary() || op.getWeights().size() == 1)
      return rewriter.notifyMatchFailure(op, "every weight has a role");
    SmallVector<Value> weights, biases;
    SmallVector<Type> types;
    SmallVector<unsigned> kept;
    for (unsigned i = 0; i != op.getNumResults(); ++i) {
      if (op->getResult(i).use_empty())
        continue;
      kept.push_back(i);
      weights.push_back(op.getWeights()[i]);
      if (!op.getBiases().empty())
        biases.push_back(op.getBiases()[i]);
      types.push_back(op->getResult(i).getType());
    }
    if (kept.size() == op.getNumResults() || kept.empty())
      return rewriter.notifyMatchFailure(op, "every product is used, or none");
    auto smaller =
        LinearOp::create(rewriter, op.getLoc(), types, op->getOperands(), op.getProperties());
    smaller.getWeightsMutable().assign(weights);
    smaller.getBiasesMutable().assign(biases);
    for (auto [i, j] : llvm::enumerate(kept))
      rewriter.replaceAllUsesWith(op->getResult(j), smaller->getResult(i));
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void LinearOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnusedWeights>(context);
}

//===----------------------------------------------------------------------===//
// attention, logits
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  KVCacheType cache = getCache().getType();
  int64_t group = cache.getHeads() * cache.getHeadDim();
  if (columnsOf(getQuery()) % group) // attention_c1
    return emitOpError() << "query has " << columnsOf(getQuery())
                         << " features, not a multiple of kv heads * head_dim = " << group;
  if (!sameShape(getQuery(), getResult())) // attention_c2
    return emitOpError("the result must have the query's shape");
  return verifyLayer(*this, getLayer(), cache); // attention_c3
}

void LogitsOp::build(OpBuilder &, OperationState &state, Type type, Value input, Value weight,
                     Value batch, RoundingAttr rounding) {
  auto &properties = state.getOrAddProperties<Properties>();
  properties.setRounding(rounding);
  properties.operandSegmentSizes = {1, 1, 1, 0, 0}; // input, weight, batch; no norm
  state.addOperands({input, weight, batch});
  state.addTypes(type);
}

LogicalResult LogitsOp::verify() {
  if (failed(verifyWeight(*this, getWeight(), getInput()))) // logits_c1
    return failure();
  if (failed(verifyFeatures(*this, getResult(), rowsOf(getWeight())))) // logits_c2
    return failure();
  if (failed(verifyRounding(*this, getRoundingAttr(), getInput()))) // logits_c4
    return failure();
  return verifyNorm(*this, getInput(), getGamma(), getBeta(), getEps(), // logits_c3
                    getGammaIncludesOne());
}

//===----------------------------------------------------------------------===//
// The cheap ops
//===----------------------------------------------------------------------===//

LogicalResult LayerNormOp::verify() {
  if (!sameShape(getInput(), getResult())) // layer_norm_c2
    return emitOpError("the result must have the input's shape");
  // layer_norm_c1, layer_norm_c3
  return verifyNorm(*this, getInput(), getGamma(), getBeta(), getEps(), getGammaIncludesOne());
}

LogicalResult RopeOp::verify() {
  if (failed(verifyHeads(*this, "input", columnsOf(getInput()), getHeadDim()))) // rope_c1
    return failure();
  if (columnsOf(getTable()) > int64_t(getHeadDim()))
    return emitOpError() << "rotary table has " << columnsOf(getTable()) << " columns, head_dim is "
                         << getHeadDim();
  if (!sameShape(getInput(), getResult())) // rope_c2
    return emitOpError("the result must have the input's shape");
  return success();
}

LogicalResult CacheAppendOp::verify() {
  KVCacheType cache = getCache().getType();
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"keys", getKeys()}, {"values", getValues()}})
    if (columnsOf(value) != cache.getHeads() * cache.getHeadDim()) // cache_append_c1
      return emitOpError() << name << " have " << columnsOf(value) << " features, the cache takes "
                           << cache.getHeads() * cache.getHeadDim();
  return verifyLayer(*this, getLayer(), cache); // cache_append_c2
}

void CacheAppendOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<OverwrittenCacheAppend>(context);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Of one mode; there may be none of the one that is not usual.
static LogicalResult verifyVariants(KernelOp op, VariantMode mode) {
  SmallVector<std::pair<size_t, VariantAttr>> variants;
  for (auto [i, variant] : llvm::enumerate(op.getVariants().getAsRange<VariantAttr>()))
    if (variant.isOf(mode))
      variants.push_back({i, variant});
  if (variants.empty()) // kernel_c1
    return mode == VariantMode::Usual ? op.emitOpError("has no variant for usual steps")
                                      : success();
  VariantAttr last = variants.back().second;
  if (last.getUpTo() != 0 || last.getUpToRun() != 0) // kernel_c2
    return op.emitOpError("has a limit in its last variant");
  for (auto [i, variant] : variants)
    for (auto [before, other] : variants) // kernel_c2
      if (before < i && other.covers(variant))
        return op.emitOpError() << "variant " << i << " takes no step that variant " << before
                                << " does not take";
  return success();
}

LogicalResult KernelOp::verify() {
  if (getVariants().empty()) // kernel_c1
    return emitOpError("has no variant");
  for (VariantMode mode : {VariantMode::Usual, VariantMode::BatchInvariant})
    if (failed(verifyVariants(*this, mode)))
      return failure();
  for (auto variant : getVariants().getAsRange<VariantAttr>()) {
    if (variant.getPhases().empty()) // kernel_c1
      return emitOpError("has a variant without a phase");
    for (PhaseAttr phase : variant.getPhases())
      if (phase.getDivisor() <= 0 || phase.getFactor() <= 0) // kernel_c3
        return emitOpError() << "phase " << phase.getSymbol()
                             << " has a divisor or factor that is not positive";
  }
  return success();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr())) // dispatch_c1
    return emitOpError() << "'" << getKernel() << "' is not a decoder.kernel";
  return success();
}
