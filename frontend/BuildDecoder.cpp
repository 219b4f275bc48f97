//===- BuildDecoder.cpp - a model as decoder IR ---------------------------===//
//
// Reads like the model itself: one function a block. Names and shapes are those of the table in
// Modules.cpp.
//
//===----------------------------------------------------------------------===//

#include "frontend/BuildDecoder.h"

#include "dialect/Storage.h"
#include "frontend/ModelConfig.h"
#include "frontend/Modules.h"
#include "runtime/checkpoint/Checkpoint.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace strata {
namespace {

using Role = ModuleRole;

/// The format of a weight that ModelConfig::quantization describes.
QuantizedFormat formatOf(const WeightScheme &scheme) {
  if (!scheme.packed)
    return QuantizedFormat::I8;
  return scheme.bits == 4 ? QuantizedFormat::I4 : QuantizedFormat::I8Packed;
}

/// Tensors of blocks, and what they are in a program.
constexpr std::pair<DType, QuantizedFormat> kBlockFormats[] = {
    {DType::q8_0, QuantizedFormat::Q8_0},    {DType::q4_0, QuantizedFormat::Q4_0},
    {DType::q4_1, QuantizedFormat::Q4_1},    {DType::q5_0, QuantizedFormat::Q5_0},
    {DType::q5_1, QuantizedFormat::Q5_1},    {DType::q4_k, QuantizedFormat::Q4K},
    {DType::q5_k, QuantizedFormat::Q5K},     {DType::q6_k, QuantizedFormat::Q6K},
    {DType::iq4_nl, QuantizedFormat::IQ4NL}, {DType::iq4_xs, QuantizedFormat::IQ4XS},
};

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

  Module module(Role role, int64_t layer = 0) const { return describeModule(config, role, layer); }
  Value parameter(const Module &module, StringRef key, ArrayRef<int64_t> shape);
  Value weightOf(const Module &module) {
    return parameter(module, module.weightKey(), module.shape);
  }
  Value biasOf(const Module &module) {
    return parameter(module, module.biasKey(), module.shape.front());
  }
  Value linearWeight(const Module &module);
  RoundingAttr roundingFor(Value weight);
  Value layerNorm(const Module &module, Value input);
  Value linear(const Module &module, Value input);
  Value rope(const Module &module, Value input);
  Value attention(int64_t layer, Value queries, Value keys, Value values);
  Value add(const Module &module, Value stream, Value branch);

