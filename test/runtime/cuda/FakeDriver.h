//===- FakeDriver.h - how tests speak to the fake libcuda.so.1 --*- C++ -*-===//
#pragma once

#include <cstdint>

namespace strata::test {

/// What the fake driver shall do and what it has seen. Tests find it with dlsym; processes they
/// start are told by the environment: FAKE_CUDA="failAt=7,failCode=700,memory=1000000".
struct FakeControl {
  // What to do.
  int64_t failAt = 0;     // this call fails, counted from 1; 0: none
  int64_t failCode = 0;   // with this error
  int64_t faultAt = 0;    // this kernel faults when it runs, counted from 1; 0: none
  int64_t failNames = 0;  // cuGetErrorName and cuGetErrorString fail
  int64_t devices = 1;    // how many there are
  int64_t capability = 0; // of them: 10 * major + minor
  int64_t memory = 1 << 30;
  int64_t sharedMemory = 232448; // of a block
  int64_t version = 12040;

  // What was seen.
  int64_t calls = 0;                // but for the names of errors
  const char *failedCall = nullptr; // that failed because of failAt
  int64_t live = 0;                 // handles and allocations that are not yet destroyed
  int64_t wrong = 0;                // handles or addresses that are none
  int64_t launches = 0;             // made one by one
  int64_t captured = 0;             // launches that became part of a graph
  int64_t graphs = 0;               // instantiated
  int64_t replays = 0;              // of graphs
  int64_t kernels = 0;              // that ran
  int64_t allocated = 0;            // bytes of the device
  int64_t maps = 0;                 // tensor maps that were encoded
  int64_t bytesToHost = 0;          // that were asked for
};

/// Exported by the fake driver as `fakeCudaControl`.
using FakeControlFunction = FakeControl *();

} // namespace strata::test
