//===- Engine.cpp - checks a batch, runs it, keeps the sequences ----------===//

#include "runtime/engine/Engine.h"

#include "runtime/base/Status.h"
#include "runtime/engine/Likeliest.h"

#include <algorithm>
#include <set>

namespace strata {
Engine::Engine(const Package &package, std::unique_ptr<Device> device, uint32_t context,
               bool poison)
    : package(package), mostTokens(context), poison(poison), hardware(std::move(device)),
      pages(hardware->pages()), prefixes(pages, hardware->program().page_tokens()),
      inputs(hardware->fixedPageTables() ? pagesFor(mostTokens) : 0) {}

Sequence Engine::open() {
  auto slot = std::find_if(slots.begin(), slots.end(), [](const Slot &s) { return !s.open; });
  if (slot == slots.end())
    slot = slots.emplace(slots.end());
  slot->open = true;
  return Sequence(slot - slots.begin());
}

absl::Status Engine::checkOpen(Sequence sequence) const {
  if (sequence >= 0 && size_t(sequence) < slots.size() && slots[size_t(sequence)].open)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("sequence ", sequence, ": expected an open one, found another number"));
}

absl::Status Engine::close(Sequence sequence) {
  STRATA_TRY(checkOpen(sequence));
  Slot &slot = slots[size_t(sequence)];
  keep(slot, 0);
  slot.open = false;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Engine::length(Sequence sequence) const {
  STRATA_TRY(checkOpen(sequence));
  return slots[size_t(sequence)].length;
}

absl::Status Engine::rewind(Sequence sequence, int64_t length) {
  STRATA_TRY(checkOpen(sequence));
  Slot &slot = slots[size_t(sequence)];
  if (length < 0 || length > slot.length)
    return absl::InvalidArgumentError(absl::StrCat(
        "sequence ", sequence, ": rewind: expected 0 to ", slot.length, " tokens, found ", length));
  const int64_t size = hardware->program().page_tokens();
  if (length % size != 0 && pages.users(slot.pages[size_t(length / size)]) > 1)
    return absl::FailedPreconditionError(absl::StrCat("sequence ", sequence,
                                                      ": rewind: expected a multiple of ", size,
                                                      " where pages are shared, found ", length));
  keep(slot, length);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Engine::reuse(Sequence sequence, std::span<const int32_t> tokens) {
  STRATA_TRY(checkOpen(sequence));
  Slot &slot = slots[size_t(sequence)];
  if (slot.length != 0 || tokens.empty())
    return absl::InvalidArgumentError(
        absl::StrCat("sequence ", sequence, ": reuse: expected an empty one and tokens"));
  keep(slot, 0); // pages of a step that failed
  slot.pages = prefixes.share(tokens.first(tokens.size() - 1));
  slot.length = int64_t(slot.pages.size()) * hardware->program().page_tokens();
  return slot.length;
}

absl::Status Engine::remember(Sequence sequence, std::span<const int32_t> tokens) {
  STRATA_TRY(checkOpen(sequence));
  const Slot &slot = slots[size_t(sequence)];
  if (int64_t(tokens.size()) != slot.length)
    return absl::InvalidArgumentError(absl::StrCat("sequence ", sequence, ": remember: expected ",
                                                   slot.length, " tokens, found ", tokens.size()));
  prefixes.remember(tokens, slot.pages);
  return absl::OkStatus();
}

void Engine::keep(Slot &slot, int64_t length) {
  slot.length = length;
  auto kept = std::min(size_t(pagesFor(slot.length)), slot.pages.size());
  std::vector<int32_t> freed(slot.pages.begin() + ptrdiff_t(kept), slot.pages.end());
  slot.pages.resize(kept);
  pages.giveBack(freed);
}

int64_t Engine::pagesFor(int64_t tokens) const {
  int64_t size = hardware->program().page_tokens();
  return (tokens + size - 1) / size;
}

absl::StatusOr<StepResult> Engine::step(std::span<const BatchEntry> batch,
                                        std::span<const RowOutput> outputs) {
  STRATA_TRY(check(batch));
  STRATA_TRY(takePages(batch));
  STRATA_TRY(buildInputs(batch));
  if (!outputs.empty() && int64_t(outputs.size()) != inputs.outputRows)
    return absl::InvalidArgumentError(absl::StrCat("step: expected outputs of ", inputs.outputRows,
                                                   " rows, found ", outputs.size()));
  STRATA_ASSIGN(DeviceStep done, hardware->run(inputs, outputs));
  for (const BatchEntry &entry : batch)
    slots[size_t(entry.sequence)].length += int64_t(entry.tokens.size());
  return StepResult{done.logits, done.tokens, inputs.outputRows, model().vocabulary(), done.work};
}

absl::Status Engine::check(std::span<const BatchEntry> batch) const {
  if (batch.empty())
    return absl::InvalidArgumentError("step: expected at least 1 sequence, found none");
  std::set<Sequence> seen;
  uint64_t tokens = 0;
  for (const BatchEntry &entry : batch) {
    STRATA_TRY(checkOpen(entry.sequence));
    STRATA_TRY(annotate(checkEntry(entry), absl::StrCat("sequence ", entry.sequence)));
    if (!seen.insert(entry.sequence).second)
      return absl::InvalidArgumentError(
          absl::StrCat("sequence ", entry.sequence, ": expected once in a step, found twice"));
    tokens += entry.tokens.size();
  }
  return tokens <= kMostContext
             ? absl::OkStatus()
             : absl::InvalidArgumentError(absl::StrCat("step: expected at most ", kMostContext,
                                                       " tokens, found ", tokens));
}

absl::Status Engine::checkEntry(const BatchEntry &entry) const {
  if (entry.tokens.empty())
    return absl::InvalidArgumentError("expected at least 1 token, found none");
  for (int32_t token : entry.tokens)
    if (token < 0 || uint32_t(token) >= model().vocabulary())
      return absl::InvalidArgumentError(
          absl::StrCat("token: expected 0 to ", model().vocabulary() - 1, ", found ", token));
  uint64_t end = uint64_t(slots[size_t(entry.sequence)].length) + entry.tokens.size();
  return end <= uint64_t(mostTokens)
             ? absl::OkStatus()
             : absl::OutOfRangeError(absl::StrCat("expected at most ", mostTokens,
                                                  " tokens (the context), found ", end));
}

absl::Status Engine::takePages(std::span<const BatchEntry> batch) {
  auto missing = [&](const BatchEntry &entry) {
    const Slot &slot = slots[size_t(entry.sequence)];
    int64_t wanted = pagesFor(slot.length + int64_t(entry.tokens.size()));
    // A step that failed after this point has left its pages with the sequence.
    return uint32_t(std::max<int64_t>(0, wanted - int64_t(slot.pages.size())));
  };
  uint64_t sum = 0;
  for (const BatchEntry &entry : batch)
    sum += missing(entry);
  if (sum > pages.freePages())
    prefixes.giveUp(uint32_t(std::min<uint64_t>(sum - pages.freePages(), pages.pages())));
  if (sum > pages.freePages())
    return absl::ResourceExhaustedError(absl::StrCat(
        "KV cache: full: the step needs ", sum, " pages of ", hardware->program().page_tokens(),
        " tokens, ", pages.freePages(), " of ", pages.pages(), " are free"));
  for (const BatchEntry &entry : batch)
    STRATA_TRY(takePages(missing(entry), slots[size_t(entry.sequence)].pages));
  return absl::OkStatus();
}

absl::Status Engine::takePages(uint32_t count, std::vector<int32_t> &taken) {
  STRATA_TRY(pages.take(count, taken));
  return poison ? hardware->poisonPages(std::span(taken).last(count)) : absl::OkStatus();
}

absl::Status Engine::buildInputs(std::span<const BatchEntry> batch) {
  std::vector<StepSequence> sequences;
  for (const BatchEntry &entry : batch) {
    const Slot &slot = slots[size_t(entry.sequence)];
    sequences.push_back({entry.tokens, slot.length, slot.pages, entry.rows});
  }
  return inputs.build(sequences);
}

absl::StatusOr<StepResult> prefill(Engine &engine, Sequence sequence,
                                   std::span<const int32_t> tokens, int64_t chunk,
                                   absl::FunctionRef<bool(int64_t done)> proceed,
                                   const RowOutput &output) {
  if (tokens.empty() || chunk < 1)
    return absl::InvalidArgumentError(absl::StrCat("prefill: expected tokens and a chunk of at ",
                                                   "least 1, found ", tokens.size(), " and ",
                                                   chunk));
  Work work;
  for (size_t done = 0;;) {
    if (!proceed(int64_t(done)))
      return absl::CancelledError("stopped");
    auto part = tokens.subspan(done, std::min(size_t(chunk), tokens.size() - done));
    bool last = done + part.size() == tokens.size();
    BatchEntry entry{sequence, part, last ? LogitRows::last : LogitRows::none};
    STRATA_ASSIGN(StepResult result, engine.step({&entry, 1}, {&output, size_t(last)}));
    work += result.work;
    result.work = work;
    if (last)
      return result;
    done += part.size();
  }
}

} // namespace strata
