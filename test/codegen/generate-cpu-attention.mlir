// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-bf16 | FileCheck %s
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v3 | FileCheck %s --check-prefix=AVX2
// RUN: strata-opt %s --decoder-generate-kernels=machine=x86-64-v4-amx --canonicalize | FileCheck %s --check-prefix=TILES

!kv = !decoder.kv_cache<layers = 1, heads = 2, head_dim = 64, page_tokens = 64>
func.func @forward(%q: memref<?x768xbf16>, %kv: !kv, %batch: !decoder.batch) {
  %a = decoder.attention %q, %kv, %batch {layer = 0 : i64}
    : (memref<?x768xbf16>, !kv, !decoder.batch) -> memref<?x768xbf16, #decoder.arena<0>>
  return
}

// Single tokens: the six query heads of a KV head share the loads of four vectors, and the next page
// is fetched meanwhile.
// CHECK-LABEL: func.func @attention_0.attention(
// CHECK:         memref.prefetch
// CHECK-COUNT-24: x86vector.avx512.dot
// CHECK-NEXT:    scf.yield

// In a block, a run of a single token is the same, first scores, then values. Several tokens of a
// sequence share loads four by four, and nothing is fetched: products decide there.
// CHECK-LABEL: func.func @attention_0.attention_blocks(
// CHECK:         memref.prefetch
// CHECK-COUNT-48: x86vector.avx512.dot
// CHECK-NOT:     memref.prefetch
// CHECK-COUNT-16: x86vector.avx512.dot
// CHECK-NEXT:    scf.yield
// CHECK-NOT:     memref.prefetch

// AVX2 has registers for four.
// AVX2-LABEL: func.func @attention_0.attention(
// AVX2:         memref.prefetch
// AVX2:         %[[Q:.+]]:8 = scf.for {{.+}} iter_args(
// AVX2:         math.fma

// Several tokens of a sequence by tiles: a tile of queries and four of keys, then a tile of weights and four of values,
// which begins with what was summed before. A page that is not full is copied, with zeros behind what counts.
// TILES-LABEL: func.func @attention_0.attention(
// TILES-NOT:     llvm.x86
// TILES-LABEL: func.func @attention_0.attention_blocks(
// TILES:         llvm.call_intrinsic "llvm.x86.ldtilecfg"
// TILES-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero"
// TILES-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// TILES-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64"
// TILES:         math.fma
// TILES:         scf.if
// TILES-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// TILES:         } else {
// TILES:         vector.store
// TILES-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// TILES:         llvm.call_intrinsic "llvm.x86.tilerelease"
