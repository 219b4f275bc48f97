//===- RawRows.h - rows in blocks on their way to shared memory -*- C++ -*-===//
//
// Blocks of few formats begin where 16 bytes can be loaded. So what lies in memory is copied as it
// is, 16 bytes at a time, asynchronously; it is decoded from there by loads as wide as its format
// allows. A row's stretch keeps its place within 16 bytes: the copies start up to 14 bytes before.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/nvptx/Linear.h"
#include "codegen/nvptx/QuantizedRows.h"

namespace strata::nvptx {

/// Stretches of rows of one format, `features` of each row at a time: whole blocks.
struct RawStretches {
  QuantizedFormat format;
  int64_t inFeatures, features;

  int64_t rowBytes() const { return bytesOf(format, inFeatures); }
  int64_t stretchBytes() const { return bytesOf(format, features); }
  /// Bytes of shared memory that a row's stretch takes.
  int64_t slotBytes() const;
  int64_t count() const { return llvm::divideCeil(inFeatures, features); }

  /// The byte of a slot that stretch `stretch` of row `row` begins with.
  Value offsetInSlot(KernelBuilder &b, Value row, Value stretch) const;
};

/// Threads that copy together: of those this one is number `index`.
struct Copiers {
  Value index;
  int64_t count;
};

/// Starts the copies of stretch `stretch` of `rows` rows of `weight`, an array of i8, into slots of
/// `shared`, an array of i8, from byte `slots` on. `rowOf` says which row is the i-th; what lies
/// behind the last stretch is not read. Of a row that `isThere` denies, if given, come zeros.
void copyStretches(KernelBuilder &b, const RawStretches &stretches, Value weight, Value stretch,
                   Value shared, Value slots, int64_t rows, const Copiers &copiers,
                   llvm::function_ref<Value(Value)> rowOf,
                   llvm::function_ref<Value(Value)> isThere = {});

/// body(format) for the format of part `part`, of those that a product's weights have. All threads
/// of a block have the same part, so they may meet at barriers inside.
void forFormatOf(KernelBuilder &b, const LinearSpec &spec, Value part,
                 llvm::function_ref<void(QuantizedFormat)> body);

/// What is most of all formats that a product's weights have.
int64_t mostOfFormats(const LinearSpec &spec, llvm::function_ref<int64_t(QuantizedFormat)> of);

} // namespace strata::nvptx
