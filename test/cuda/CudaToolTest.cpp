//===- CudaToolTest.cpp - strata-run and strata-bench with a GPU ----------===//
