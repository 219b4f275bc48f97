// What cannot be planned, and why.
// RUN: strata-opt %s --decoder-plan-memory -split-input-file -verify-diagnostics

!x = tensor<?x64xbf16>
// expected-error @below {{has 2 blocks, a plan needs 1}}
func.func @blocks(%x: !x) -> !x {
  cf.br ^exit
^exit:
  return %x : !x
}

// -----

// expected-error @below {{is on buffers already}}
func.func @planned(%x: memref<?x64xbf16>) {
  return
}

// -----

func.func @planned_op() {
  // expected-error @below {{is on buffers already}}
  %w = decoder.parameter "w" : memref<64x64xbf16>
  return
}

// -----

!x = tensor<?x64xbf16>
func.func @not_a_kernel() {
  // expected-error @below {{computes a tensor, but is no kernel op}}
  %x = ub.poison : !x
  return
}

// -----

!x = tensor<?x64xbf16>
func.func @regions(%x: !x, %c: i1) {
  // expected-error @below {{has 2 regions, a plan has none}}
  scf.if %c {
    %y = decoder.activation(squared_relu) %x : (!x) -> !x
  }
  return
}

// -----

!x = tensor<5x64xbf16>
func.func @static_rows(%x: !x) {
  // expected-error @below {{result has type 'tensor<5x64xbf16>', expected a dynamic number of rows of at most 1099511627776 bytes}}
  %y = decoder.activation(squared_relu) %x : (!x) -> !x
  return
}

// -----

!x = tensor<?x4611686018427387904xbf16>
func.func @huge_rows(%x: !x) {
  // expected-error @below {{expected a dynamic number of rows of at most 1099511627776 bytes}}
  %y = decoder.activation(squared_relu) %x : (!x) -> !x
  return
}

// -----

!x = tensor<?x64xbf16>
func.func @returns_argument(%x: !x) -> !x {
  // expected-error @below {{returns a tensor that no kernel op computes}}
  return %x : !x
}

// -----

!x = tensor<?x64xbf16>
func.func @returns_twice(%x: !x) -> (!x, !x) {
  %y = decoder.activation(squared_relu) %x : (!x) -> !x
  // expected-error @below {{returns a tensor twice, each needs a buffer of its own}}
  return %y, %y : !x, !x
}

// -----

!x = tensor<?x64xbf16>
func.func @no_workspace(%x: !x) {
  // expected-error @below {{asks for 64 bytes of workspace, takes none}}
  %y = decoder.activation(squared_relu) %x {decoder.workspace_bytes = 64 : i64} : (!x) -> !x
  return
}

// -----

!x = tensor<?x64xbf16>
func.func @huge_workspace(%x: !x, %w: tensor<64x64xbf16>) {
  // expected-error @below {{asks for 9223372036854775807 bytes of workspace a token, the limit is 1099511627776}}
  %y = decoder.linear %x, [%w] {decoder.workspace_bytes = 9223372036854775807 : i64} : (!x, tensor<64x64xbf16>) -> !x
  return
}

// -----

!x = tensor<?x64xbf16>
!kv = !decoder.kv_cache<layers = 2, heads = 1, head_dim = 64, page_tokens = 64>
func.func @cache_forks(%x: !x, %kv: !kv, %batch: !decoder.batch) -> (!kv, !kv) {
  // expected-note @below {{by this op}}
  %kv1 = decoder.cache_append %x, %x, %kv, %batch {layer = 0 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  // expected-error @below {{uses a cache that is overwritten before it}}
  %kv2 = decoder.cache_append %x, %x, %kv, %batch {layer = 1 : i64} : (!x, !x, !kv, !decoder.batch) -> !kv
  return %kv1, %kv2 : !kv, !kv
}
