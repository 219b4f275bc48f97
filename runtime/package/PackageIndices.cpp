//===- PackageIndices.cpp - every number of the manifest in its range -----===//

#include "runtime/package/PackageIndices.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Status.h"
#include "runtime/package/GpuTarget.h"
#include "runtime/package/Package.h"
#include "runtime/package/PackageFormat.h"
#include "runtime/package/PackageLimits.h"

#include "absl/strings/str_split.h"

#include <set>

namespace strata {
namespace {

constexpr uint64_t kMostBytes = uint64_t(1) << 48;
constexpr uint64_t kMostFeatures = 1 << 24; // of a row, and rows for each token
constexpr uint64_t kMostSharedBytes = 1 << 20;
constexpr uint64_t kMostNameBytes = 240; // of a file, without its extension

template <typename... Parts>
absl::Status invalid(const Parts &...parts) {
  return absl::DataLossError(absl::StrCat(parts...));
}

absl::Status inRange(const char *field, uint64_t value, uint64_t low, uint64_t high) {
  return value >= low && value <= high
             ? absl::OkStatus()
             : invalid(field, ": expected ", low, " to ", high, ", found ", value);
}

absl::Status isIndex(const char *field, uint64_t value, uint64_t size) {
  return value < size ? absl::OkStatus()
                      : invalid(field, ": expected an index below ", size, ", found ", value);
}

absl::Status isMultiple(const char *field, uint64_t value, uint64_t divisor) {
  return value % divisor == 0
             ? absl::OkStatus()
             : invalid(field, ": expected a multiple of ", divisor, ", found ", value);
}

absl::Status endsAt(Checked end, uint64_t room) {
  return end.atMost(room) ? absl::OkStatus()
                          : invalid("end: expected at most byte ", room, ", found ",
                                    end.value().value_or(UINT64_MAX));
}

// FlatBuffers' verifier checks the alignment of a vector's length, not that of its elements.
template <typename T>
absl::Status isAligned(const char *field, const flatbuffers::Vector<T> *vector, size_t alignment) {
  return !vector || reinterpret_cast<uintptr_t>(vector->Data()) % alignment == 0
             ? absl::OkStatus()
             : invalid(field, ": expected elements aligned to ", alignment, " bytes");
}

absl::Status isText(const char *field, const flatbuffers::String *string) {
  if (!string || string->size() == 0)
    return invalid(field, ": expected text, found none");
  if (string->str().find('\0') != std::string::npos)
    return invalid(field, ": expected text, found a zero byte in it");
  return absl::OkStatus();
}

bool isComponent(absl::string_view name) {
  return !name.empty() && name.size() <= 255 && name.find_first_of("/\\") == name.npos &&
         name != "." && name != "..";
}

absl::Status isFileName(const char *field, const flatbuffers::String *string) {
  STRATA_TRY(isText(field, string));
  return isComponent(textOf(string)) ? absl::OkStatus()
                                     : invalid(field, ": expected a file name without folders");
}

/// A path that does not leave the folder that it is relative to.
absl::Status isPathInside(const char *field, const flatbuffers::String *string) {
  STRATA_TRY(isText(field, string));
  bool inside = true;
  for (absl::string_view component : absl::StrSplit(textOf(string), '/'))
    inside = inside && isComponent(component);
  return inside ? absl::OkStatus() : invalid(field, ": expected a path inside the folder");
}

/// Rows and longest run of the steps that a variant takes; 0: no limit.
struct VariantLimits {
  uint32_t upTo, upToRun;
};
constexpr VariantLimits kNoLimits = {0, 0};

VariantLimits limitsOf(const package::Variant &variant) {
  return {variant.up_to(), variant.up_to_run()};
}

/// Whether a variant takes every step within `limits`.
bool covers(const package::Variant &variant, VariantLimits limits) {
  auto within = [](uint32_t limit, uint32_t others) {
    return limit == 0 || (others != 0 && others <= limit);
  };
  return within(variant.up_to(), limits.upTo) && within(variant.up_to_run(), limits.upToRun);
}

bool isCuda(const package::Program &program) { return textOf(program.device()) == "cuda"; }

/// Walks the manifest from the top; each function checks one table.
class IndexVerifier {
public:
  explicit IndexVerifier(const package::Manifest &manifest) : manifest(manifest) {}
  absl::Status verify();

private:
  absl::Status verifyModel(const package::Model &model);
  absl::Status verifyFile(const package::CheckpointFile &file);
  absl::Status verifySection(const package::Section &section);
  absl::Status verifyParameter(const package::Parameter &parameter);
  absl::Status verifyBlocks(const package::Parameter &parameter);
  absl::Status verifyBox(const package::Parameter &parameter);
  absl::Status verifyStorage(const package::Parameter &parameter, uint64_t bytes);
  absl::Status verifyProgram(const package::Program &program);
  absl::Status verifyTargets();
  absl::Status verifyCode(const package::Program &program, const package::CodeObject &code);
  absl::Status verifyKernel(const package::Program &program, const package::Kernel &kernel);
  absl::Status verifyMode(const package::Kernel &kernel, package::VariantMode mode);
  absl::Status verifyPhases(const package::Program &program, const package::Variant &variant);
  absl::Status verifyMap(const package::TensorMap &map);
  absl::Status verifyAuxiliary(const package::Program &program);
  absl::Status verifyDispatch(const package::Program &program, const package::Dispatch &dispatch);
  absl::Status verifyBuffer(const package::Program &program, const package::Buffer &buffer);
  absl::Status verifyResult(const package::Program &program, const package::Dispatch &dispatch,
                            const package::Result &result);
  absl::Status verifyResultNames(const package::Program &program);
  absl::Status verifyMappedBuffers(const package::Program &program,
                                   const package::Dispatch &dispatch);
  absl::Status verifyMappedBuffer(const package::Program &program,
                                  const package::Dispatch &dispatch, const package::TensorMap &map);

