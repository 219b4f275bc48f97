//===- Driver.cpp - libcuda.so.1, found when it is needed -----------------===//

#include "runtime/cuda/Driver.h"

#include "absl/strings/strip.h"
#include "runtime/base/Status.h"
#include "runtime/engine/Device.h"

#include <dlfcn.h>

namespace strata::cuda {
namespace {

constexpr const char *kLibrary = "libcuda.so.1";
constexpr const char *kLeastVersion = "12.0"; // of cuTensorMapEncodeTiled, the youngest entry point

/// What is known of an error besides the driver's own text.
struct Fact {
  CUresult result;
  absl::StatusCode code;
  const char *hint; // what to do about it; may be null
};

constexpr absl::StatusCode kAbsent = absl::StatusCode::kNotFound;
constexpr absl::StatusCode kUnready = absl::StatusCode::kUnavailable;
constexpr absl::StatusCode kUnsuitable = absl::StatusCode::kFailedPrecondition;

const Fact kFacts[] = {
    {CUDA_ERROR_OUT_OF_MEMORY, absl::StatusCode::kResourceExhausted,
     "a smaller --context needs less memory"},
    {CUDA_ERROR_STUB_LIBRARY, kUnsuitable,
     "libcuda.so.1 is the CUDA toolkit's stub; the driver's own must be found before it"},
    {CUDA_ERROR_DEVICE_UNAVAILABLE, kUnready, "another process has the device for itself"},
    {CUDA_ERROR_NO_DEVICE, kAbsent,
     "the driver sees no GPU; is one there, and does CUDA_VISIBLE_DEVICES allow it?"},
    {CUDA_ERROR_INVALID_DEVICE, kAbsent, "--list-devices shows those that there are"},
    {CUDA_ERROR_INVALID_IMAGE, kUnsuitable, "compile the model again"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, kUnsuitable, "compile the model for this GPU"},
    {CUDA_ERROR_ECC_UNCORRECTABLE, absl::StatusCode::kDataLoss, "the device's memory is damaged"},
    {CUDA_ERROR_INVALID_PTX, kUnsuitable, "compile the model for this GPU"},
    {CUDA_ERROR_JIT_COMPILER_NOT_FOUND, kUnsuitable,
     "the driver's PTX compiler is not installed; compile the model for this GPU"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, kUnsuitable,
     "the driver is older than the package's PTX; update it"},
    {CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY, kUnsuitable, nullptr},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, absl::StatusCode::kResourceExhausted, nullptr},
    {CUDA_ERROR_SYSTEM_NOT_READY, kUnready,
     "the system is not ready for CUDA; is the fabric manager running?"},
    {CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, kUnsuitable,
     "the driver's library and its kernel module are of different versions; restart the machine"},
    {CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, kUnsuitable,
     "this GPU needs a newer driver, not the compatibility library"},
};

/// After these, the device's context answers every call with the same error.
bool breaksContext(CUresult result) {
  switch (result) {
  case CUDA_ERROR_ECC_UNCORRECTABLE:
  case CUDA_ERROR_ILLEGAL_ADDRESS:
  case CUDA_ERROR_LAUNCH_TIMEOUT:
  case CUDA_ERROR_ASSERT:
  case CUDA_ERROR_HARDWARE_STACK_ERROR:
  case CUDA_ERROR_ILLEGAL_INSTRUCTION:
  case CUDA_ERROR_MISALIGNED_ADDRESS:
  case CUDA_ERROR_INVALID_ADDRESS_SPACE:
  case CUDA_ERROR_INVALID_PC:
  case CUDA_ERROR_LAUNCH_FAILED:
    return true;
  default:
    return false;
  }
}

const Fact *findFact(CUresult result) {
  for (const Fact &fact : kFacts)
    if (fact.result == result)
      return &fact;
  return nullptr;
}

std::string loaderError() {
  const char *message = dlerror();
  return message ? message : "no reason given";
}

/// "12.4", or "unknown".
std::string versionOf(const DriverTable &table) {
  int version = 0;
  if (!table.cuDriverGetVersion || table.cuDriverGetVersion(&version) != CUDA_SUCCESS)
    return "unknown";
  return absl::StrCat(version / 1000, ".", version % 1000 / 10);
}

} // namespace

absl::StatusOr<Driver> Driver::load() {
  void *library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library)
    return absl::NotFoundError(
        absl::StrCat("NVIDIA's driver is not installed, or not found: ", loaderError()));
  Driver driver;
  const char *missing = nullptr;
#define STRATA_CUDA_FIND(NAME, ...)                                                                \
  driver.table.NAME = reinterpret_cast<NAME##Function *>(dlsym(library, #NAME));                   \
  if (!driver.table.NAME && !missing)                                                              \
    missing = #NAME;
  STRATA_CUDA_DRIVER_API(STRATA_CUDA_FIND)
#undef STRATA_CUDA_FIND
  if (missing)
    return absl::FailedPreconditionError(absl::StrCat(
        kLibrary, " has no ", missing, ": expected a driver for CUDA ", kLeastVersion,
        " or later, found one for ", versionOf(driver.table), "; update NVIDIA's driver"));
  STRATA_TRY(driver.cuInit(0u));
  driver.versionText = versionOf(driver.table);
  return driver;
}

absl::Status Driver::failed(const char *call, CUresult result) const {
  const char *name = nullptr, *description = nullptr;
  if (table.cuGetErrorName(result, &name) != CUDA_SUCCESS || !name)
    name = "an error without a name";
  if (table.cuGetErrorString(result, &description) != CUDA_SUCCESS || !description)
    description = "unknown";
  std::string message = absl::StrCat(absl::StripSuffix(call, "_v2"), ": ", name, " (", int(result),
                                     "): ", description);
  const Fact *fact = findFact(result);
  if (fact && fact->hint)
    absl::StrAppend(&message, "; ", fact->hint);
  if (breaksContext(result))
    absl::StrAppend(&message, "; this process cannot use the device any more");
  absl::Status status(fact ? fact->code : absl::StatusCode::kInternal, message);
  if (breaksContext(result))
    markLost(status);
  return status;
}

} // namespace strata::cuda
