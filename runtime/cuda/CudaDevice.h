//===- CudaDevice.h - one GPU -----------------------------------*- C++ -*-===//
#pragma once

#include "runtime/cuda/Auxiliary.h"
#include "runtime/cuda/Ceiling.h"
#include "runtime/cuda/Events.h"
#include "runtime/cuda/LaunchPlan.h"
#include "runtime/cuda/Memory.h"
#include "runtime/engine/Device.h"

#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace strata::cuda {

/// Runs a package's program for cuda. The weights are copied to the device when it is created, or
/// made on it if they are random. A step's arrays are one copy to the device; back come the logits,
/// or, of rows of which a token is drawn there, that token alone. The launches of a small step, and
/// of one that adds one token to each of many sequences (decode), are captured into a graph when
/// there is the first one of its kind, and replayed from then on; those of other steps are made one
/// by one.
class CudaDevice : public Device, private Meter {
public:
  /// Compares the memory that it needs with what is free before anything is copied.
  static absl::StatusOr<std::unique_ptr<Device>>
  create(int ordinal, const Package &package, const Weights &weights, const DeviceOptions &options);
  ~CudaDevice() override;

  const package::Program &program() const override { return code.program; }
  const std::string &target() const override { return code.module.target(); }
  uint32_t pages() const override { return pageCount; }
  int threads() const override { return 0; }
  bool fixedPageTables() const override { return true; } // a graph has the stride in it
  absl::Status poisonPages(std::span<const int32_t> pages) override;
  absl::StatusOr<DeviceStep> run(const StepInputs &inputs,
                                 std::span<const RowOutput> outputs) override;
  StepProbe &probe() override { return stepProbe; }
  Meter &meter() override { return *this; }

private:
  /// The device's primary context, current for this thread, and a stream. Handles in the order in
  /// which they are made.
  struct Context {
    Driver driver;
    DeviceInfo info;
    Owned<CUdevice> context;
    CUcontext handle = nullptr;
    Owned<CUstream> stream;

    static absl::StatusOr<Context> open(int ordinal);
    absl::Status makeCurrent() const { return driver.cuCtxSetCurrent(handle); }
  };
  struct Code {
    const package::Program &program;
    Module module;
    AuxiliaryKernels auxiliary;
  };

  CudaDevice(Context context, Code code, LaunchPlan plan, uint32_t pages, const Package &package,
             const DeviceOptions &options);
  absl::Status prepare(const Package &package, const Weights &weights, int threads);
  absl::Status loadWeights(const Package &package, const Weights &weights, int threads);
  absl::StatusOr<double> measureRead(uint64_t mostBytes, double seconds) override;
  absl::StatusOr<double> measureFlops() override;
  std::string flopInstruction() const override;
  absl::StatusOr<ReadCeiling> makeReadCeiling(const AuxiliaryKernel &kernel) const;
  absl::Status checkMemory(const Weights &weights) const;
  uint64_t arenaBytes(uint64_t tokens) const;
  uint64_t logitsBytes(uint64_t rows) const { return rows * vocabulary * sizeof(float); }
  absl::Status remember(absl::Status status);

  absl::Status prepareMemory(uint64_t inputBytes, uint64_t tokens, uint64_t rows);
  absl::Status enqueue(const StepInputs &inputs, std::span<const RowOutput> outputs);
  absl::Status enqueueDraws(std::span<const RowOutput> outputs);
  absl::Status enqueueAllowed(std::span<const RowOutput> outputs);
  absl::Status copyLogits(uint64_t firstRow, uint64_t rows);
  absl::Status launch(const StepInputs &inputs, const StepAddresses &addresses);
  absl::Status launchTimed(const StepInputs &inputs, const StepAddresses &addresses);
  absl::Status launchObserved(const StepInputs &inputs, const StepAddresses &addresses) const;
  absl::Status replay(const StepInputs &inputs, const StepAddresses &addresses);
  absl::StatusOr<Owned<CUgraphExec>> capture(const StepInputs &inputs,
                                             const StepAddresses &addresses) const;

  Context context; // first: destroyed last
  Code code;
  LaunchPlan plan;
  StepProbe stepProbe;
  const uint32_t pageCount;
  const uint64_t vocabulary;
  const uint64_t stepTokens, stepRows, stepInputBytes; // that memory is set aside for
  const bool poison;
  absl::Status broken; // what made the context unusable

  std::vector<DeviceMemory> parameters;
  std::optional<ReadCeiling> readCeiling; // made when it is first asked for
  Events events; // before and after each dispatch, for steps that are timed
  DeviceMemory cache;
  GrowingDeviceMemory inputMemory{"step inputs"}, arena{"arena"}, logits{"logits"}, draws{"draws"},
      allowed{"allowed tokens"}, drawn{"drawn tokens"};
  GrowingPinnedMemory hostInputs{"step inputs"}, hostLogits{"logits"}, hostDraws{"draws"},
      hostAllowed{"allowed tokens"}, hostDrawn{"drawn tokens"};

  std::map<std::tuple<int64_t, int64_t, size_t>, Owned<CUgraphExec>>
      graphs;                  // by T, R and the runs' class
  StepAddresses captured = {}; // what is in the graphs
};

} // namespace strata::cuda
