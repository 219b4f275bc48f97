//===- BuildDecoder.cpp - a model as decoder IR ---------------------------===//
//
// Reads like the model itself: one function a block. Names are those of the checkpoint's modules,
// as Hugging Face's NemotronForCausalLM calls them.
//
//===----------------------------------------------------------------------===//

#include "frontend/BuildDecoder.h"

#include "dialect/Storage.h"
#include "frontend/ModelConfig.h"
#include "runtime/checkpoint/Checkpoint.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace strata {
namespace {

/// What ModelConfig::quantization describes.
constexpr QuantizedFormat kFormat = QuantizedFormat::I8G32;

class DecoderBuilder {
public:
  DecoderBuilder(const ModelConfig &config, MLIRContext &context, const Checkpoint *checkpoint)
      : config(config), checkpoint(checkpoint), builder(&context) {}

  OwningOpRef<ModuleOp> build();

private:
  func::FuncOp forward();
  Value embedding();
  Value attentionBlock(int64_t layer, Value stream);
  Value mlpBlock(int64_t layer, Value stream);
  Value head(Value stream);

  Value parameter(const Twine &module, StringRef kind, ArrayRef<int64_t> shape);
  Value embeddingTable() {
    return parameter("model.embed_tokens", "weight", {config.vocabulary, config.hidden});
  }
  Value linearWeight(const Twine &module, int64_t out, int64_t in);
  RoundingAttr roundingFor(Value weight);
  Value layerNorm(const Twine &module, Value input);
  Value linear(const Twine &module, Value input, int64_t outFeatures);
  Value rope(const Twine &module, Value input);
  Value attention(int64_t layer, Value queries, Value keys, Value values);
  Value add(const Twine &module, Value stream, Value branch);

  Location at(const Twine &module) { return NameLoc::get(builder.getStringAttr(module)); }
  /// T rows; T is known when a step runs.
  RankedTensorType rowsOf(int64_t features, Type element) {
    return RankedTensorType::get({ShapedType::kDynamic, features}, element);
  }
  RankedTensorType activations(int64_t features) { return rowsOf(features, builder.getBF16Type()); }

  const CheckpointTensor *findTensor(StringRef key) const {
    return checkpoint ? checkpoint->find(std::string_view(key)) : nullptr;
  }
  Type storedElement(StringRef key);
  BoxAttr storedBox(StringRef key, ArrayRef<int64_t> shape);

  const ModelConfig &config;
  const Checkpoint *checkpoint; // null without weights
  OpBuilder builder;
  Value tokens, batch, rotaryTable; // of the whole program
  Value cache;                      // after the ops built so far
};

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

OwningOpRef<ModuleOp> DecoderBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(at(config.name));
  module.get()->setAttr(kModelAttrName,
                        ModelAttr::get(builder.getContext(),
                                       builder.getStringAttr(config.architecture),
                                       builder.getStringAttr(config.name), config.context,
                                       config.bosToken, config.addBos, config.eosTokens));
  builder.setInsertionPointToEnd(module->getBody());
  func::FuncOp function = forward();
  Value stream = embedding();
  for (int64_t layer = 0; layer != config.layers; ++layer) {
    stream = attentionBlock(layer, stream);
    stream = mlpBlock(layer, stream);
  }
  Value logits = head(stream);
  func::ReturnOp::create(builder, function.getLoc(), ValueRange{logits, cache});
  return module;
}

/// @forward with its arguments and an empty body, in which building goes on.
func::FuncOp DecoderBuilder::forward() {
  MLIRContext *context = builder.getContext();
  auto tokensType = RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
  auto cacheType =
      KVCacheType::get(context, config.layers, config.kvHeads, config.headDim, kPageTokens);
  auto logitsType = rowsOf(config.vocabulary, builder.getF32Type());
  auto type = builder.getFunctionType({tokensType, BatchType::get(context), cacheType},
                                      {logitsType, cacheType});
  auto function = func::FuncOp::create(builder, at("model"), "forward", type);
  Block *body = function.addEntryBlock();
  tokens = body->getArgument(0), batch = body->getArgument(1), cache = body->getArgument(2);
  tokens.setLoc(at("tokens")), batch.setLoc(at("batch")), cache.setLoc(at("cache"));
  builder.setInsertionPointToEnd(body);
  return function;
}

