//===- Wgmma.cpp - wgmma.mma_async of a warpgroup -------------------------===//
//
// The 128 threads meet; the last to come computes. The sums are there at once, but shared memory
// counts as being read until a wait_group of the issuing thread, which is what the race detector
// checks the next writer against.
//
// A descriptor and the layouts that it describes: PTX ISA, "Asynchronous warpgroup level matrix
// shared memory layout". In units of 16 bytes, with a row of 2^swizzle units, as CUTLASS writes
// them (mma_traits_sm90_gmma.hpp), i along m or n, k along k:
//   K-major      (i % 8) row + (i / 8) stride + k's unit      (leading instead of 1 if unswizzled)
//   MN-major     i's unit within a row + rows of i * leading + (k % 8) row + (k / 8) stride
//                (unswizzled: i's unit * stride + (k % 8) + (k / 8) leading)
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Bf16.h"
#include "runtime/simulator/Block.h"

#include <algorithm>
#include <cstring>

namespace strata::simulator {
namespace {

constexpr uint32_t threadsOfGroup = 128, depth = 16, rowsOfA = 64, mostColumns = 256;

struct Descriptor {
  size_t start, leading, stride; ///< bytes; start from the beginning of the 256 KiB window
  uint32_t swizzle;              ///< log2 of the units in a row

  explicit Descriptor(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4),
        stride((bits >> 32 & 0x3fff) << 4), swizzle((4 - uint32_t(bits >> 62)) & 3) {}

  /// The offset of 8 elements: along k from (i, k) on, or, MN-major, along i.
  size_t unit(uint32_t i, uint32_t k, bool mnMajor) const {
    size_t row = size_t(16) << swizzle, units = size_t(1) << swizzle, offset;
    if (!mnMajor)
      offset = i % 8 * row + i / 8 * stride + k / 8 * (swizzle ? 16 : leading);
    else if (swizzle)
      offset = i / 8 % units * 16 + i / 8 / units * leading + k % 8 * row + k / 8 * stride;
    else
      offset = i / 8 * stride + k % 8 * 16 + k / 8 * leading;
    offset += start;
    return offset ^ (offset >> 7 & (units - 1)) << 4;
  }
};

/// Reads 8 elements for the whole warpgroup, which knows `known`.
void readUnit(Block &block, uint32_t group, const Clock &known, size_t offset, uint16_t *elements) {
  const char *address = block.storage.shared() + offset;
  block.sharedOffset(address, 16, "wgmma's read");
  if (block.racesWanted())
    block.report(block.races.readAsync(block.races.wgmmaActor(group), known, offset, 16),
                 "wgmma's read");
  std::memcpy(elements, address, 16);
}

/// An operand of wgmma: `rows` x 16, and where element (i, k) goes.
struct Operand {
  uint64_t descriptor;
  uint32_t rows;
  bool mnMajor, negate;
  float *result;
  uint32_t rowStride, depthStride;
};

void readOperand(Block &block, uint32_t group, const Clock &known, const Operand &operand) {
  Descriptor descriptor(operand.descriptor);
  if (operand.descriptor >> 49 & 7)
    block.fail("wgmma: a descriptor's base offset is not modelled");
  float sign = operand.negate ? -1.0f : 1.0f;
  bool mnMajor = operand.mnMajor;
  uint32_t stride = mnMajor ? operand.rowStride : operand.depthStride;
  uint16_t elements[8];
  for (uint32_t i = 0; i < operand.rows; i += mnMajor ? 8 : 1)
    for (uint32_t k = 0; k < depth; k += mnMajor ? 1 : 8) {
      readUnit(block, group, known, descriptor.unit(i, k, mnMajor), elements);
      float *result = operand.result + i * operand.rowStride + k * operand.depthStride;
      for (uint32_t e = 0; e != 8; ++e)
        result[e * stride] = sign * fromBf16(elements[e]);
    }
}

/// d = a * b, 64 x columns, each sum in the order of k.
void multiply(const float (*a)[depth], const float (*b)[mostColumns], uint32_t columns,
              float (*d)[mostColumns]) {
  for (uint32_t i = 0; i != rowsOfA; ++i) {
    std::fill_n(d[i], columns, 0.0f);
    for (uint32_t k = 0; k != depth; ++k)
      for (uint32_t j = 0; j != columns; ++j)
        d[i][j] += a[i][k] * b[k][j];
  }
}

/// PTX ISA, "Register fragment for wgmma.m64nNk16", matrix D.
void accumulate(const WgmmaOperands &operands, uint32_t thread, const float (*d)[mostColumns]) {
  uint32_t row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
  for (uint32_t i = 0; i != operands.n / 2; ++i) {
    float sum = d[row + 8 * (i >> 1 & 1)][i / 4 * 8 + column + (i & 1)];
    float &result = operands.accumulator[i];
    result = operands.accumulate ? result + sum : sum;
  }
}

bool same(const WgmmaOperands &a, const WgmmaOperands &b) {
  return a.a == b.a && a.b == b.b && a.n == b.n && a.accumulate == b.accumulate &&
         a.negateA == b.negateA && a.negateB == b.negateB && a.transposeA == b.transposeA &&
         a.transposeB == b.transposeB;
}

/// What all threads of the warpgroup know: each of them must have seen the operands' writes.
Clock commonKnowledge(Block &block, uint32_t group) {
  Clock known = block.races.clock(group * threadsOfGroup);
  for (uint32_t thread = 1; thread != threadsOfGroup; ++thread)
    known.meet(block.races.clock(group * threadsOfGroup + thread));
  return known;
}

void execute(Block &block, Warpgroup &group, uint32_t number) {
  // Too large for the fiber's stack; on the heap they would be lost where an operand cannot be
  // read and the launch is abandoned.
  static thread_local float a[rowsOfA][depth], b[depth][mostColumns], d[rowsOfA][mostColumns];
  static thread_local Clock known;
  const WgmmaOperands &operands = *group.operands[0];
  for (uint32_t thread = 1; thread != threadsOfGroup; ++thread)
    if (!same(operands, *group.operands[thread]))
      block.fail(
          format("wgmma: threads 0 and %u of the warpgroup give different operands", thread));
  if (block.racesWanted()) {
    known = commonKnowledge(block, number);
    group.time = block.races.tick(block.races.wgmmaActor(number));
  }
  readOperand(
      block, number, known,
      {operands.a, rowsOfA, operands.transposeA != 0, operands.negateA != 0, a[0], depth, 1});
  readOperand(block, number, known,
              {operands.b, operands.n, operands.transposeB != 0, operands.negateB != 0, b[0], 1,
               mostColumns});
  multiply(a, b, operands.n, d);
  for (uint32_t thread = 0; thread != threadsOfGroup; ++thread)
    accumulate(*group.operands[thread], thread, d);
}

Warpgroup &wholeWarpgroup(Block &block, uint32_t number) {
  if ((number + 1) * threadsOfGroup > block.threads.size())
    block.fail(format("wgmma: warpgroup %u is not whole", number));
  return block.warpgroups[number];
}

} // namespace
} // namespace strata::simulator

