//===- PageFacts.cpp - what the page shows of server and model ------------===//

#include "tools/serve/PageFacts.h"

#include "runtime/engine/StepWork.h"
#include "tools/command_line/JsonWriter.h"
#include "tools/command_line/PackageFacts.h"

#include <chrono>
#include <set>
#include <string_view>

namespace strata::serve {
namespace {

constexpr auto kOneLine = JsonWriter::Layout::oneLine;

void writeCeilings(JsonWriter &json, const std::optional<serving::Ceilings> &ceilings) {
  json.key("ceilings");
  if (!ceilings) {
    json.null();
    return;
  }
  json.beginObject(kOneLine).member("read", ceilings->read).member("flops", ceilings->flops);
  json.member("instruction", ceilings->instruction).endObject();
}

/// Seconds of a clock that never jumps, so that rates can be told between two answers.
double secondsNow() {
  return std::chrono::duration<double>(serving::Clock::now().time_since_epoch()).count();
}

/// "model.layers.0.mlp.up_proj" and the like; the layer's number is `layer`.
bool isOfLayer(std::string_view name, std::string_view layer) {
  const std::string part = "layers." + std::string(layer) + ".";
  return name.starts_with(part) || name.find("." + part) != std::string_view::npos;
}

bool isOfAnyLayer(std::string_view name) {
  return name.starts_with("layers.") || name.find(".layers.") != std::string_view::npos;
}

void writeDispatch(JsonWriter &json, const package::Program &program,
                   const package::Dispatch &dispatch) {
  const package::Kernel &kernel = *program.kernels()->Get(dispatch.kernel());
  json.beginObject(kOneLine).member("name", textOf(dispatch.name()));
  json.member("kernel", textOf(kernel.name()));
  json.member("axis", package::EnumNameAxis(kernel.axis()));
  writeCost(json, dispatch);
  json.endObject();
}

/// Those of the first layer, as which all others are, and those that belong to none.
void writeDispatches(JsonWriter &json, const package::Program &program) {
  const auto write = [&](const char *key, auto isWanted) {
    json.key(key).beginArray();
    for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
      if (isWanted(textOf(dispatch->name())))
        writeDispatch(json, program, *dispatch);
    json.endArray();
  };
  write("layer", [](const std::string &name) { return isOfLayer(name, "0"); });
  write("outside", [](const std::string &name) { return !isOfAnyLayer(name); });
}

uint64_t countVariants(const package::Program &program) {
  uint64_t sum = 0;
  for (const package::Kernel *kernel : itemsOf(program.kernels()))
    sum += count(kernel->variants());
  return sum;
}

/// The code that the package has for any machine.
std::set<std::string> codesOf(const package::Manifest &manifest) {
  std::set<std::string> names;
  for (const package::Program *program : itemsOf(manifest.programs()))
    for (const package::CodeObject *code : itemsOf(program->code()))
      names.insert(textOf(code->target()));
  return names;
}

void writeProgram(JsonWriter &json, const Package &package, const serving::EngineFacts &facts) {
  const package::Program &program = *facts.program;
  json.key("program").beginObject();
  json.member("device", textOf(program.device())).member("target", facts.target);
  json.member("threads", facts.threads);
  json.member("dispatches", count(program.dispatches()));
  json.member("kernels", count(program.kernels())).member("variants", countVariants(program));
  json.list("codes", codesOf(package.manifest()));
  json.member("bytes", package.size()).member("format", versionOf(package));
  json.member("compiler", textOf(package.manifest().compiler())).endObject();
}

/// The arena is as large as steps want it.
void writeMemory(JsonWriter &json, const Package &package, const serving::EngineFacts &facts,
                 uint32_t pages) {
  const package::Program &program = *facts.program;
  const int64_t tokens = roundUp(facts.stepTokens, program.arena_token_multiple());
  json.key("memory").beginObject();
  json.member("weight_bytes", weightBytes(package.manifest()));
  json.member("pages", pages).member("page_tokens", program.page_tokens());
  json.member("page_bytes", program.page_bytes());
  json.member("cache_bytes", pages * program.page_bytes());
  json.member("arena_bytes_per_token", program.arena_bytes_per_token());
  json.member("step_tokens", facts.stepTokens);
  json.member("arena_bytes", uint64_t(tokens) * program.arena_bytes_per_token()).endObject();
}

void writeFacts(JsonWriter &json, const ServedModel &model) {
  const package::Model &facts = model.package.model();
  json.member("name", model.name).member("architecture", textOf(facts.architecture()));
  json.member("parameters", facts.parameter_count());
  json.member("tensors", count(model.package.manifest().parameters()));
  json.member("layers", facts.layers()).member("hidden", facts.hidden());
  json.member("vocabulary", facts.vocabulary()).member("context", model.context).key("chat");
  if (!model.chat)
    json.null();
  else
    json.value(model.chat->chatForm() == ChatForm::raw ? "raw" : "nemotron");
}

} // namespace

std::string stateJson(const serving::Metrics &metrics, const serving::EngineFacts &facts,
                      const std::optional<serving::Ceilings> &ceilings) {
  JsonWriter json;
  json.beginObject().member("seconds", secondsNow());
  json.member("running", metrics.running).member("waiting", metrics.waiting);
  json.member("most_running", facts.mostRunning);
  json.member("pages", metrics.pages).member("free_pages", metrics.freePages);
  json.member("page_tokens", facts.program->page_tokens());
  json.member("prompt_tokens", metrics.promptTokens).member("cached_tokens", metrics.cachedTokens);
  json.member("generated_tokens", metrics.generatedTokens);
  json.member("preemptions", metrics.preemptions).member("steps", metrics.steps);
  json.member("step_seconds", metrics.stepSeconds).member("step_bytes", metrics.stepBytes);
  json.member("step_flops", metrics.stepFlops);
  writeCeilings(json, ceilings);
  return json.endObject().take();
}

std::string modelFactsJson(const ServedModel &model, const serving::EngineFacts &facts,
                           uint32_t pages, const std::optional<serving::Ceilings> &ceilings) {
  JsonWriter json;
  json.beginObject();
  writeFacts(json, model);
  writeProgram(json, model.package, facts);
  writeMemory(json, model.package, facts, pages);
  writeDispatches(json, *facts.program);
  writeCeilings(json, ceilings);
  return json.endObject().take();
}

} // namespace strata::serve
