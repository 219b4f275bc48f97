//===- CpuDevice.h - the CPUs of this machine -------------------*- C++ -*-===//
#pragma once

#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/ThreadPool.h"
#include "runtime/cpu/BoundProgram.h"
#include "runtime/cpu/Ceiling.h"
#include "runtime/cpu/CodeObject.h"
#include "runtime/engine/Device.h"

namespace strata::cpu {

/// Runs a package's program for the CPU on a pool of threads; the thread that creates the device is
/// worker 0. Reads the weights where they are; random ones it makes. Pages of the cache cost memory
/// once they were written.
class CpuDevice : public Device, private Meter {
public:
  static absl::StatusOr<std::unique_ptr<Device>>
  create(const Package &package, const Weights &weights, const DeviceOptions &options);

  const package::Program &program() const override { return parts.program; }
  const std::string &target() const override { return parts.code.target(); }
  uint32_t pages() const override { return parts.pages; }
  int threads() const override { return parts.pool->threads(); }
  bool fixedPageTables() const override { return false; }
  absl::Status poisonPages(std::span<const int32_t> pages) override;
  absl::StatusOr<DeviceStep> run(const StepInputs &inputs,
                                 std::span<const RowOutput> outputs) override;
  void forEach(int64_t units, absl::FunctionRef<void(int64_t unit)> body) override;
  StepProbe &probe() override { return stepProbe; }
  Meter &meter() override { return *this; }

private:
  /// What create() makes before there is a device.
  struct Parts {
    const package::Program &program;
    std::unique_ptr<ThreadPool> pool;
    CodeObject code; // before the plan, which points into it
    FlopCeiling flops;
    BoundProgram plan;
    uint32_t pages;
    AnonymousMemory cache;
  };
  CpuDevice(const Package &package, Weights weights, bool poison, Parts parts);
  absl::StatusOr<double> measureRead(uint64_t mostBytes, double seconds) override;
  absl::StatusOr<double> measureFlops() override { return parts.flops.measure(*parts.pool); }
  std::string flopInstruction() const override { return parts.flops.instruction(); }

  absl::Status prepareMemory(const StepInputs &inputs);
  absl::StatusOr<Work> runPlan(const StepMemory &memory);
  absl::StatusOr<Work> runObserved(const StepMemory &memory);
  absl::StatusOr<Work> runTimed(const StepMemory &memory);

  const Weights weights;
  const uint64_t vocabulary;
  const bool poison;
  Parts parts;
  StepProbe stepProbe;
  GrowingMemory arena{"arena"};
  GrowingMemory logits{"logits"};
  std::vector<int32_t> tokens;
};

} // namespace strata::cpu
