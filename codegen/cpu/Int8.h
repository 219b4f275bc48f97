//===- Int8.h - linear and logits with quantized weights on a CPU -*- C++ -*-===//
//
// The frame is that of Linear.h. A prologue rounds the input to 8 bits, group by group of
// kInt8Group features; products of features that share a scale of the weight are exact integers,
// and with the scales of weight and input they are added up in f32.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/Linear.h"
#include "codegen/cpu/QuantizedRows.h"

namespace strata::cpu {

/// Groups of the input.
inline int64_t int8Groups(const LinearSpec &spec) { return spec.inFeatures / kInt8Group; }

/// The products of a row and a token are summed in so many chains, of which group g of the weight
/// belongs to that of number g % kInt8Chains, in order.
inline constexpr int64_t kInt8Chains = 4;
/// The sum of the chains, scalars or vectors, in the order that all forms add them.
Value addChains(KernelBuilder &b, Values chains);

/// Bytes of workspace for each token: the input's bytes, and a scale and sums for each group; for
/// tiles, the input in bf16.
int64_t int8WorkspaceBytes(int64_t features);

/// The rounded input in the workspace: fours of bytes as i32, f32 scales, and the sums of each half
/// of a group's bytes, two i16 as i32.
struct Int8Input {
  Value fours, scales, sums;
};

/// As rows: [rows, features / 4], [rows, groups], [rows, groups].
Int8Input int8Rows(KernelBuilder &b, Value workspace, Value rows, int64_t features);

/// As blocks of `tokens` tokens: [blocks, features / 4, tokens], [blocks, groups, tokens],
/// [blocks, groups, tokens].
Int8Input int8Blocks(KernelBuilder &b, Value workspace, Value blocks, int64_t features,
                     Value tokens);

/// The buffers of a weight, of scales only if they are one; and their views.
Values quantizedBuffers(const KernelArguments &args, const LinearSpec::Part &part);
QuantizedRows viewWeight(KernelBuilder &b, ValueRange buffers, const LinearSpec &spec,
                         const LinearSpec::Part &part, Value rows);

/// What is subtracted from the numbers that dotBytes() takes.
int64_t zeroOfDots(const KernelBuilder &b, const QuantizedRows &weight);
/// The numbers of a stretch as dotBytes() takes them: vectors of lanes() fours, or what is left.
Values loadFours(KernelBuilder &b, const QuantizedRows &weight, const Stretch &stretch);

/// "q4_k" or "i8_g32_bf16": of a weight's format the code depends.
std::string formatName(const LinearSpec::Part &part);

// The phases.
void emitInt8Rows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8Decode(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8Pack(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8PackTiles(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);
void emitInt8Prefill(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec);

} // namespace strata::cpu
