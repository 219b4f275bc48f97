//===- RowProduct.h - rows of a weight times a few tokens -------*- C++ -*-===//
//
// What the forms of one token and of a few share: LinearDecode.cpp, LinearFew.cpp.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/cpu/PrefillFrame.h"

namespace strata::cpu {

/// Rows [first, end) of the input, of each its share, into the workspace as vectors of pairs, of
/// each token in turn: [vectors][tokens][lanes()].
void emitInputRows(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                   Value first, Value end, const PackShare &share);

/// The same of the step's tokens, kept in groups of so many: [group][vectors][group's
/// tokens][lanes()].
void emitInputGroups(KernelBuilder &b, const KernelArguments &args, const LinearSpec &spec,
                     int64_t groupTokens, const PackShare &share);

/// A weight and the input as emitInputRows() leaves it, of a known number of tokens. Rows have
/// `columns` pairs of bf16 or, for a weight of another type, numbers.
struct RowStep {
  Value weight, input;
  BoxAttr box; ///< of the weight
  int64_t columns, tokens;

  /// A tile's products of a row are so many lanes, those of the tokens first.
  int64_t tokenLanes() const { return llvm::PowerOf2Ceil(tokens); }
};
RowStep describeStep(KernelBuilder &b, Value weight, Value input, Value rows,
                     const LinearSpec &spec, const LinearSpec::Part &part, int64_t tokens);

/// Where the products of a row go: tokenLanes() elements of an array.
using PlaceOf = llvm::function_ref<Values(Value row)>;

/// Products of the rows [first, end) of a unit with all tokens.
void multiplyUnit(KernelBuilder &b, const RowStep &step, Value first, Value end, Value products,
                  PlaceOf placeOf);

/// Products of the rows [first, end) with the tokens of a group, whole rows at a time. Each is
/// summed as it is for one token alone: in as many chains, to be added in the same order. `store`
/// is also given a row at `end`, whose product nobody shall read, if the rows are odd in number.
void multiplyGroup(KernelBuilder &b, const RowStep &step, Value first, Value end,
                   llvm::function_ref<void(Value row, int64_t token, Value product)> store);

/// Rows that are multiplied with a block of columns before the next.
int64_t rowsTogether(const RowStep &step);

} // namespace strata::cpu
