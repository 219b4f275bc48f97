//===- CudaDevice.cpp - uploads, steps and graphs of one GPU --------------===//

#include "runtime/cuda/CudaDevice.h"

#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/Checked.h"
#include "runtime/base/Status.h"
#include "runtime/base/ThreadPool.h"
#include "runtime/cuda/RandomWeights.h"
#include "runtime/cuda/Upload.h"
#include "runtime/package/PackageLimits.h"

#include <algorithm>
#include <cstring>

namespace strata::cuda {
namespace {

constexpr int kMostUploadThreads = 8; // more do not copy faster

/// Bytes of a step's arrays, at most, for `tokens` of as many sequences as there may be.
uint64_t inputBytesOf(const package::Program &program, const DeviceOptions &options) {
  constexpr uint64_t padding = 5 * 64;
  uint64_t stride = (options.context + program.page_tokens() - 1) / program.page_tokens();
  uint64_t sequences = std::min(options.sequences, options.stepTokens);
  return (4 * options.stepTokens + sequences * stride) * sizeof(int32_t) + padding;
}

absl::StatusOr<Module> loadModule(const Driver &driver, const Package &package,
                                  const package::CodeObject &code) {
  auto module =
      Module::load(driver, textOf(code.target()), code.format(), package.section(code.section()));
  return module.ok() ? std::move(module) : annotate(module.status(), package.path());
}

} // namespace

absl::StatusOr<CudaDevice::Context> CudaDevice::Context::open(int ordinal) {
  STRATA_ASSIGN(Driver driver, Driver::load());
  STRATA_ASSIGN(DeviceInfo info, describeDevice(driver, ordinal));
  Context context{std::move(driver), std::move(info), {}, nullptr, {}};
  const Driver &calls = context.driver;
  STRATA_TRY(calls.cuDevicePrimaryCtxRetain(&context.handle, context.info.handle));
  context.context = {context.info.handle, calls.entries().cuDevicePrimaryCtxRelease_v2};
  STRATA_TRY(context.makeCurrent());
  CUstream stream = nullptr;
  STRATA_TRY(calls.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
  context.stream = {stream, calls.entries().cuStreamDestroy_v2};
  return context;
}

absl::StatusOr<std::unique_ptr<Device>> CudaDevice::create(int ordinal, const Package &package,
                                                           const Weights &weights,
                                                           const DeviceOptions &options) {
  STRATA_TRY(package.code("cuda").status()); // before anything of the driver is needed
  STRATA_ASSIGN(Context context, Context::open(ordinal));
  std::string place = context.info.place();
  STRATA_ASSIGN(SelectedCode selected,
                selectCode(package, context.info.capability, place, options.target));
  const package::Program &program = *selected.program;
  STRATA_ASSIGN(Module module, loadModule(context.driver, package, *selected.code));
  auto plan = LaunchPlan::create(context.driver, context.info, program, module, options.mode());
  if (!plan.ok())
    return annotate(plan.status(), package.path());
  auto auxiliary = AuxiliaryKernels::create(context.driver, context.info, program, module);
  if (!auxiliary.ok())
    return annotate(auxiliary.status(), package.path());
  STRATA_ASSIGN(uint32_t pages, cachePages(program, options));
  Code code{program, std::move(module), *std::move(auxiliary)};
  std::unique_ptr<CudaDevice> device(new CudaDevice(std::move(context), std::move(code),
                                                    *std::move(plan), pages, package, options));
  STRATA_TRY(annotate(device->prepare(package, weights, options.threads), place));
  return device;
}

CudaDevice::CudaDevice(Context opened, Code loaded, LaunchPlan made, uint32_t pages,
                       const Package &package, const DeviceOptions &options)
    : context(std::move(opened)), code(std::move(loaded)), plan(std::move(made)),
      stepProbe(code.program), pageCount(pages), vocabulary(package.model().vocabulary()),
      stepTokens(options.stepTokens), stepRows(std::min<uint64_t>(stepTokens, kMostGraphTokens)),
      stepInputBytes(inputBytesOf(code.program, options)), poison(options.poison) {}

CudaDevice::~CudaDevice() {
  // Nothing can be done about errors here; those of steps were reported.
  (void)context.makeCurrent();
  (void)context.driver.cuStreamSynchronize(context.stream.get());
}

absl::Status CudaDevice::prepare(const Package &package, const Weights &weights, int threads) {
  STRATA_TRY(checkMemory(weights));
  STRATA_ASSIGN(cache, DeviceMemory::allocate(context.driver, pageCount * program().page_bytes(),
                                              "KV cache"));
  STRATA_TRY(prepareMemory(stepInputBytes, stepTokens, stepRows));
  STRATA_ASSIGN(parameters, allocateWeights(context.driver, weights));
  STRATA_TRY(loadWeights(package, weights, threads));
  return plan.setParameters(context.driver, parameters);
}

absl::Status CudaDevice::loadWeights(const Package &package, const Weights &weights, int threads) {
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  if (weights.seed())
    return makeRandomWeights(driver, stream, code.auxiliary, package, *weights.seed(), parameters);
  int readers = threads ? threads : std::min(availableCpus(), kMostUploadThreads);
  return uploadWeights(driver, stream, package, weights, readers, parameters);
}

absl::Status CudaDevice::checkMemory(const Weights &weights) const {
  size_t available = 0, total = 0;
  STRATA_TRY(context.driver.cuMemGetInfo_v2(&available, &total));
  Checked weightBytes = uploadFootprint(weights), cacheBytes = pageCount * program().page_bytes();
  Checked stepBytes = Checked(stepInputBytes) + logitsBytes(stepRows);
  Checked needed = weightBytes + cacheBytes + arenaBytes(stepTokens) + stepBytes;
  if (needed.atMost(available))
    return absl::OkStatus();
  auto shown = [](Checked bytes) { return formatBytes(bytes.value().value_or(UINT64_MAX)); };
  return absl::ResourceExhaustedError(absl::StrCat(
      "memory: needed ", shown(needed), " (weights ", shown(weightBytes), ", KV cache ",
      shown(cacheBytes), ", arena ", shown(arenaBytes(stepTokens)), ", inputs and logits ",
      shown(stepBytes), "), available ", formatBytes(available), " of ", formatBytes(total),
      "; a smaller --context needs less"));
}

/// A size that does not fit is one that no device has.
uint64_t CudaDevice::arenaBytes(uint64_t tokens) const {
  auto rounded = uint64_t(roundUp(int64_t(tokens), program().arena_token_multiple()));
  return (Checked(program().arena_bytes_per_token()) * rounded).value().value_or(UINT64_MAX);
}

absl::Status CudaDevice::prepareMemory(uint64_t inputBytes, uint64_t tokens, uint64_t rows) {
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  STRATA_TRY(hostInputs.prepare(driver, inputBytes));
  STRATA_TRY(hostLogits.prepare(driver, logitsBytes(rows)));
  STRATA_TRY(inputMemory.prepare(driver, stream, inputBytes));
  STRATA_TRY(arena.prepare(driver, stream, arenaBytes(tokens), poison));
  return logits.prepare(driver, stream, logitsBytes(rows), poison);
}

absl::Status CudaDevice::poisonPages(std::span<const int32_t> pages) {
  STRATA_TRY(broken);
  STRATA_TRY(remember(context.makeCurrent()));
  uint64_t bytes = program().page_bytes();
  for (int32_t page : pages)
    STRATA_TRY(remember(context.driver.cuMemsetD8Async(cache.address() + uint64_t(page) * bytes,
                                                       0xff, bytes, context.stream.get())));
  return absl::OkStatus();
}

static bool drawsAny(std::span<const RowOutput> outputs) {
  return std::ranges::any_of(outputs,
                             [](const RowOutput &output) { return output.draw.has_value(); });
}

absl::StatusOr<DeviceStep> CudaDevice::run(const StepInputs &inputs,
                                           std::span<const RowOutput> outputs) {
  STRATA_TRY(broken);
  absl::Status status = context.makeCurrent();
  if (status.ok())
    status = enqueue(inputs, outputs);
  // Also after an error: the next step writes what the stream may still read.
  status.Update(context.driver.cuStreamSynchronize(context.stream.get()));
  if (status.ok() && poison) {
    status = arena.checkPoison(context.driver);
    status.Update(logits.checkPoison(context.driver));
  }
  STRATA_TRY(remember(status));
  DeviceStep step{{}, {}, plan.workOf(inputs)};
  auto rows = size_t(inputs.outputRows);
  step.logits = {reinterpret_cast<const float *>(hostLogits.data()), rows * vocabulary};
  if (drawsAny(outputs))
    step.tokens = {reinterpret_cast<const int32_t *>(hostDrawn.data()), outputs.size()};
  return step;
}

absl::Status CudaDevice::remember(absl::Status status) {
  status = annotate(status, context.info.place());
  if (isLost(status))
    broken = status;
  return status;
}

/// Puts a step into the stream: the arrays to the device, the launches, what is wanted back.
absl::Status CudaDevice::enqueue(const StepInputs &inputs, std::span<const RowOutput> outputs) {
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  std::span<const std::byte> arrays = inputs.bytes();
  auto rows = uint64_t(inputs.outputRows);
  STRATA_TRY(prepareMemory(arrays.size(), uint64_t(inputs.tokens), rows));
  memcpy(hostInputs.data(), arrays.data(), arrays.size());
  STRATA_TRY(
      driver.cuMemcpyHtoDAsync_v2(inputMemory.address(), hostInputs.data(), arrays.size(), stream));
  StepAddresses addresses{inputMemory.address(), arena.address(), cache.address(),
                          logits.address()};
  STRATA_TRY(launch(inputs, addresses));
  if (outputs.empty())
    return copyLogits(0, rows);
  STRATA_TRY(enqueueDraws(outputs));
  for (uint64_t row = 0; row < rows; ++row)
    if (outputs[row].logits)
      STRATA_TRY(copyLogits(row, 1));
  return absl::OkStatus();
}

/// To the host, which wants them where they are on the device.
absl::Status CudaDevice::copyLogits(uint64_t firstRow, uint64_t rows) {
  if (rows == 0)
    return absl::OkStatus();
  const uint64_t offset = logitsBytes(firstRow);
  return context.driver.cuMemcpyDtoHAsync_v2(hostLogits.data() + offset, logits.address() + offset,
                                             logitsBytes(rows), context.stream.get());
}

namespace {

/// What the kernel `sample` is told of a row (Role in Package.fbs).
struct DeviceDraw {
  Draw draw;
  uint64_t allowedRow; // 0: all tokens
};

} // namespace

/// Of all rows, also those of which nobody wants one: a launch, and a copy each way.
absl::Status CudaDevice::enqueueDraws(std::span<const RowOutput> outputs) {
  if (!drawsAny(outputs))
    return absl::OkStatus();
  const AuxiliaryKernel *sample = code.auxiliary.find(package::Role::sample);
  if (!sample)
    return absl::FailedPreconditionError(
        "sampling: the package has no kernel that draws tokens; compile the model again");
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  const uint64_t rows = outputs.size(), bytes = rows * sizeof(DeviceDraw);
  STRATA_TRY(hostDraws.prepare(driver, bytes));
  STRATA_TRY(hostDrawn.prepare(driver, rows * sizeof(int32_t)));
  STRATA_TRY(draws.prepare(driver, stream, bytes));
  STRATA_TRY(drawn.prepare(driver, stream, rows * sizeof(int32_t)));
  STRATA_TRY(enqueueAllowed(outputs));
  auto *told = reinterpret_cast<DeviceDraw *>(hostDraws.data());
  uint64_t restricted = 0;
  for (const RowOutput &output : outputs)
    *told++ = {output.draw.value_or(Draw()), output.allowed.empty() ? 0 : ++restricted};
  STRATA_TRY(driver.cuMemcpyHtoDAsync_v2(draws.address(), hostDraws.data(), bytes, stream));
  CUdeviceptr from = logits.address(), by = draws.address(), of = allowed.address(),
              to = drawn.address();
  STRATA_TRY(sample->launch(driver, stream, rows, {&from, &by, &of, &to}));
  return driver.cuMemcpyDtoHAsync_v2(hostDrawn.data(), to, rows * sizeof(int32_t), stream);
}

/// Which tokens may be drawn: first a row of all of them, then those of the rows that say.
absl::Status CudaDevice::enqueueAllowed(std::span<const RowOutput> outputs) {
  const uint64_t row = (vocabulary + 63) / 64 * sizeof(uint64_t);
  const auto restricted = uint64_t(std::ranges::count_if(
      outputs, [](const RowOutput &output) { return !output.allowed.empty(); }));
  constexpr bool kAllOnes = true;
  STRATA_TRY(
      allowed.prepare(context.driver, context.stream.get(), (1 + restricted) * row, kAllOnes));
  if (restricted == 0)
    return absl::OkStatus();
  STRATA_TRY(hostAllowed.prepare(context.driver, restricted * row));
  std::byte *to = hostAllowed.data();
  for (const RowOutput &output : outputs)
    if (!output.allowed.empty()) {
      const auto bytes =
          std::as_bytes(output.allowed).first(std::min(row, output.allowed.size_bytes()));
      std::fill(std::ranges::copy(bytes, to).out, to + row, std::byte(0));
      to += row;
    }
  return context.driver.cuMemcpyHtoDAsync_v2(allowed.address() + row, hostAllowed.data(),
                                             restricted * row, context.stream.get());
}

absl::Status CudaDevice::launch(const StepInputs &inputs, const StepAddresses &addresses) {
  if (stepProbe.observed())
    return launchObserved(inputs, addresses);
  if (stepProbe.timed())
    return launchTimed(inputs, addresses);
  bool decode = inputs.tokens <= kMostGraphTokens || inputs.longestRun == 1;
  return decode ? replay(inputs, addresses)
                : plan.launch(context.driver, context.stream.get(), inputs, addresses);
}

absl::Status CudaDevice::launchTimed(const StepInputs &inputs, const StepAddresses &addresses) {
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  uint32_t count = program().dispatches()->size();
  STRATA_TRY(events.prepare(driver, count + 1));
  STRATA_TRY(events.record(driver, stream, 0));
  STRATA_TRY(plan.launchEach(driver, stream, inputs, addresses, [&](uint32_t dispatch) {
    return events.record(driver, stream, dispatch + 1);
  }));
  STRATA_TRY(driver.cuStreamSynchronize(stream));
  std::vector<double> seconds(count);
  for (uint32_t i = 0; i < count; ++i) {
    STRATA_ASSIGN(seconds[i], events.seconds(driver, i, i + 1));
  }
  stepProbe.setTimes(seconds, inputs);
  return absl::OkStatus();
}

absl::Status CudaDevice::launchObserved(const StepInputs &inputs,
                                        const StepAddresses &addresses) const {
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  std::vector<std::byte> copy;
  using Bytes = std::span<const std::byte>;
  auto read = [&](package::Buffer buffer, uint64_t bytes) -> absl::StatusOr<Bytes> {
    copy.resize(bytes);
    if (bytes > 0)
      STRATA_TRY(driver.cuMemcpyDtoHAsync_v2(copy.data(), plan.addressOf(buffer, inputs, addresses),
                                             bytes, stream));
    STRATA_TRY(driver.cuStreamSynchronize(stream));
    return copy;
  };
  return plan.launchEach(driver, stream, inputs, addresses,
                         [&](uint32_t dispatch) { return stepProbe.show(dispatch, inputs, read); });
}

absl::Status CudaDevice::replay(const StepInputs &inputs, const StepAddresses &addresses) {
  if (captured != addresses) // memory has grown
    graphs.clear();
  captured = addresses;
  std::tuple shape(inputs.tokens, inputs.outputRows, plan.runClass(inputs));
  auto graph = graphs.find(shape);
  if (graph == graphs.end()) {
    STRATA_ASSIGN(Owned<CUgraphExec> made, capture(inputs, addresses));
    graph = graphs.emplace(shape, std::move(made)).first;
  }
  return context.driver.cuGraphLaunch(graph->second.get(), context.stream.get());
}

absl::StatusOr<Owned<CUgraphExec>> CudaDevice::capture(const StepInputs &inputs,
                                                       const StepAddresses &addresses) const {
  const Driver &driver = context.driver;
  CUstream stream = context.stream.get();
  STRATA_TRY(driver.cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
  absl::Status status = plan.launch(driver, stream, inputs, addresses);
  CUgraph graph = nullptr;
  status.Update(driver.cuStreamEndCapture(stream, &graph)); // also after an error
  Owned<CUgraph> owned;
  if (graph)
    owned = {graph, driver.entries().cuGraphDestroy};
  STRATA_TRY(status);
  CUgraphExec exec = nullptr;
  STRATA_TRY(driver.cuGraphInstantiateWithFlags(&exec, graph, 0ull));
  return Owned<CUgraphExec>(exec, driver.entries().cuGraphExecDestroy);
}

absl::StatusOr<double> CudaDevice::measureRead(uint64_t mostBytes, double seconds) {
  STRATA_TRY(broken);
  STRATA_TRY(remember(context.makeCurrent()));
  const AuxiliaryKernel *kernel = code.auxiliary.find(package::Role::read);
  if (!kernel)
    return 0;
  if (!readCeiling) {
    auto made = makeReadCeiling(*kernel);
    STRATA_TRY(remember(made.status()));
    readCeiling = *std::move(made);
  }
  auto rate = readCeiling->measure(context.driver, context.stream.get(), mostBytes, seconds);
  STRATA_TRY(remember(rate.status()));
  return rate;
}

absl::StatusOr<ReadCeiling> CudaDevice::makeReadCeiling(const AuxiliaryKernel &kernel) const {
  std::vector<DeviceRange> ranges;
  for (uint64_t parameter : streamedParameters(program()))
    ranges.push_back({parameters[parameter].address(), parameters[parameter].size()});
  return ReadCeiling::create(context.driver, context.stream.get(), kernel, ranges);
}

absl::StatusOr<double> CudaDevice::measureFlops() {
  STRATA_TRY(broken);
  STRATA_TRY(remember(context.makeCurrent()));
  const AuxiliaryKernel *kernel = code.auxiliary.find(package::Role::matrix);
  if (!kernel)
    return 0;
  auto rate =
      measureProducts(context.driver, context.stream.get(), *kernel, context.info.multiprocessors);
  STRATA_TRY(remember(rate.status()));
  return rate;
}

std::string CudaDevice::flopInstruction() const {
  const AuxiliaryKernel *kernel = code.auxiliary.find(package::Role::matrix);
  return kernel ? kernel->instruction : "";
}

} // namespace strata::cuda
