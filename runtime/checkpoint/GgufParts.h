//===- GgufParts.h - GGUF models in several files ---------------*- C++ -*-===//
//
// PREFIX-00001-of-00003.gguf and so on, as llama.cpp's gguf-split writes them. Each has split.no,
// from 0 on, split.count, the number of files, and split.tensors.count, that of the tensors in all
// of them; what else is said of the model is said in the first.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/checkpoint/GgufFile.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include <string>
#include <vector>

namespace strata {

/// That a file is a whole model, or the first part of one.
absl::Status checkFirstPart(const GgufFile &file);

/// That `file` is part `number` of the model of which `first` is part 0.
absl::Status checkPart(const GgufFile &file, const GgufFile &first, int64_t number);

/// The names of the other files of a model, in order, whose first is the file `folder`/`name`.
/// Empty for a whole model; an error if one is not there.
absl::StatusOr<std::vector<std::string>> findParts(const GgufFile &first, const std::string &folder,
                                                   const std::string &name);

/// That the files of a model hold as many tensors together as the first says.
absl::Status checkTensorCount(const GgufFile &first, size_t found);

} // namespace strata
