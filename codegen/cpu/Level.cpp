//===- Level.cpp - the table of x86-64 machines ---------------------------===//

#include "codegen/cpu/Level.h"
#include "llvm/ADT/STLExtras.h"

using namespace strata::cpu;

static constexpr llvm::StringLiteral kAvx2[] = {"avx2", "fma", "f16c", "bmi2"};
static constexpr llvm::StringLiteral kAvx512Bf16[] = {
    "avx2",     "fma",      "f16c",     "bmi2",       "avx512f",
    "avx512bw", "avx512dq", "avx512vl", "avx512bf16", "avx512vnni"};
static constexpr llvm::StringLiteral kAmx[] = {
    "avx2",     "fma",        "f16c",       "bmi2",     "avx512f",  "avx512bw", "avx512dq",
    "avx512vl", "avx512bf16", "avx512vnni", "amx-tile", "amx-bf16", "amx-int8"};

// AVX-512 has registers for 24 sums and the operands. For one vector of tokens loads decide: many
// rows share it. With AVX2's 16 registers 8 sums leave four for tokens (even and odd halves) and
// two for a weight.
static constexpr RegisterTile kAvx2Tiles[] = {{4, 2}, {4, 1}};
static constexpr RowTile kAvx2RowTiles[] = {{1, 4, 0}, {1, 4, 4096}, {2, 1, 2048}, {2, 1, 2048}};
static constexpr RowTile kAvx512RowTiles[] = {{1, 4, 0},   {1, 4, 4096}, {1, 4, 2048}, {1, 4, 2048},
                                              {2, 1, 128}, {2, 1, 128},  {2, 1, 128},  {2, 1, 128}};
static constexpr RegisterTile kAvx512Tiles[] = {{8, 2}, {8, 1}, {4, 2}, {6, 1}};

// Sums of a group are in registers, those in f32 of all groups in memory.
static constexpr RegisterTile kAvx2Int8Tiles[] = {{4, 1}, {2, 1}};
static constexpr RegisterTile kAvx512Int8Tiles[] = {{16, 1}, {8, 1}};

static constexpr llvm::StringLiteral kAvx512Features = "+avx512bf16,+avx512vnni,-prefer-256-bit";

// Intel's cores track 16 lines on their way to the first-level cache, fewer than memory's latency
// asks for, and more to the second. (AMD's reach a read's speed with the first; the second was not
// tried there.)
static constexpr Level kLevels[] = {
    {"x86-64-v4-amx", "cpu_x86_64_v4_amx", "x86-64-v4", kAvx512Features,
     ",+amx-tile,+amx-bf16,+amx-int8", kAmx, 16, true, true, Tiles::Instructions, kAvx512Tiles,
     kAvx512RowTiles, 6, kAvx512Int8Tiles, 2},
    {"x86-64-v4-bf16", "cpu_x86_64_v4_bf16", "x86-64-v4", kAvx512Features, "", kAvx512Bf16, 16,
     true, true, Tiles::None, kAvx512Tiles, kAvx512RowTiles, 6, kAvx512Int8Tiles, 1},
    {"x86-64-v3", "cpu_x86_64_v3", "x86-64-v3", "", "", kAvx2, 8, false, false, Tiles::None,
     kAvx2Tiles, kAvx2RowTiles, 4, kAvx2Int8Tiles, 1},
};

static constexpr Level kEmulated = {"x86-64-v4-amx-emulated",
                                    "cpu_x86_64_v4_amx_emulated",
                                    "x86-64-v4",
                                    kAvx512Features,
                                    "",
                                    kAvx512Bf16,
                                    16,
                                    true,
                                    true,
                                    Tiles::Emulated,
                                    kAvx512Tiles,
                                    kAvx512RowTiles,
                                    6,
                                    kAvx512Int8Tiles,
                                    2};

llvm::ArrayRef<Level> strata::cpu::levels() { return kLevels; }

const Level *strata::cpu::findLevel(llvm::StringRef name) {
  if (name == kEmulated.name)
    return &kEmulated;
  const Level *level = llvm::find_if(kLevels, [&](const Level &l) { return l.name == name; });
  return level == std::end(kLevels) ? nullptr : level;
}
