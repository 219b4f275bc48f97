//===- Intrinsics.h - what a simulated kernel calls -------------*- C++ -*-===//
//
// codegen/nvptx/SimulatorRewrite.cpp replaces every NVVM op of a kernel by a call of one of these.
// They act on the thread that the simulator is running (Block::current), follow the PTX ISA, and
// report what PTX leaves undefined. An error ends the launch: the call does not return.
//
// Not modelled: races between blocks and on global memory; weak memory ordering; blocks of one
// grid at the same time (they run one after another, so a block cannot wait for a later one);
// loops without end that neither synchronize nor read memory atomically (they never return); warps
// that run in lockstep (each thread runs on its own between two synchronizations); exited threads
// that still belong to a mask or a barrier (they are waited for: a deadlock); bank conflicts and
// every other cost; limits of registers and occupancy; clusters, multicast and distributed shared
// memory; TMA stores, reductions, im2col and interleaving; element types of matrices other than
// bf16 with f32 sums, sparse ones, and wgmma with A in registers; the order and the rounding in
// which tensor cores add; griddepcontrol (a kernel begins when the one before has ended); registers
// of an accumulator that are read while their wgmma is in flight (a kernel that ends so is
// reported); fence.proxy.async before a bulk copy overwrites what threads have read; races of
// atomics with plain accesses. What fragments, descriptors and swizzles look like is a reading of
// the PTX ISA.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata::simulator {

/// A kernel image exports for each kernel NAME
///   void __sim_entry_NAME(void **parameters)        parameters as cuLaunchKernel takes them
///   const uint32_t __sim_info_NAME[]                an ImageInfo, then the bytes of each parameter
struct ImageInfo {
  static constexpr uint32_t currentVersion = 1;

  uint32_t version;
  uint32_t staticSharedBytes; ///< dynamic shared memory begins at the next multiple of 1024
  uint32_t requiredBlock[3];  ///< nvvm.reqntid; 0: any
  uint32_t maxThreads;        ///< of nvvm.reqntid or nvvm.maxntid; 0: the device's limit
  uint32_t numParameters;
};

inline constexpr uint32_t dynamicSharedAlignment = 1024;

/// What __sim_sreg reads.
enum class SpecialRegister : uint32_t {
  TidX,
  TidY,
  TidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NtidX,
  NtidY,
  NtidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  WarpSize,
};

enum class AccessKind : uint32_t { Read, Write, Atomic };
enum class ShuffleKind : uint32_t { Xor, Up, Down, Index };
enum class VoteKind : uint32_t { Any, All, Ballot, Uniform };
enum class ReduxKind : uint32_t {
  Add,
  And,
  Or,
  Xor,
  SignedMin,
  SignedMax,
  UnsignedMin,
  UnsignedMax
};

/// The fragments of one lane: mma.sync.m16n8k16 of bf16, accumulated in f32 in place.
struct MmaOperands {
  uint32_t a[4], b[2];
  float c[4];
};

/// One wgmma.mma_async.m64nNk16 of bf16. Without accumulate the old accumulator is ignored.
struct WgmmaOperands {
  float *accumulator; ///< n / 2 registers of this thread
  uint64_t a, b;      ///< shared-memory descriptors
  uint32_t n;
  uint32_t accumulate, negateA, negateB, transposeA, transposeB;
};

} // namespace strata::simulator

#pragma GCC visibility push(default)
extern "C" {

uint32_t __sim_sreg(uint32_t specialRegister);
/// The generic address of an offset into the block's shared memory: below 4 GiB, so that it
/// survives a conversion to 32 bits, and a multiple of 256 KiB, so that descriptors hold it.
void *__sim_shared(uint32_t offset);

// Before every load, store and atomic: bounds, alignment, and of shared memory races.
void __sim_access_global(const void *address, uint32_t bytes, uint32_t alignment, uint32_t kind);
void __sim_access_shared(const void *address, uint32_t bytes, uint32_t alignment, uint32_t kind);
void __sim_access_generic(const void *address, uint32_t bytes, uint32_t alignment, uint32_t kind);
/// nanosleep, and before every volatile or atomic load: others run, so that a thread that waits
/// for a value in memory gets it; nothing else happening for long is a deadlock.
void __sim_pause();

// Warp collectives. None but __sim_warp_barrier orders memory.
uint64_t __sim_shfl(uint32_t kind, uint32_t mask, uint32_t value, uint32_t offset,
                    uint32_t maskAndClamp); ///< value | valid << 32
uint32_t __sim_vote(uint32_t kind, uint32_t mask, uint32_t predicate);
uint32_t __sim_match_any(uint32_t mask, uint64_t value);
uint64_t __sim_match_all(uint32_t mask, uint64_t value); ///< mask | predicate << 32
uint32_t __sim_redux(uint32_t kind, uint32_t mask, uint32_t value);
uint32_t __sim_elect(uint32_t mask);
void __sim_warp_barrier(uint32_t mask);
void __sim_mma(strata::simulator::MmaOperands *operands);
void __sim_ldmatrix(const void *row, uint32_t count, uint32_t transpose, uint32_t *result);
void __sim_stmatrix(void *row, uint32_t count, uint32_t transpose, const uint32_t *values);

// Named barriers. threads == 0: the whole block.
void __sim_barrier(uint32_t id, uint32_t threads);
void __sim_barrier_arrive(uint32_t id, uint32_t threads);

// cp.async: 4, 8 or 16 bytes, zeros behind sourceBytes.
void __sim_cp_async(void *to, const void *from, uint32_t bytes, uint32_t sourceBytes);
void __sim_cp_async_commit();
void __sim_cp_async_wait(uint32_t groupsInFlight);

// mbarrier. A token of arrive may be given where a parity is wanted.
void __sim_mbarrier_init(void *barrier, uint32_t count);
void __sim_mbarrier_invalidate(void *barrier);
uint64_t __sim_mbarrier_arrive(void *barrier, uint32_t count, uint32_t expectedBytes);
void __sim_mbarrier_expect(void *barrier, uint32_t bytes);
uint32_t __sim_mbarrier_try_wait(void *barrier, uint32_t parity);
void __sim_mbarrier_wait(void *barrier, uint32_t parity);

// Bulk copies to shared memory that complete on an mbarrier.
void __sim_tensor_load(void *to, const void *tensorMap, void *barrier, const int32_t *coordinates,
                       uint32_t rank);
void __sim_bulk_load(void *to, const void *from, void *barrier, uint32_t bytes);

// wgmma.
void __sim_wgmma_fence();
void __sim_wgmma(const strata::simulator::WgmmaOperands *operands);
void __sim_wgmma_commit();
void __sim_wgmma_wait(uint32_t groupsInFlight);
/// fence.proxy.async: what this thread wrote may be read by wgmma and bulk copies.
void __sim_fence_proxy_async();

// Approximations: computed exactly and rounded; flushing denormals where PTX says .ftz.
float __sim_ex2(float x, uint32_t flush);
float __sim_lg2(float x, uint32_t flush);
float __sim_rcp(float x, uint32_t flush);
float __sim_sqrt(float x, uint32_t flush);
float __sim_rsqrt(float x, uint32_t flush);
float __sim_tanh(float x);
float __sim_sin(float x, uint32_t flush);
float __sim_cos(float x, uint32_t flush);

/// What LLVM calls on x86-64 to round f32 to bf16. Its result is in xmm0.
float __truncsfbf2(float x);
}
#pragma GCC visibility pop
