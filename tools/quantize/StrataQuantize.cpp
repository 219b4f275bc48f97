//===- StrataQuantize.cpp - strata-quantize: weights of 4 or 8 bits -------===//

#include "absl/strings/str_format.h"
#include "runtime/base/Status.h"
#include "tools/command_line/InspectText.h"
#include "tools/command_line/Interrupt.h"
#include "tools/command_line/Tool.h"
#include "tools/quantize/Quantize.h"

namespace strata {
namespace {

constexpr const char *kAbout =
    "Writes a model with the weights of its linear layers rounded to 8 or 4 bits, with a bf16\n"
    "scale for each group of a row, as safetensors that strata-compile and compressed-tensors "
    "read.\n"
    "Embedding and norms stay as they are, or become bf16 where they are quantized; config.json "
    "and\n"
    "the tokenizer come along. MODEL is a folder, a .gguf or a .nemo file.";

constexpr int kInterrupted = 130; // the exit status

absl::Status check(const QuantizeOptions &options) {
  return options.folder.empty()
             ? absl::InvalidArgumentError("-o: missing, expected the folder to write")
             : absl::OkStatus();
}

std::string describe(const QuantizeSummary &summary) {
  const double share = 100.0 * double(summary.bytesAfter) / double(summary.bytesBefore);
  return labelled("quantized", absl::StrCat(summary.linears, " tensors")) +
         labelled("bytes", absl::StrCat(grouped(summary.bytesBefore), " before, ",
                                        grouped(summary.bytesAfter), " after",
                                        absl::StrFormat(" (%.1f %%)", share))) +
         labelled("error", absl::StrFormat("at most %.2f %% of a tensor's norm: %s",
                                           100 * summary.greatestError, summary.greatestKey));
}

/// Prints and returns the exit status.
absl::StatusOr<int> quantize(const QuantizeOptions &options, Console &console) {
  const Interruptible interruptible;
  const auto report = [&](const QuantizeProgress &progress) {
    console.progress(absl::StrFormat("%d of %d MB: %s", progress.done / 1'000'000,
                                     progress.all / 1'000'000, progress.key));
    return interruptible.stopAsked() ? absl::CancelledError() : absl::OkStatus();
  };
  const absl::StatusOr<QuantizeSummary> summary = quantizeModel(options, report);
  if (absl::IsCancelled(summary.status())) {
    console.note(absl::StrCat(options.folder, ": interrupted, not written"));
    return kInterrupted;
  }
  STRATA_TRY(summary.status());
  for (const std::string &note : summary->notes)
    console.note(note);
  STRATA_TRY(console.write(describe(*summary)));
  return 0;
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  using namespace strata;
  QuantizeOptions options;
  return runMain(
      {.program = "strata-quantize",
       .usage = "MODEL -o FOLDER  [options]",
       .about = kAbout,
       .options = {{"o", "FOLDER",
                    "the folder to write: new, or empty; it appears when it is complete",
                    setText(options.folder)},
                   {"bits", "N", "of a weight: 4 or 8 (default 8)",
                    setChoice(options.bits, {{"4", 4}, {"8", 8}})},
                   {"group", "N", "weights of a row that share a scale: 32, 64 or 128 (default 32)",
                    setChoice(options.group, {{"32", 32}, {"64", 64}, {"128", 128}})}},
       .argument = "model",
       .path = options.model,
       .check = [&] { return check(options); },
       .run = [&](Console &console) { return quantize(options, console); }},
      argc, argv);
}
