//===- Ceiling.cpp - what this machine can do at most ---------------------===//

#include "runtime/cpu/Ceiling.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>

namespace strata::cpu {
namespace {

double now() {
  auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(time).count();
}

// Keeps the compiler from dropping a read whose result nobody wants.
template <typename Vector>
void use(const Vector &value) {
  asm volatile("" : : "m"(value));
}

constexpr int64_t kBlock = 256; // bytes read in a round: four registers of the widest kind

void readSse2(const std::byte *from, int64_t bytes) {
  __m128i sum[4] = {};
  for (const std::byte *end = from + bytes; from < end; from += 64)
    for (int i = 0; i < 4; ++i)
      sum[i] = _mm_add_epi32(sum[i], _mm_loadu_si128((const __m128i *)from + i));
  use(_mm_add_epi32(_mm_add_epi32(sum[0], sum[1]), _mm_add_epi32(sum[2], sum[3])));
}

__attribute__((target("avx2"))) void readAvx2(const std::byte *from, int64_t bytes) {
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (const std::byte *end = from + bytes; from < end; from += 128) {
    const auto *p = (const __m256i *)from;
    a = _mm256_add_epi32(a, _mm256_loadu_si256(p));
    b = _mm256_add_epi32(b, _mm256_loadu_si256(p + 1));
    c = _mm256_add_epi32(c, _mm256_loadu_si256(p + 2));
    d = _mm256_add_epi32(d, _mm256_loadu_si256(p + 3));
  }
  use(_mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d)));
}

__attribute__((target("avx512f"))) void readAvx512(const std::byte *from, int64_t bytes) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (const std::byte *end = from + bytes; from < end; from += 256) {
    a = _mm512_add_epi32(a, _mm512_loadu_si512(from));
    b = _mm512_add_epi32(b, _mm512_loadu_si512(from + 64));
    c = _mm512_add_epi32(c, _mm512_loadu_si512(from + 128));
    d = _mm512_add_epi32(d, _mm512_loadu_si512(from + 192));
  }
  use(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)));
}

// One instruction on independent registers, in assembly: compilers keep an array of vectors in
// memory. Register 24 (or 15) holds the factor.
constexpr float kFactor = 0.5f;

#define FOURTEEN(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12) F(13)
#define TWENTY_FOUR(F) FOURTEEN(F) F(14) F(15) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23)
#define CLOBBER(N) "xmm" #N,
#define CLEAR_ZMM(N) "vpxord %%zmm" #N ",%%zmm" #N ",%%zmm" #N "\n"
#define DOT_ZMM(N) "vdpbf16ps %%zmm24,%%zmm24,%%zmm" #N "\n"
#define FMA_ZMM(N) "vfmadd231ps %%zmm24,%%zmm24,%%zmm" #N "\n"
#define DOT_BYTES_ZMM(N) "vpdpbusd %%zmm24,%%zmm24,%%zmm" #N "\n"
#define CLEAR_YMM(N) "vpxor %%ymm" #N ",%%ymm" #N ",%%ymm" #N "\n"
#define FMA_YMM(N) "vfmadd231ps %%ymm15,%%ymm15,%%ymm" #N "\n"

// AVX2 multiplies bytes in three steps, the first two through a register of their own.
#define SEVEN_PAIRS(F) F(0, 7) F(1, 8) F(2, 9) F(3, 10) F(4, 11) F(5, 12) F(6, 13)
#define CLOBBER_PAIR(N, M) CLOBBER(N) CLOBBER(M)
#define CLEAR_PAIR(N, M) CLEAR_YMM(N)
#define DOT_BYTES_YMM(N, M)                                                                        \
  "vpmaddubsw %%ymm15,%%ymm15,%%ymm" #M "\n"                                                       \
  "vpmaddwd %%ymm15,%%ymm" #M ",%%ymm" #M "\n"                                                     \
  "vpaddd %%ymm" #M ",%%ymm" #N ",%%ymm" #N "\n"

#define PEAK(EACH, CLEAR, INSTRUCTION, FACTOR, CLOBBERED)                                          \
  asm volatile(EACH(CLEAR) "vbroadcastss %1,%%" FACTOR                                             \
                           "\n1:\n" EACH(INSTRUCTION) "dec %0\njnz 1b\nvzeroupper\n"               \
               : "+r"(rounds)                                                                      \
               : "m"(kFactor)                                                                      \
               : CLOBBERED, "cc")

