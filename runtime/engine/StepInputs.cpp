//===- StepInputs.cpp - what one step tells the kernels -------------------===//

#include "runtime/engine/StepInputs.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <cstring>

namespace strata {
namespace {

int64_t rowsOf(const StepSequence &sequence) {
  switch (sequence.rows) {
  case LogitRows::none:
    return 0;
  case LogitRows::last:
    return 1;
  case LogitRows::all:
    break;
  }
  return int64_t(sequence.tokens.size());
}

uint64_t alignUp(int64_t values) { return (uint64_t(values) * sizeof(int32_t) + 63) / 64 * 64; }

} // namespace

absl::Status StepInputs::build(std::span<const StepSequence> sequences) {
  count(sequences);
  int64_t tableSize = int64_t(sequences.size()) * pageTableStride;
  used = 3 * alignUp(tokens) + alignUp(outputRows) + alignUp(tableSize);
  STRATA_TRY(memory.prepare(used));
  std::byte *next = memory.data();
  memset(next, 0, used);
  auto place = [&](int64_t values) {
    auto *array = reinterpret_cast<int32_t *>(next);
    next += alignUp(values);
    return array;
  };
  tokenIds = place(tokens);
  positions = place(tokens);
  sequenceOfToken = place(tokens);
  outputTokens = place(outputRows);
  pageTable = place(tableSize);
  tokens = outputRows = 0; // append counts them again
  for (size_t i = 0; i < sequences.size(); ++i)
    append(sequences[i], int32_t(i));
  return absl::OkStatus();
}

void StepInputs::count(std::span<const StepSequence> sequences) {
  tokens = outputRows = longestRun = contextTokens = outputContext = 0;
  pageTableStride = leastStride;
  for (const StepSequence &sequence : sequences) {
    tokens += int64_t(sequence.tokens.size());
    outputRows += rowsOf(sequence);
    longestRun = std::max(longestRun, int64_t(sequence.tokens.size()));
    pageTableStride = std::max(pageTableStride, int64_t(sequence.pages.size()));
  }
}

void StepInputs::append(const StepSequence &sequence, int32_t index) {
  auto size = int64_t(sequence.tokens.size());
  for (int64_t i = 0; i < size; ++i, ++tokens) {
    int64_t position = sequence.position + i;
    tokenIds[tokens] = sequence.tokens[size_t(i)];
    positions[tokens] = int32_t(position);
    sequenceOfToken[tokens] = index;
    contextTokens += position + 1;
    if (i >= size - rowsOf(sequence)) {
      outputTokens[outputRows++] = int32_t(tokens);
      outputContext += position + 1;
    }
  }
  std::copy(sequence.pages.begin(), sequence.pages.end(), pageTable + index * pageTableStride);
}

} // namespace strata
