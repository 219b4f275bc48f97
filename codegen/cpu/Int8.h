//===- Int8.h - linear and logits with weights of i8_g32 on a CPU -*- C++ -*-===//
//
// The frame is that of Linear.h. A prologue rounds the input to 8 bits, group by group of
// kInt8Group features; products of a group are exact integers, and with the scales of weight and
// input they are added up in f32.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/Linear.h"

namespace strata::cpu {

/// Features that share a scale, of weights and of the input.
inline constexpr int64_t kInt8Group = factsOf(QuantizedFormat::I8G32).group;
inline int64_t int8Groups(const LinearSpec &spec) { return spec.inFeatures / kInt8Group; }

/// The products of a row and a token are summed in so many chains, of which group g belongs to that
/// of number g % kInt8Chains, in order.
inline constexpr int64_t kInt8Chains = 4;
/// The sum of the chains, scalars or vectors, in the order that all forms add them.
Value addChains(KernelBuilder &b, Values chains);

/// Bytes of workspace for each token: the input's bytes, and a scale and a start for each group;
/// for tiles, the input in bf16.
int64_t int8WorkspaceBytes(int64_t features);

/// The rounded input in the workspace: fours of bytes as i32, f32 scales, and what the sum of a
/// group starts with in i32, minus KernelBuilder::byteOffset() times the sum of the group's bytes.
struct Int8Input {
  Value fours, scales, initialSums;
};

/// As rows: [rows, features / 4], [rows, groups], [rows, groups].
Int8Input int8Rows(KernelBuilder &b, Value workspace, Value rows, int64_t features);

/// As blocks of `tokens` tokens: [blocks, features / 4, tokens], [blocks, groups, tokens],
/// [blocks, groups, tokens].
Int8Input int8Blocks(KernelBuilder &b, Value workspace, Value blocks, int64_t features,
                     Value tokens);

/// A weight as it is stored: fours of bytes as i32 [rows, features / 4], scales [rows, groups].
/// What lies between the ends of rows and the next belongs to rows of these arrays, too.
struct Int8Weight {
  Value fours, scales;
  BoxAttr box;
};
Int8Weight int8Weight(KernelBuilder &b, Value elements, Value scales, const LinearSpec &spec,
                      const LinearSpec::Part &part, Value rows);

// The phases.
void emitInt8Rows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8Decode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8Pack(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8PackTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8Prefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

} // namespace strata::cpu