/// The stream's first value, and the rotary table that all layers share.
Value DecoderBuilder::embedding() {
  rotaryTable = RotaryTableOp::create(
      builder, at("model.rotary_emb"), rowsOf(config.rotaryDims, builder.getF32Type()), batch,
      llvm::APFloat(config.ropeTheta), llvm::APFloat(config.ropeScale));
  return EmbeddingOp::create(builder, at("model.embed_tokens"), activations(config.hidden), tokens,
                             embeddingTable());
}

/// stream + o(attention(q, k, v)), where q, k and v come from the normalized stream.
Value DecoderBuilder::attentionBlock(int64_t layer, Value stream) {
  std::string block = ("model.layers." + Twine(layer)).str();
  std::string self = block + ".self_attn";
  int64_t queryFeatures = config.heads * config.headDim;
  int64_t kvFeatures = config.kvHeads * config.headDim;

  Value input = layerNorm(block + ".input_layernorm", stream);
  Value queries = linear(self + ".q_proj", input, queryFeatures);
  Value keys = linear(self + ".k_proj", input, kvFeatures);
  Value values = linear(self + ".v_proj", input, kvFeatures);
  queries = rope(self, queries);
  keys = rope(self, keys);
  Value attended = attention(layer, queries, keys, values);
  return add(block, stream, linear(self + ".o_proj", attended, config.hidden));
}

/// stream + down(squared_relu(up(normalized stream))).
Value DecoderBuilder::mlpBlock(int64_t layer, Value stream) {
  std::string block = ("model.layers." + Twine(layer)).str();
  std::string mlp = block + ".mlp";

  Value input = layerNorm(block + ".post_attention_layernorm", stream);
  Value up = linear(mlp + ".up_proj", input, config.intermediate);
  Value active = SquaredReluOp::create(builder, at(mlp + ".act_fn"), up.getType(), up);
  return add(block, stream, linear(mlp + ".down_proj", active, config.hidden));
}

/// Logits of the normalized stream, for the rows that the step wants.
Value DecoderBuilder::head(Value stream) {
  Value input = layerNorm("model.norm", stream);
  Value table = config.tiedEmbeddings ? embeddingTable()
                                      : linearWeight("lm_head", config.vocabulary, config.hidden);
  return LogitsOp::create(builder, at("lm_head"), rowsOf(config.vocabulary, builder.getF32Type()),
                          input, table, batch, /*gamma=*/Value(), /*beta=*/Value(),
                          /*eps=*/FloatAttr(), /*gamma_includes_one=*/UnitAttr(),
                          roundingFor(table), /*workspace=*/ArenaAttr());
}

//===----------------------------------------------------------------------===//
// Its parts
//===----------------------------------------------------------------------===//

/// The type of a tensor's elements; what cannot be read is left to the check of the checkpoint
/// against the module.
Type DecoderBuilder::storedElement(StringRef key) {
  const CheckpointTensor *tensor = findTensor(key);
  DType dtype = tensor ? tensor->dtype : config.dtype;
  if (dtype == DType::f16 || dtype == DType::f32)
    return dtype == DType::f16 ? Type(builder.getF16Type()) : Type(builder.getF32Type());
  return builder.getBF16Type();
}

/// The box of a tensor that the checkpoint stores in this shape, else null.
BoxAttr DecoderBuilder::storedBox(StringRef key, ArrayRef<int64_t> shape) {
  const CheckpointTensor *tensor = findTensor(key);
  if (!tensor || !tensor->box || !llvm::equal(tensor->shape, shape))
    return {};
  return BoxAttr::get(builder.getContext(), int64_t(tensor->box.rowStride),
                      int64_t(tensor->box.groupRows), int64_t(tensor->box.groupStride));
}

