//===- HashEngine.h - the fake model on a hashing device --------*- C++ -*-===//
#pragma once

#include "runtime/base/MappedFile.h"
#include "runtime/serving/Scheduler.h"
#include "runtime/tokenizer/SentencePieceTokenizer.h"
#include "test/runtime/TestPackage.h"
#include "test/runtime/serving/HashDevice.h"

#include <optional>

namespace strata::test {

constexpr int64_t kVocabulary = 2048;
constexpr int64_t kContext = 64;
constexpr int32_t kEnd = 15; // the fake model's end of text

/// The demonstration model's, which has as many pieces as the fake model has tokens.
inline const Tokenizer &tokenizer() {
  static const auto loaded = SentencePieceTokenizer::load(
      readFile(STRATA_DEMO_MODEL "/tokenizer.model", 1 << 20).value(), "model");
  return *loaded;
}

/// Makes engines for schedulers: the fake model with a context of 64 tokens, 4 a page.
class HashEngine {
public:
  HashEngine() {
    TestPackage model = fakeModel();
    model.manifest.model->context = kContext;
    model.layout();
    opened.emplace(Package::open(folder.write("fake.strata", model.encode())).value());
  }

  const Package &package() const { return *opened; }

  serving::Scheduler::OpenEngine opener(uint32_t pages, HashDevice::Fault fault) const {
    return [this, pages, fault]() -> absl::StatusOr<std::unique_ptr<Engine>> {
      const package::Program &program = *opened->manifest().programs()->Get(0);
      auto device = std::make_unique<HashDevice>(program, kVocabulary, pages, fault);
      return std::make_unique<Engine>(*opened, std::move(device), kContext, /*poison=*/true);
    };
  }

private:
  TestFolder folder;
  std::optional<Package> opened;
};

/// What the hash's model goes on with, one token after the other.
inline std::vector<int32_t> expectedAfter(std::vector<int32_t> tokens, int64_t count) {
  std::vector<int32_t> next;
  while (int64_t(next.size()) < count && (next.empty() || next.back() != kEnd)) {
    next.push_back(findLikeliest(HashDevice::rowAfter(tokens, kVocabulary)));
    tokens.push_back(next.back());
  }
  return next;
}

} // namespace strata::test
