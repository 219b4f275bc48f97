//===- Kernel.h - how compiled CPU code is called ---------------*- C++ -*-===//
//
// The contract between codegen/cpu (which emits these functions) and runtime/cpu (which calls
// them).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata::cpu {

/// Runs workgroups [begin, end) of one phase of a kernel. Thread-safe for disjoint ranges.
/// `buffers` are the dispatch's buffers, in order; they stay valid during the call only.
/// Weights may be aligned to 2 bytes only; arena, cache and logits are aligned to 64.
using KernelFunction = void (*)(void *const *buffers, int64_t tokens, int64_t outputRows,
                                int64_t pageTableStride, int64_t layer, int64_t begin, int64_t end);

} // namespace strata::cpu
