//===- CodeUnitsTest.cpp - what is compiled by itself, and once -----------===//

#include "codegen/cpu/CodeUnits.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/SourceMgr.h"
#include <gtest/gtest.h>
#include <set>

using namespace llvm;
using namespace strata::cpu;

namespace {

std::vector<CodeUnit> split(const std::string &text) {
  LLVMContext context;
  SMDiagnostic error;
  std::unique_ptr<Module> module = parseAssemblyString(text, error, context);
  EXPECT_TRUE(module) << error.getMessage().str();
  return splitIntoUnits(*module);
}

/// What a unit defines.
std::set<std::string> definitionsOf(const CodeUnit &unit) {
  LLVMContext context;
  auto module = parseBitcodeFile(MemoryBufferRef(unit.bitcode, "unit"), context);
  EXPECT_TRUE(bool(module));
  std::set<std::string> names;
  for (const GlobalValue &value : (*module)->global_values())
    if (!value.isDeclaration())
      names.insert(value.getName().str());
  return names;
}

const char *kShared = R"(
  define hidden void @shared() { ret void }
)";
const char *kAlone = R"(
  declare i64 @llvm.smax.i64(i64, i64)
  declare float @llvm.sqrt.f32(float)
  define i64 @alone(i64 %a, float %x) {
    %1 = call float @llvm.sqrt.f32(float %x)
    %2 = fptosi float %1 to i64
    %3 = call i64 @llvm.smax.i64(i64 %a, i64 %2)
    ret i64 %3
  }
)";

} // namespace

TEST(CodeUnits, AKernelStaysWithWhatIsInternalAndAFunctionThatKernelsShareIsAlone) {
  auto units = split(std::string(kShared) + R"(
    @table = internal constant [2 x i32] [i32 1, i32 2]
    define internal void @body() { call void @shared() ret void }
    define void @first() { call void @body() ret void }
    define ptr @reader() { ret ptr getelementptr (i8, ptr @table, i64 4) }
    define void @second() { call void @shared() ret void }
  )" + kAlone);
  std::vector<std::set<std::string>> names;
  for (const CodeUnit &unit : units)
    names.push_back(definitionsOf(unit));
  EXPECT_EQ(names, (std::vector<std::set<std::string>>{
                       {"shared"}, {"body", "first"}, {"table", "reader"}, {"second"}, {"alone"}}));
}

TEST(CodeUnits, AKernelIsTheSameWhateverElseItsModuleHas) {
  std::vector<CodeUnit> few = split(kAlone);
  std::vector<CodeUnit> many = split(R"(
    declare i64 @unused(i64)
    declare float @llvm.sqrt.f32(float)
    define float @other(float %x) { %1 = call float @llvm.sqrt.f32(float %x) ret float %1 }
    declare i64 @llvm.smax.i64(i64, i64)
    define i64 @alone(i64 %a, float %x) {
      %1 = call float @llvm.sqrt.f32(float %x)
      %2 = fptosi float %1 to i64
      %3 = call i64 @llvm.smax.i64(i64 %a, i64 %2)
      ret i64 %3
    }
  )");
  ASSERT_EQ(few.size(), 1u);
  ASSERT_EQ(many.size(), 2u);
  EXPECT_EQ(few[0].bitcode, many[1].bitcode);
  EXPECT_NE(few[0].bitcode, many[0].bitcode);
}

TEST(CodeUnits, TilesAreSeen) {
  auto units = split(R"(
    declare void @llvm.x86.tilezero(i8 immarg)
    define void @tiles() { call void @llvm.x86.tilezero(i8 0) ret void }
    define void @none() { ret void }
  )");
  ASSERT_EQ(units.size(), 2u);
  EXPECT_TRUE(units[0].usesTiles);
  EXPECT_FALSE(units[1].usesTiles);
}