  /// Checks every item of a vector; errors begin with "name INDEX: ".
  template <typename T, typename Check>
  absl::Status each(const char *name, const flatbuffers::Vector<flatbuffers::Offset<T>> *vector,
                    Check check) {
    uint32_t index = 0;
    for (const T *item : itemsOf(vector))
      STRATA_TRY(annotate(check(*item), absl::StrCat(name, " ", index++)));
    return absl::OkStatus();
  }

  /// Fails if two items have the same text.
  template <typename T, typename Text>
  absl::Status unique(const char *name, const flatbuffers::Vector<flatbuffers::Offset<T>> *vector,
                      Text nameOf) {
    std::set<std::string> seen;
    for (const T *item : itemsOf(vector))
      if (!seen.insert(textOf(nameOf(*item))).second)
        return invalid(name, ": expected different names, found ", textOf(nameOf(*item)), " twice");
    return absl::OkStatus();
  }

  const package::Manifest &manifest;
};

absl::Status IndexVerifier::verify() {
  STRATA_TRY(isText("compiler", manifest.compiler()));
  if (!manifest.model())
    return invalid("model: expected a table, found none");
  STRATA_TRY(annotate(verifyModel(*manifest.model()), "model"));
  STRATA_TRY(inRange("sections", count(manifest.sections()), 0, 4096));
  STRATA_TRY(unique("sections", manifest.sections(), [](auto &s) { return s.name(); }));
  STRATA_TRY(unique("parameters", manifest.parameters(), [](auto &p) { return p.key(); }));
  STRATA_TRY(each("file", manifest.files(), [&](auto &file) { return verifyFile(file); }));
  STRATA_TRY(each("section", manifest.sections(), [&](auto &s) { return verifySection(s); }));
  STRATA_TRY(each("parameter", manifest.parameters(), [&](auto &p) { return verifyParameter(p); }));
  STRATA_TRY(each("program", manifest.programs(), [&](auto &p) { return verifyProgram(p); }));
  return verifyTargets();
}

// A program may share its device with others, but not the machines that it is for.
absl::Status IndexVerifier::verifyTargets() {
  std::set<std::string> seen;
  for (const package::Program *program : itemsOf(manifest.programs()))
    for (const package::CodeObject *code : itemsOf(program->code())) {
      std::string name = absl::StrCat(textOf(program->device()), ".", textOf(code->target()));
      if (!seen.insert(name).second)
        return invalid("programs: expected code for different targets, found ", name, " twice");
    }
  return absl::OkStatus();
}

absl::Status IndexVerifier::verifyModel(const package::Model &model) {
  STRATA_TRY(isText("architecture", model.architecture()));
  STRATA_TRY(inRange("vocabulary", model.vocabulary(), 1, 1 << 20));
  STRATA_TRY(inRange("layers", model.layers(), 1, 1024));
  STRATA_TRY(inRange("hidden", model.hidden(), 1, 1 << 16));
  STRATA_TRY(inRange("context", model.context(), 1, kMostContext));
  if (model.bos_token() < -1)
    return invalid("bos_token: expected -1 or a token, found ", model.bos_token());
  if (model.bos_token() >= 0 || model.add_bos())
    STRATA_TRY(isIndex("bos_token", uint32_t(model.bos_token()), model.vocabulary()));
  for (int32_t token : itemsOf(model.eos_tokens()))
    STRATA_TRY(isIndex("eos_tokens", uint32_t(token), model.vocabulary()));
  return absl::OkStatus();
}

absl::Status IndexVerifier::verifyFile(const package::CheckpointFile &file) {
  STRATA_TRY(isPathInside("name", file.name()));
  STRATA_TRY(inRange("size", file.size(), 1, kMostBytes));
  STRATA_TRY(isAligned("header", file.header(), alignof(package::ByteRange)));
  uint64_t end = 0;
  for (const package::ByteRange *range : itemsOf(file.header())) {
    STRATA_TRY(inRange("header offset", range->offset(), end, file.size()));
    STRATA_TRY(inRange("header size", range->size(), 0, file.size() - range->offset()));
    end = range->offset() + range->size();
  }
  return absl::OkStatus();
}

absl::Status IndexVerifier::verifySection(const package::Section &section) {
  return isText("name", section.name());
}

absl::Status IndexVerifier::verifyParameter(const package::Parameter &parameter) {
  STRATA_TRY(isText("key", parameter.key()));
  std::string key = textOf(parameter.key());
  STRATA_TRY(annotate(
      inRange("dtype", uint64_t(parameter.dtype()), 0, uint64_t(package::DType::MAX)), key));
  STRATA_TRY(annotate(inRange("rank", count(parameter.shape()), 0, 8), key));
  STRATA_TRY(annotate(isAligned("shape", parameter.shape(), sizeof(uint64_t)), key));
  STRATA_TRY(annotate(verifyBlocks(parameter), key));
  STRATA_TRY(annotate(verifyBox(parameter), key));
  std::optional<uint64_t> bytes = checkedBytes(parameter);
  if (!bytes || *bytes > kMostBytes)
    return invalid(key, ": shape: expected at most ", kMostBytes, " bytes, found more");
  return annotate(verifyStorage(parameter, *bytes), key);
}

// Quantized weights are matrices whose rows are whole blocks, one row after the other.
absl::Status IndexVerifier::verifyBlocks(const package::Parameter &parameter) {
  const uint64_t block = blockSize(parameter.dtype()).elements;
  if (block == 1)
    return absl::OkStatus();
  STRATA_TRY(inRange("rank", count(parameter.shape()), 2, 2));
  STRATA_TRY(isMultiple("columns", parameter.shape()->Get(1), block));
  STRATA_TRY(inRange("row_stride", parameter.row_stride(), 0, 0));
  return inRange("group_rows", parameter.group_rows(), 0, 0);
}

absl::Status IndexVerifier::verifyBox(const package::Parameter &parameter) {
  Box box = boxOf(parameter);
  if (!box)
    return inRange("group_stride", box.groupStride, 0, 0);
  STRATA_TRY(inRange("rank", count(parameter.shape()), 2, 2));
  uint64_t rows = parameter.shape()->Get(0), columns = parameter.shape()->Get(1);
  if (box.rowStride) {
    STRATA_TRY(inRange("rows", rows, 1, kMostBytes));
    STRATA_TRY(inRange("columns", columns, 1, kMostBytes));
    STRATA_TRY(inRange("row_stride", box.rowStride, columns + 1, kMostBytes));
  }
  if (!box.groupRows)
    return inRange("group_stride", box.groupStride, 0, 0);
  STRATA_TRY(inRange("group_rows", box.groupRows, 1, rows / 2));
  STRATA_TRY(inRange("group_stride", box.groupStride, box.groupRows + 1, kMostBytes));
  return rows % box.groupRows == 0 ? absl::OkStatus()
                                   : invalid("group_rows: expected a divisor of the ", rows,
                                             " rows, found ", box.groupRows);
}

absl::Status IndexVerifier::verifyStorage(const package::Parameter &parameter, uint64_t bytes) {
  uint64_t room = 0;
  switch (parameter.storage()) {
  case package::Storage::unbound:
    return absl::OkStatus();
  case package::Storage::file:
    STRATA_TRY(isIndex("file", parameter.file(), count(manifest.files())));
    room = manifest.files()->Get(parameter.file())->size();
    break;
  case package::Storage::embedded:
    STRATA_TRY(isMultiple("offset", parameter.offset(), kWeightAlignment));
    for (const package::Section *section : itemsOf(manifest.sections()))
      if (textOf(section->name()) == "weights")
        room = section->size();
    break;
  default:
    return invalid("storage: expected 0 to 2, found ", int(parameter.storage()));
  }
  if ((Checked(parameter.offset()) + bytes).atMost(room))
    return absl::OkStatus();
  return invalid("offset: expected ", bytes, " bytes to end at most at ", room, ", found them at ",
                 parameter.offset());
}

absl::Status IndexVerifier::verifyProgram(const package::Program &program) {
  STRATA_TRY(isText("device", program.device()));
  if (textOf(program.device()) != "cpu" && !isCuda(program))
    return invalid("device: expected cpu or cuda, found ", textOf(program.device()));
  STRATA_TRY(inRange("code", count(program.code()), 1, 64));
  STRATA_TRY(inRange("arena_token_multiple", program.arena_token_multiple(), 1, 1 << 16));
  STRATA_TRY(inRange("arena_bytes_per_token", program.arena_bytes_per_token(), 0, kMostBytes));
  STRATA_TRY(inRange("page_tokens", program.page_tokens(), 1, kMostContext));
  STRATA_TRY(inRange("page_bytes", program.page_bytes(), 1, kMostBytes));
  STRATA_TRY(isMultiple("page_bytes", program.page_bytes(), 64));
  STRATA_TRY(each("code", program.code(), [&](auto &c) { return verifyCode(program, c); }));
  STRATA_TRY(each("kernel", program.kernels(), [&](auto &k) { return verifyKernel(program, k); }));
  STRATA_TRY(verifyAuxiliary(program));
  STRATA_TRY(each("dispatch", program.dispatches(),
                  [&](auto &dispatch) { return verifyDispatch(program, dispatch); }));
  return verifyResultNames(program);
}

absl::Status IndexVerifier::verifyCode(const package::Program &program,
                                       const package::CodeObject &code) {
  STRATA_TRY(isText("target", code.target()));
  STRATA_TRY(inRange("format", uint64_t(code.format()), 0,
                     isCuda(program) ? uint64_t(package::CodeFormat::ptx) : 0));
  if (isCuda(program) && !parseGpuTarget(textOf(code.target()), code.format()))
    return invalid("target: expected sim, sim_90a, sm_NN or sm_NN.ptx, as its format says, found ",
                   textOf(code.target()));
  for (const flatbuffers::String *feature : itemsOf(code.features()))
    STRATA_TRY(isText("features", feature));
  return isIndex("section", code.section(), count(manifest.sections()));
}

absl::Status IndexVerifier::verifyKernel(const package::Program &program,
                                         const package::Kernel &kernel) {
  STRATA_TRY(isText("name", kernel.name()));
  STRATA_TRY(inRange("axis", uint64_t(kernel.axis()), 0, uint64_t(package::Axis::outputs)));
  STRATA_TRY(inRange("variants", count(kernel.variants()), 1, 64));
  for (uint32_t i = 0; i < count(kernel.variants()); ++i) {
    const package::Variant &variant = *kernel.variants()->Get(i);
    STRATA_TRY(annotate(verifyPhases(program, variant), absl::StrCat("variant ", i)));
    STRATA_TRY(annotate(inRange("mode", uint64_t(variant.mode()), 0,
                                uint64_t(package::VariantMode::batch_invariant)),
                        absl::StrCat("variant ", i)));
  }
  STRATA_TRY(verifyMode(kernel, package::VariantMode::usual));
  return verifyMode(kernel, package::VariantMode::batch_invariant);
}

/// That each variant of a mode has steps of its own; the usual mode has some.
absl::Status IndexVerifier::verifyMode(const package::Kernel &kernel, package::VariantMode mode) {
  std::vector<uint32_t> indices;
  for (uint32_t i = 0; i < count(kernel.variants()); ++i)
    if (const auto own = kernel.variants()->Get(i)->mode();
        own == mode || own == package::VariantMode::any)
      indices.push_back(i);
  if (indices.empty() && mode == package::VariantMode::usual)
    return invalid("variants: expected one for usual steps, found none");
  for (uint32_t i : indices)
    for (uint32_t before : indices) {
      const package::Variant &variant = *kernel.variants()->Get(i);
      const VariantLimits limits = i == indices.back() ? kNoLimits : limitsOf(variant);
      if (before < i && covers(*kernel.variants()->Get(before), limits))
        return invalid("variant ", i, ": expected steps that variant ", before,
                       " does not take, found none");
    }
  return absl::OkStatus();
}

absl::Status IndexVerifier::verifyPhases(const package::Program &program,
                                         const package::Variant &variant) {
  STRATA_TRY(inRange("phases", count(variant.phases()), 1, 64));
  uint64_t cuda = isCuda(program);
  return each("phase", variant.phases(), [&](const package::Phase &phase) {
    STRATA_TRY(isText("symbol", phase.symbol()));
    STRATA_TRY(inRange("block", phase.block(), cuda, cuda * kMostBlockThreads));
    STRATA_TRY(inRange("shared_bytes", phase.shared_bytes(), 0, cuda * kMostSharedBytes));
    if (!phase.grid())
      return invalid("grid: expected one, found none");
    STRATA_TRY(
        inRange("axis", uint64_t(phase.grid()->axis()), 0, uint64_t(package::Axis::outputs)));
    STRATA_TRY(inRange("factor", phase.grid()->factor(), 0, 1 << 30));
    STRATA_TRY(inRange("divisor", phase.grid()->divisor(), 1, UINT32_MAX));
    STRATA_TRY(inRange("maps", count(phase.maps()), 0, cuda * kMostMaps));
    return each("map", phase.maps(), [&](const package::TensorMap &map) { return verifyMap(map); });
  });
}

// What does not depend on the dispatch; the limits of boxes are TMA's.
absl::Status IndexVerifier::verifyMap(const package::TensorMap &map) {
  STRATA_TRY(inRange("axis", uint64_t(map.axis()), 0, uint64_t(package::Axis::outputs)));
  STRATA_TRY(inRange("rows", map.rows(), 1, kMostFeatures));
  STRATA_TRY(inRange("columns", map.columns(), 1, kMostFeatures));
  STRATA_TRY(inRange("dtype", uint64_t(map.dtype()), 0, uint64_t(package::DType::i32)));
  uint64_t element = elementBytes(map.dtype()), box = map.box_columns() * element;
  STRATA_TRY(inRange("row_bytes", map.row_bytes(), map.columns() * element, kMostBytes >> 8));
  STRATA_TRY(isMultiple("row_bytes", map.row_bytes(), 16));
  STRATA_TRY(inRange("box_rows", map.box_rows(), 1, 256));
  STRATA_TRY(inRange("box_columns", map.box_columns(), 1, 256));
  STRATA_TRY(isMultiple("box_columns: bytes", box, 16));
  STRATA_TRY(inRange("swizzle", uint64_t(map.swizzle()), 0, uint64_t(package::Swizzle::b128)));
  if (map.swizzle() == package::Swizzle::none)
    return absl::OkStatus();
  return inRange("box_columns: bytes", box, 16, uint64_t(16) << int(map.swizzle()));
}

absl::Status IndexVerifier::verifyAuxiliary(const package::Program &program) {
  constexpr uint64_t roles = uint64_t(package::Role::MAX) + 1;
  STRATA_TRY(inRange("auxiliary", count(program.auxiliary()), 0, isCuda(program) * roles));
  std::set<package::Role> seen;
  return each("auxiliary", program.auxiliary(), [&](const package::Auxiliary &kernel) {
    STRATA_TRY(inRange("role", uint64_t(kernel.role()), 0, roles - 1));
    if (!seen.insert(kernel.role()).second)
      return invalid("role: expected different ones, found ", package::EnumNameRole(kernel.role()),
                     " twice");
    STRATA_TRY(isText("symbol", kernel.symbol()));
    STRATA_TRY(inRange("block", kernel.block(), 1, kMostBlockThreads));
    STRATA_TRY(inRange("shared_bytes", kernel.shared_bytes(), 0, kMostSharedBytes));
    if (kernel.role() != package::Role::matrix)
      return absl::OkStatus();
    STRATA_TRY(isText("instruction", kernel.instruction()));
    return inRange("flops", kernel.flops(), 1, kMostBytes);
  });
}

absl::Status IndexVerifier::verifyDispatch(const package::Program &program,
                                           const package::Dispatch &dispatch) {
  STRATA_TRY(isText("name", dispatch.name()));
  STRATA_TRY(isIndex("kernel", dispatch.kernel(), count(program.kernels())));
  STRATA_TRY(isIndex("layer", dispatch.layer(), manifest.model()->layers()));
  STRATA_TRY(inRange("buffers", count(dispatch.buffers()), 1, kMostBuffers));
  STRATA_TRY(isAligned("buffers", dispatch.buffers(), alignof(package::Buffer)));
  for (const package::Buffer *buffer : itemsOf(dispatch.buffers()))
    STRATA_TRY(annotate(verifyBuffer(program, *buffer), textOf(dispatch.name())));
  STRATA_TRY(annotate(verifyMappedBuffers(program, dispatch), textOf(dispatch.name())));
  return each("result", dispatch.results(),
              [&](auto &result) { return verifyResult(program, dispatch, result); });
}

// A step has no more rows of any kind than tokens.
absl::Status IndexVerifier::verifyResult(const package::Program &program,
                                         const package::Dispatch &dispatch,
                                         const package::Result &result) {
  STRATA_TRY(isFileName("name", result.name()));
  STRATA_TRY(inRange("name: bytes", result.name()->size(), 1, kMostNameBytes));
  STRATA_TRY(isIndex("buffer", result.buffer(), count(dispatch.buffers())));
  STRATA_TRY(inRange("dtype", uint64_t(result.dtype()), 0, uint64_t(package::DType::i32)));
  STRATA_TRY(inRange("features", result.features(), 1, kMostFeatures));
  const package::Buffer &buffer = *dispatch.buffers()->Get(result.buffer());
  uint64_t bytes = result.features() * elementBytes(result.dtype());
  if (buffer.kind() == package::BufferKind::arena)
    return endsAt(Checked(buffer.value()) + bytes, program.arena_bytes_per_token());
  if (buffer.kind() != package::BufferKind::logits)
    return invalid("buffer: expected one in the arena or the logits, found kind ",
                   int(buffer.kind()));
  STRATA_TRY(inRange("axis", uint64_t(program.kernels()->Get(dispatch.kernel())->axis()),
                     uint64_t(package::Axis::outputs), uint64_t(package::Axis::outputs)));
  uint64_t row = manifest.model()->vocabulary() * sizeof(float);
  return inRange("features: bytes", bytes, row, row);
}

absl::Status IndexVerifier::verifyResultNames(const package::Program &program) {
  std::set<std::string> seen;
  for (const package::Dispatch *dispatch : itemsOf(program.dispatches()))
    for (const package::Result *result : itemsOf(dispatch->results()))
      if (!seen.insert(textOf(result->name())).second)
        return invalid("results: expected different names, found ", textOf(result->name()),
                       " twice");
  return absl::OkStatus();
}

absl::Status IndexVerifier::verifyMappedBuffers(const package::Program &program,
                                                const package::Dispatch &dispatch) {
  const package::Kernel &kernel = *program.kernels()->Get(dispatch.kernel());
  for (const package::Variant *variant : itemsOf(kernel.variants()))
    for (const package::Phase *phase : itemsOf(variant->phases()))
      for (const package::TensorMap *map : itemsOf(phase->maps()))
        STRATA_TRY(annotate(verifyMappedBuffer(program, dispatch, *map),
                            absl::StrCat(textOf(phase->symbol()), ": map")));
  return absl::OkStatus();
}

absl::Status IndexVerifier::verifyMappedBuffer(const package::Program &program,
                                               const package::Dispatch &dispatch,
                                               const package::TensorMap &map) {
  STRATA_TRY(isIndex("buffer", map.buffer(), count(dispatch.buffers())));
  const package::Buffer &buffer = *dispatch.buffers()->Get(map.buffer());
  if (buffer.kind() == package::BufferKind::parameter) {
    STRATA_TRY(inRange("axis", uint64_t(map.axis()), 0, 0));
    uint64_t lastRow = map.columns() * elementBytes(map.dtype());
    return endsAt(Checked(map.rows() - 1) * map.row_bytes() + lastRow,
                  parameterBytes(*manifest.parameters()->Get(uint32_t(buffer.value()))));
  }
  if (buffer.kind() == package::BufferKind::arena) { // there are at most as many outputs as tokens
    STRATA_TRY(inRange("axis", uint64_t(map.axis()), uint64_t(package::Axis::tokens),
                       uint64_t(package::Axis::outputs)));
    return endsAt(Checked(map.rows()) * map.row_bytes() + buffer.value(),
                  program.arena_bytes_per_token());
  }
  return invalid("buffer: expected a parameter or one in the arena, found kind ",
                 int(buffer.kind()));
}

absl::Status IndexVerifier::verifyBuffer(const package::Program &program,
                                         const package::Buffer &buffer) {
  STRATA_TRY(
      inRange("buffer kind", uint64_t(buffer.kind()), 0, uint64_t(package::BufferKind::logits)));
  if (buffer.kind() == package::BufferKind::parameter)
    return isIndex("parameter", buffer.value(), count(manifest.parameters()));
  if (buffer.kind() != package::BufferKind::arena)
    return absl::OkStatus();
  STRATA_TRY(inRange("arena", buffer.value(), 0, program.arena_bytes_per_token()));
  // The address is a multiple of 64 for every number of tokens.
  return isMultiple("arena", buffer.value() * program.arena_token_multiple(), 64);
}

} // namespace

absl::Status verifyIndices(const package::Manifest &manifest) {
  return IndexVerifier(manifest).verify();
}

} // namespace strata
