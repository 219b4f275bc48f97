//===- PackageProgram.cpp - @forward as the manifest's program ------------===//

#include "codegen/PackageProgram.h"
#include "codegen/Buffers.h"
#include "codegen/ResultNames.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace strata;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

static_assert(int(PackageCode::Format::Elf) == int(package::CodeFormat::elf) &&
              int(PackageCode::Format::Cubin) == int(package::CodeFormat::cubin) &&
              int(PackageCode::Format::Ptx) == int(package::CodeFormat::ptx));

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static KVCacheType cacheType(func::FuncOp forward) {
  for (Type type : forward.getArgumentTypes())
    if (auto cache = dyn_cast<KVCacheType>(type))
      return cache;
  return {};
}

ProgramFacts strata::getProgramFacts(ModuleOp module) {
  ProgramFacts facts;
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  for (Type type : forward.getResultTypes())
    if (auto logits = dyn_cast<MemRefType>(type))
      facts.vocabulary = logits.getDimSize(1);
  if (KVCacheType cache = cacheType(forward))
    facts.layers = cache.getLayers();
  // The embedding is the first dispatch whose result is activations.
  for (auto dispatch : forward.getOps<DispatchOp>())
    for (Type type : dispatch.getResultTypes())
      if (auto memref = dyn_cast<MemRefType>(type);
          memref && memref.getElementType().isBF16() && !facts.hidden)
        facts.hidden = memref.getDimSize(1);
  return facts;
}

/// The model's name for an op, or its kernel's.
static std::string dispatchName(DispatchOp op) {
  llvm::StringRef name = getModelName(op.getLoc());
  return (name.empty() ? op.getKernel() : name).str();
}

/// The buffer's kind and value in the manifest.
static llvm::Expected<package::Buffer> emitBuffer(DispatchOp op, const BufferRef &ref,
                                                  const llvm::StringMap<unsigned> &parameters) {
  using Kind = package::BufferKind;
  switch (ref.role) {
  case BufferRole::Positions:
    return package::Buffer(Kind::positions, 0);
  case BufferRole::Sequences:
    return package::Buffer(Kind::sequences, 0);
  case BufferRole::OutputRows:
    return package::Buffer(Kind::output_rows, 0);
  case BufferRole::PageTable:
    return package::Buffer(Kind::page_table, 0);
  case BufferRole::Cache:
    return package::Buffer(Kind::cache, 0);
  case BufferRole::Workspace:
    return package::Buffer(Kind::arena, op.getWorkspace()->getOffset());
  case BufferRole::Value:
  case BufferRole::Scales:
    break;
  }
  auto type = cast<MemRefType>(ref.value.getType());
  if (auto place = dyn_cast_or_null<ArenaAttr>(type.getMemorySpace()))
    return package::Buffer(Kind::arena, place.getOffset());
  if (auto parameter = ref.value.getDefiningOp<ParameterOp>())
    return package::Buffer(Kind::parameter,
                           parameters.lookup(ref.role == BufferRole::Scales ? *parameter.getScales()
                                                                            : parameter.getKey()));
  if (isa<BlockArgument>(ref.value) && type.getElementType().isInteger(32))
    return package::Buffer(Kind::tokens, 0);
  if (ref.value.getDefiningOp() == op.getOperation() && type.getElementType().isF32())
    return package::Buffer(Kind::logits, 0);
  return error(dispatchName(op) + ": a buffer has no place: run --decoder-plan-memory");
}

// Three enums are the package's under names of their own, so that their headers need no
// FlatBuffers.

static package::VariantMode toPackage(VariantMode mode) {
  switch (mode) {
  case VariantMode::Any:
    return package::VariantMode::any;
  case VariantMode::Usual:
    return package::VariantMode::usual;
  case VariantMode::BatchInvariant:
    return package::VariantMode::batch_invariant;
  }
  llvm_unreachable("no other mode");
}

static package::Axis toPackage(Axis axis) {
  static_assert(int(Axis::One) == int(package::Axis::one) &&
                int(Axis::Tokens) == int(package::Axis::tokens) &&
                int(Axis::Outputs) == int(package::Axis::outputs) &&
                getMaxEnumValForAxis() == unsigned(package::Axis::MAX));
  return static_cast<package::Axis>(axis);
}

