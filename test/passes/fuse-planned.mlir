// Fusions come before the plan: none may change what is live when.
// RUN: strata-opt %s --decoder-fuse-siblings -verify-diagnostics
// RUN: strata-opt %s --decoder-fuse-norm -verify-diagnostics
// RUN: strata-opt %s --decoder-fuse-activation -verify-diagnostics
// RUN: strata-opt %s --decoder-fuse-rope -verify-diagnostics
// RUN: strata-opt %s --decoder-fuse-cache-append -verify-diagnostics
// RUN: strata-opt %s --decoder-fuse-residual -verify-diagnostics

// expected-error @below {{is planned already, fusions come before}}
func.func @forward() attributes {decoder.arena_bytes_per_token = 0 : i64} {
  return
}