__attribute__((target("avx512f"))) void dotZmm(int64_t rounds) {
  PEAK(TWENTY_FOUR, CLEAR_ZMM, DOT_ZMM, "zmm24", TWENTY_FOUR(CLOBBER) "xmm24");
}
__attribute__((target("avx512f"))) void fmaZmm(int64_t rounds) {
  PEAK(TWENTY_FOUR, CLEAR_ZMM, FMA_ZMM, "zmm24", TWENTY_FOUR(CLOBBER) "xmm24");
}
__attribute__((target("avx512f"))) void dotBytesZmm(int64_t rounds) {
  PEAK(TWENTY_FOUR, CLEAR_ZMM, DOT_BYTES_ZMM, "zmm24", TWENTY_FOUR(CLOBBER) "xmm24");
}
__attribute__((target("avx2"))) void fmaYmm(int64_t rounds) {
  PEAK(FOURTEEN, CLEAR_YMM, FMA_YMM, "ymm15", FOURTEEN(CLOBBER) "xmm15");
}
__attribute__((target("avx2"))) void dotBytesYmm(int64_t rounds) {
  PEAK(SEVEN_PAIRS, CLEAR_PAIR, DOT_BYTES_YMM, "ymm15", SEVEN_PAIRS(CLOBBER_PAIR) "xmm15");
}

/// Four tiles of sums, as kernels have them.
__attribute__((target("amx-tile,amx-bf16"))) void dotTiles(int64_t rounds) {
  // Palette 1; eight tiles of 16 rows of 64 bytes.
  alignas(64) static constexpr struct {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } configuration;
  asm volatile("ldtilecfg %1\n"
               "1:\n"
               "tdpbf16ps %%tmm6,%%tmm4,%%tmm0\n"
               "tdpbf16ps %%tmm7,%%tmm4,%%tmm1\n"
               "tdpbf16ps %%tmm6,%%tmm5,%%tmm2\n"
               "tdpbf16ps %%tmm7,%%tmm5,%%tmm3\n"
               "dec %0\njnz 1b\ntilerelease\n"
               : "+r"(rounds)
               : "m"(configuration)
               : "cc");
}

constexpr FlopCeiling::Kind kKinds[] = {
    {"tdpbf16ps tmm", "amx-bf16", false, 4 * 2 * 16 * 16 * 32, dotTiles},
    {"vdpbf16ps zmm", "avx512bf16", false, 24 * 64, dotZmm},
    {"vfmadd231ps zmm", "avx512f", false, 24 * 32, fmaZmm},
    {"vfmadd231ps ymm", "fma", false, 14 * 16, fmaYmm},
    {"tdpbf16ps tmm", "amx-bf16", true, 4 * 2 * 16 * 16 * 32, dotTiles}, // of bytes as bf16
    {"vpdpbusd zmm", "avx512vnni", true, 24 * 128, dotBytesZmm},
    {"vpmaddubsw ymm", "avx2", true, 7 * 64, dotBytesYmm},
    {"no known instruction", "", false, 0, nullptr},
};

} // namespace

ReadCeiling::ReadCeiling(const CpuFeatures &features,
                         std::vector<std::span<const std::byte>> wanted, uint64_t mostBytes)
    : read(features.has("avx512f") ? readAvx512
           : features.has("avx2")  ? readAvx2
                                   : readSse2) {
  for (std::span<const std::byte> range : wanted) {
    range = range.first(size_t(std::min<uint64_t>(range.size(), mostBytes - bytes)));
    bytes += range.size();
    ranges.push_back(range);
  }
}

double ReadCeiling::measure(ThreadPool &pool, double seconds) const {
  if (bytes == 0)
    return 0;
  double start = now(), passes = 0;
  do {
    pool.run([&](int worker) {
      for (std::span<const std::byte> range : ranges) {
        Range blocks = sliceOf(int64_t(range.size()) / kBlock, worker, pool.threads());
        if (blocks.begin < blocks.end)
          read(range.data() + blocks.begin * kBlock, (blocks.end - blocks.begin) * kBlock);
      }
    });
    ++passes;
  } while (now() - start < seconds);
  return passes * double(bytes) / (now() - start);
}

FlopCeiling::FlopCeiling(const CpuFeatures &features, bool bytes)
    : kind(std::find_if(std::begin(kKinds), std::end(kKinds) - 1, [&](const Kind &kind) {
        return kind.bytes == bytes && features.has(kind.feature);
      })) {}

double FlopCeiling::measure(ThreadPool &pool) const {
  constexpr int64_t rounds = 1000000;
  if (!kind->run)
    return 0;
  double start = now();
  pool.run([&](int) { kind->run(rounds); });
  return kind->flops * rounds * pool.threads() / (now() - start);
}

} // namespace strata::cpu
