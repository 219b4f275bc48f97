//===- FakeDriverKernels.cpp - modules and launches -----------------------===//

#include "test/runtime/cuda/FakeDriverState.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace strata::cuda {

struct CUmod_st {
  int file;
  void *library;
  std::vector<CUfunction> functions;
};
struct CUfunc_st {
  void (*run)(void *const *buffers, int64_t tokens, int64_t rows, int64_t stride, int64_t layer,
              int64_t begin, int64_t end);
  int buffers, maps;
  std::vector<int> sizes; // of the numbers behind the buffers, in bytes
  int dynamicShared = 48 << 10;
};

} // namespace strata::cuda

namespace strata::fake {
namespace {

size_t elfSize(const void *image) {
  Elf64_Ehdr header;
  memcpy(&header, image, sizeof header);
  return header.e_shoff + size_t(header.e_shnum) * header.e_shentsize;
}

/// Loads the ELF object; for PTX, which ends with a zero byte, the kernels that the tests have.
CUmod_st *loadImage(const void *image) {
  if (memcmp(image, ELFMAG, SELFMAG) != 0) {
    bool ptx = strcmp(static_cast<const char *>(image), ".version 8.0 // fake") == 0;
    void *library = ptx ? dlopen(STRATA_FAKE_KERNELS, RTLD_NOW | RTLD_LOCAL) : nullptr;
    return library ? new CUmod_st{-1, library, {}} : nullptr;
  }
  int file = memfd_create("fake-cubin", MFD_CLOEXEC);
  size_t size = elfSize(image);
  bool written = write(file, image, size) == ssize_t(size);
  std::string path = "/proc/self/fd/" + std::to_string(file);
  void *library = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (library)
    return new CUmod_st{file, library, {}};
  close(file);
  return nullptr;
}

/// A kernel with the parameters it was launched with.
struct Launch {
  CUfunction function;
  unsigned grid;
  std::vector<CUdeviceptr> buffers;
  int64_t scalars[4];
  std::vector<FakeTensorMap> maps;

  CUresult operator()() const {
    State &s = state();
    if (++s.control.kernels == s.control.faultAt)
      return CUDA_ERROR_ILLEGAL_ADDRESS;
    std::vector<void *> addresses;
    for (CUdeviceptr buffer : buffers) {
      if (!isMemory(buffer, 1))
        return wrong(CUDA_ERROR_ILLEGAL_ADDRESS);
      addresses.push_back(pointer(buffer));
    }
    for (const FakeTensorMap &map : maps)
      addresses.push_back(const_cast<FakeTensorMap *>(&map));
    function->run(addresses.data(), scalars[0], scalars[1], scalars[2], scalars[3], 0, grid);
    return CUDA_SUCCESS;
  }
};

} // namespace
} // namespace strata::fake

using namespace strata::fake;

namespace strata::cuda {
extern "C" {

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count,
                            CUjit_option *options, void **values) {
  ENTER("cuModuleLoadDataEx")
  CUmod_st *loaded = loadImage(image);
  for (unsigned i = 0; i < count && !loaded; ++i)
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      strcpy(static_cast<char *>(values[i]), "fake compiler: cannot read this\n");
  if (!loaded)
    return CUDA_ERROR_INVALID_PTX;
  *module = own(loaded);
  return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
  CUresult result = enter("cuModuleUnload");
  if (!isHandle(module))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  for (CUfunction function : module->functions)
    delete function;
  dlclose(module->library);
  close(module->file);
  return destroy(module, result);
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
  ENTER("cuModuleGetFunction")
  if (!isHandle(module))
    return wrong(CUDA_ERROR_INVALID_HANDLE);
  void *run = dlsym(module->library, name);
  auto *buffers =
      static_cast<int *>(dlsym(module->library, (name + std::string("_buffers")).c_str()));
  if (!run || !buffers)
    return CUDA_ERROR_NOT_FOUND;
  auto *maps = static_cast<int *>(dlsym(module->library, (name + std::string("_maps")).c_str()));
  *function = new CUfunc_st{
      reinterpret_cast<decltype(CUfunc_st::run)>(run), *buffers, maps ? *maps : 0, {4, 4, 4, 4}};
  if (auto *sizes =
          static_cast<int *>(dlsym(module->library, (name + std::string("_sizes")).c_str())))
    (*function)->sizes.assign(sizes, sizes + 4);
  module->functions.push_back(*function);
  return CUDA_SUCCESS;
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction) {
  ENTER("cuFuncGetAttribute")
  *value = attribute == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 512 : 1024;
  return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
  ENTER("cuFuncSetAttribute")
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    return wrong(CUDA_ERROR_INVALID_VALUE);
  function->dynamicShared = value;
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ,
                        unsigned blockX, unsigned blockY, unsigned blockZ, unsigned sharedBytes,
                        CUstream stream, void **parameters, void **) {
  ENTER("cuLaunchKernel")
  if (gridX == 0 || gridY != 1 || gridZ != 1 || blockX == 0 || blockY != 1 || blockZ != 1 ||
      int(sharedBytes) > function->dynamicShared || !isHandle(stream))
    return wrong(CUDA_ERROR_INVALID_VALUE);
  Launch launch{function, gridX, {}, {}, {}};
  for (int i = 0; i < function->buffers; ++i)
    launch.buffers.push_back(*static_cast<CUdeviceptr *>(parameters[i]));
  for (size_t i = 0; i < 4; ++i)
    memcpy(&launch.scalars[i], function->sizes[i] ? parameters[function->buffers + int(i)] : "",
           size_t(function->sizes[i]));
  for (int i = 0; i < function->maps; ++i) {
    void *map = parameters[function->buffers + 4 + i];
    launch.maps.push_back(*static_cast<FakeTensorMap *>(map));
    if (CUdeviceptr(map) % 64 || launch.maps.back().magic != kMapMagic)
      return wrong(CUDA_ERROR_INVALID_VALUE);
  }
  ++(stream->capturing ? state().control.captured : state().control.launches);
  std::vector<CUdeviceptr> uses = launch.buffers;
  return put(stream, {std::move(launch), std::move(uses)});
}

} // extern "C"
} // namespace strata::cuda
