//===- AuxiliaryTest.cpp - kernels that belong to no op -------------------===//

#include "runtime/base/Status.h"
#include "runtime/cpu/RandomWeights.h"
#include "runtime/cuda/Ceiling.h"
#include "runtime/cuda/RandomWeights.h"
#include "runtime/cuda/SelectCode.h"
#include "test/kernels/KernelModel.h"
#include "gtest/gtest.h"

#include <cstring>

namespace strata::test {
namespace {

using namespace strata::cuda;

/// The auxiliary kernels of a model's package on the first GPU, which is simulated where the test
/// finds that driver.
class CudaAuxiliary : public testing::Test {
protected:
  void SetUp() override {
    absl::Status status = open();
    ASSERT_TRUE(status.ok()) << status;
  }
  void TearDown() override {
    kernels = {};
    module.reset();
    if (stream)
      (void)driver->cuStreamDestroy_v2(stream);
    if (context)
      (void)driver->cuDevicePrimaryCtxRelease_v2(info.handle);
  }

  absl::Status open() {
    auto opened = Package::open(std::string(STRATA_KERNEL_PACKAGES) + "/" +
                                kernelModels().front().name + ".strata");
    STRATA_TRY(opened.status());
    package = *std::move(opened);
    STRATA_ASSIGN(Driver loaded, Driver::load());
    driver = std::move(loaded);
    STRATA_ASSIGN(info, describeDevice(*driver, 0));
    STRATA_TRY(driver->cuDevicePrimaryCtxRetain(&context, info.handle));
    STRATA_TRY(driver->cuCtxSetCurrent(context));
    STRATA_TRY(driver->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    STRATA_ASSIGN(SelectedCode code, selectCode(*package, info.capability, info.place(), ""));
    STRATA_ASSIGN(Module made,
                  Module::load(*driver, textOf(code.code->target()), code.code->format(),
                               package->section(code.code->section())));
    module = std::move(made);
    STRATA_ASSIGN(kernels, AuxiliaryKernels::create(*driver, info, *code.program, *module));
    return absl::OkStatus();
  }

  DeviceMemory allocate(uint64_t bytes) {
    auto memory = DeviceMemory::allocate(*driver, bytes, "test");
    EXPECT_TRUE(memory.ok()) << memory.status();
    return *std::move(memory);
  }
  template <typename T>
  DeviceMemory upload(const std::vector<T> &values) {
    DeviceMemory memory = allocate(values.size() * sizeof(T));
    absl::Status done =
        driver->cuMemcpyHtoDAsync_v2(memory.address(), values.data(), memory.size(), stream);
    EXPECT_TRUE(done.ok()) << done;
    return memory;
  }
  template <typename T>
  std::vector<T> download(const DeviceMemory &memory) {
    std::vector<T> values(memory.size() / sizeof(T));
    absl::Status done = driver->cuStreamSynchronize(stream);
    done.Update(driver->cuMemcpyDtoH_v2(values.data(), memory.address(), memory.size()));
    EXPECT_TRUE(done.ok()) << done;
    return values;
  }

  std::optional<Package> package;
  std::optional<Driver> driver;
  DeviceInfo info = {};
  CUcontext context = nullptr;
  CUstream stream = nullptr;
  std::optional<Module> module;
  AuxiliaryKernels kernels;
};

TEST_F(CudaAuxiliary, RandomWeightsAreTheHosts) {
  constexpr uint64_t seed = 0x123456789abcdef0, hash = 0xfedcba9876543210;
  for (package::DType dtype : {package::DType::bf16, package::DType::f16, package::DType::f32})
    for (uint64_t count : {1, 2, 3, 4, 5, 511, 512, 513, 40003}) {
      RandomValues values{dtype, seed + count, hash, 0};
      std::vector<std::byte> expected(count * elementBytes(dtype));
      cpu::makeRandomValues(values, expected);
      DeviceMemory memory = allocate(expected.size());
      absl::Status done = cuda::makeRandomValues(*driver, stream, kernels, values, memory);
      ASSERT_TRUE(done.ok()) << done;
      EXPECT_EQ(download<std::byte>(memory), expected)
          << package::EnumNameDType(dtype) << " " << count;
    }
}

/// Only a thread whose words' exclusive or is this writes to the sink: memory of zeros with one
/// such word shows that the word was read.
constexpr int32_t kSeen = 0x5a17ed;

TEST_F(CudaAuxiliary, ReadsEveryChunkOfEachPiece) {
  const AuxiliaryKernel *kernel = kernels.find(package::Role::read);
  ASSERT_NE(kernel, nullptr);
  struct Piece {
    uint64_t offset, chunks;
  };
  // One of whole rounds, one with a rest, one that is only a rest; the first begins behind the
  // others.
  const std::vector<Piece> pieces = {{96000, 2048}, {0, 1025}, {48000, 1}};
  DeviceMemory table = upload(std::vector<Piece>(pieces));
  for (const Piece &piece : pieces)
    for (uint64_t chunk : {uint64_t(0), piece.chunks / 2, piece.chunks - 1})
      for (uint64_t word : {0, 3}) {
        std::vector<int32_t> words(40000);
        words[(piece.offset / 16 + chunk) * 4 + word] = kSeen;
        DeviceMemory memory = upload(words), sink = upload(std::vector<int32_t>{0});
        CUdeviceptr list = table.address(), base = memory.address(), found = sink.address();
        ASSERT_TRUE(kernel->launch(*driver, stream, pieces.size(), {&list, &base, &found}).ok());
        EXPECT_EQ(download<int32_t>(sink)[0], kSeen) << piece.offset << " " << chunk;
      }
}

TEST_F(CudaAuxiliary, CeilingsAreMeasured) {
  const AuxiliaryKernel *read = kernels.find(package::Role::read),
                        *matrix = kernels.find(package::Role::matrix);
  ASSERT_TRUE(read && matrix);
  DeviceMemory first = upload(std::vector<int32_t>(100000)), second = allocate(48);
  std::vector<DeviceRange> ranges = {{second.address(), 48}, {first.address(), 400000}};
  auto ceiling = ReadCeiling::create(*driver, stream, *read, ranges);
  ASSERT_TRUE(ceiling.ok()) << ceiling.status();
  for (uint64_t most : {uint64_t(0), uint64_t(200000), UINT64_MAX}) {
    auto rate = ceiling->measure(*driver, stream, most, 0.001);
    ASSERT_TRUE(rate.ok()) << rate.status();
    EXPECT_GT(*rate, 0);
  }
  auto none = ReadCeiling::create(*driver, stream, *read, {});
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(*none->measure(*driver, stream, UINT64_MAX, 0.001), 0);
  auto rate = measureProducts(*driver, stream, *matrix, 2);
  ASSERT_TRUE(rate.ok()) << rate.status();
  EXPECT_GT(*rate, 0);
  EXPECT_EQ(matrix->instruction, "mma.sync m16n8k16 bf16");
}

TEST_F(CudaAuxiliary, PackagesWithoutThemCannotMakeRandomWeights) {
  DeviceMemory memory = allocate(4);
  RandomValues values{package::DType::f16, 1, 2, 0};
  EXPECT_EQ(cuda::makeRandomValues(*driver, stream, AuxiliaryKernels(), values, memory).message(),
            "random weights: the package has no kernel that makes f16; compile the model again");
}

} // namespace
} // namespace strata::test
