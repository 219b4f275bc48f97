//===- EmitPackage.cpp - the stage `package` ------------------------------===//

#include "codegen/EmitPackage.h"
#include "codegen/PackageProgram.h"
#include "dialect/Storage.h"
#include "runtime/package/HeaderHash.h"
#include "runtime/package/Package.h"
#include "runtime/package/PackageFormat.h"
#include "llvm/Support/MathExtras.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace mlir;
using namespace strata;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static XXH128_hash_t hash(llvm::StringRef bytes) {
  return XXH3_128bits(bytes.data(), bytes.size());
}

namespace {
/// A raw range of the file; `offset` is from its start.
struct Section {
  std::string name;
  llvm::StringRef bytes;
  uint64_t offset = 0;
};

/// A tensor of the checkpoint that is a parameter or a plane of one.
struct StoredTensor {
  llvm::StringRef key;
  RankedTensorType type;
  bool scales; ///< of a quantized weight
};

class Writer {
public:
  Writer(llvm::ArrayRef<PackageDevice> devices, const PackageInputs &inputs)
      : devices(devices), module(devices.front().module), inputs(inputs) {}

  llvm::Expected<std::string> write() {
    if (llvm::Error failed = collectParameters())
      return failed;
    collectSections();
    // Section offsets stand in the manifest, and its size decides them: lay out with offsets of 0,
    // then again with the true ones. The size does not depend on the values.
    llvm::Expected<std::string> draft = manifest();
    if (!draft)
      return draft.takeError();
    uint64_t end = placeSections(sizeof(PackageHeader) + draft->size());
    llvm::Expected<std::string> final = manifest();
    if (!final)
      return final.takeError();
    if (final->size() != draft->size())
      return error("internal error: the manifest changed its size");
    return assemble(*final, end);
  }

private:
  llvm::Error collectParameters();
  void collectSections();
  uint64_t placeSections(uint64_t start);
  llvm::Expected<std::string> manifest();
  flatbuffers::Offset<package::Model> model(flatbuffers::FlatBufferBuilder &fb);
  flatbuffers::Offset<package::Parameter> parameter(flatbuffers::FlatBufferBuilder &fb,
                                                    unsigned index);
  llvm::Expected<std::string> assemble(llvm::StringRef manifest, uint64_t fileSize);

  llvm::ArrayRef<PackageDevice> devices;
  ModuleOp module; ///< of the first device: the model's facts are the same in all
  const PackageInputs &inputs;
  std::vector<StoredTensor> parameters; ///< distinct keys, in program order
  std::vector<Section> sections;
  std::string weights; ///< bytes of section "weights"
  std::vector<uint64_t> weightOffsets;
};
} // namespace

