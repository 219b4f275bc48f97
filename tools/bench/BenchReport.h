//===- BenchReport.h - the bench's table ------------------------*- C++ -*-===//
#pragma once

#include "tools/bench/Bench.h"

#include <string>
#include <vector>

namespace strata {

/// What is the same for all rows.
struct BenchSetup {
  std::string model, target; // "nemotron-4-15b", "x86-64-v4-bf16"
  uint64_t parameters;
  uint64_t weightBytes;
  int threads; // of the host; 0: the work is not the host's
  bool randomWeights;
  std::string instruction; // of the FLOP ceiling; empty: none was measured
};

/// A row's figures. Ratios are medians of the repetitions' own, never quotients of medians.
struct BenchFigures {
  double tokensMedian, sequenceMedian;    // tok/s of all sequences, and of one
  double tokensMean, tokensDeviation;     // tok/s of all
  double bytes, bytesShare, bytesCeiling; // bytes/s; shares are of 1
  double flops, flopsShare, flopsCeiling; // FLOP/s
};
BenchFigures figuresOf(const BenchRow &row);

enum class BenchFormat { markdown, csv, json };
std::string formatBench(BenchFormat format, const BenchSetup &setup,
                        const std::vector<BenchRow> &rows);

} // namespace strata
