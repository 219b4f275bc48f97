//===- PackageIndicesTest.cpp - every table of a manifest is checked ------===//

#include "runtime/package/Package.h"
#include "test/runtime/TestPackage.h"

#include <gtest/gtest.h>

#include <functional>

namespace strata::test {
namespace {

package::ModelT &model(TestPackage &p) { return *p.manifest.model; }
package::ProgramT &program(TestPackage &p) { return *p.manifest.programs[0]; }
package::SectionT &section(TestPackage &p, size_t i) { return *p.manifest.sections[i]; }
package::ParameterT &table(TestPackage &p) { return *p.manifest.parameters[0]; }
package::KernelT &attend(TestPackage &p) { return *program(p).kernels[2]; }
package::DispatchT &dispatch(TestPackage &p) { return *program(p).dispatches[0]; }
void group(TestPackage &p, std::vector<uint64_t> shape, uint64_t rows, uint64_t stride) {
  table(p).shape = std::move(shape);
  table(p).group_rows = rows;
  table(p).group_stride = stride;
}
void setBlocks(TestPackage &p, package::DType dtype, std::vector<uint64_t> shape) {
  table(p).dtype = dtype;
  table(p).shape = std::move(shape);
}
void setGrid(TestPackage &p, package::Axis axis, uint32_t divisor, uint32_t factor) {
  *attend(p).variants[0]->phases[0]->grid = package::Grid(axis, divisor, factor);
}
void setBuffer(TestPackage &p, size_t i, package::BufferKind kind, uint64_t value) {
  dispatch(p).buffers[i] = package::Buffer(kind, value);
}

void makeCuda(TestPackage &p, const std::string &target, package::CodeFormat format) {
  test::makeCuda(program(p), target, format);
}

package::AuxiliaryT &auxiliary(TestPackage &p, size_t index) {
  makeCuda(p, "sm_90a", package::CodeFormat::cubin);
  return *program(p).auxiliary[index];
}

/// A program for cuda with maps of a parameter, 0, and of a buffer in the arena, 1.
package::TensorMapT &map(TestPackage &p, size_t i) {
  makeCuda(p, "sm_90a", package::CodeFormat::cubin);
  addMaps(program(p));
  return *program(p).kernels[0]->variants[0]->phases[0]->maps[i];
}

/// What the dispatch `attend` computes.
package::ResultT &attendResult(TestPackage &p) { return *program(p).dispatches[3]->results[0]; }
package::ResultT &logitsResult(TestPackage &p) { return *program(p).dispatches[4]->results[0]; }

package::CheckpointFileT &addFile(TestPackage &p, const std::string &name) {
  p.manifest.files.push_back(std::make_unique<package::CheckpointFileT>());
  p.manifest.files[0]->name = name;
  p.manifest.files[0]->size = 9000;
  p.manifest.files[0]->header = {{0, 10}, {8000, 10}};
  table(p).storage = package::Storage::file;
  return *p.manifest.files[0];
}

TEST(Package, ProgramsForCuda) {
  TestPackage package = fakeModel();
  for (auto [target, format] : {std::pair{"sm_80", package::CodeFormat::cubin},
                                {"sm_90a", package::CodeFormat::cubin},
                                {"sm_100.ptx", package::CodeFormat::ptx},
                                {"sim", package::CodeFormat::elf},
                                {"sim_90a", package::CodeFormat::elf}}) {
    makeCuda(package, target, format);
    package.layout();
    EXPECT_TRUE(verify(package.encode()).ok()) << verify(package.encode());
  }
}

TEST(Package, RowGroups) {
  TestPackage package = fakeModel();
  group(package, {4, 4}, 2, 510);
  table(package).includes_one = true;
  package.layout();
  TestFolder folder;
  auto opened = Package::open(folder.write("fake.strata", package.encode()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(parameterBytes(*opened->manifest().parameters()->Get(0)), 8192u);
}

TEST(Package, SomeColumns) {
  TestPackage package = fakeModel();
  group(package, {4, 4}, 0, 0);
  table(package).row_stride = 1364; // three rows of others and 4 values: all of the section but 4
  package.layout();
  TestFolder folder;
  auto opened = Package::open(folder.write("fake.strata", package.encode()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(parameterBytes(*opened->manifest().parameters()->Get(0)), (3 * 1364u + 4) * 4);
}

/// A parameter of blocks has the shape of its weights and the bytes of its blocks.
TEST(Package, QuantizedWeights) {
  const std::pair<package::DType, uint64_t> bytesOf256[] = {
      {package::DType::q8_0, 8 * 34},   {package::DType::q4_0, 8 * 18},
      {package::DType::q4_1, 8 * 20},   {package::DType::q5_0, 8 * 22},
      {package::DType::q5_1, 8 * 24},   {package::DType::q4_k, 144},
      {package::DType::q5_k, 176},      {package::DType::q6_k, 210},
      {package::DType::iq4_nl, 8 * 18}, {package::DType::iq4_xs, 136}};
  for (const auto &[dtype, bytes] : bytesOf256) {
    TestPackage package = fakeModel();
    setBlocks(package, dtype, {3, 512});
    package.layout();
    TestFolder folder;
    auto opened = Package::open(folder.write("fake.strata", package.encode()));
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(parameterBytes(*opened->manifest().parameters()->Get(0)), 6 * bytes)
        << package::EnumNameDType(dtype);
  }
}

TEST(Package, TensorMaps) {
  TestPackage package = fakeModel();
  map(package, 0);
  package.layout();
  EXPECT_TRUE(verify(package.encode()).ok()) << verify(package.encode());
}

/// A change of the valid package's objects, and what the error must say.
struct Case {
  const char *name;
  std::function<void(TestPackage &)> change;
  const char *message;
};

class PackageIndices : public testing::TestWithParam<Case> {};

TEST(Package, FilesMayLieInFoldersOfTheCheckpoint) {
  TestPackage package = fakeModel();
  addFile(package, "a/..b/c");
  EXPECT_TRUE(verify(package.encode()).ok()) << verify(package.encode());
}

TEST_P(PackageIndices, AreChecked) {
  TestPackage package = fakeModel();
  GetParam().change(package);
  EXPECT_TRUE(says(verify(package.encode()), GetParam().message));
}

const Case kCases[] = {
    {"NoModel", [](TestPackage &p) { p.manifest.model = nullptr; }, "model: expected a table"},
    {"NoCompiler", [](TestPackage &p) { p.manifest.compiler = ""; }, "compiler: expected text"},
    {"NoVocabulary", [](TestPackage &p) { model(p).vocabulary = 0; }, "vocabulary: expected 1 to"},
    {"HugeVocabulary", [](TestPackage &p) { model(p).vocabulary = 1 << 30; }, "model: vocabulary"},
    {"NoContext", [](TestPackage &p) { model(p).context = 0; }, "model: context: expected 1 to"},
    {"Bos", [](TestPackage &p) { model(p).bos_token = 2048; },
     "bos_token: expected an index below 2048"},
    {"NegativeBos", [](TestPackage &p) { model(p).bos_token = -2; }, "bos_token: expected -1"},
    {"AddBosWithout", [](TestPackage &p) { model(p).bos_token = -1, model(p).add_bos = true; },
     "bos_token: expected an index"},
    {"Eos", [](TestPackage &p) { model(p).eos_tokens = {-1}; },
     "eos_tokens: expected an index below 2048"},
    {"SectionTwice", [](TestPackage &p) { section(p, 1).name = "cpu.x86-64"; }, "twice"},
    {"SectionUnaligned", [](TestPackage &p) { section(p, 1).offset += 8; },
     "section weights: offset: expected a multiple of 4096"},
    {"SectionOverlap", [](TestPackage &p) { section(p, 1).offset = section(p, 0).offset; },
     "section weights: offset: expected at least"},
    {"SectionInManifest", [](TestPackage &p) { section(p, 0).offset = 0; },
     "offset: expected at least"},
    {"SectionsSwapped",
     [](TestPackage &p) { std::swap(p.manifest.sections[0], p.manifest.sections[1]); }, ""},
    {"SectionBehindEnd", [](TestPackage &p) { section(p, 1).offset = uint64_t(1) << 62; },
     "section weights: end: expected at most"},
    {"SectionTooLong", [](TestPackage &p) { section(p, 1).size = 16385; }, "end: expected at most"},
    {"SectionWraps", [](TestPackage &p) { section(p, 1).size = UINT64_MAX; },
     "end: expected at most"},
    {"SectionEmpty", [](TestPackage &p) { section(p, 0).size = 0; }, "size: expected at least 1"},
    {"SectionHash", [](TestPackage &p) { section(p, 1).hash_high ^= 1; },
     "section weights: damaged"},
    {"KeyTwice", [](TestPackage &p) { table(p).key = "scale"; },
     "parameters: expected different names"},
    {"KeyZero", [](TestPackage &p) { table(p).key = std::string("a\0b", 3); }, "zero byte"},
    {"DType", [](TestPackage &p) { table(p).dtype = package::DType(15); },
     "table: dtype: expected 0 to 14"},
    {"BlocksRank", [](TestPackage &p) { setBlocks(p, package::DType::q8_0, {2048}); },
     "table: rank: expected 2 to 2, found 1"},
    {"BlocksColumns", [](TestPackage &p) { setBlocks(p, package::DType::q8_0, {32, 48}); },
     "table: columns: expected a multiple of 32, found 48"},
    {"BlocksRowStride",
     [](TestPackage &p) {
       setBlocks(p, package::DType::q4_k, {2, 256});
       table(p).row_stride = 512;
     },
     "table: row_stride: expected 0 to 0, found 512"},
    {"BlocksGroups",
     [](TestPackage &p) {
       setBlocks(p, package::DType::q4_k, {4, 256});
       table(p).group_rows = 2;
       table(p).group_stride = 3;
     },
     "table: group_rows: expected 0 to 0, found 2"},
    {"BlocksRoom", [](TestPackage &p) { setBlocks(p, package::DType::q8_0, {241, 64}); },
     "table: offset: expected 16388 bytes to end at most at 16384"},
    {"BlocksWrap",
     [](TestPackage &p) { setBlocks(p, package::DType::q6_k, {uint64_t(1) << 40, 1 << 30}); },
     "table: shape: expected at most"},
    {"Storage", [](TestPackage &p) { table(p).storage = package::Storage(3); },
     "storage: expected 0 to"},
    {"Rank", [](TestPackage &p) { table(p).shape = std::vector<uint64_t>(9, 1); },
     "rank: expected 0 to 8"},
    {"GroupStrideWithout", [](TestPackage &p) { table(p).group_stride = 1; },
     "table: group_stride: expected 0 to 0, found 1"},
    {"GroupRank", [](TestPackage &p) { group(p, {2048}, 4, 8); },
     "table: rank: expected 2 to 2, found 1"},
    {"GroupRows",
     [](TestPackage &p) {
       group(p, {8, 4}, 5, 8);
     },
     "table: group_rows: expected 1 to 4, found 5"},
    {"GroupRowsOne",
     [](TestPackage &p) {
       group(p, {1, 4}, 1, 8);
     },
     "table: group_rows: expected 1 to 0, found 1"},
    {"GroupRowsOdd",
     [](TestPackage &p) {
       group(p, {8, 4}, 3, 8);
     },
     "table: group_rows: expected a divisor of the 8 rows, found 3"},
    {"GroupStride",
     [](TestPackage &p) {
       group(p, {8, 4}, 4, 4);
     },
     "table: group_stride: expected 5 to"},
    // The section has 16384 bytes, enough for 1022 apart.
    {"GroupEnd",
     [](TestPackage &p) {
       group(p, {4, 4}, 2, 1023);
     },
     "table: offset: expected 16400 bytes"},
    {"RowStrideRank", [](TestPackage &p) { table(p).row_stride = 4096, table(p).shape = {2048}; },
     "table: rank: expected 2 to 2, found 1"},
    {"RowStride",
     [](TestPackage &p) {
       group(p, {4, 8}, 0, 0), table(p).row_stride = 8;
     },
     "table: row_stride: expected 9 to"},
    {"RowStrideHuge",
     [](TestPackage &p) {
       group(p, {4, 8}, 0, 0), table(p).row_stride = UINT64_MAX;
     },
     "table: row_stride: expected 9 to"},
    {"RowStrideNoRows",
     [](TestPackage &p) {
       group(p, {0, 8}, 0, 0), table(p).row_stride = 16;
     },
     "table: rows: expected 1 to"},
    {"RowStrideNoColumns",
     [](TestPackage &p) {
       group(p, {4, 0}, 0, 0), table(p).row_stride = 16;
     },
     "table: columns: expected 1 to"},
    {"RowStrideWithGroupStride",
     [](TestPackage &p) {
       group(p, {4, 8}, 0, 2), table(p).row_stride = 16;
     },
     "table: group_stride: expected 0 to 0, found 2"},
    {"RowStrideAndGroups",
     [](TestPackage &p) {
       group(p, {4, 8}, 2, 2), table(p).row_stride = 16;
     },
     "table: group_stride: expected 3 to"},
    // The section has 16384 bytes.
    {"RowStrideEnd",
     [](TestPackage &p) {
       group(p, {4, 4}, 0, 0), table(p).row_stride = 1365;
     },
     "table: offset: expected 16396 bytes"},
    {"RowStrideWraps",
     [](TestPackage &p) {
       group(p, {uint64_t(1) << 40, 4}, 0, 0), table(p).row_stride = uint64_t(1) << 40;
     },
     "table: shape: expected at most"},
    {"GroupWraps",
     [](TestPackage &p) {
       group(p, {uint64_t(1) << 40, 4}, 1, 1 << 30);
     },
     "table: shape: expected at most"},
    {"ShapeWraps",
     [](TestPackage &p) {
       table(p).shape = {uint64_t(1) << 42, 1 << 22};
     },
     "table: shape"},
    {"EmbeddedEnd", [](TestPackage &p) { table(p).shape = {4097}; },
     "table: offset: expected 16388 bytes"},
    {"EmbeddedUnaligned", [](TestPackage &p) { table(p).offset = 4; }, "expected a multiple of 64"},
    {"EmbeddedWraps", [](TestPackage &p) { table(p).offset = UINT64_MAX - 63; }, "table: offset"},
    {"EmbeddedWithout", [](TestPackage &p) { section(p, 1).name = "other"; },
     "to end at most at 0"},
    {"NoFile", [](TestPackage &p) { table(p).storage = package::Storage::file; },
     "file: expected an index below 0"},
    {"FileEnd", [](TestPackage &p) { addFile(p, "a").size = 8191; }, "to end at most at 8191"},
    {"FileHeader",
     [](TestPackage &p) {
       addFile(p, "a").header = {{0, 9001}};
     },
     "header size: expected 0 to 9000, found 9001"},
    {"FileHeaderBehindEnd",
     [](TestPackage &p) {
       addFile(p, "a").header = {{9001, 0}};
     },
     "header offset: expected 0 to 9000, found 9001"},
    {"FileHeaderOverlap",
     [](TestPackage &p) {
       addFile(p, "a").header = {{0, 10}, {9, 10}};
     },
     "header offset: expected 10 to 9000, found 9"},
    {"FileHeaderWraps",
     [](TestPackage &p) {
       addFile(p, "a").header = {{8, UINT64_MAX}};
     },
     "header size: expected 0 to 8992"},
    {"FileFolder", [](TestPackage &p) { addFile(p, "../a"); }, "name: expected a path inside"},
    {"FileUpInside", [](TestPackage &p) { addFile(p, "a/../../b"); },
     "name: expected a path inside"},
    {"FileFolderWithoutName", [](TestPackage &p) { addFile(p, "a//b"); },
     "name: expected a path inside"},
    {"FileUp", [](TestPackage &p) { addFile(p, ".."); }, "name: expected a path inside"},
    {"FileAbsolute", [](TestPackage &p) { addFile(p, "/a"); }, "name: expected a path inside"},
    {"DeviceTwice",
     [](TestPackage &p) {
       p.manifest.programs.push_back(std::make_unique<package::ProgramT>(program(p)));
     },
     "programs: expected code for different targets, found cpu.x86-64 twice"},
    {"Device", [](TestPackage &p) { program(p).device = "tpu"; },
     "device: expected cpu or cuda, found tpu"},
    {"CpuFormat", [](TestPackage &p) { program(p).code[0]->format = package::CodeFormat::ptx; },
     "code 0: format: expected 0 to 0, found 2"},
    {"CpuBlock", [](TestPackage &p) { attend(p).variants[0]->phases[0]->block = 32; },
     "block: expected 0 to 0, found 32"},
    {"CpuShared", [](TestPackage &p) { attend(p).variants[0]->phases[0]->shared_bytes = 1; },
     "shared_bytes: expected 0 to 0, found 1"},
    {"CudaTarget", [](TestPackage &p) { makeCuda(p, "x86-64", package::CodeFormat::elf); },
     "code 0: target: expected sim, sim_90a, sm_NN or sm_NN.ptx, as its format says, found x86-64"},
    {"CudaFormat", [](TestPackage &p) { makeCuda(p, "sm_80.ptx", package::CodeFormat::cubin); },
     "code 0: target: expected sim, sim_90a, sm_NN or sm_NN.ptx"},
    {"CudaFormatRange", [](TestPackage &p) { makeCuda(p, "sm_80", package::CodeFormat(3)); },
     "code 0: format: expected 0 to 2, found 3"},
    {"CudaNoBlock",
     [](TestPackage &p) {
       makeCuda(p, "sm_80", package::CodeFormat::cubin);
       attend(p).variants[0]->phases[0]->block = 0;
     },
     "block: expected 1 to 1024, found 0"},
    {"CudaShared",
     [](TestPackage &p) {
       makeCuda(p, "sm_80", package::CodeFormat::cubin);
       attend(p).variants[0]->phases[0]->shared_bytes = (1 << 20) + 1;
     },
     "shared_bytes: expected 0 to 1048576, found 1048577"},
    {"CpuAuxiliary",
     [](TestPackage &p) {
       makeCuda(p, "sm_80", package::CodeFormat::cubin);
       program(p).device = "cpu";
       program(p).code[0]->format = package::CodeFormat::elf;
       for (auto &kernel : program(p).kernels)
         for (auto &variant : kernel->variants)
           for (auto &phase : variant->phases)
             phase->block = 0;
     },
     "auxiliary: expected 0 to 0, found 4"},
    {"AuxiliaryRole", [](TestPackage &p) { auxiliary(p, 0).role = package::Role(7); },
     "auxiliary 0: role: expected 0 to 6, found 7"},
    {"AuxiliaryTwice", [](TestPackage &p) { auxiliary(p, 1).role = package::Role::read; },
     "auxiliary 1: role: expected different ones, found read twice"},
    {"AuxiliarySymbol", [](TestPackage &p) { auxiliary(p, 2).symbol = ""; },
     "auxiliary 2: symbol: expected text"},
    {"AuxiliaryBlock", [](TestPackage &p) { auxiliary(p, 2).block = 1025; },
     "auxiliary 2: block: expected 1 to 1024, found 1025"},
    {"AuxiliaryShared", [](TestPackage &p) { auxiliary(p, 3).shared_bytes = (1 << 20) + 1; },
     "auxiliary 3: shared_bytes: expected 0 to 1048576, found 1048577"},
    {"AuxiliaryFlops", [](TestPackage &p) { auxiliary(p, 1).flops = 0; },
     "auxiliary 1: flops: expected 1 to"},
    {"AuxiliaryInstruction", [](TestPackage &p) { auxiliary(p, 1).instruction = ""; },
     "auxiliary 1: instruction: expected text"},
    {"CpuMaps", [](TestPackage &p) { addMaps(program(p)); },
     "phase 0: maps: expected 0 to 0, found 2"},
    {"ResultNameless", [](TestPackage &p) { attendResult(p).name = ""; },
     "dispatch 3: result 0: name: expected text, found none"},
    {"ResultNameIsAPath", [](TestPackage &p) { attendResult(p).name = "../a"; },
     "result 0: name: expected a file name without folders"},
    {"ResultNameIsLong", [](TestPackage &p) { attendResult(p).name = std::string(241, 'x'); },
     "result 0: name: bytes: expected 1 to 240, found 241"},
    {"ResultNameTwice", [](TestPackage &p) { attendResult(p).name = "embed"; },
     "results: expected different names, found embed twice"},
    {"ResultBuffer", [](TestPackage &p) { attendResult(p).buffer = 6; },
     "result 0: buffer: expected an index below 6, found 6"},
    {"ResultInTheCache", [](TestPackage &p) { attendResult(p).buffer = 3; },
     "result 0: buffer: expected one in the arena or the logits, found kind 7"},
    {"ResultDType", [](TestPackage &p) { attendResult(p).dtype = package::DType::i8; },
     "result 0: dtype: expected 0 to 3, found 4"},
    {"ResultFeatures", [](TestPackage &p) { attendResult(p).features = 0; },
     "result 0: features: expected 1 to 16777216, found 0"},
    {"ResultBehindTheArena", [](TestPackage &p) { attendResult(p).features = 2; },
     "result 0: end: expected at most byte 12, found 16"},
    {"ResultLogits", [](TestPackage &p) { logitsResult(p).features = 2047; },
     "dispatch 4: result 0: features: bytes: expected 8192 to 8192, found 8188"},
    {"ResultLogitsOfTokens",
     [](TestPackage &p) { program(p).kernels[3]->axis = package::Axis::tokens; },
     "dispatch 4: result 0: axis: expected 2 to 2, found 1"},
    {"MapAxis", [](TestPackage &p) { map(p, 0).axis = package::Axis(3); },
     "kernel 0: variant 0: phase 0: map 0: axis: expected 0 to 2, found 3"},
    {"MapRows", [](TestPackage &p) { map(p, 0).rows = 0; }, "map 0: rows: expected 1 to"},
    {"MapColumns", [](TestPackage &p) { map(p, 0).columns = 0; }, "map 0: columns: expected 1 to"},
    {"MapDType", [](TestPackage &p) { map(p, 1).dtype = package::DType::i8; },
     "map 1: dtype: expected 0 to 3, found 4"},
    {"MapRowBytes", [](TestPackage &p) { map(p, 0).row_bytes = 112; },
     "map 0: row_bytes: expected 128 to"},
    {"MapRowUnaligned", [](TestPackage &p) { map(p, 0).row_bytes = 136; },
     "map 0: row_bytes: expected a multiple of 16, found 136"},
    {"MapBoxRows", [](TestPackage &p) { map(p, 0).box_rows = 257; },
     "box_rows: expected 1 to 256, found 257"},
    {"MapBoxColumns", [](TestPackage &p) { map(p, 0).box_columns = 0; },
     "box_columns: expected 1 to 256, found 0"},
    {"MapBoxUnaligned", [](TestPackage &p) { map(p, 1).box_columns = 9; },
     "box_columns: bytes: expected a multiple of 16, found 18"},
    {"MapSwizzle", [](TestPackage &p) { map(p, 0).swizzle = package::Swizzle(4); },
     "swizzle: expected 0 to 3, found 4"},
    {"MapBoxSwizzled", [](TestPackage &p) { map(p, 0).box_columns = 20; },
     "box_columns: bytes: expected 16 to 64, found 80"},
    {"MapBuffer", [](TestPackage &p) { map(p, 0).buffer = 3; },
     "dispatch 0: embed: embed_mapped: map: buffer: expected an index below 3, found 3"},
    {"MapBufferKind", [](TestPackage &p) { map(p, 0).buffer = 0; },
     "buffer: expected a parameter or one in the arena, found kind 2"},
    {"MapParameterAxis", [](TestPackage &p) { map(p, 0).axis = package::Axis::tokens; },
     "map: axis: expected 0 to 0, found 1"},
    {"MapArenaAxis", [](TestPackage &p) { map(p, 1).axis = package::Axis::one; },
     "map: axis: expected 1 to 2, found 0"},
    {"MapParameterEnd", [](TestPackage &p) { map(p, 0).rows = 65; },
     "map: end: expected at most byte 8192, found 8320"},
    {"MapArenaEnd", [](TestPackage &p) { map(p, 1).rows = 2; },
     "map: end: expected at most byte 16, found 32"},
    {"NoCode", [](TestPackage &p) { program(p).code.clear(); }, "code: expected 1 to"},
    {"CodeSection", [](TestPackage &p) { program(p).code[0]->section = 2; },
     "section: expected an index below 2, found 2"},
    {"NoMultiple", [](TestPackage &p) { program(p).arena_token_multiple = 0; },
     "arena_token_multiple"},
    {"NoPage", [](TestPackage &p) { program(p).page_tokens = 0; }, "page_tokens: expected 1 to"},
    {"NoPageBytes", [](TestPackage &p) { program(p).page_bytes = 0; }, "page_bytes: expected 1 to"},
    {"PageUnaligned", [](TestPackage &p) { program(p).page_bytes = 100; },
     "a multiple of 64, found 100"},
    {"KernelAxis", [](TestPackage &p) { attend(p).axis = package::Axis(3); },
     "kernel 2: axis: expected"},
    {"NoVariant", [](TestPackage &p) { attend(p).variants.clear(); },
     "kernel 2: variants: expected 1"},
    {"VariantOrder", [](TestPackage &p) { attend(p).variants[1]->up_to = 2; },
     "kernel 2: variant 1: expected steps that variant 0 does not take, found none"},
    {"VariantRun",
     [](TestPackage &p) {
       attend(p).variants[0]->up_to = 0;
       attend(p).variants[0]->up_to_run = 4;
       attend(p).variants[1]->up_to_run = 1;
     },
     "kernel 2: variant 1: expected steps that variant 0 does not take, found none"},
    {"VariantMode", [](TestPackage &p) { attend(p).variants[0]->mode = package::VariantMode(3); },
     "kernel 2: variant 0: mode: expected 0 to 2, found 3"},
    {"NoUsualVariant",
     [](TestPackage &p) {
       for (auto &variant : attend(p).variants)
         variant->mode = package::VariantMode::batch_invariant;
     },
     "kernel 2: variants: expected one for usual steps, found none"},
    {"VariantOrderOfAMode",
     [](TestPackage &p) {
       attend(p).variants[0]->up_to = 0;
       attend(p).variants[0]->mode = package::VariantMode::any;
     },
     "kernel 2: variant 1: expected steps that variant 0 does not take, found none"},
    {"NoPhase", [](TestPackage &p) { attend(p).variants[0]->phases.clear(); },
     "phases: expected 1"},
    {"NoSymbol", [](TestPackage &p) { attend(p).variants[0]->phases[0]->symbol = ""; }, "symbol"},
    {"NoGrid", [](TestPackage &p) { attend(p).variants[0]->phases[0]->grid = nullptr; }, "grid"},
    {"Divisor", [](TestPackage &p) { setGrid(p, package::Axis::tokens, 0, 1); },
     "divisor: expected 1 to"},
    {"Factor", [](TestPackage &p) { setGrid(p, package::Axis::tokens, 1, 1u << 31); },
     "factor: expected 0 to"},
    {"GridAxis", [](TestPackage &p) { setGrid(p, package::Axis(7), 1, 1); },
     "axis: expected 0 to 2"},
    {"DispatchKernel", [](TestPackage &p) { dispatch(p).kernel = 4; },
     "dispatch 0: kernel: expected an index below 4, found 4"},
    {"DispatchLayer", [](TestPackage &p) { dispatch(p).layer = 2; },
     "layer: expected an index below 2"},
    {"NoBuffers", [](TestPackage &p) { dispatch(p).buffers.clear(); }, "buffers: expected 1 to"},
    {"BufferKind", [](TestPackage &p) { setBuffer(p, 0, package::BufferKind(9), 0); },
     "dispatch 0: embed: buffer kind: expected 0 to 8, found 9"},
    {"BufferParameter", [](TestPackage &p) { setBuffer(p, 1, package::BufferKind::parameter, 2); },
     "parameter: expected an index below 2, found 2"},
    {"BufferArena", [](TestPackage &p) { setBuffer(p, 2, package::BufferKind::arena, 16); },
     "arena: expected 0 to 12, found 16"},
    {"BufferUnaligned", [](TestPackage &p) { setBuffer(p, 2, package::BufferKind::arena, 2); },
     "arena: expected a multiple of 64, found 32"},
};

INSTANTIATE_TEST_SUITE_P(All, PackageIndices, testing::ValuesIn(kCases),
                         [](const auto &info) { return info.param.name; });

} // namespace
} // namespace strata::test
