//===- TestPackage.cpp ----------------------------------------------------===//

#include "test/runtime/TestPackage.h"

#include "runtime/package/PackageFormat.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <cstring>

namespace strata::test {
namespace {

constexpr int kVocabulary = 2048; // that of FakeKernels.c

std::string pack(const package::ManifestT &manifest) {
  flatbuffers::FlatBufferBuilder builder;
  builder.ForceDefaults(true); // so that the size does not depend on the values
  builder.Finish(package::Manifest::Pack(builder, &manifest));
  return {reinterpret_cast<const char *>(builder.GetBufferPointer()), builder.GetSize()};
}

std::unique_ptr<package::ParameterT> parameter(const std::string &key, uint64_t offset) {
  auto result = std::make_unique<package::ParameterT>();
  result->key = key;
  result->dtype = package::DType::f32;
  result->shape = {kVocabulary};
  result->storage = package::Storage::embedded;
  result->offset = offset;
  return result;
}

std::string values(float first) {
  std::string bytes;
  for (int i = 0; i < kVocabulary; ++i) {
    float value = first + float(i);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
  return bytes;
}

std::unique_ptr<package::PhaseT> phase(const std::string &symbol, package::Axis axis,
                                       uint32_t divisor, uint32_t factor) {
  auto result = std::make_unique<package::PhaseT>();
  result->symbol = symbol;
  result->grid = std::make_unique<package::Grid>(axis, divisor, factor);
  return result;
}

void addVariant(package::KernelT &kernel, uint32_t upTo, const std::vector<std::string> &symbols,
                package::Axis axis, uint32_t divisor = 1, uint32_t factor = 1) {
  auto variant = std::make_unique<package::VariantT>();
  variant->up_to = upTo;
  for (const std::string &symbol : symbols)
    variant->phases.push_back(phase(symbol, axis, divisor, factor));
  kernel.variants.push_back(std::move(variant));
}

package::KernelT &addKernel(package::ProgramT &program, const std::string &name,
                            package::Axis axis) {
  program.kernels.push_back(std::make_unique<package::KernelT>());
  program.kernels.back()->name = name;
  program.kernels.back()->axis = axis;
  return *program.kernels.back();
}

void addDispatch(package::ProgramT &program, const std::string &name, uint32_t kernel,
                 uint32_t layer, std::vector<package::Buffer> buffers, package::Cost cost) {
  auto dispatch = std::make_unique<package::DispatchT>();
  dispatch->name = name;
  dispatch->kernel = kernel;
  dispatch->layer = layer;
  dispatch->buffers = std::move(buffers);
  dispatch->cost = std::make_unique<package::Cost>(cost);
  program.dispatches.push_back(std::move(dispatch));
}

/// Says what the last dispatch computes, and into which of its buffers.
void addResult(package::ProgramT &program, const std::string &name, uint32_t buffer,
               uint32_t features) {
  auto result = std::make_unique<package::ResultT>();
  result->name = name;
  result->buffer = buffer;
  result->dtype = package::DType::f32;
  result->features = features;
  program.dispatches.back()->results.push_back(std::move(result));
}

void addKernels(package::ProgramT &program) {
  using package::Axis;
  addVariant(addKernel(program, "embed", Axis::tokens), 0, {"embed"}, Axis::tokens);
  addVariant(addKernel(program, "store", Axis::tokens), 0, {"store"}, Axis::tokens, 4);
  package::KernelT &attend = addKernel(program, "attend", Axis::tokens);
  addVariant(attend, 2, {"attend_few"}, Axis::tokens);
  addVariant(attend, 6, {"attend_some"}, Axis::tokens);
  addVariant(attend, 0, {"attend_many", "attend_many_sum"}, Axis::tokens);
  addVariant(addKernel(program, "output", Axis::outputs), 0, {"output"}, Axis::outputs, 1, 2);
}

void addDispatches(package::ProgramT &program) {
  using package::Buffer;
  using Kind = package::BufferKind;
  Buffer tokens(Kind::tokens, 0), positions(Kind::positions, 0), sequences(Kind::sequences, 0);
  Buffer outputs(Kind::output_rows, 0), table(Kind::page_table, 0), cache(Kind::cache, 0);
  Buffer logits(Kind::logits, 0), value(Kind::arena, 0), partial(Kind::arena, 4);
  Buffer sum(Kind::arena, 8), embedding(Kind::parameter, 0), scale(Kind::parameter, 1);
  addDispatch(program, "embed", 0, 0, {tokens, embedding, value}, {0, 8, 0, 0, 0});
  addResult(program, "embed", 2, 1);
  for (uint32_t layer : {0, 1})
    addDispatch(program, "store", 1, layer, {value, positions, sequences, table, cache},
                {0, 8, 1, 0, 0});
  addDispatch(program, "attend", 2, 1, {positions, sequences, table, cache, partial, sum},
              {0, 4, 0, 4, 2});
  addResult(program, "attend.sum", 5, 1);
  addDispatch(program, "output", 3, 0, {sum, outputs, scale, logits},
              {4 * kVocabulary, 64, 16, 0, 0});
  addResult(program, "output", 3, kVocabulary);
}

std::unique_ptr<package::ProgramT> fakeProgram() {
  auto program = std::make_unique<package::ProgramT>();
  program->device = "cpu";
  program->code.push_back(std::make_unique<package::CodeObjectT>());
  program->code[0]->target = "x86-64";
  program->code[0]->section = 0;
  addKernels(*program);
  addDispatches(*program);
  program->arena_bytes_per_token = 12;
  program->arena_token_multiple = 16;
  program->page_tokens = 4;
  program->page_bytes = 64;
  return program;
}

uint64_t alignUp(uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

} // namespace

void TestPackage::addSection(const std::string &name, std::string bytes) {
  manifest.sections.push_back(std::make_unique<package::SectionT>());
  manifest.sections.back()->name = name;
  contents.push_back(std::move(bytes));
}

void TestPackage::layout() {
  uint64_t end = sizeof(PackageHeader) + pack(manifest).size();
  for (size_t i = 0; i < contents.size(); ++i) {
    package::SectionT &section = *manifest.sections[i];
    XXH128_hash_t hash = XXH3_128bits(contents[i].data(), contents[i].size());
    section.offset = alignUp(end);
    section.size = contents[i].size();
    section.hash_low = hash.low64;
    section.hash_high = hash.high64;
    end = section.offset + section.size;
  }
}

std::string TestPackage::encode() const {
  std::string tables = pack(manifest);
  PackageHeader header = {};
  memcpy(header.magic, kPackageMagic, sizeof header.magic);
  header.major = kPackageMajor;
  header.minor = kPackageMinor;
  header.manifestOffset = sizeof header;
  header.manifestSize = tables.size();
  std::string file(sizeof header, '\0');
  file += tables;
  for (size_t i = 0; i < contents.size(); ++i) {
    uint64_t offset = manifest.sections[i]->offset, end = offset + contents[i].size();
    if (offset < sizeof header + tables.size() || offset > 1 << 20)
      continue;
    file.resize(std::max<uint64_t>(file.size(), end));
    memcpy(file.data() + offset, contents[i].data(), contents[i].size());
  }
  header.fileSize = file.size();
  memcpy(file.data(), &header, sizeof header);
  seal(file);
  return file;
}

void seal(std::string &file) {
  PackageHeader header;
  memcpy(&header, file.data(), sizeof header);
  XXH128_hash_t hash = XXH3_128bits(file.data() + sizeof header, header.manifestSize);
  header.manifestHash[0] = hash.low64;
  header.manifestHash[1] = hash.high64;
  header.headerHash = XXH3_64bits(&header, offsetof(PackageHeader, headerHash));
  memcpy(file.data(), &header, sizeof header);
}

TestPackage fakeModel(const std::string &tokenizer) {
  TestPackage result;
  package::ManifestT &manifest = result.manifest;
  manifest.compiler = "test";
  manifest.weights_dir = "/nowhere";
  manifest.model = std::make_unique<package::ModelT>();
  manifest.model->architecture = "Fake";
  manifest.model->name = "fake";
  manifest.model->vocabulary = kVocabulary;
  manifest.model->layers = 2;
  manifest.model->hidden = 1;
  manifest.model->context = 32;
  manifest.model->bos_token = 1;
  manifest.model->eos_tokens = {15};
  manifest.parameters.push_back(parameter("table", 0));
  manifest.parameters.push_back(parameter("scale", sizeof(float) * kVocabulary));
  manifest.programs.push_back(fakeProgram());
  result.addSection("cpu.x86-64", contentsOf(STRATA_FAKE_KERNELS));
  result.addSection("weights", values(1) + values(1));
  if (!tokenizer.empty())
    result.addSection("tokenizer", tokenizer);
  result.layout();
  return result;
}

void makeCuda(package::ProgramT &program, const std::string &target, package::CodeFormat format) {
  program.device = "cuda";
  program.code[0]->target = target;
  program.code[0]->format = format;
  for (auto &kernel : program.kernels)
    for (auto &variant : kernel->variants)
      for (auto &phase : variant->phases)
        phase->block = 1;
  program.auxiliary.clear();
  auto add = [&](package::Role role, const char *symbol, uint64_t flops, const char *instruction) {
    program.auxiliary.push_back(std::make_unique<package::AuxiliaryT>());
    package::AuxiliaryT &kernel = *program.auxiliary.back();
    kernel.role = role;
    kernel.symbol = symbol;
    kernel.block = 32;
    kernel.flops = flops;
    kernel.instruction = instruction;
  };
  add(package::Role::read, "read_memory", 0, "");
  add(package::Role::matrix, "multiply_matrices", 1000, "fake products");
  add(package::Role::random_f32, "random_f32", 0, "");
  add(package::Role::sample, "sample", 0, "");
}

void addMaps(package::ProgramT &program) {
  program.arena_bytes_per_token = 16;
  package::PhaseT &phase = *program.kernels[0]->variants[0]->phases[0];
  phase.symbol = "embed_mapped";
  auto add = [&](package::TensorMapT map) {
    phase.maps.push_back(std::make_unique<package::TensorMapT>(map));
  };
  package::TensorMapT table, value;
  table.buffer = 1;
  table.rows = 64;
  table.columns = 32;
  table.row_bytes = 128;
  table.dtype = package::DType::f32;
  table.box_rows = 8;
  table.box_columns = 16;
  table.swizzle = package::Swizzle::b64;
  add(table);
  value.buffer = 2;
  value.axis = package::Axis::tokens;
  value.rows = 1;
  value.columns = 4;
  value.row_bytes = 16;
  value.box_rows = 256;
  value.box_columns = 8;
  add(value);
}

float fakeSum(std::span<const int32_t> sequence, int64_t position, int64_t tokensOfStep) {
  float sum = tokensOfStep <= 2 ? 0 : tokensOfStep <= 6 ? 1000 : 2000;
  for (int64_t p = 0; p <= position; ++p)
    sum += float(sequence[size_t(p)] + 1 + 1) * float(p + 1); // table value, + 1 for layer 1
  return sum;
}

absl::Status verify(const std::string &file) {
  return verifyPackage(std::as_bytes(std::span(file)));
}

testing::AssertionResult says(const absl::Status &status, const std::string &part) {
  std::string message(status.message());
  if (!status.ok() && message.find(part) != std::string::npos)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "expected \"" << part << "\" in: " << status;
}

} // namespace strata::test
