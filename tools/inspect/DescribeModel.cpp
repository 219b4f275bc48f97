//===- DescribeModel.cpp - a model as text and as JSON --------------------===//

#include "frontend/Parameters.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tools/command_line/InspectText.h"
#include "tools/inspect/Inspect.h"

#include <functional>
#include <map>
#include <numeric>

namespace strata {
namespace {

uint64_t elementsOf(const CheckpointTensor &tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), uint64_t(1), std::multiplies());
}

/// Its own: between its rows there may be those of other tensors.
uint64_t bytesOf(const CheckpointTensor &tensor) {
  return blockSize(tensor.dtype).bytesOf(elementsOf(tensor)).value_or(0);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::vector<std::string> textsOf(const std::vector<ModulePattern> &patterns) {
  std::vector<std::string> texts;
  for (const ModulePattern &pattern : patterns)
    texts.push_back(pattern.text());
  return texts;
}

std::string quantizationText(const Quantization &quantization) {
  std::string text;
  for (const Quantization::Target &target : quantization.targets) {
    const WeightScheme &scheme = target.scheme;
    absl::StrAppend(&text, text.empty() ? "" : "; ", "int", scheme.bits, ", a scale for each ",
                    scheme.group ? absl::StrCat(scheme.group, " of a row") : "row");
    if (quantization.targets.size() > 1)
      absl::StrAppend(&text, ": ", target.modules.text());
  }
  if (!quantization.ignored.empty())
    absl::StrAppend(&text, ", but for ", absl::StrJoin(textsOf(quantization.ignored), ", "));
  return text;
}

std::string configText(const ModelConfig &c) {
  std::string heads = absl::StrCat(c.heads, " heads, ", c.kvHeads, " of keys and values, of ",
                                   c.headDim, " features, ", c.rotaryDims, " rotated");
  std::string bos = c.bosToken < 0
                        ? "no BOS"
                        : absl::StrCat("BOS ", c.bosToken, c.addBos ? " before every text" : "");
  return labelled("model", absl::StrCat(c.name, " (", c.architecture, ")")) +
         labelled("parameters", grouped(getParameterCount(c).value().value_or(0))) +
         labelled("layers",
                  absl::StrFormat("%d of %s features, %s in the mlp", c.layers,
                                  grouped(uint64_t(c.hidden)), grouped(uint64_t(c.intermediate)))) +
         labelled("attention", heads) +
         labelled("rope", absl::StrFormat("theta %g, scale %g", c.ropeTheta, c.ropeScale)) +
         labelled("vocabulary", absl::StrCat(grouped(uint64_t(c.vocabulary)),
                                             c.tiedEmbeddings ? ", tied embeddings" : "")) +
         (c.quantization ? labelled("linears", quantizationText(*c.quantization)) : "") +
         labelled("context", grouped(uint64_t(c.context)) + " tokens") +
         labelled("tokens", absl::StrCat(bos, ", EOS ", absl::StrJoin(c.eosTokens, ", ")));
}

std::string tensorsText(const Checkpoint &checkpoint) {
  std::map<DType, uint64_t> elements;
  uint64_t bytes = 0;
  for (const auto &[key, tensor] : checkpoint.tensors()) {
    elements[tensor.dtype] += elementsOf(tensor);
    bytes += bytesOf(tensor);
  }
  std::vector<std::string> types;
  for (const auto &[dtype, count] : elements)
    types.push_back(absl::StrCat(grouped(count), " ", std::string(name(dtype))));
  std::string text =
      labelled("tensors", absl::StrCat(grouped(checkpoint.tensors().size()), ": ",
                                       absl::StrJoin(types, ", "), "; ", grouped(bytes), " bytes"));
  for (const CheckpointFile &file : checkpoint.files())
    text += labelled("file", absl::StrCat(file.name, ", ", grouped(file.bytes.size()), " bytes"));
  return text;
}

std::string tensorLines(const Checkpoint &checkpoint) {
  std::vector<std::vector<std::string>> lines;
  for (const auto &[key, tensor] : checkpoint.tensors())
    lines.push_back({key, std::string(name(tensor.dtype)), formatShape(tensor.shape),
                     checkpoint.files()[tensor.file].name, grouped(tensor.offset)});
  return absl::StrCat("\n", aligned(lines, {4}));
}

std::string modelText(const InspectedModel &model, const InspectOptions &options) {
  std::string text = model.config ? configText(*model.config) : "";
  if (model.checkpoint)
    text += tensorsText(*model.checkpoint);
  if (model.tokenizer)
    text += labelled("tokenizer", describeTokenizer(*model.tokenizer));
  else if (model.config && model.checkpoint)
    text += labelled("tokenizer", model.tokenizerRefused ? "refused" : "none");
  if (!model.unused.empty())
    text += labelled("not used",
                     absl::StrCat(grouped(model.unused.size()), " tensors: ", model.unused.front(),
                                  model.unused.size() > 1 ? ", ..." : ""));
  for (const std::string &note : model.notes)
    text += labelled("note", note);
  for (const std::string &reason : model.refused)
    text += labelled("refused", reason);
  return options.tensors && model.checkpoint ? text + tensorLines(*model.checkpoint) : text;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

void writeConfig(JsonWriter &json, const ModelConfig &c) {
  json.beginObject().member("name", c.name).member("architecture", c.architecture);
  json.member("parameters", getParameterCount(c).value().value_or(0));
  json.member("vocabulary", c.vocabulary).member("hidden", c.hidden);
  json.member("intermediate", c.intermediate).member("layers", c.layers);
  json.member("heads", c.heads).member("kv_heads", c.kvHeads).member("head_dim", c.headDim);
  json.member("rotary_dims", c.rotaryDims).member("rope_theta", c.ropeTheta);
  json.member("rope_scale", c.ropeScale).member("norm_eps", c.normEps);
  json.member("tied_embeddings", c.tiedEmbeddings).member("context", c.context);
  json.member("bos_token", c.bosToken).member("add_bos", c.addBos);
  json.list("eos_tokens", c.eosTokens).key("quantization");
  if (c.quantization) {
    json.beginObject(JsonWriter::Layout::oneLine)
        .key("targets")
        .beginArray(JsonWriter::Layout::oneLine);
    for (const auto &[modules, scheme] : c.quantization->targets) {
      json.beginObject(JsonWriter::Layout::oneLine).member("modules", modules.text());
      json.member("bits", scheme.bits).member("group", scheme.group).endObject();
    }
    json.endArray().list("ignored", textsOf(c.quantization->ignored)).endObject();
  } else {
    json.null();
  }
  json.endObject();
}

void writeCheckpoint(JsonWriter &json, const Checkpoint &checkpoint) {
  json.key("files").beginArray();
  for (const CheckpointFile &file : checkpoint.files()) {
    json.beginObject(JsonWriter::Layout::oneLine).member("name", file.name);
    json.member("size", file.bytes.size()).endObject();
  }
  json.endArray().key("tensors").beginArray();
  for (const auto &[key, tensor] : checkpoint.tensors()) {
    json.beginObject(JsonWriter::Layout::oneLine).member("key", key);
    json.member("dtype", name(tensor.dtype)).list("shape", tensor.shape);
    json.member("file", tensor.file).member("offset", tensor.offset);
    json.member("bytes", bytesOf(tensor)).endObject();
  }
  json.endArray();
}

/// An array with a line for each.
void writeTexts(JsonWriter &json, std::string_view key, const std::vector<std::string> &texts) {
  json.key(key).beginArray();
  for (const std::string &text : texts)
    json.value(text);
  json.endArray();
}

std::string modelJson(const InspectedModel &model) {
  JsonWriter json;
  json.beginObject().member("kind", "model").member("path", model.path).key("config");
  model.config ? writeConfig(json, *model.config) : void(json.null());
  if (model.checkpoint)
    writeCheckpoint(json, *model.checkpoint);
  else
    json.list("files", std::vector<int>()).list("tensors", std::vector<int>());
  json.key("tokenizer");
  if (model.tokenizer) {
    json.beginObject(JsonWriter::Layout::oneLine).member("file", model.tokenizerSection->file);
    writeTokenizer(json, *model.tokenizer);
    json.endObject();
  } else {
    json.null();
  }
  writeTexts(json, "unused", model.unused);
  writeTexts(json, "notes", model.notes);
  writeTexts(json, "refused", model.refused);
  return json.endObject().take();
}

} // namespace

std::string describeModel(const InspectedModel &model, const InspectOptions &options) {
  return options.format == InspectFormat::json ? modelJson(model) : modelText(model, options);
}

} // namespace strata
