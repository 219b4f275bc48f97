// RUN: not strata-opt %s --decoder-generate-cpu-kernels=levels=x86-64-v9 2>&1 | FileCheck %s

// CHECK: unknown cpu level 'x86-64-v9'
func.func @forward() {
  return
}