static package::CodeFormat toPackage(PackageCode::Format format) {
  using Format = PackageCode::Format;
  static_assert(int(Format::Elf) == int(package::CodeFormat::elf) &&
                int(Format::Cubin) == int(package::CodeFormat::cubin) &&
                int(Format::Ptx) == int(package::CodeFormat::ptx) &&
                package::CodeFormat::MAX == package::CodeFormat::ptx);
  return static_cast<package::CodeFormat>(format);
}

static package::Role toPackage(PackageAuxiliary::Role role) {
  using Role = PackageAuxiliary::Role;
  static_assert(int(Role::Read) == int(package::Role::read) &&
                int(Role::Matrix) == int(package::Role::matrix) &&
                int(Role::RandomBf16) == int(package::Role::random_bf16) &&
                int(Role::RandomF16) == int(package::Role::random_f16) &&
                int(Role::RandomF32) == int(package::Role::random_f32) &&
                int(Role::Sample) == int(package::Role::sample) &&
                package::Role::MAX == package::Role::sample);
  return static_cast<package::Role>(role);
}

static Offset<package::TensorMap> emitMap(FlatBufferBuilder &fb, TensorMapAttr map) {
  constexpr package::DType type = package::DType::bf16;
  int64_t rowElements = map.getRowStride() ? map.getRowStride() : map.getColumns();
  return package::CreateTensorMap(fb, map.getBuffer(), toPackage(map.getAxis()), map.getRows(),
                                  map.getColumns(), 2 * rowElements, type, map.getBoxRows(),
                                  map.getBoxColumns(), package::Swizzle::b128);
}

static Offset<package::Kernel> emitKernel(FlatBufferBuilder &fb, KernelOp op) {
  std::vector<Offset<package::Variant>> variants;
  for (auto variant : op.getVariants().getAsRange<VariantAttr>()) {
    std::vector<Offset<package::Phase>> phases;
    for (PhaseAttr phase : variant.getPhases()) {
      package::Grid grid(toPackage(phase.getAxis()), phase.getDivisor(), phase.getFactor());
      std::vector<Offset<package::TensorMap>> maps;
      for (TensorMapAttr map : phase.getMaps())
        maps.push_back(emitMap(fb, map));
      phases.push_back(package::CreatePhase(fb, fb.CreateString(phase.getSymbol().str()), &grid,
                                            phase.getBlock(), phase.getShared(),
                                            fb.CreateVector(maps)));
    }
    variants.push_back(package::CreateVariant(fb, variant.getUpTo(), fb.CreateVector(phases),
                                              variant.getUpToRun(), toPackage(variant.getMode())));
  }
  return package::CreateKernel(fb, fb.CreateString(op.getSymName().str()), toPackage(op.getAxis()),
                               fb.CreateVector(variants));
}

namespace {
/// Makes names that files can have, each once.
class FileNames {
public:
  std::string take(std::string name) {
    constexpr size_t kMostBytes = 200;
    for (char &c : name)
      if (c == '/' || c == '\\' || c == '\0')
        c = '_';
    if (name.starts_with("."))
      name[0] = '_';
    name.resize(std::min(name.size(), kMostBytes));
    unsigned count = ++taken[name];
    return count == 1 ? name : take(name + "-" + std::to_string(count));
  }

private:
  llvm::StringMap<unsigned> taken;
};
} // namespace

static std::vector<Offset<package::Result>> emitResults(FlatBufferBuilder &fb, DispatchOp op,
                                                        FileNames &fileNames) {
  llvm::SmallVector<std::string> names = readResultNames(op.getLoc());
  names.resize(op->getNumResults());
  auto buffers = listBuffers(op);
  std::vector<Offset<package::Result>> results;
  for (auto [result, name] : llvm::zip(op->getResults(), names)) {
    auto type = dyn_cast<MemRefType>(result.getType());
    if (!type)
      continue;
    auto fileName = fb.CreateString(fileNames.take(name.empty() ? dispatchName(op) : name));
    auto dtype = type.getElementType().isBF16() ? package::DType::bf16 : package::DType::f32;
    results.push_back(package::CreateResult(fb, fileName, findBuffer(buffers, result), dtype,
                                            type.getDimSize(1)));
  }
  return results;
}

