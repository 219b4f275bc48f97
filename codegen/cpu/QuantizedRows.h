//===- QuantizedRows.h - quantized weights as kernels take them -*- C++ -*-===//
//
// Whatever a format looks like, kernels see one form of it: of some features of a row, whole
// numbers of 8 bits in the order of the features, and an f32 scale for each group of them, with an
// offset in some formats. A format of dialect/Storage.h is a row of the table in QuantizedRows.cpp,
// and two functions that it names.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/LinearSpec.h"
#include "codegen/cpu/KernelBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace strata::cpu {

/// Features of an input that are rounded to 8 bits together.
inline constexpr int64_t kInt8Group = kRoundingGroup;

/// Groups of kInt8Group features that are decoded at once, where a row has as many: whole blocks of
/// every format.
inline constexpr int64_t kStretchGroups = 8;

/// A matrix that is quantized, as it is stored.
struct QuantizedRows {
  QuantizedAttr quantized;
  Value elements; ///< [rows, bytes of a row]; with scales beside it, as i32 [rows, words of a row]
  Value scales;   ///< [rows, groups]; null where they are in blocks

  /// The box that its rows lie in, null: they follow each other.
  BoxAttr box() const { return quantized.getBox(); }
  /// Features that share a scale, as kernels see it: kInt8Group or half of it. Larger groups are
  /// several with the same scale.
  int64_t group() const { return std::min(groupOf(quantized), kInt8Group); }
  /// Columns of `elements` that so many groups of kInt8Group take.
  int64_t columns(int64_t groups) const;
  Value columns(KernelBuilder &b, Value groups) const;
  /// Columns of `scales` that so many groups of kInt8Group have.
  int64_t scaleColumns(int64_t groups) const {
    return llvm::divideCeil(groups * kInt8Group, groupOf(quantized));
  }
  /// The one of a group.
  Value scaleColumn(KernelBuilder &b, Value group) const;
};

/// Views of the buffers of a matrix of so many columns, of which `rows` are stored. What lies
/// between the ends of rows and the next belongs to rows of these arrays, too.
QuantizedRows viewQuantized(KernelBuilder &b, QuantizedAttr quantized, Value elements, Value scales,
                            int64_t features, Value rows);

/// `count` groups of kInt8Group features of a stored row, from group `first` on: a multiple of
/// kStretchGroups, as is the count but for the last ones of a row.
struct Stretch {
  Value row, first;
  int64_t count;
};

/// What the numbers of a stretch are multiplied with and what is added, f32, one for each group().
struct StretchScales {
  Value scales;
  Value offsets; ///< null: nothing is added
};

/// What is subtracted from the numbers of a format before they are scaled, whether any of these is
/// negative, and whether something is added behind.
int64_t zeroOf(QuantizedFormat format);
bool isSigned(QuantizedFormat format);
bool hasOffsets(QuantizedFormat format);

/// The numbers of a stretch, in vectors of 64 i8, the last of 32 if its groups are odd.
Values loadNumbers(KernelBuilder &b, const QuantizedRows &rows, const Stretch &stretch);
StretchScales loadScales(KernelBuilder &b, const QuantizedRows &rows, const Stretch &stretch);

/// What a stretch stands for: f32, kInt8Group of them for each of its groups.
Values loadWeights(KernelBuilder &b, const QuantizedRows &rows, const Stretch &stretch);

/// body(stretch) for all of a row of so many groups.
void forEachStretch(KernelBuilder &b, Value row, int64_t groups,
                    llvm::function_ref<void(const Stretch &)> body);

/// Asks for a stretch of a row; one that is not there is that of the rows behind.
void prefetchStretch(KernelBuilder &b, const QuantizedRows &rows, const Stretch &stretch);

} // namespace strata::cpu
