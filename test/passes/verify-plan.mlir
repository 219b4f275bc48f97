// RUN: strata-opt %s --decoder-verify-plan -split-input-file -verify-diagnostics

!a = memref<?x64xbf16, #decoder.arena<0>>
!b = memref<?x64xbf16, #decoder.arena<128>>

// A good plan: the third value takes the place of the first, which is dead.
func.func @good(%x: memref<?x64xbf16>) -> memref<?x64xbf16> attributes {decoder.arena_bytes_per_token = 256 : i64} {
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> !a
  %1 = decoder.activation(squared_relu) %0 : (!a) -> !b
  %2 = decoder.activation(squared_relu) %1 : (!b) -> !a
  %3 = decoder.activation(squared_relu) %2 : (!a) -> memref<?x64xbf16>
  return %3 : memref<?x64xbf16>
}

// -----

// An op may not write over what it reads.
!a = memref<?x64xbf16, #decoder.arena<0>>
func.func @in_place(%x: memref<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-note @below {{which belongs to this op}}
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> !a
  // expected-error @below {{result at bytes 0 to 128 of the arena overlaps a live value at 0 to 128}}
  %1 = decoder.activation(squared_relu) %0 : (!a) -> !a
  return
}

// -----

// Half of a row is enough, in a later op too.
!a = memref<?x64xbf16, #decoder.arena<0>>
!b = memref<?x64xbf16, #decoder.arena<128>>
!c = memref<?x64xbf16, #decoder.arena<64>>
func.func @half(%x: memref<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-note @below {{which belongs to this op}}
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> !a
  %1 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> !b
  // expected-error @below {{result at bytes 64 to 192 of the arena overlaps a live value at 0 to 128}}
  %2 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> !c
  %3 = decoder.add %0, %x : (!a, memref<?x64xbf16>) -> !b
  return
}

// -----

// Two results of one op.
!a = memref<?x64xbf16, #decoder.arena<0>>
!w = memref<64x64xbf16>
func.func @two_results(%x: memref<?x64xbf16>, %w: !w) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-error @below {{result at bytes 0 to 128 of the arena overlaps a live value at 0 to 128}}
  // expected-note @below {{which belongs to this op}}
  %0:2 = decoder.linear %x, [%w, %w] : (memref<?x64xbf16>, !w, !w) -> (!a, !a)
  return
}

// -----

!a = memref<?x64xbf16, #decoder.arena<128>>
!w = memref<64x64xbf16>
func.func @workspace(%x: memref<?x64xbf16>, %w: !w) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-error @below {{workspace at bytes 0 to 192 of the arena overlaps a live value at 128 to 256}}
  // expected-note @below {{which belongs to this op}}
  %0 = decoder.linear %x, [%w] workspace <0> {decoder.workspace_bytes = 129 : i64} : (memref<?x64xbf16>, !w) -> !a
  return
}

// -----

func.func @outside(%x: memref<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 128 : i64} {
  // expected-error @below {{place at bytes 64 to 192 is not on a multiple of 64 in an arena of 128}}
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> memref<?x64xbf16, #decoder.arena<64>>
  return
}

// -----

func.func @unaligned(%x: memref<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-error @below {{place at bytes 32 to 160 is not on a multiple of 64 in an arena of 256}}
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> memref<?x64xbf16, #decoder.arena<32>>
  return
}

// -----

func.func @negative(%x: memref<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-error @below {{place at bytes -64 to 64 is not on a multiple of 64 in an arena of 256}}
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> memref<?x64xbf16, #decoder.arena<-64>>
  return
}

// -----

func.func @no_place(%x: memref<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-error @below {{result has no place in the arena and is not returned}}
  %0 = decoder.activation(squared_relu) %x : (memref<?x64xbf16>) -> memref<?x64xbf16>
  return
}

// -----

func.func @tensor(%x: tensor<?x64xbf16>) attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-error @below {{result is still a tensor}}
  %0 = decoder.activation(squared_relu) %x : (tensor<?x64xbf16>) -> tensor<?x64xbf16>
  return
}

// -----

// expected-error @below {{has no decoder.arena_bytes_per_token: it is not planned}}
func.func @unplanned() {
  return
}

// -----

!kv = !decoder.kv_cache<layers = 2, heads = 1, head_dim = 64, page_tokens = 64>
func.func @stale_cache(%x: memref<?x64xbf16>, %w: memref<64x64xbf16>, %kv: !kv, %batch: !decoder.batch) -> memref<?x64xbf16>
    attributes {decoder.arena_bytes_per_token = 256 : i64} {
  // expected-note @below {{by this op}}
  %q, %kv1 = decoder.linear %x, [%w, %w, %w] cache(%kv, %batch, layer = 0)
    : (memref<?x64xbf16>, memref<64x64xbf16>, memref<64x64xbf16>, memref<64x64xbf16>, !kv, !decoder.batch)
   -> (memref<?x64xbf16, #decoder.arena<0>>, !kv)
  // expected-error @below {{uses a cache that is overwritten before it}}
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64} : (memref<?x64xbf16, #decoder.arena<0>>, !kv, !decoder.batch) -> memref<?x64xbf16>
  return %a : memref<?x64xbf16>
}

// -----

// Returning the cache uses it.
!kv = !decoder.kv_cache<layers = 2, heads = 1, head_dim = 64, page_tokens = 64>
func.func @stale_return(%x: memref<?x64xbf16>, %kv: !kv, %batch: !decoder.batch) -> !kv
    attributes {decoder.arena_bytes_per_token = 0 : i64} {
  // expected-note @below {{by this op}}
  %kv1 = decoder.cache_append %x, %x, %kv, %batch {layer = 0 : i64} : (memref<?x64xbf16>, memref<?x64xbf16>, !kv, !decoder.batch) -> !kv
  // expected-error @below {{uses a cache that is overwritten before it}}
  return %kv : !kv
}
