//===- RunAll.h - jobs side by side -----------------------------*- C++ -*-===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace strata {

/// All results in order, or all errors. Each job runs on a thread of its own.
template <typename Result>
llvm::Expected<std::vector<Result>>
runAll(llvm::ArrayRef<std::function<llvm::Expected<Result>()>> jobs) {
  std::vector<std::optional<llvm::Expected<Result>>> results(jobs.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i != jobs.size(); ++i)
    threads.emplace_back([&, i] { results[i].emplace(jobs[i]()); });
  for (std::thread &thread : threads)
    thread.join();
  std::vector<Result> all;
  llvm::Error errors = llvm::Error::success();
  for (auto &result : results) {
    if (*result)
      all.push_back(std::move(**result));
    else
      errors = llvm::joinErrors(std::move(errors), result->takeError());
  }
  if (errors)
    return errors;
  return all;
}

} // namespace strata
