//===- BenchReport.cpp - the bench's table --------------------------------===//

#include "tools/bench/BenchReport.h"

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/base/AnonymousMemory.h"
#include "runtime/base/Status.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace strata {
namespace {

using Figure = std::function<double(const BenchSample &)>;

std::vector<double> valuesOf(const BenchRow &row, const Figure &figure) {
  std::vector<double> values;
  for (const BenchSample &sample : row.samples)
    values.push_back(figure(sample));
  return values;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

double mean(const std::vector<double> &values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

/// Of the sample; 0 for one value.
double deviation(const std::vector<double> &values) {
  double center = mean(values), squares = 0;
  for (double value : values)
    squares += (value - center) * (value - center);
  return values.size() < 2 ? 0 : std::sqrt(squares / double(values.size() - 1));
}

/// A kernel's figures; shares are of 1.
struct BenchKernelFigures {
  double share;             // of the time of all kernels
  double bytes, bytesShare; // bytes/s
  double flops, flopsShare; // FLOP/s
  double each, floor;       // seconds of a dispatch: measured, and at the ceilings
};

std::string percent(double share) {
  if (share > 1) // what it is a share of was measured at another moment
    return "> 100 %";
  return std::isfinite(share) ? absl::StrFormat("%.0f %%", 100 * share) : "-";
}

std::string microseconds(double seconds) {
  return std::isfinite(seconds) ? absl::StrFormat("%.2f", seconds * 1e6) : "-";
}

/// "15.63 B", "5.38 M".
std::string formatCount(uint64_t count) {
  return count >= 1000000000 ? absl::StrFormat("%.2f B", double(count) / 1e9)
                             : absl::StrFormat("%.2f M", double(count) / 1e6);
}

std::string markdownRow(const BenchSetup &setup, const BenchRow &row) {
  BenchFigures f = figuresOf(row);
  std::string threads = setup.threads > 0 ? absl::StrCat(setup.threads) : "-";
  return absl::StrFormat("| %s | %s | %s | %s | %s | %s | %.2f | %.2f | %.2f ± %.2f | %.2f | %s | "
                         "%.3f | %s |\n",
                         setup.model, formatBytes(setup.weightBytes), formatCount(setup.parameters),
                         setup.target, threads, row.test.name(), f.tokensMedian, f.sequenceMedian,
                         f.tokensMean, f.tokensDeviation, f.bytes / 1e9, percent(f.bytesShare),
                         f.flops / 1e12, percent(f.flopsShare));
}

/// A step brings a token and the drafts that were accepted.
std::string describeDrafts(const BenchRow &row) {
  const DraftCounts &drafts = row.drafts;
  if (drafts.tokens == 0)
    return "";
  const double tokens = double(row.test.allTokens()) * double(row.samples.size());
  return absl::StrFormat("Drafts of %s: %d of %d tokens accepted (%s), %.2f tokens a step.\n",
                         row.test.name(), drafts.accepted, drafts.tokens,
                         percent(drafts.acceptance()), tokens / (tokens - double(drafts.accepted)));
}

std::string describeCeilings(const BenchSetup &setup, double read, double peak) {
  if (!std::isfinite(read) && !std::isfinite(peak))
    return "Ceilings: not measured on this device.\n";
  return absl::StrFormat("Ceilings, measured between the repetitions with the same threads: read "
                         "of the same %s weights %.2f GB/s; %s %.3f TFLOP/s. Shares are medians "
                         "of the repetitions' own.\n",
                         setup.randomWeights ? "random" : "mapped", read / 1e9, setup.instruction,
                         peak / 1e12);
}

BenchKernelFigures figuresOf(const BenchRow &row, const BenchKernel &kernel) {
  BenchFigures f = figuresOf(row);
  double all = 0;
  for (const BenchKernel &other : row.kernels)
    all += other.seconds;
  double bytes = kernel.work.bytes / kernel.seconds, flops = kernel.work.flops / kernel.seconds;
  double bytesShare = bytes / f.bytesCeiling, flopsShare = flops / f.flopsCeiling;
  double each = kernel.seconds / double(kernel.dispatches);
  return {kernel.seconds / all,
          bytes,
          bytesShare,
          flops,
          flopsShare,
          each,
          each * std::max(bytesShare, flopsShare)};
}

std::string kernelTables(const std::vector<BenchRow> &rows) {
  std::string text;
  for (const BenchRow &row : rows) {
    if (row.kernels.empty())
      continue;
    absl::StrAppend(
        &text, "\nKernels of ", row.test.name(), ", timed one by one:\n\n",
        "| kernel | of | dispatches | each, µs | floor, µs | of the time | GB/s | of read "
        "| TFLOP/s | of peak |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (const BenchKernel &kernel : row.kernels) {
      BenchKernelFigures f = figuresOf(row, kernel);
      absl::StrAppendFormat(&text, "| %s | %s | %d | %s | %s | %s | %.2f | %s | %.3f | %s |\n",
                            kernel.name, kernel.example, kernel.dispatches, microseconds(f.each),
                            microseconds(f.floor), percent(f.share), f.bytes / 1e9,
                            percent(f.bytesShare), f.flops / 1e12, percent(f.flopsShare));
    }
  }
  return text;
}

std::string markdown(const BenchSetup &setup, const std::vector<BenchRow> &rows) {
  std::string text = "| model | weights | parameters | code | threads | test | tok/s, median | "
                     "a sequence | mean ± sd | GB/s | of read | TFLOP/s | of peak |\n"
                     "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";
  std::vector<double> read, peak;
  for (const BenchRow &row : rows) {
    text += markdownRow(setup, row);
    read.push_back(figuresOf(row).bytesCeiling);
    peak.push_back(figuresOf(row).flopsCeiling);
  }
  text += "\n" + describeCeilings(setup, median(read), median(peak));
  for (const BenchRow &row : rows)
    text += describeDrafts(row);
  return text + kernelTables(rows);
}

/// A field name and its value, as JSON has it.
using Field = std::pair<std::string, std::string>;

std::string quote(const std::string &text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    absl::StrAppend(&result, uint8_t(c) < 0x20 ? absl::StrFormat("\\u%04x", c) : std::string(1, c));
  }
  return result + "\"";
}

std::string number(double value) {
  return std::isfinite(value) ? absl::StrFormat("%.9g", value) : "null";
}

std::string numbers(const std::vector<double> &values) {
  return absl::StrCat(
      "[",
      absl::StrJoin(values, ", ", [](std::string *out, double value) { *out += number(value); }),
      "]");
}

std::vector<Field> fieldsOf(const BenchSetup &setup, const BenchRow &row) {
  BenchFigures f = figuresOf(row);
  return {{"model", quote(setup.model)},
          {"weight_bytes", absl::StrCat(setup.weightBytes)},
          {"parameters", absl::StrCat(setup.parameters)},
          {"random_weights", setup.randomWeights ? "true" : "false"},
          {"code", quote(setup.target)},
          {"threads", absl::StrCat(setup.threads)},
          {"test", quote(row.test.name())},
          {"tokens", absl::StrCat(row.test.tokens)},
          {"depth", absl::StrCat(row.test.depth)},
          {"batch", absl::StrCat(row.test.batch)},
          {"tokens_per_second_median", number(f.tokensMedian)},
          {"tokens_per_second_of_a_sequence", number(f.sequenceMedian)},
          {"tokens_per_second_mean", number(f.tokensMean)},
          {"tokens_per_second_deviation", number(f.tokensDeviation)},
          {"bytes", number(row.samples.front().work.bytes)},
          {"flops", number(row.samples.front().work.flops)},
          {"bytes_per_second", number(f.bytes)},
          {"read_ceiling_bytes_per_second", number(f.bytesCeiling)},
          {"share_of_read_ceiling", number(f.bytesShare)},
          {"flops_per_second", number(f.flops)},
          {"peak_flops_per_second", number(f.flopsCeiling)},
          {"share_of_peak", number(f.flopsShare)},
          {"peak_instruction", quote(setup.instruction)},
          {"drafts", absl::StrCat(row.drafts.drafts)},
          {"draft_tokens", absl::StrCat(row.drafts.tokens)},
          {"accepted_draft_tokens", absl::StrCat(row.drafts.accepted)}};
}

std::string object(const std::vector<Field> &fields) {
  auto append = [](std::string *out, const Field &field) {
    absl::StrAppend(out, quote(field.first), ": ", field.second);
  };
  return absl::StrCat("{", absl::StrJoin(fields, ", ", append), "}");
}

std::string kernelObjects(const BenchRow &row) {
  std::vector<std::string> objects;
  for (const BenchKernel &kernel : row.kernels) {
    BenchKernelFigures f = figuresOf(row, kernel);
    objects.push_back(object({{"kernel", quote(kernel.name)},
                              {"of", quote(kernel.example)},
                              {"dispatches", absl::StrCat(kernel.dispatches)},
                              {"seconds_each", number(f.each)},
                              {"floor_seconds_each", number(f.floor)},
                              {"share_of_time", number(f.share)},
                              {"bytes_per_second", number(f.bytes)},
                              {"share_of_read_ceiling", number(f.bytesShare)},
                              {"flops_per_second", number(f.flops)},
                              {"share_of_peak", number(f.flopsShare)}}));
  }
  return absl::StrCat("[", absl::StrJoin(objects, ", "), "]");
}

std::string json(const BenchSetup &setup, const std::vector<BenchRow> &rows) {
  std::vector<std::string> objects;
  for (const BenchRow &row : rows) {
    std::vector<Field> fields = fieldsOf(setup, row);
    if (!row.kernels.empty())
      fields.emplace_back("kernels", kernelObjects(row));
    fields.emplace_back("seconds", numbers(valuesOf(row, [](auto &s) { return s.seconds; })));
    objects.push_back("  " + object(fields));
  }
  return "[\n" + absl::StrJoin(objects, ",\n") + "\n]\n";
}

std::string csv(const BenchSetup &setup, const std::vector<BenchRow> &rows) {
  std::string text;
  for (const BenchRow &row : rows) {
    std::vector<std::string> names, values;
    for (const Field &field : fieldsOf(setup, row)) {
      names.push_back(field.first);
      values.push_back(field.second == "null" ? "" : field.second);
    }
    if (text.empty())
      text = absl::StrJoin(names, ",") + "\n";
    text += absl::StrJoin(values, ",") + "\n";
  }
  return text;
}

} // namespace

BenchFigures figuresOf(const BenchRow &row) {
  auto tokens = double(row.test.allTokens());
  std::vector<double> rate = valuesOf(row, [&](auto &s) { return tokens / s.seconds; });
  auto med = [&](const Figure &figure) { return median(valuesOf(row, figure)); };
  return {median(rate),
          median(rate) / double(row.test.batch),
          mean(rate),
          deviation(rate),
          med([](auto &s) { return s.work.bytes / s.seconds; }),
          med([](auto &s) { return s.work.bytes / s.seconds / s.readCeiling; }),
          med([](auto &s) { return s.readCeiling; }),
          med([](auto &s) { return s.work.flops / s.seconds; }),
          med([](auto &s) { return s.work.flops / s.seconds / s.flopCeiling; }),
          med([](auto &s) { return s.flopCeiling; })};
}

std::string formatBench(BenchFormat format, const BenchSetup &setup,
                        const std::vector<BenchRow> &rows) {
  switch (format) {
  case BenchFormat::markdown:
    return markdown(setup, rows);
  case BenchFormat::csv:
    return csv(setup, rows);
  case BenchFormat::json:
    break;
  }
  return json(setup, rows);
}

} // namespace strata
