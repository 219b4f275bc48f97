// RUN: not strata-opt %s --decoder-generate-kernels=machine=x86-64-v9 2>&1 | FileCheck %s

// RUN: not strata-opt %s --decoder-generate-kernels=target=tpu 2>&1 | FileCheck %s --check-prefix=TARGET

// TARGET: unknown target 'tpu', expected one of cpu, cuda
// CHECK: unknown machine 'x86-64-v9' of target cpu
func.func @forward() {
  return
}
