//===- Module.cpp - a package's code on a GPU -----------------------------===//

#include "runtime/cuda/Module.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <array>

namespace strata::cuda {
namespace {

constexpr uint64_t kDefaultShared = 48 << 10; // what a block may use without asking

/// Loads an image, with the messages of the driver's compiler in the error.
absl::StatusOr<CUmodule> loadImage(const Driver &driver, const void *image) {
  std::array<char, 4096> log = {};
  std::array options = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  std::array<void *, 2> values = {log.data(), reinterpret_cast<void *>(log.size() - 1)};
  CUmodule module = nullptr;
  absl::Status status = driver.cuModuleLoadDataEx(&module, image, unsigned(options.size()),
                                                  options.data(), values.data());
  if (status.ok())
    return module;
  std::string text = log.data();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? status
                      : absl::Status(status.code(), absl::StrCat(status.message(), ": ", text));
}

} // namespace

absl::StatusOr<Module> Module::load(const Driver &driver, std::string target,
                                    package::CodeFormat format, std::span<const std::byte> image) {
  const void *start = image.data();
  std::string text; // PTX ends with a zero byte; machine code tells its size itself
  if (format == package::CodeFormat::ptx) {
    text.assign(reinterpret_cast<const char *>(image.data()), image.size());
    start = text.c_str();
  }
  auto module = loadImage(driver, start);
  if (!module.ok())
    return annotate(module.status(), "cuda." + target);
  return Module(std::move(target), {*module, driver.entries().cuModuleUnload});
}

absl::StatusOr<CUfunction> Module::function(const Driver &driver, const DeviceInfo &device,
                                            const KernelShape &kernel) {
  const std::string &symbol = kernel.symbol, place = absl::StrCat("cuda.", name, ": ", symbol);
  auto known = functions.find(symbol);
  if (known == functions.end()) {
    auto found = find(driver, symbol);
    if (!found.ok())
      return annotate(found.status(), place);
    known = functions.emplace(symbol, *found).first;
  }
  Function &function = known->second;
  uint64_t shared = function.staticBytes + kernel.sharedBytes;
  if (kernel.threads > function.threads)
    return absl::FailedPreconditionError(absl::StrCat(place, ": its blocks have ", kernel.threads,
                                                      " threads, ", device.place(), " allows ",
                                                      function.threads));
  if (shared > device.sharedMemory)
    return absl::FailedPreconditionError(absl::StrCat(
        place, ": its blocks need ", shared, " bytes of shared memory, ", device.place(), " has ",
        device.sharedMemory, "; compile the model for this GPU"));
  if (shared > kDefaultShared && kernel.sharedBytes > function.most) {
    STRATA_TRY(annotate(driver.cuFuncSetAttribute(function.handle,
                                                  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                                  int(kernel.sharedBytes)),
                        place));
    function.most = kernel.sharedBytes;
  }
  return function.handle;
}

absl::StatusOr<Module::Function> Module::find(const Driver &driver,
                                              const std::string &symbol) const {
  CUfunction handle = nullptr;
  STRATA_TRY(driver.cuModuleGetFunction(&handle, module.get(), symbol.c_str()));
  int threads = 0, bytes = 0;
  // To ask for these also makes the driver load the kernel now, not when it is first captured.
  STRATA_TRY(driver.cuFuncGetAttribute(&threads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, handle));
  STRATA_TRY(driver.cuFuncGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, handle));
  return Function{handle, uint64_t(bytes), 0, uint64_t(threads)};
}

} // namespace strata::cuda
