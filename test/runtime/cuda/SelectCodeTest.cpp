//===- SelectCodeTest.cpp - which code for which GPU ----------------------===//

#include "runtime/cuda/SelectCode.h"

#include "test/runtime/cuda/FakeGpu.h"

namespace strata::test {
namespace {

using package::CodeFormat;

void addCode(package::ProgramT &program, const std::string &target, CodeFormat format) {
  program.code.push_back(std::make_unique<package::CodeObjectT>());
  program.code.back()->target = target;
  program.code.back()->format = format;
}

/// A package as strata-compile makes them for GPUs, with Hopper's kernels in a program of their
/// own.
TestPackage usualPackage() {
  TestPackage model = fakeCudaModel("sm_90a", CodeFormat::cubin);
  auto other = std::make_unique<package::ProgramT>(*model.manifest.programs[0]);
  other->code.clear();
  addCode(*other, "sm_80.ptx", CodeFormat::ptx);
  addCode(*other, "sm_80", CodeFormat::cubin);
  model.manifest.programs.push_back(std::move(other));
  model.layout();
  return model;
}

/// The target chosen, or the error.
std::string chosen(const TestPackage &model, Capability capability,
                   const std::string &target = "") {
  TestFolder folder;
  auto package = Package::open(folder.write("fake.strata", model.encode()));
  if (!package.ok())
    return std::string(package.status().message());
  auto code = cuda::selectCode(*package, capability, "cuda:0 (Fake GPU)", target);
  if (!code.ok())
    return std::string(code.status().message()).substr(folder.path().size() + 1);
  size_t program = code->program == package->manifest().programs()->Get(0) ? 0 : 1;
  return textOf(code->code->target()) + " of program " + std::to_string(program);
}

TEST(SelectCode, MachineCodeForExactlyThisGpu) {
  EXPECT_EQ(chosen(usualPackage(), {8, 0}), "sm_80 of program 1");
  EXPECT_EQ(chosen(usualPackage(), {9, 0}), "sm_90a of program 0");
}

TEST(SelectCode, PtxForOthers) {
  for (Capability capability : {Capability{8, 6}, {8, 9}, {10, 0}, {12, 1}})
    EXPECT_EQ(chosen(usualPackage(), capability), "sm_80.ptx of program 1");
  TestPackage later = usualPackage();
  addCode(*later.manifest.programs[0], "sm_89.ptx", CodeFormat::ptx);
  later.layout();
  EXPECT_EQ(chosen(later, {8, 6}), "sm_80.ptx of program 1");
  EXPECT_EQ(chosen(later, {8, 9}), "sm_89.ptx of program 0");
}

TEST(SelectCode, PtxOfOneArchitectureIsForNoOther) {
  TestPackage model = fakeCudaModel("sm_90a.ptx", CodeFormat::ptx);
  EXPECT_EQ(chosen(model, {9, 0}), "sm_90a.ptx of program 0");
  EXPECT_NE(chosen(model, {10, 0}).find("sm_90a.ptx (for 9.0)"), std::string::npos);
}

TEST(SelectCode, SaysWhatThereIsAndWhatWasFound) {
  EXPECT_EQ(chosen(usualPackage(), {7, 5}),
            "fake.strata: cuda:0 (Fake GPU) has compute capability 7.5, the package's code is "
            "sm_90a (for 9.0), sm_80.ptx (for 8.0 and later), sm_80 (for 8.0); compile the model "
            "with another --arch");
  EXPECT_EQ(chosen(fakeCudaModel(), {8, 0}),
            "fake.strata: cuda:0 (Fake GPU) has compute capability 8.0, the package's code is sim "
            "(for the simulator); compile the model with another --arch");
  EXPECT_EQ(chosen(usualPackage(), {0, 0}).find("fake.strata: cuda:0 (Fake GPU) is a simulator"),
            0u);
}

TEST(SelectCode, ByName) {
  EXPECT_EQ(chosen(usualPackage(), {8, 0}, "sm_80.ptx"), "sm_80.ptx of program 1");
  EXPECT_NE(chosen(usualPackage(), {8, 0}, "sm_90a").find("the package's code is sm_90a (for 9.0)"),
            std::string::npos);
  EXPECT_EQ(chosen(usualPackage(), {8, 0}, "z80"),
            "fake.strata: cuda target: expected one of sm_90a, sm_80.ptx, sm_80, found z80");
}

TEST(SelectCode, TheSimulatorRunsTheKernelsOfEachGpu) {
  TestPackage model = fakeCudaModel("sim_90a");
  auto other = std::make_unique<package::ProgramT>(*model.manifest.programs[0]);
  other->code[0]->target = "sim";
  model.manifest.programs.push_back(std::move(other));
  model.layout();
  EXPECT_EQ(chosen(model, {0, 0}), "sim_90a of program 0");
  EXPECT_EQ(chosen(model, {0, 0}, "sim"), "sim of program 1");
  EXPECT_NE(chosen(model, {9, 0}).find("sim_90a (for the simulator)"), std::string::npos);
}

TEST(SelectCode, NamesOfTargets) {
  auto ok = [](const char *target, CodeFormat format) {
    return parseGpuTarget(target, format).has_value();
  };
  EXPECT_EQ(parseGpuTarget("sm_120.ptx", CodeFormat::ptx)->capability.toString(), "12.0");
  EXPECT_FALSE(ok("sim_80", CodeFormat::elf));
  for (const char *wrong : {"", "sm_", "sm_a", "sm_8", "sm_8x", "sm_1000", "sm_-80", "80", "sim"})
    EXPECT_FALSE(ok(wrong, CodeFormat::cubin)) << wrong;
  EXPECT_FALSE(ok("sm_80", CodeFormat::ptx));
  EXPECT_FALSE(ok("sm_80.ptx", CodeFormat::cubin));
  EXPECT_FALSE(ok("sm_80", CodeFormat::elf));
}

} // namespace
} // namespace strata::test
