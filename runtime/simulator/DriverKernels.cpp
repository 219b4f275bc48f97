//===- DriverKernels.cpp - modules, functions, launches -------------------===//

#include "runtime/simulator/Driver.h"
#include "runtime/simulator/TensorMap.h"

#include <cstdio>
#include <cstring>

namespace strata::cuda {

using namespace strata::simulator;

namespace {

constexpr uint32_t defaultShared = 48 << 10, mostShared = 227 << 10;

/// Copies a problem to the caller's error log, if there is one.
void writeLog(const std::string &problem, unsigned count, CUjit_option *options, void **values) {
  char *log = nullptr;
  size_t size = 0;
  for (unsigned i = 0; i != count; ++i) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      log = static_cast<char *>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
      size = uint32_t(uintptr_t(values[i]));
  }
  if (log && size)
    std::snprintf(log, size, "%s", problem.c_str());
}

/// A function, if it is one of a module that is loaded.
bool isFunction(const Context &context, CUfunction function) {
  for (const auto &[module, owner] : context.modules)
    for (const auto &[name, candidate] : module->functions)
      if (candidate.get() == function)
        return true;
  return false;
}

/// The values of a kernel's parameters, copied when it is launched.
class ParameterValues {
public:
  ParameterValues(const Kernel &kernel, void **values) {
    for (uint32_t i = 0; i != kernel.info->numParameters; ++i) {
      size_t begin = storage.size();
      storage.resize(begin + (kernel.parameterBytes[i] + sizeof(Line) - 1) / sizeof(Line));
      std::memcpy(&storage[begin], values[i], kernel.parameterBytes[i]);
      begins.push_back(begin);
    }
  }

  std::vector<void *> pointers() {
    std::vector<void *> result;
    for (size_t begin : begins)
      result.push_back(&storage[begin]);
    return result;
  }

private:
  struct alignas(64) Line { // tensor maps want it
    char bytes[64];
  };
  std::vector<Line> storage;
  std::vector<size_t> begins;
};

struct LaunchRequest {
  const Kernel &kernel;
  Dim3 grid, block;
  uint32_t dynamicShared;
  std::shared_ptr<ParameterValues> parameters;
};

CUresult execute(Context &context, const LaunchRequest &request) {
  std::vector<void *> parameters = request.parameters->pointers();
  parameters.push_back(nullptr);
  const Kernel &kernel = request.kernel;
  Launch launch{kernel.name.c_str(),
                kernel.entry,
                parameters.data(),
                request.grid,
                request.block,
                kernel.dynamicSharedOffset() + request.dynamicShared,
                context.options.seed + ++context.launches,
                context.options,
                *context.memory};
  std::optional<std::string> failure = run(launch, *context.storage);
  if (!failure)
    return CUDA_SUCCESS;
  std::fprintf(stderr, "strata simulator: %s\n", failure->c_str());
  Session::Driver::get().lastError = std::move(*failure);
  return CUDA_ERROR_LAUNCH_FAILED;
}

CUresult checkShape(const CUfunc_st &function, const Dim3 &grid, const Dim3 &block,
                    uint32_t dynamicShared) {
  const ImageInfo &info = *function.kernel->info;
  const uint32_t *required = info.requiredBlock;
  uint64_t most = info.maxThreads ? info.maxThreads : BlockStorage::maxThreads;
  bool other =
      required[0] && (block.x != required[0] || block.y != required[1] || block.z != required[2]);
  if (!grid.size() || !block.size() || block.size() > most || other || grid.y > 65535 ||
      grid.z > 65535 || block.z > 64 || dynamicShared > function.mostDynamicShared)
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

} // namespace

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                            CUjit_option *options, void **values) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  std::string problem;
  auto loaded = std::make_unique<CUmod_st>();
  loaded->image = KernelImage::load(image, problem);
  if (!loaded->image) {
    writeLog(problem, count, options, values);
    bool elf = !std::strncmp(static_cast<const char *>(image), "\177ELF", 4);
    return elf && problem.find("no ELF") == std::string::npos ? CUDA_ERROR_INVALID_IMAGE
                                                              : CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  *module = session.context().modules.add(std::move(loaded));
  return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  STRATA_RETURN_IF_ERROR(session.context().drainAll());
  return session.context().modules.remove(module) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  if (!session.context().modules.has(module))
    return CUDA_ERROR_INVALID_HANDLE;
  std::unique_ptr<CUfunc_st> &entry = module->functions[name];
  if (!entry) {
    std::unique_ptr<Kernel> kernel = module->image->find(name);
    if (!kernel) {
      module->functions.erase(name);
      return CUDA_ERROR_NOT_FOUND;
    }
    uint32_t used = kernel->dynamicSharedOffset();
    entry = std::make_unique<CUfunc_st>();
    entry->mostDynamicShared = used < defaultShared ? defaultShared - used : 0;
    entry->kernel = std::move(kernel);
  }
  *function = entry.get();
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  if (!isFunction(session.context(), function))
    return CUDA_ERROR_INVALID_HANDLE;
  const ImageInfo &info = *function->kernel->info;
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    *value = int(info.maxThreads ? info.maxThreads : BlockStorage::maxThreads);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    *value = int(info.staticSharedBytes);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    *value = int(function->mostDynamicShared);
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
  case CU_FUNC_ATTRIBUTE_NUM_REGS:
    *value = 0; // nothing is known of them here
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  if (!isFunction(session.context(), function))
    return CUDA_ERROR_INVALID_HANDLE;
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 ||
      uint32_t(value) + function->kernel->dynamicSharedOffset() > mostShared)
    return CUDA_ERROR_INVALID_VALUE;
  function->mostDynamicShared = uint32_t(value);
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                        unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                        CUstream handle, void **parameters, void **extra) {
  Session session;
  STRATA_RETURN_IF_ERROR(session.ready());
  Context &context = session.context();
  CUstream stream = context.stream(handle);
  if (!stream || !isFunction(context, function))
    return CUDA_ERROR_INVALID_HANDLE;
  Dim3 grid{gridX, gridY, gridZ}, block{blockX, blockY, blockZ};
  STRATA_RETURN_IF_ERROR(checkShape(*function, grid, block, sharedBytes));
  if (extra || (function->kernel->info->numParameters && !parameters))
    return CUDA_ERROR_INVALID_VALUE;
  const Kernel &kernel = *function->kernel;
  LaunchRequest request{kernel, grid, block, sharedBytes,
                        std::make_shared<ParameterValues>(kernel, parameters)};
  return context.enqueue(stream, [&context, request] { return execute(context, request); });
}

} // namespace strata::cuda
