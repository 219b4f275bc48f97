//===- StepInputs.h - what one step tells the kernels -----------*- C++ -*-===//
#pragma once

#include "runtime/base/AnonymousMemory.h"

#include <cstdint>
#include <span>
#include <vector>

namespace strata {

/// Whose logits a step shall compute: of no new token of a sequence, of the last, or of each.
enum class LogitRows : uint8_t { none, last, all };

/// One sequence's part of a step.
struct StepSequence {
  std::span<const int32_t> tokens; // new ones, at least 1
  int64_t position;                // of the first of them: the number of tokens before
  std::span<const int32_t> pages;  // enough for all tokens, old and new
  LogitRows rows;
};

/// The i32 arrays of a step (BufferKind in Package.fbs): T tokens of B sequences, R output rows.
/// Each array starts at a multiple of 64 bytes, in one piece of memory, in the order below. Reused
/// from step to step.
class StepInputs {
public:
  /// The page table's stride is that of the longest sequence, but no less than `leastStride`.
  explicit StepInputs(int64_t leastStride = 0) : leastStride(leastStride) {}
  /// Fails only where memory does.
  absl::Status build(std::span<const StepSequence> sequences);

  int64_t tokens = 0;     // T
  int64_t outputRows = 0; // R
  int64_t longestRun = 0; // most new tokens of one sequence
  int64_t pageTableStride = 0;
  int64_t contextTokens = 0; // sum over the T tokens of position + 1: what attention reads
  int64_t outputContext = 0; // the same over the R rows

  int32_t *tokenIds = nullptr;        // [T]
  int32_t *positions = nullptr;       // [T]
  int32_t *sequenceOfToken = nullptr; // [T]
  int32_t *outputTokens = nullptr;    // [R]
  int32_t *pageTable = nullptr;       // [B, pageTableStride]; 0 behind a sequence's last page

  /// All of the arrays.
  std::span<const std::byte> bytes() const { return {memory.data(), used}; }
  /// Where an array starts in them.
  uint64_t offsetOf(const int32_t *array) const {
    return uint64_t(reinterpret_cast<const std::byte *>(array) - memory.data());
  }

private:
  void count(std::span<const StepSequence> sequences);
  void append(const StepSequence &sequence, int32_t index);

  const int64_t leastStride;
  GrowingMemory memory{"step inputs"};
  uint64_t used = 0; // bytes
};

} // namespace strata
