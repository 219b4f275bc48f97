//===- RunAll.h - jobs side by side -----------------------------*- C++ -*-===//
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/Threading.h"
#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace strata {

/// All results in order, or all errors. As many jobs run at a time as there are CPUs for them.
template <typename Result>
llvm::Expected<std::vector<Result>>
runAll(llvm::ArrayRef<std::function<llvm::Expected<Result>()>> jobs) {
  std::vector<std::optional<llvm::Expected<Result>>> results(jobs.size());
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != llvm::hardware_concurrency(jobs.size()).compute_thread_count(); ++i)
    threads.emplace_back([&] {
      for (size_t job; (job = next++) < jobs.size();)
        results[job].emplace(jobs[job]());
    });
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
