//===- PackageFormat.h - the fixed header of model.strata -------*- C++ -*-===//
//
// Shared by the writer (codegen/EmitPackage) and the reader (runtime/package/Package).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace strata {

/// The first 64 bytes of a package, little endian. Everything after it is found from here.
struct PackageHeader {
  char magic[8];            // kPackageMagic
  uint32_t major;           // another major version is refused
  uint32_t minor;           // a larger minor version is refused
  uint64_t fileSize;        // of the whole file, bytes
  uint64_t manifestOffset;  // 64
  uint64_t manifestSize;    // bytes of the FlatBuffers manifest
  uint64_t manifestHash[2]; // XXH3-128 of the manifest: low, high
  uint64_t headerHash;      // XXH3-64 of the 56 bytes above
};
static_assert(sizeof(PackageHeader) == 64);

inline constexpr char kPackageMagic[8] = {'S', 'T', 'R', 'A', 'T', 'A', '\r', '\n'};
/// 2: a file's header in several ranges; 3: scales are said to be such,
/// variants for runs; 3.1: variants of two modes, without which none is batch-invariant; 3.2:
/// weights in blocks of GGUF's types.
inline constexpr uint32_t kPackageMajor = 3;
inline constexpr uint32_t kPackageMinor = 2;

/// Sections start at multiples of this; the bytes between them are zero, and the reader checks it.
inline constexpr uint64_t kSectionAlignment = 4096;
/// Tensors inside the section "weights" start at multiples of this.
inline constexpr uint64_t kWeightAlignment = 64;

} // namespace strata
