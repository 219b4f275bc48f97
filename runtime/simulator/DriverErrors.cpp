//===- DriverErrors.cpp - names and texts of errors -----------------------===//

#include "runtime/simulator/Driver.h"

namespace strata::cuda {

using namespace strata::simulator;

namespace {

struct ErrorText {
  CUresult code;
  const char *name, *text;
};

constexpr ErrorText errorTexts[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
};

const ErrorText *find(CUresult code) {
  for (const ErrorText &text : errorTexts)
    if (text.code == code)
      return &text;
  return nullptr;
}

} // namespace

CUresult cuGetErrorName(CUresult error, const char **name) {
  const ErrorText *found = find(error);
  *name = found ? found->name : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  const ErrorText *found = find(error);
  *text = found ? found->text : nullptr;
  const char *details = strataSimulatorError();
  if (error == CUDA_ERROR_LAUNCH_FAILED && *details)
    *text = details;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

const char *strataSimulatorError() {
  Session session;
  return session.driver.lastError.c_str();
}

void strataSimulatorReads(size_t allocationBytes, uint64_t *bytes, uint64_t *together) {
  Session session;
  Context *context = session.driver.context.get();
  ReadCount reads = context ? context->memory->readsOf(allocationBytes) : ReadCount();
  *bytes = reads.bytes;
  *together = reads.together;
}

} // namespace strata::cuda
