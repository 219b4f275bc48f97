//===- DescribePackage.cpp - a package as text and as JSON ----------------===//

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/base/Status.h"
#include "runtime/package/Weights.h"
#include "tools/command_line/InspectText.h"
#include "tools/command_line/Load.h"
#include "tools/command_line/PackageFacts.h"
#include "tools/inspect/Inspect.h"

namespace strata {
namespace {

using Line = std::vector<std::string>;

std::vector<uint64_t> shapeOf(const package::Parameter &parameter) {
  auto shape = itemsOf(parameter.shape());
  return {shape.begin(), shape.end()};
}

/// The tokenizer, if the package has one; an error if it is not one that can be used.
absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizerOf(const Package &package) {
  auto tokenizer = loadTokenizer(package);
  if (absl::IsNotFound(tokenizer.status()))
    return std::unique_ptr<Tokenizer>();
  STRATA_TRY(tokenizer.status());
  return tokenizer;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

std::string modelText(const Package &package) {
  const package::Model &model = package.model();
  std::string bos =
      model.bos_token() < 0
          ? "no BOS"
          : absl::StrCat("BOS ", model.bos_token(), model.add_bos() ? " before every text" : "");
  return labelled("package",
                  absl::StrCat(grouped(package.size()), " bytes, format ", versionOf(package),
                               ", by ", textOf(package.manifest().compiler()))) +
         labelled("model",
                  absl::StrCat(textOf(model.name()), " (", textOf(model.architecture()), ")")) +
         labelled("parameters",
                  absl::StrCat(grouped(model.parameter_count()), " in ",
                               grouped(count(package.manifest().parameters())), " tensors")) +
         labelled("layers",
                  absl::StrCat(model.layers(), " of ", grouped(model.hidden()), " features")) +
         labelled("vocabulary", grouped(model.vocabulary())) +
         labelled("context", grouped(model.context()) + " tokens") +
         labelled("tokens",
                  absl::StrCat(bos, ", EOS ", absl::StrJoin(itemsOf(model.eos_tokens()), ", ")));
}

std::string weightsText(const Package &package) {
  const package::Manifest &manifest = package.manifest();
  std::string place = textOf(manifest.weights_dir());
  if (place.empty())
    place = package.findSection("weights") ? "in the package" : "none";
  absl::Status status = Weights::fromPackage(package).status();
  return labelled("weights", place) +
         (status.ok() ? "" : labelled("", absl::StrCat("not usable: ", status.message())));
}

std::string codeText(const Package &package, const package::Program &program) {
  std::vector<std::string> codes;
  for (const package::CodeObject *code : itemsOf(program.code()))
    codes.push_back(absl::StrCat(textOf(code->target()), " (",
                                 package::EnumNameCodeFormat(code->format()), ", ",
                                 grouped(package.section(code->section()).size()), " bytes)"));
  return absl::StrJoin(codes, ", ");
}

std::string programText(const Package &package, const package::Program &program) {
  TokenCost cost = costOf(program);
  return absl::StrCat("\n", labelled(textOf(program.device()), codeText(package, program))) +
         labelled("plan", absl::StrFormat("%d dispatches of %d kernels",
                                          count(program.dispatches()), count(program.kernels()))) +
         labelled("arena", absl::StrFormat("%s bytes x tokens of the step, rounded up to %d",
                                           grouped(program.arena_bytes_per_token()),
                                           program.arena_token_multiple())) +
         labelled("KV cache",
                  absl::StrFormat("%s bytes a token, in pages of %d tokens, %s bytes",
                                  grouped(program.page_bytes() / program.page_tokens()),
                                  program.page_tokens(), grouped(program.page_bytes()))) +
         labelled("a token", absl::StrFormat("%s bytes streamed, %s of activations, %s FLOP",
                                             grouped(cost.streamed), grouped(cost.activations),
                                             grouped(cost.flops))) +
         labelled("", absl::StrFormat("and %s bytes, %s FLOP for each token of context",
                                      grouped(cost.contextBytes), grouped(cost.contextFlops)));
}

/// "[6144, 768]", and how its rows lie if others lie between them.
std::string shapeText(const package::Parameter &parameter) {
  Box box = boxOf(parameter);
  return formatShape(shapeOf(parameter)) + (box ? ", rows " + describe(box) : "");
}

std::string parameterLines(const Package &package) {
  std::vector<Line> lines;
  for (const package::Parameter *parameter : itemsOf(package.manifest().parameters())) {
    bool file = parameter->storage() == package::Storage::file;
    lines.push_back({textOf(parameter->key()), package::EnumNameDType(parameter->dtype()),
                     shapeText(*parameter),
                     file ? textOf(package.manifest().files()->Get(parameter->file())->name())
                          : package::EnumNameStorage(parameter->storage()),
                     grouped(parameter->offset())});
  }
  return absl::StrCat("\n", aligned(lines, {4}));
}

std::string planLines(const package::Program &program) {
  std::vector<Line> lines = {
      {textOf(program.device()), "kernel", "bytes", "bytes/row", "FLOP/row", "results"}};
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches())) {
    std::vector<std::string> results;
    for (const package::Result *result : itemsOf(dispatch->results()))
      results.push_back(absl::StrCat(textOf(result->name()), " ",
                                     package::EnumNameDType(result->dtype()), "[",
                                     result->features(), "]"));
    package::Cost cost = dispatch->cost() ? *dispatch->cost() : package::Cost();
    lines.push_back({textOf(dispatch->name()),
                     textOf(program.kernels()->Get(dispatch->kernel())->name()),
                     grouped(cost.fixed_bytes()), grouped(cost.row_bytes()),
                     grouped(cost.row_flops()), absl::StrJoin(results, ", ")});
  }
  return absl::StrCat("\n", aligned(lines, {2, 3, 4}));
}

std::string packageText(const Package &package, const Tokenizer *tokenizer,
                        const InspectOptions &options) {
  std::string result = modelText(package) + weightsText(package) +
                       labelled("tokenizer", tokenizer ? describeTokenizer(*tokenizer) : "none");
  for (const package::Program *program : itemsOf(package.manifest().programs()))
    result += programText(package, *program);
  for (const package::Program *program : itemsOf(package.manifest().programs()))
    if (options.plan)
      result += planLines(*program);
  return options.tensors ? result + parameterLines(package) : result;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

constexpr auto kOneLine = JsonWriter::Layout::oneLine;

void writeModel(JsonWriter &json, const package::Model &model) {
  json.key("model").beginObject().member("name", textOf(model.name()));
  json.member("architecture", textOf(model.architecture()));
  json.member("parameters", model.parameter_count()).member("vocabulary", model.vocabulary());
  json.member("hidden", model.hidden()).member("layers", model.layers());
  json.member("context", model.context()).member("bos_token", model.bos_token());
  json.member("add_bos", model.add_bos()).list("eos_tokens", itemsOf(model.eos_tokens()));
  json.endObject();
}

void writeWeights(JsonWriter &json, const Package &package) {
  const package::Manifest &manifest = package.manifest();
  absl::Status status = Weights::fromPackage(package).status();
  json.member("weights_dir", textOf(manifest.weights_dir())).key("weights_error");
  status.ok() ? json.null() : json.value(std::string(status.message()));
  json.key("files").beginArray();
  for (const package::CheckpointFile *file : itemsOf(manifest.files())) {
    json.beginObject(kOneLine).member("name", textOf(file->name()));
    json.member("size", file->size()).endObject();
  }
  json.endArray().key("parameters").beginArray();
  for (const package::Parameter *parameter : itemsOf(manifest.parameters())) {
    json.beginObject(kOneLine).member("key", textOf(parameter->key()));
    json.member("dtype", package::EnumNameDType(parameter->dtype()));
    json.list("shape", shapeOf(*parameter));
    json.member("row_stride", parameter->row_stride());
    json.member("group_rows", parameter->group_rows());
    json.member("group_stride", parameter->group_stride());
    json.member("storage", package::EnumNameStorage(parameter->storage()));
    json.member("file", parameter->file()).member("offset", parameter->offset());
    json.member("bytes", parameterBytes(*parameter)).endObject();
  }
  json.endArray();
}

void writeSections(JsonWriter &json, const package::Manifest &manifest) {
  json.key("sections").beginArray();
  for (const package::Section *section : itemsOf(manifest.sections())) {
    json.beginObject(kOneLine).member("name", textOf(section->name()));
    json.member("offset", section->offset()).member("size", section->size()).endObject();
  }
  json.endArray();
}

void writeMaps(JsonWriter &json, const package::Phase &phase) {
  json.key("maps").beginArray();
  for (const package::TensorMap *map : itemsOf(phase.maps())) {
    json.beginObject().member("buffer", map->buffer());
    json.member("axis", package::EnumNameAxis(map->axis())).member("rows", map->rows());
    json.member("columns", map->columns()).member("row_bytes", map->row_bytes());
    json.member("dtype", package::EnumNameDType(map->dtype())).member("box_rows", map->box_rows());
    json.member("box_columns", map->box_columns());
    json.member("swizzle", package::EnumNameSwizzle(map->swizzle())).endObject();
  }
  json.endArray();
}

void writeKernel(JsonWriter &json, const package::Kernel &kernel) {
  json.beginObject(kOneLine).member("name", textOf(kernel.name()));
  json.member("axis", package::EnumNameAxis(kernel.axis())).key("variants").beginArray();
  for (const package::Variant *variant : itemsOf(kernel.variants())) {
    json.beginObject().member("up_to", variant->up_to());
    json.member("up_to_run", variant->up_to_run());
    json.member("mode", package::EnumNameVariantMode(variant->mode())).key("phases").beginArray();
    for (const package::Phase *phase : itemsOf(variant->phases())) {
      json.beginObject().member("symbol", textOf(phase->symbol()));
      json.member("axis", package::EnumNameAxis(phase->grid()->axis()));
      json.member("divisor", phase->grid()->divisor()).member("factor", phase->grid()->factor());
      json.member("block", phase->block()).member("shared_bytes", phase->shared_bytes());
      writeMaps(json, *phase);
      json.endObject();
    }
    json.endArray().endObject();
  }
  json.endArray().endObject();
}

void writeDispatch(JsonWriter &json, const package::Dispatch &dispatch) {
  json.beginObject(kOneLine).member("name", textOf(dispatch.name()));
  json.member("kernel", dispatch.kernel()).member("layer", dispatch.layer());
  writeCost(json, dispatch);
  json.key("results").beginArray();
  for (const package::Result *result : itemsOf(dispatch.results())) {
    json.beginObject().member("name", textOf(result->name()));
    json.member("dtype", package::EnumNameDType(result->dtype()));
    json.member("features", result->features()).endObject();
  }
  json.endArray().endObject();
}

void writeProgram(JsonWriter &json, const package::Program &program) {
  json.beginObject().member("device", textOf(program.device())).key("code").beginArray();
  for (const package::CodeObject *code : itemsOf(program.code())) {
    json.beginObject(kOneLine).member("target", textOf(code->target()));
    json.member("format", package::EnumNameCodeFormat(code->format()));
    json.member("section", code->section()).endObject();
  }
  json.endArray().member("arena_bytes_per_token", program.arena_bytes_per_token());
  json.member("arena_token_multiple", program.arena_token_multiple());
  json.member("page_tokens", program.page_tokens()).member("page_bytes", program.page_bytes());
  TokenCost cost = costOf(program);
  json.key("per_token").beginObject(kOneLine).member("streamed_bytes", cost.streamed);
  json.member("activation_bytes", cost.activations).member("flops", cost.flops);
  json.member("context_bytes", cost.contextBytes).member("context_flops", cost.contextFlops);
  json.endObject().key("kernels").beginArray();
  for (const package::Kernel *kernel : itemsOf(program.kernels()))
    writeKernel(json, *kernel);
  json.endArray().key("dispatches").beginArray();
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    writeDispatch(json, *dispatch);
  json.endArray().endObject();
}

std::string packageJson(const Package &package, const Tokenizer *tokenizer) {
  const package::Manifest &manifest = package.manifest();
  JsonWriter json;
  json.beginObject().member("kind", "package").member("path", package.path());
  json.member("size", package.size()).member("format", versionOf(package));
  json.member("compiler", textOf(manifest.compiler()));
  writeModel(json, package.model());
  writeWeights(json, package);
  writeSections(json, manifest);
  json.key("tokenizer");
  if (tokenizer) {
    json.beginObject(kOneLine);
    writeTokenizer(json, *tokenizer);
    json.endObject();
  } else {
    json.null();
  }
  json.key("programs").beginArray();
  for (const package::Program *program : itemsOf(manifest.programs()))
    writeProgram(json, *program);
  return json.endArray().endObject().take();
}

} // namespace

absl::StatusOr<std::string> describePackage(const Package &package, const InspectOptions &options) {
  STRATA_ASSIGN(std::unique_ptr<Tokenizer> tokenizer, tokenizerOf(package));
  return options.format == InspectFormat::json ? packageJson(package, tokenizer.get())
                                               : packageText(package, tokenizer.get(), options);
}

} // namespace strata
