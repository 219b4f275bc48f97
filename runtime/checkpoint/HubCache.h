//===- HubCache.h - where models lie, and what they are called --*- C++ -*-===//
//
// The cache of the Hugging Face Hub keeps a repository as
//
//     models--ORGANIZATION--NAME/refs/main              the hash of a revision
//     models--ORGANIZATION--NAME/snapshots/HASH/FILE    links into blobs/
//
//===----------------------------------------------------------------------===//
#pragma once

#include <optional>
#include <string>

namespace strata {

/// The folder of files that `folder`, a repository in the Hub's cache, means: the revision that its
/// refs/main names, or the only one. Empty if `folder` is none, or that cannot be told.
std::optional<std::string> hubSnapshot(const std::string &folder);

/// What people call the model at `path`, a folder or file that need not exist: its name without the
/// ending of a file, that of the repository in the Hub's cache; never a hash, as long as a folder
/// above has another name.
std::string modelName(const std::string &path);

} // namespace strata
