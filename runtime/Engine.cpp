//===- Engine.cpp ---------------------------------------------------------===//

#include "runtime/Engine.h"

#include "runtime/Checked.h"
#include "runtime/Status.h"
#include "runtime/cpu/SelectCode.h"

#include <algorithm>
#include <set>

namespace strata {
namespace {

constexpr uint32_t kMostContext = 1 << 24;

absl::StatusOr<KvCache> createCache(const package::Program &program, uint64_t context,
                                    const EngineOptions &options) {
  uint64_t pages = (context + program.page_tokens() - 1) / program.page_tokens();
  Checked total = Checked(pages) * options.sequences;
  if (!total.atMost(INT32_MAX))
    return absl::InvalidArgumentError(absl::StrCat("KV cache: expected at most ", INT32_MAX,
                                                   " pages, found ", options.sequences,
                                                   " sequences of ", pages));
  return KvCache::create(program.page_bytes(), uint32_t(*total.value()), options.poison);
}

absl::StatusOr<cpu::CodeObject> loadCode(const Package &package, const package::Program &program,
                                         const std::string &target) {
  auto chosen = cpu::selectCode(program, cpu::CpuFeatures::detect(), target);
  if (!chosen.ok())
    return annotate(chosen.status(), package.path());
  auto code =
      cpu::CodeObject::load(text((*chosen)->target()), package.section((*chosen)->section()));
  return code.ok() ? std::move(code) : annotate(code.status(), package.path());
}

} // namespace

absl::StatusOr<std::unique_ptr<Engine>>
Engine::create(const Package &package, const Weights &weights, const EngineOptions &options) {
  uint32_t context = options.context ? options.context : package.model().context();
  if (context > kMostContext)
    return absl::InvalidArgumentError(
        absl::StrCat("context: expected at most ", kMostContext, " tokens, found ", context));
  STRATA_ASSIGN(const package::Program *program, package.program("cpu"));
  STRATA_ASSIGN(cpu::CodeObject code, loadCode(package, *program, options.cpu));
  STRATA_ASSIGN(cpu::Plan plan, cpu::Plan::create(*program, weights, code));
  STRATA_ASSIGN(KvCache cache, createCache(*program, context, options));
  int threads = options.threads ? options.threads : cpu::availableCpus();
  STRATA_ASSIGN(auto pool, cpu::ThreadPool::create(threads));
  Parts parts{*program, std::move(pool), std::move(code), std::move(plan), std::move(cache)};
  return std::unique_ptr<Engine>(
      new Engine(package, weights, context, options.poison, std::move(parts)));
}

Engine::Engine(const Package &package, const Weights &weights, int64_t mostTokens, bool poison,
               Parts parts)
    : package(package), weights(weights), program(parts.program), mostTokens(mostTokens),
      poison(poison), threads(std::move(parts.threads)), code(std::move(parts.code)),
      plan(std::move(parts.plan)), pages(std::move(parts.pages)) {}

Sequence Engine::open() {
  auto slot = std::find_if(slots.begin(), slots.end(), [](const Slot &s) { return !s.open; });
  if (slot == slots.end())
    slot = slots.emplace(slots.end());
  slot->open = true;
  return Sequence(slot - slots.begin());
}

void Engine::close(Sequence sequence) {
  rewind(sequence, 0);
  slots[size_t(sequence)].open = false;
}

void Engine::rewind(Sequence sequence, int64_t length) {
  Slot &slot = slots[size_t(sequence)];
  slot.length = std::min(length, slot.length);
  auto kept = std::min(size_t(pagesFor(slot.length)), slot.pages.size());
  std::vector<int32_t> freed(slot.pages.begin() + ptrdiff_t(kept), slot.pages.end());
  slot.pages.resize(kept);
  pages.giveBack(freed);
}

int64_t Engine::pagesFor(int64_t tokens) const {
  int64_t size = program.page_tokens();
  return (tokens + size - 1) / size;
}

absl::StatusOr<StepResult> Engine::step(std::span<const BatchEntry> batch) {
  STRATA_TRY(check(batch));
  STRATA_TRY(takePages(batch));
  STRATA_TRY(buildInputs(batch));
  STRATA_TRY(prepareMemory());
  cpu::Work work = plan.run({&inputs, arena.data(), pages.data(), logits.data()}, *threads);
  if (poison) {
    STRATA_TRY(arena.checkPoison());
    STRATA_TRY(logits.checkPoison());
  }
  for (const BatchEntry &entry : batch)
    slots[size_t(entry.sequence)].length += int64_t(entry.tokens.size());
  int64_t vocabulary = model().vocabulary();
  std::span<const float> rows(reinterpret_cast<const float *>(logits.data()),
                              size_t(inputs.outputRows * vocabulary));
  return StepResult{rows, inputs.outputRows, vocabulary, work};
}

absl::Status Engine::check(std::span<const BatchEntry> batch) const {
  if (batch.empty())
    return absl::InvalidArgumentError("step: expected at least 1 sequence, found none");
  std::set<Sequence> seen;
  uint64_t tokens = 0;
  for (const BatchEntry &entry : batch) {
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
  if (entry.sequence < 0 || size_t(entry.sequence) >= slots.size() ||
      !slots[size_t(entry.sequence)].open)
    return absl::InvalidArgumentError("expected an open one, found another number");
  if (entry.tokens.empty())
    return absl::InvalidArgumentError("expected at least 1 token, found none");
  for (int32_t token : entry.tokens)
    if (token < 0 || uint32_t(token) >= model().vocabulary())
      return absl::InvalidArgumentError(
          absl::StrCat("token: expected 0 to ", model().vocabulary() - 1, ", found ", token));
  uint64_t end = uint64_t(length(entry.sequence)) + entry.tokens.size();
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
    return absl::ResourceExhaustedError(
        absl::StrCat("KV cache: full: the step needs ", sum, " pages of ", program.page_tokens(),
                     " tokens, ", pages.freePages(), " of ", pages.pages(), " are free"));
  for (const BatchEntry &entry : batch)
    STRATA_TRY(pages.take(missing(entry), slots[size_t(entry.sequence)].pages));
  return absl::OkStatus();
}

absl::Status Engine::buildInputs(std::span<const BatchEntry> batch) {
  std::vector<StepSequence> sequences;
  for (const BatchEntry &entry : batch) {
    const Slot &slot = slots[size_t(entry.sequence)];
    sequences.push_back({entry.tokens, slot.length, slot.pages, entry.rows});
  }
  return inputs.build(sequences);
}

absl::Status Engine::prepareMemory() {
  uint64_t rounded = uint64_t(cpu::roundUp(inputs.tokens, program.arena_token_multiple()));
  // A size that does not fit is one that no system has.
  uint64_t arenaBytes =
      (Checked(program.arena_bytes_per_token()) * rounded).value().value_or(UINT64_MAX);
  uint64_t logitsBytes = uint64_t(inputs.outputRows) * model().vocabulary() * sizeof(float);
  STRATA_TRY(arena.prepare(arenaBytes, poison));
  return logits.prepare(logitsBytes, poison);
}

absl::StatusOr<StepResult> prefill(Engine &engine, Sequence sequence,
                                   std::span<const int32_t> tokens, int64_t chunk,
                                   absl::FunctionRef<bool(int64_t done)> proceed) {
  if (tokens.empty() || chunk < 1)
    return absl::InvalidArgumentError(absl::StrCat("prefill: expected tokens and a chunk of at ",
                                                   "least 1, found ", tokens.size(), " and ",
                                                   chunk));
  cpu::Work work;
  for (size_t done = 0;;) {
    if (!proceed(int64_t(done)))
      return absl::CancelledError("stopped");
    auto part = tokens.subspan(done, std::min(size_t(chunk), tokens.size() - done));
    bool last = done + part.size() == tokens.size();
    BatchEntry entry{sequence, part, last ? LogitRows::last : LogitRows::none};
    STRATA_ASSIGN(StepResult result, engine.step({&entry, 1}));
    work += result.work;
    result.work = work;
    if (last)
      return result;
    done += part.size();
  }
}

} // namespace strata
