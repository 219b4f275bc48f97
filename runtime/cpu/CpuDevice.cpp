//===- CpuDevice.cpp - runs steps on the CPUs of this machine -------------===//

#include "runtime/cpu/CpuDevice.h"

#include "runtime/base/Checked.h"
#include "runtime/base/Status.h"
#include "runtime/cpu/RandomWeights.h"
#include "runtime/cpu/SelectCode.h"
#include "runtime/engine/Likeliest.h"

#include <atomic>
#include <chrono>
#include <cstring>

namespace strata::cpu {
namespace {

absl::StatusOr<CodeObject> loadCode(const Package &package, const package::CodeObject &chosen) {
  auto code = CodeObject::load(textOf(chosen.target()), package.section(chosen.section()));
  return code.ok() ? std::move(code) : annotate(code.status(), package.path());
}

/// Whether most of what a step streams are integers of 8 bits or less: i8, words and blocks of
/// such.
bool streamsBytes(const Package &package, const package::Program &program, const Weights &weights) {
  size_t all = 0, integers = 0;
  for (uint64_t index : streamedParameters(program)) {
    size_t bytes = weights.parameters()[index].size();
    const auto *parameter = package.manifest().parameters()->Get(uint32_t(index));
    all += bytes;
    integers += parameter->dtype() >= package::DType::i32 ? bytes : 0;
  }
  return integers > all / 2;
}

} // namespace

absl::StatusOr<std::unique_ptr<Device>>
CpuDevice::create(const Package &package, const Weights &wanted, const DeviceOptions &options) {
  STRATA_ASSIGN(SelectedCode chosen, selectCode(package, CpuFeatures::detect(), options.target));
  const package::Program *program = chosen.program;
  STRATA_ASSIGN(CodeObject code, loadCode(package, *chosen.code));
  STRATA_ASSIGN(Weights weights, inMemory(package, wanted));
  STRATA_ASSIGN(BoundProgram plan, BoundProgram::create(*program, weights, code, options.mode()));
  STRATA_ASSIGN(uint32_t pages, cachePages(*program, options));
  STRATA_ASSIGN(AnonymousMemory cache,
                AnonymousMemory::reserve(pages * program->page_bytes(), "KV cache"));
  int threads = options.threads ? options.threads : availableCpus();
  STRATA_ASSIGN(auto pool, ThreadPool::create(threads));
  FlopCeiling flops(featuresOf(*chosen.code), streamsBytes(package, *program, weights));
  Parts parts{*program,        std::move(pool), std::move(code), flops,
              std::move(plan), pages,           std::move(cache)};
  return std::unique_ptr<Device>(
      new CpuDevice(package, std::move(weights), options.poison, std::move(parts)));
}

CpuDevice::CpuDevice(const Package &package, Weights made, bool poison, Parts parts)
    : weights(std::move(made)), vocabulary(package.model().vocabulary()), poison(poison),
      parts(std::move(parts)), stepProbe(program()) {}

absl::Status CpuDevice::poisonPages(std::span<const int32_t> pages) {
  uint64_t bytes = program().page_bytes();
  for (int32_t page : pages)
    memset(parts.cache.data() + uint64_t(page) * bytes, 0xff, bytes);
  return absl::OkStatus();
}

absl::StatusOr<DeviceStep> CpuDevice::run(const StepInputs &inputs,
                                          std::span<const RowOutput> outputs) {
  STRATA_TRY(prepareMemory(inputs));
  StepMemory memory{&inputs, arena.data(), parts.cache.data(), logits.data()};
  STRATA_ASSIGN(Work work, runPlan(memory));
  if (poison) {
    STRATA_TRY(arena.checkPoison());
    STRATA_TRY(logits.checkPoison());
  }
  std::span<const float> rows(reinterpret_cast<const float *>(logits.data()),
                              size_t(inputs.outputRows) * vocabulary);
  tokens.resize(outputs.size());
  forEach(int64_t(outputs.size()), [&](int64_t row) {
    const RowOutput &output = outputs[size_t(row)];
    if (output.draw)
      tokens[size_t(row)] = drawToken(rows.subspan(size_t(row) * vocabulary, vocabulary),
                                      *output.draw, output.allowed);
  });
  return DeviceStep{rows, tokens, work};
}

/// Whoever is done takes the next: some take longer than others.
void CpuDevice::forEach(int64_t units, absl::FunctionRef<void(int64_t unit)> body) {
  if (units <= 1)
    return Device::forEach(units, body);
  std::atomic<int64_t> next = 0;
  parts.pool->run([&](int) {
    for (int64_t unit; (unit = next.fetch_add(1, std::memory_order_relaxed)) < units;)
      body(unit);
  });
}

absl::StatusOr<Work> CpuDevice::runPlan(const StepMemory &memory) {
  if (stepProbe.observed())
    return runObserved(memory);
  return stepProbe.timed() ? runTimed(memory) : parts.plan.run(memory, *parts.pool);
}

absl::StatusOr<Work> CpuDevice::runTimed(const StepMemory &memory) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  Clock::time_point last = Clock::now();
  STRATA_ASSIGN(Work work, parts.plan.runEach(memory, *parts.pool, [&](uint32_t) {
    Clock::time_point now = Clock::now();
    seconds.push_back(std::chrono::duration<double>(now - last).count());
    last = now;
    return absl::OkStatus();
  }));
  stepProbe.setTimes(seconds, *memory.inputs);
  return work;
}

absl::StatusOr<Work> CpuDevice::runObserved(const StepMemory &memory) {
  using Bytes = std::span<const std::byte>;
  auto read = [&](package::Buffer buffer, uint64_t bytes) -> absl::StatusOr<Bytes> {
    return Bytes(static_cast<std::byte *>(parts.plan.addressOf(buffer, memory)), bytes);
  };
  return parts.plan.runEach(memory, *parts.pool, [&](uint32_t dispatch) {
    return stepProbe.show(dispatch, *memory.inputs, read);
  });
}

absl::Status CpuDevice::prepareMemory(const StepInputs &inputs) {
  auto rounded = uint64_t(roundUp(inputs.tokens, program().arena_token_multiple()));
  // A size that does not fit is one that no system has.
  uint64_t arenaBytes =
      (Checked(program().arena_bytes_per_token()) * rounded).value().value_or(UINT64_MAX);
  uint64_t logitsBytes = uint64_t(inputs.outputRows) * vocabulary * sizeof(float);
  STRATA_TRY(arena.prepare(arenaBytes, poison));
  return logits.prepare(logitsBytes, poison);
}

absl::StatusOr<double> CpuDevice::measureRead(uint64_t mostBytes, double seconds) {
  std::vector<std::span<const std::byte>> ranges;
  for (uint64_t parameter : streamedParameters(program()))
    ranges.push_back(weights.parameters()[parameter]);
  ReadCeiling ceiling(CpuFeatures::detect(), std::move(ranges), mostBytes);
  return ceiling.measure(*parts.pool, seconds);
}

} // namespace strata::cpu
