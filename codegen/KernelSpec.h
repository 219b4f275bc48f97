//===- KernelSpec.h - what an op becomes: variants of phases ----*- C++ -*-===//
//
// What targets say of a kernel before its functions are written. The loop that writes them is
// shared: GenerateKernels.cpp.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/BodyBuilder.h"
#include "dialect/Decoder.h"
#include <functional>
#include <string>
#include <vector>

namespace strata {

/// The arguments of a phase as MLIR values. Buffers are memref<1xi8>, on a GPU in its global
/// memory; the rest is index.
struct KernelArguments {
  Values buffers; ///< as listBuffers(op) has them
  Value tokens, outputRows, pageTableStride, layer;
  Value begin, end;            ///< of a CPU: workgroups to run
  Values maps = {};            ///< of a GPU: addresses of the phase's tensor maps
  llvm::StringRef kernel = {}; ///< of a CPU: its name, for functions that its phases share
};

/// Writes the body of a phase. Made of any function (Builder &, const KernelArguments &); Builder
/// is what the target writes its kernels in.
class EmitBody {
public:
  template <typename Builder>
  EmitBody(std::function<void(Builder &, const KernelArguments &)> emit)
      : emit([emit](BodyBuilder &b, const KernelArguments &args) {
          emit(static_cast<Builder &>(b), args);
        }) {}
  template <typename Emit>
  requires(!std::is_same_v<std::decay_t<Emit>, EmitBody>) EmitBody(Emit emit)
      : EmitBody(std::function(std::move(emit))) {}

  void operator()(BodyBuilder &b, const KernelArguments &args) const { emit(b, args); }

private:
  std::function<void(BodyBuilder &, const KernelArguments &)> emit;
};

/// A tensor map that a phase wants, as TensorMapAttr.
struct TensorMapSpec {
  unsigned buffer;
  Axis axis;
  int64_t rows, columns, boxRows, boxColumns;
  int64_t rowStride = 0; ///< elements from one row to the next; 0: the columns
};

/// Of a phase on a GPU: its workgroups are blocks.
struct BlockSpec {
  int64_t threads = 0;
  int64_t sharedBytes = 0; ///< dynamic shared memory
  std::vector<TensorMapSpec> maps = {};
};

/// One function of a kernel: factor * ceil(axis / divisor) workgroups.
struct PhaseSpec {
  std::string name;
  Axis axis;
  int64_t divisor, factor;
  EmitBody emit;
  BlockSpec block = {};
};

/// The phases for some steps, as VariantAttr.
struct VariantSpec {
  int64_t upTo; ///< rows; 0: no limit
  std::vector<PhaseSpec> phases;
  int64_t upToRun = 0; ///< tokens of one sequence; 0: no limit
  VariantMode mode = VariantMode::Any;
};

struct KernelSpec {
  Axis axis;
  std::vector<VariantSpec> variants;
};

} // namespace strata
