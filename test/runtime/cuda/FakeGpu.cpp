//===- FakeGpu.cpp --------------------------------------------------------===//

#include "test/runtime/cuda/FakeGpu.h"

#include <dlfcn.h>

namespace strata::test {
namespace {

void *find(const char *name) {
  static void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  void *address = library ? dlsym(library, name) : nullptr;
  if (!address) {
    fprintf(stderr, "the fake libcuda.so.1 was not found: %s\n", dlerror());
    abort();
  }
  return address;
}

} // namespace

FakeControl &fakeDriver() {
  static FakeControl &control = *reinterpret_cast<FakeControlFunction *>(find("fakeCudaControl"))();
  return control;
}

void resetFakeDriver() {
  fakeDriver() = FakeControl();
  reinterpret_cast<void (*)()>(find("fakeCudaHeal"))();
}

TestPackage fakeCudaModel(const std::string &target, package::CodeFormat format) {
  TestPackage model = fakeModel();
  makeCuda(*model.manifest.programs[0], target, format);
  model.layout();
  return model;
}

void FakeGpu::TearDown() {
  EXPECT_EQ(driver.live, 0) << "handles and allocations left";
  EXPECT_EQ(driver.wrong, 0) << "handles and addresses that were none";
  resetFakeDriver();
}

absl::StatusOr<std::unique_ptr<Engine>> FakeGpu::create(const TestPackage &model,
                                                        EngineOptions options) {
  auto opened = Package::open(folder.write("fake.strata", model.encode()));
  if (!opened.ok())
    return opened.status();
  package.emplace(*std::move(opened));
  weights.emplace(*Weights::fromPackage(*package));
  if (options.device == "cpu")
    options.device = "cuda";
  if (options.threads == 0)
    options.threads = 1;
  return openEngine(*package, *weights, options);
}

absl::StatusOr<StepResult> FakeGpu::step(Engine &engine, std::span<const int32_t> tokens) {
  BatchEntry entry{engine.open(), tokens};
  auto result = engine.step({&entry, 1});
  EXPECT_TRUE(engine.close(entry.sequence).ok());
  return result;
}

} // namespace strata::test