using namespace strata::simulator;

void __sim_wgmma_fence() {
  Block &block = Block::current();
  wholeWarpgroup(block, block.thread().warp / 4).fenced = true;
}

void __sim_wgmma(const WgmmaOperands *operands) {
  Block &block = Block::current();
  uint32_t number = block.thread().warp / 4, first = number * threadsOfGroup;
  Warpgroup &group = wholeWarpgroup(block, number);
  if (!group.fenced)
    block.fail("wgmma before the first wgmma.fence of its warpgroup");
  if (operands->n % 8 || operands->n > mostColumns)
    block.fail(format("wgmma: n = %u", operands->n));
  block.thread().openWgmma = true;
  group.operands[block.thread().index - first] = operands;
  if (++group.arrived < threadsOfGroup)
    return block.wait("wgmma of warpgroup", number);
  group.arrived = 0;
  execute(block, group, number);
  for (uint32_t thread = first; thread != first + threadsOfGroup; ++thread)
    if (thread != block.thread().index)
      block.wake(thread);
}

void __sim_wgmma_commit() {
  Block &block = Block::current();
  Thread &thread = block.thread();
  thread.openWgmma = false;
  thread.wgmmaGroups.push_back(block.warpgroups[thread.warp / 4].time);
}

void __sim_wgmma_wait(uint32_t groupsInFlight) {
  Block &block = Block::current();
  Thread &thread = block.thread();
  auto &groups = thread.wgmmaGroups;
  if (groups.size() <= groupsInFlight)
    return;
  auto done = groups.begin() + (groups.size() - groupsInFlight);
  if (block.racesWanted()) {
    uint32_t actor = block.races.wgmmaActor(thread.warp / 4);
    uint32_t &known = block.races.clock(thread.index)[actor];
    known = std::max(known, *(done - 1));
  }
  groups.erase(groups.begin(), done);
}

void __sim_fence_proxy_async() {
  Block &block = Block::current();
  if (block.racesWanted())
    block.races.fenceProxy(block.thread().index);
}
