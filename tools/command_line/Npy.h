//===- Npy.h - NumPy's files ------------------------------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace strata {

/// Bytes of a header, whatever the shape: values stand behind it at a multiple of 64.
inline constexpr size_t kNpyHeaderBytes = 128;

/// The header of a .npy file, format 1.0, of f32 [rows, columns], little endian, row by row.
std::string npyHeader(uint64_t rows, uint64_t columns);

} // namespace strata
