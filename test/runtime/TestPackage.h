//===- TestPackage.h - packages for tests -----------------------*- C++ -*-===//
#pragma once

#include "runtime/package/Package.h"
#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace strata::test {

/// A package as objects, to be bent by a test and written. `contents` are the bytes of
/// manifest.sections, one each.
struct TestPackage {
  package::ManifestT manifest;
  std::vector<std::string> contents;

  /// Adds a section; its place and hash are filled in by layout().
  void addSection(const std::string &name, std::string bytes);
  /// Gives every section its place and hash. A test that wants them wrong changes them afterwards.
  void layout();
  /// The file: header, manifest, and each section where the manifest says, if that is a place in
  /// a file of reasonable size.
  std::string encode() const;
};

/// The hashes of the header and the manifest, made right again after bytes of them were changed.
void seal(std::string &file);

/// The model of FakeKernels.c, laid out and valid: vocabulary 2048, 2 layers (only the last
/// counts), context 32, 4 tokens a page. Parameters are in section "weights": table[i] = i + 1,
/// scale[i] = i + 1.
/// With a `tokenizer`, those bytes are its section.
TestPackage fakeModel(const std::string &tokenizer = "");

/// Makes a program one for cuda, with a code object for `target`, blocks of one thread and some
/// auxiliary kernels.
void makeCuda(package::ProgramT &program, const std::string &target, package::CodeFormat format);

/// Makes the first dispatch of a program for cuda one with tensor maps: of its table, and of what
/// it writes into the arena.
void addMaps(package::ProgramT &program);

/// What the fake model's logits are for the token at `position` of a sequence, given the sequence
/// and the number of tokens in the step: logits[v] = this * (v + 1).
float fakeSum(std::span<const int32_t> sequence, int64_t position, int64_t tokensOfStep);

/// verifyPackage on the bytes of a string.
absl::Status verify(const std::string &file);

/// Whether the status is an error whose message contains `part`.
testing::AssertionResult says(const absl::Status &status, const std::string &part);

} // namespace strata::test
