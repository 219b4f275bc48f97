//===- RandomBlocks.h - matrices in ggml's blocks ---------------*- C++ -*-===//
#pragma once

#include "test/kernels/Reference.h"

#include <random>
#include <string>

namespace strata::test {

/// A matrix of the shape of `like`, and of numbers about as large, in blocks of the format: any
/// bytes, but for the scales that all of a block share, of both signs.
Matrix randomBlocks(const std::string &format, const Matrix &like, std::mt19937_64 &generator);

} // namespace strata::test