  Location at(const Twine &module) { return NameLoc::get(builder.getStringAttr(module)); }
  Location at(const Module &module) { return at(module.path); }
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
  Attribute storedEncoding(StringRef key, ArrayRef<int64_t> shape);

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

/// The stream's first value, and the rotary table that all layers share, if they rotate anything.
Value DecoderBuilder::embedding() {
  int64_t columns = llvm::alignTo(config.rotaryDims, 2);
  IntegerAttr dims;
  if (columns != config.rotaryDims)
    dims = builder.getI64IntegerAttr(config.rotaryDims);
  if (columns)
    rotaryTable = RotaryTableOp::create(
        builder, at(module(Role::rotaryTable)), rowsOf(columns, builder.getF32Type()), batch,
        builder.getF32FloatAttr(config.ropeTheta), builder.getF32FloatAttr(config.ropeScale), dims);
  const Module table = module(Role::embedding);
  return EmbeddingOp::create(builder, at(table), activations(config.hidden), tokens,
                             weightOf(table));
}

/// stream + o(attention(q, k, v)), where q, k and v come from the normalized stream.
Value DecoderBuilder::attentionBlock(int64_t layer, Value stream) {
  const Module self = module(Role::attention, layer);
  Value input = layerNorm(module(Role::attentionNorm, layer), stream);
  Value queries = linear(module(Role::query, layer), input);
  Value keys = linear(module(Role::key, layer), input);
  Value values = linear(module(Role::value, layer), input);
  queries = rope(self, queries);
  keys = rope(self, keys);
  Value attended = attention(layer, queries, keys, values);
  Value output = linear(module(Role::attentionOutput, layer), attended);
  return add(module(Role::block, layer), stream, output);
}

/// stream + down(activation(up(normalized stream))).
Value DecoderBuilder::mlpBlock(int64_t layer, Value stream) {
  Value input = layerNorm(module(Role::mlpNorm, layer), stream);
  Value up = linear(module(Role::up, layer), input);
  Value active = ActivationOp::create(builder, at(module(Role::activation, layer)), up.getType(),
                                      *symbolizeActivation(config.activation), up);
  Value down = linear(module(Role::down, layer), active);
  return add(module(Role::block, layer), stream, down);
}

/// Logits of the normalized stream, for the rows that the step wants.
Value DecoderBuilder::head(Value stream) {
  Value input = layerNorm(module(Role::finalNorm), stream);
  const Module head = module(Role::head);
  Value table = head.stored ? linearWeight(head) : weightOf(module(Role::embedding));
  return LogitsOp::create(builder, at(head), rowsOf(config.vocabulary, builder.getF32Type()), input,
                          table, batch, roundingFor(table));
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

/// That, or the blocks of a matrix. Of a shape that no row of whole blocks has there are none:
/// checkParameters says what is wrong with it.
Attribute DecoderBuilder::storedEncoding(StringRef key, ArrayRef<int64_t> shape) {
  const CheckpointTensor *tensor = findTensor(key);
  const auto *format = llvm::find_if(
      kBlockFormats, [&](const auto &row) { return tensor && row.first == tensor->dtype; });
  if (format == std::end(kBlockFormats) || shape.size() != 2 ||
      shape[1] % factsOf(format->second).blockWeights)
    return storedBox(key, shape);
  return QuantizedAttr::get(builder.getContext(), format->second, /*group=*/0, Type(), BoxAttr());
}

Value DecoderBuilder::parameter(const Module &module, StringRef key, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get(shape, storedElement(key), storedEncoding(key, shape));
  return ParameterOp::create(builder, at(module), type, key);
}

/// The weight of a linear module, quantized where the configuration says so.
Value DecoderBuilder::linearWeight(const Module &module) {
  const WeightScheme *scheme = config.schemeOf(module.path);
  if (!scheme)
    return weightOf(module);
  static_assert(kQuantizationGroup == kRoundingGroup);
  std::string key = module.weightKey(), scales = key + kScaleSuffix;
  if (scheme->packed)
    key += kPackedSuffix;
  auto quantized = QuantizedAttr::get(builder.getContext(), formatOf(*scheme),
                                      scheme->groupOf(module.shape[1]), storedElement(scales),
                                      scheme->packed ? BoxAttr() : storedBox(key, module.shape));
  auto type = RankedTensorType::get(module.shape, builder.getBF16Type(), quantized);
  return ParameterOp::create(builder, at(module), type, key, builder.getStringAttr(scales));
}

/// The format of quantization_config rounds inputs, too. Blocks leave that to the target.
RoundingAttr DecoderBuilder::roundingFor(Value weight) {
  if (!hasScales(weight))
    return {};
  return RoundingAttr::get(builder.getContext(), builder.getI8Type(), kRoundingGroup);
}

Value DecoderBuilder::layerNorm(const Module &module, Value input) {
  Value gamma = weightOf(module);
  Value beta = biasOf(module);
  const CheckpointTensor *stored = findTensor(module.weightKey());
  return LayerNormOp::create(builder, at(module), input.getType(), input, gamma, beta,
                             llvm::APFloat(config.normEps), stored && stored->includesOne);
}

Value DecoderBuilder::linear(const Module &module, Value input) {
  Value weight = linearWeight(module);
  Value bias = module.bias ? biasOf(module) : Value();
  auto op = LinearOp::create(builder, at(module), activations(module.shape[0]), input, weight, bias,
                             roundingFor(weight));
  return op.getResult(0);
}

Value DecoderBuilder::rope(const Module &module, Value input) {
  if (!rotaryTable)
    return input;
  return RopeOp::create(builder, at(module), input.getType(), input, rotaryTable, config.headDim);
}

/// Attention over the cache, once the step's own keys and values are in it.
Value DecoderBuilder::attention(int64_t layer, Value queries, Value keys, Value values) {
  Location self = at(module(Role::attention, layer));
  cache = CacheAppendOp::create(builder, self, cache.getType(), keys, values, cache, batch, layer);
  return AttentionOp::create(builder, self, queries.getType(), queries, cache, batch, layer,
                             ArenaAttr());
}

Value DecoderBuilder::add(const Module &module, Value stream, Value branch) {
  return AddOp::create(builder, at(module), stream.getType(), stream, branch);
}
} // namespace

OwningOpRef<ModuleOp> buildDecoder(const ModelConfig &config, MLIRContext &context,
                                   const Checkpoint *checkpoint) {
  context.loadDialect<DecoderDialect, func::FuncDialect>();
  return DecoderBuilder(config, context, checkpoint).build();
}

} // namespace strata