Value DecoderBuilder::parameter(const Twine &module, StringRef kind, ArrayRef<int64_t> shape) {
  std::string key = (module + "." + kind).str();
  auto type = RankedTensorType::get(shape, storedElement(key), storedBox(key, shape));
  return ParameterOp::create(builder, at(module), type, key);
}

/// The weight of a linear module, quantized where the configuration says so.
Value DecoderBuilder::linearWeight(const Twine &module, int64_t out, int64_t in) {
  if (!config.quantizes(module.str()))
    return parameter(module, "weight", {out, in});
  static_assert(factsOf(kFormat).group == kQuantizationGroup);
  std::string key = (module + ".weight").str(), scales = key + kScaleSuffix;
  auto quantized = QuantizedAttr::get(builder.getContext(), kFormat, storedElement(scales),
                                      storedBox(key, {out, in}));
  auto type = RankedTensorType::get({out, in}, builder.getBF16Type(), quantized);
  return ParameterOp::create(builder, at(module), type, key, builder.getStringAttr(scales));
}

/// Quantized weights are multiplied with an input that is rounded likewise.
RoundingAttr DecoderBuilder::roundingFor(Value weight) {
  QuantizedAttr quantized = getQuantized(weight);
  if (!quantized)
    return {};
  return RoundingAttr::get(builder.getContext(), builder.getI8Type(),
                           factsOf(quantized.getFormat()).group);
}

Value DecoderBuilder::layerNorm(const Twine &module, Value input) {
  Value gamma = parameter(module, "weight", {columns(input)});
  Value beta = parameter(module, "bias", {columns(input)});
  const CheckpointTensor *stored = findTensor((module + ".weight").str());
  return LayerNormOp::create(builder, at(module), input.getType(), input, gamma, beta,
                             llvm::APFloat(config.normEps), stored && stored->plusOne);
}

Value DecoderBuilder::linear(const Twine &module, Value input, int64_t outFeatures) {
  Value weight = linearWeight(module, outFeatures, columns(input));
  auto op = LinearOp::create(builder, at(module), TypeRange{activations(outFeatures)}, input,
                             weight, /*gamma=*/Value(), /*beta=*/Value(), /*eps=*/FloatAttr(),
                             /*gamma_includes_one=*/UnitAttr(), roundingFor(weight),
                             /*squared_relu=*/UnitAttr(), /*rotary=*/Value(),
                             /*head_dim=*/IntegerAttr(), /*roped=*/DenseI64ArrayAttr(),
                             /*residual=*/Value(), /*cache=*/Value(), /*batch=*/Value(),
                             /*layer=*/IntegerAttr(), /*workspace=*/ArenaAttr());
  return op.getResult(0);
}

Value DecoderBuilder::rope(const Twine &module, Value input) {
  return RopeOp::create(builder, at(module), input.getType(), input, rotaryTable, config.headDim);
}

/// Attention over the cache, once the step's own keys and values are in it.
Value DecoderBuilder::attention(int64_t layer, Value queries, Value keys, Value values) {
  Location self = at("model.layers." + Twine(layer) + ".self_attn");
  cache = CacheAppendOp::create(builder, self, cache.getType(), keys, values, cache, batch, layer);
  return AttentionOp::create(builder, self, queries.getType(), queries, cache, batch, layer,
                             ArenaAttr());
}

Value DecoderBuilder::add(const Twine &module, Value stream, Value branch) {
  return AddOp::create(builder, at(module), stream.getType(), stream, branch);
}
} // namespace

OwningOpRef<ModuleOp> buildDecoder(const ModelConfig &config, MLIRContext &context,
                                   const Checkpoint *checkpoint) {
  context.loadDialect<DecoderDialect, func::FuncDialect>();
  return DecoderBuilder(config, context, checkpoint).build();
}

} // namespace strata