static std::string print(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

/// Blocks of weights, and what the runtime calls them.
static constexpr std::pair<QuantizedFormat, package::DType> kBlockTypes[] = {
    {QuantizedFormat::Q8_0, package::DType::q8_0},
    {QuantizedFormat::Q4_0, package::DType::q4_0},
    {QuantizedFormat::Q4_1, package::DType::q4_1},
    {QuantizedFormat::Q5_0, package::DType::q5_0},
    {QuantizedFormat::Q5_1, package::DType::q5_1},
    {QuantizedFormat::Q4K, package::DType::q4_k},
    {QuantizedFormat::Q5K, package::DType::q5_k},
    {QuantizedFormat::Q6K, package::DType::q6_k},
    {QuantizedFormat::IQ4NL, package::DType::iq4_nl},
    {QuantizedFormat::IQ4XS, package::DType::iq4_xs},
};

static std::optional<package::DType> dtypeOf(RankedTensorType type) {
  if (QuantizedAttr quantized = getQuantized(type))
    for (auto [format, dtype] : kBlockTypes)
      if (format == quantized.getFormat())
        return dtype;
  Type element = type.getElementType();
  if (element.isBF16())
    return package::DType::bf16;
  if (element.isF16())
    return package::DType::f16;
  if (element.isInteger(8) || element.isInteger(32))
    return element.isInteger(8) ? package::DType::i8 : package::DType::i32;
  return element.isF32() ? std::optional(package::DType::f32) : std::nullopt;
}

/// That the runtime can hold it, and that it is what the first op of its key says.
static llvm::Error checkType(const StoredTensor &tensor, Type first) {
  if (!dtypeOf(tensor.type))
    return error(tensor.key + ": element type is " + print(tensor.type.getElementType()) +
                 ", expected bf16, f16, f32, i8 or i32");
  if (tensor.type != first)
    return error(tensor.key + ": the program has it as " + print(first) + " and as " +
                 print(tensor.type));
  return llvm::Error::success();
}

/// All of the program, one after the other, as often as it names them.
static std::vector<StoredTensor> listTensors(ModuleOp module) {
  std::vector<StoredTensor> all;
  module.walk([&](ParameterOp op) {
    for (auto [key, type] : llvm::zip(op.getKeys(), getPlanes(cast<ShapedType>(op.getType()))))
      all.push_back({key, type, key != op.getKey()});
  });
  return all;
}

llvm::Error Writer::collectParameters() {
  llvm::StringMap<Type> types;
  for (const StoredTensor &tensor : listTensors(module)) {
    auto [first, isNew] = types.try_emplace(tensor.key, tensor.type);
    if (llvm::Error failed = checkType(tensor, first->second))
      return failed;
    if (isNew)
      parameters.push_back(tensor);
  }
  if (inputs.tensors.empty()) {
    if (inputs.embedWeights)
      return error("there are no weights to embed");
    return llvm::Error::success();
  }
  for (const StoredTensor &tensor : parameters) {
    auto found = inputs.tensors.find(tensor.key);
    if (found == inputs.tensors.end())
      return error("the checkpoint has no tensor '" + tensor.key + "'");
    uint64_t expected = getSpanBytes(tensor.type);
    if (found->second.bytes.size() != expected)
      return error(tensor.key + ": the tensor has " + llvm::Twine(found->second.bytes.size()) +
                   " bytes, expected " + llvm::Twine(expected));
  }
  return llvm::Error::success();
}

void Writer::collectSections() {
  for (const PackageDevice &device : devices)
    for (const PackageCode &code : device.code)
      sections.push_back({device.name + "." + code.target, code.bytes});
  if (inputs.tokenizer)
    sections.push_back({inputs.tokenizer->section, inputs.tokenizer->bytes});
  if (!inputs.embedWeights)
    return;
  for (const StoredTensor &tensor : parameters) {
    weights.resize(llvm::alignTo(weights.size(), kWeightAlignment));
    weightOffsets.push_back(weights.size());
    weights += inputs.tensors.find(tensor.key)->second.bytes;
  }
  sections.push_back({"weights", weights});
}

uint64_t Writer::placeSections(uint64_t start) {
  for (Section &section : sections) {
    section.offset = llvm::alignTo(start, kSectionAlignment);
    start = section.offset + section.bytes.size();
  }
  return start;
}

flatbuffers::Offset<package::Model> Writer::model(flatbuffers::FlatBufferBuilder &fb) {
  auto attr = module->getAttrOfType<ModelAttr>(kModelAttrName);
  ProgramFacts facts = getProgramFacts(module);
  auto architecture = fb.CreateString(attr ? attr.getArchitecture().str() : "");
  auto name = fb.CreateString(attr ? attr.getName().str() : "");
  std::vector<int32_t> eos;
  if (attr)
    eos.assign(attr.getEosTokens().begin(), attr.getEosTokens().end());
  auto eosTokens = fb.CreateVector(eos);
  auto chatTemplate = fb.CreateString(inputs.chatTemplate);
  return package::CreateModel(fb, architecture, name, getParameterCount(module), facts.vocabulary,
                              facts.layers, facts.hidden, attr ? attr.getContextTokens() : 0,
                              attr ? attr.getBosToken() : -1, eosTokens, attr && attr.getAddBos(),
                              chatTemplate);
}

flatbuffers::Offset<package::Parameter> Writer::parameter(flatbuffers::FlatBufferBuilder &fb,
                                                          unsigned index) {
  const StoredTensor &stored = parameters[index];
  auto key = fb.CreateString(stored.key.str());
  std::vector<uint64_t> dims(stored.type.getShape().begin(), stored.type.getShape().end());
  auto shape = fb.CreateVector(dims);
  package::Storage storage = package::Storage::unbound;
  uint32_t file = 0;
  uint64_t offset = 0;
  if (inputs.embedWeights) {
    storage = package::Storage::embedded;
    offset = weightOffsets[index];
  } else if (!inputs.tensors.empty()) {
    const PackageTensor &tensor = inputs.tensors.find(stored.key)->second;
    storage = package::Storage::file;
    file = tensor.file;
    offset = tensor.offset;
  }
  auto box = dyn_cast_or_null<BoxAttr>(stored.type.getEncoding());
  return package::CreateParameter(fb, key, *dtypeOf(stored.type), shape, storage, file, offset,
                                  box ? box.getGroupRows() : 0, box ? box.getGroupStride() : 0,
                                  inputs.includesOne.contains(stored.key),
                                  box ? box.getRowStride() : 0, stored.scales);
}

static flatbuffers::Offset<package::CheckpointFile>
checkpointFile(flatbuffers::FlatBufferBuilder &fb, const PackageFile &file) {
  std::vector<package::ByteRange> ranges;
  for (std::span<const std::byte> part : file.header)
    ranges.emplace_back(part.data() - file.bytes.data(), part.size());
  HeaderHash header = hashHeader(file.header);
  return package::CreateCheckpointFile(fb, fb.CreateString(file.name), file.bytes.size(),
                                       fb.CreateVectorOfStructs(ranges), header.low, header.high);
}

llvm::Expected<std::string> Writer::manifest() {
  flatbuffers::FlatBufferBuilder fb(1 << 16);
  fb.ForceDefaults(true); // so that the size does not depend on the values
  auto compiler = fb.CreateString(inputs.compiler);
  auto modelOffset = model(fb);
  auto directory = fb.CreateString(inputs.embedWeights ? "" : inputs.weightsDirectory);
  std::vector<flatbuffers::Offset<package::CheckpointFile>> files;
  for (const PackageFile &file : inputs.files) {
    if (inputs.embedWeights)
      break;
    files.push_back(checkpointFile(fb, file));
  }
  auto filesOffset = fb.CreateVector(files);
  std::vector<flatbuffers::Offset<package::Parameter>> parameterOffsets;
  llvm::StringMap<unsigned> numbers;
  for (unsigned i = 0; i != parameters.size(); ++i) {
    parameterOffsets.push_back(parameter(fb, i));
    numbers[parameters[i].key] = i;
  }
  auto parametersOffset = fb.CreateVector(parameterOffsets);
  std::vector<flatbuffers::Offset<package::Section>> sectionOffsets;
  for (const Section &section : sections) {
    XXH128_hash_t digest = hash(section.bytes);
    sectionOffsets.push_back(package::CreateSection(fb, fb.CreateString(section.name),
                                                    section.offset, section.bytes.size(),
                                                    digest.low64, digest.high64));
  }
  auto sectionsOffset = fb.CreateVector(sectionOffsets);
  std::vector<flatbuffers::Offset<package::Program>> programOffsets;
  unsigned section = 0;
  for (const PackageDevice &device : devices) {
    auto program = emitProgram(fb, device, section, numbers);
    if (!program)
      return program.takeError();
    programOffsets.push_back(*program);
    section += device.code.size();
  }
  auto programs = fb.CreateVector(programOffsets);
  fb.Finish(package::CreateManifest(fb, compiler, modelOffset, directory, filesOffset,
                                    parametersOffset, sectionsOffset, programs));
  return std::string(reinterpret_cast<const char *>(fb.GetBufferPointer()), fb.GetSize());
}

llvm::Expected<std::string> Writer::assemble(llvm::StringRef manifest, uint64_t fileSize) {
  PackageHeader header = {};
  std::copy(std::begin(kPackageMagic), std::end(kPackageMagic), header.magic);
  header.major = kPackageMajor;
  header.minor = kPackageMinor;
  header.fileSize = fileSize;
  header.manifestOffset = sizeof header;
  header.manifestSize = manifest.size();
  XXH128_hash_t digest = hash(manifest);
  header.manifestHash[0] = digest.low64;
  header.manifestHash[1] = digest.high64;
  header.headerHash = XXH3_64bits(&header, offsetof(PackageHeader, headerHash));

  std::string bytes(reinterpret_cast<const char *>(&header), sizeof header);
  bytes += manifest;
  for (const Section &section : sections) {
    bytes.resize(section.offset);
    bytes += section.bytes;
  }
  absl::Status status = verifyPackage(std::as_bytes(std::span(bytes)));
  if (!status.ok())
    return error("internal error: the package is not valid: " + std::string(status.message()));
  return bytes;
}

llvm::Expected<std::string> strata::emitPackage(llvm::ArrayRef<PackageDevice> devices,
                                                const PackageInputs &inputs) {
  return Writer(devices, inputs).write();
}
