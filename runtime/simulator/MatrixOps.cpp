//===- MatrixOps.cpp - mma.sync, ldmatrix, stmatrix -----------------------===//
//
// The fragments of a lane are those of the PTX ISA, "Matrix fragments for mma.m16n8k16": with
// group = lane / 4 and pair = lane % 4, register q of a holds row group + 8 (q & 1), columns
// 2 pair + 8 (q >> 1) and the next.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Bf16.h"
#include "runtime/simulator/Block.h"

#include <cstring>

namespace strata::simulator {
namespace {

constexpr uint32_t wholeWarp = ~0u;

void multiply(MmaOperands **lanes) {
  float a[16][16], b[16][8], d[16][8] = {};
  for (int lane = 0; lane != 32; ++lane) {
    const MmaOperands &operands = *lanes[lane];
    int group = lane / 4, column = lane % 4 * 2;
    for (int q = 0; q != 4; ++q)
      for (int half = 0; half != 2; ++half)
        a[group + 8 * (q & 1)][column + half + 8 * (q >> 1)] =
            fromBf16(uint16_t(operands.a[q] >> 16 * half));
    for (int q = 0; q != 2; ++q)
      for (int half = 0; half != 2; ++half)
        b[column + half + 8 * q][group] = fromBf16(uint16_t(operands.b[q] >> 16 * half));
  }
  for (int i = 0; i != 16; ++i)
    for (int k = 0; k != 16; ++k)
      for (int j = 0; j != 8; ++j)
        d[i][j] += a[i][k] * b[k][j];
  for (int lane = 0; lane != 32; ++lane)
    for (int q = 0; q != 4; ++q)
      lanes[lane]->c[q] += d[lane / 4 + 8 * (q >> 1)][lane % 4 * 2 + (q & 1)];
}

/// One lane's part in ldmatrix or stmatrix: the row that it gives the address of, its registers.
struct MatrixRows {
  char *row;
  uint32_t count, transpose;
  uint32_t *registers;
};

/// The address of row i of matrix q comes from lane 8 q + i.
char *rowOf(Block &block, MatrixRows **lanes, uint32_t matrix, uint32_t row,
            const char *operation) {
  char *address = lanes[matrix * 8 + row]->row;
  block.checkAligned(address, 16, operation);
  return address;
}

void checkUniform(Block &block, MatrixRows **lanes, const char *operation) {
  for (int lane = 1; lane != 32; ++lane)
    if (lanes[lane]->count != lanes[0]->count || lanes[lane]->transpose != lanes[0]->transpose)
      block.fail(format("%s: lanes 0 and %d want different shapes", operation, lane));
}

/// Accesses are the issuing lane's, not the last one's to come.
void check(Block &block, uint32_t lane, char *row, bool write, const char *operation) {
  size_t offset = block.sharedOffset(row, 16, operation);
  if (!block.racesWanted())
    return;
  uint32_t thread = block.thread().warp * 32 + lane;
  RaceDetector &races = block.races;
  block.report(write ? races.write(thread, races.clock(thread), offset, 16)
                     : races.read(thread, races.clock(thread), offset, 16),
               operation);
}

void load(Block &block, MatrixRows **lanes) {
  checkUniform(block, lanes, "ldmatrix");
  for (uint32_t q = 0; q != lanes[0]->count; ++q) {
    uint16_t matrix[8][8];
    for (uint32_t i = 0; i != 8; ++i) {
      char *row = rowOf(block, lanes, q, i, "ldmatrix");
      check(block, q * 8 + i, row, false, "ldmatrix");
      std::memcpy(matrix[i], row, 16);
    }
    for (int lane = 0; lane != 32; ++lane) {
      int i = lane / 4, j = lane % 4 * 2;
      bool transpose = lanes[0]->transpose;
      uint32_t low = transpose ? matrix[j][i] : matrix[i][j];
      uint32_t high = transpose ? matrix[j + 1][i] : matrix[i][j + 1];
      lanes[lane]->registers[q] = low | high << 16;
    }
  }
}

void store(Block &block, MatrixRows **lanes) {
  checkUniform(block, lanes, "stmatrix");
  for (uint32_t q = 0; q != lanes[0]->count; ++q) {
    uint16_t matrix[8][8];
    for (int lane = 0; lane != 32; ++lane) {
      int i = lane / 4, j = lane % 4 * 2;
      bool transpose = lanes[0]->transpose;
      uint32_t pair = lanes[lane]->registers[q];
      (transpose ? matrix[j][i] : matrix[i][j]) = uint16_t(pair);
      (transpose ? matrix[j + 1][i] : matrix[i][j + 1]) = uint16_t(pair >> 16);
    }
    for (uint32_t i = 0; i != 8; ++i) {
      char *row = rowOf(block, lanes, q, i, "stmatrix");
      check(block, q * 8 + i, row, true, "stmatrix");
      std::memcpy(row, matrix[i], 16);
    }
  }
}

} // namespace
} // namespace strata::simulator

using namespace strata::simulator;

void __sim_mma(MmaOperands *operands) {
  Block::current().meet("mma.sync", wholeWarp, operands, multiply);
}

void __sim_ldmatrix(const void *row, uint32_t count, uint32_t transpose, uint32_t *result) {
  Block &block = Block::current();
  MatrixRows own{const_cast<char *>(static_cast<const char *>(row)), count, transpose, result};
  block.meet("ldmatrix", wholeWarp, &own, [&](MatrixRows **lanes) { load(block, lanes); });
}

void __sim_stmatrix(void *row, uint32_t count, uint32_t transpose, const uint32_t *values) {
  Block &block = Block::current();
  MatrixRows own{static_cast<char *>(row), count, transpose, const_cast<uint32_t *>(values)};
  block.meet("stmatrix", wholeWarp, &own, [&](MatrixRows **lanes) { store(block, lanes); });
}
