//===- RenameTable.h - what a format calls a tensor -------------*- C++ -*-===//
//
// Keys of a Checkpoint are Hugging Face's. The reader of a format that has names of its own holds
// a table of both.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace strata {

/// A name of the format and Hugging Face's for the same. A '*' in both is the number of a layer,
/// one to four digits:
///
///     {"blk.*.attn_q", "model.layers.*.self_attn.q_proj"}
struct Renamed {
  std::string_view theirs, ours;
};

/// Hugging Face's name for `name`; empty if it is none of the table.
std::string rename(std::string_view name, std::span<const Renamed> table);

} // namespace strata
