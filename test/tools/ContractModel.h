//===- ContractModel.h - what the server of the contract serves -*- C++ -*-===//
#pragma once

#include "test/runtime/serving/HashEngine.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace strata::test {

/// A model of kVocabulary tokens, of which kEnd ends a text, with a context of kContext; and what
/// must come of it.
class ContractModel {
public:
  virtual ~ContractModel() = default;

  virtual const Package &package() const = 0;
  /// Makes engines for schedulers. `pages`: of the KV cache, where the model is a hash; `fault` is
  /// asked before each step, which fails with what it says.
  virtual serving::Scheduler::OpenEngine opener(uint32_t pages, HashDevice::Fault fault) const = 0;
  /// The logits behind each of the tokens, as one step has them.
  virtual std::vector<std::vector<float>> rowsAfter(const std::vector<int32_t> &tokens) const = 0;
  /// What greedy text goes on with, up to kEnd or `count` tokens.
  virtual std::vector<int32_t> textAfter(const std::vector<int32_t> &tokens,
                                         int64_t count) const = 0;
};

/// A hash, or, where STRATA_CONTRACT_DEVICE names a device, a small model compiled for it.
const ContractModel &contractModel();

} // namespace strata::test