static llvm::Expected<Offset<package::Dispatch>>
emitDispatch(FlatBufferBuilder &fb, DispatchOp op, const llvm::StringMap<unsigned> &kernels,
             const llvm::StringMap<unsigned> &parameters, FileNames &fileNames) {
  std::vector<package::Buffer> buffers;
  for (const BufferRef &ref : listBuffers(op)) {
    llvm::Expected<package::Buffer> buffer = emitBuffer(op, ref, parameters);
    if (!buffer)
      return buffer.takeError();
    buffers.push_back(*buffer);
  }
  CostAttr c = op.getCost();
  package::Cost cost(c.getFixedBytes(), c.getRowBytes(), c.getRowFlops(), c.getContextBytes(),
                     c.getContextFlops());
  auto name = fb.CreateString(dispatchName(op));
  auto results = fb.CreateVector(emitResults(fb, op, fileNames));
  return package::CreateDispatch(fb, name, kernels.lookup(op.getKernel()), op.getLayer(),
                                 fb.CreateVectorOfStructs(buffers), &cost, results);
}

static Offset<package::CodeObject> emitCode(FlatBufferBuilder &fb, const PackageCode &code,
                                            unsigned section) {
  std::vector<Offset<flatbuffers::String>> features;
  for (const std::string &feature : code.features)
    features.push_back(fb.CreateString(feature));
  auto format = toPackage(code.format);
  return package::CreateCodeObject(fb, fb.CreateString(code.target), fb.CreateVector(features),
                                   section, format);
}

static Offset<package::Auxiliary> emitAuxiliary(FlatBufferBuilder &fb,
                                                const PackageAuxiliary &kernel) {
  auto symbol = fb.CreateString(kernel.symbol), instruction = fb.CreateString(kernel.instruction);
  return package::CreateAuxiliary(fb, toPackage(kernel.role), symbol, kernel.block, kernel.flops,
                                  instruction, kernel.sharedBytes);
}

llvm::Expected<Offset<package::Program>>
strata::emitProgram(FlatBufferBuilder &fb, const PackageDevice &device, unsigned firstSection,
                    const llvm::StringMap<unsigned> &parameters) {
  ModuleOp module = device.module;
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  KVCacheType cache = forward ? cacheType(forward) : KVCacheType();
  auto arena = forward ? forward->getAttrOfType<IntegerAttr>(kArenaBytesAttrName) : IntegerAttr();
  if (!cache || !arena)
    return error("@forward has no cache or no memory plan");
  std::vector<Offset<package::CodeObject>> codeObjects;
  for (const PackageCode &object : device.code)
    codeObjects.push_back(emitCode(fb, object, firstSection + codeObjects.size()));
  std::vector<Offset<package::Kernel>> kernels;
  llvm::StringMap<unsigned> numbers;
  for (auto kernel : module.getOps<KernelOp>()) {
    numbers[kernel.getSymName()] = kernels.size();
    kernels.push_back(emitKernel(fb, kernel));
  }
  std::vector<Offset<package::Dispatch>> dispatches;
  FileNames fileNames;
  for (auto dispatch : forward.getOps<DispatchOp>()) {
    auto offset = emitDispatch(fb, dispatch, numbers, parameters, fileNames);
    if (!offset)
      return offset.takeError();
    dispatches.push_back(*offset);
  }
  std::vector<Offset<package::Auxiliary>> auxiliary;
  for (const PackageAuxiliary &kernel : device.auxiliary)
    auxiliary.push_back(emitAuxiliary(fb, kernel));
  auto name = fb.CreateString(device.name);
  return package::CreateProgram(fb, name, fb.CreateVector(codeObjects), fb.CreateVector(kernels),
                                fb.CreateVector(dispatches), arena.getInt(), kArenaTokenMultiple,
                                cache.getPageTokens(), cache.getPageBytes(),
                                fb.CreateVector(auxiliary));
}
