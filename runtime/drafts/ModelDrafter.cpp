//===- ModelDrafter.cpp - guesses of a smaller model ----------------------===//

#include "runtime/drafts/ModelDrafter.h"

#include "runtime/base/Status.h"

#include <algorithm>
#include <chrono>

namespace strata {
namespace {

/// Tokens of new texts that are read at a time, of all together: those that go on need not wait
/// longer.
constexpr size_t kMostRead = 512;
/// A step that was disturbed makes guesses seem dearer by so much at most.
constexpr double kDearer = 1.02;

/// The next guess.
RowOutput outputOf(const DraftRequest &request) {
  const auto position = request.tokens.size() + request.drafts.size();
  return {.draw = request.sampler ? request.sampler->drawAt(position) : Draw()};
}

} // namespace

int32_t ModelDrafter::open() {
  texts[++last].sequence = engine->open();
  return last;
}

void ModelDrafter::close(int32_t text) {
  if (const auto found = texts.extract(text); found && found.mapped().sequence >= 0)
    (void)engine->close(found.mapped().sequence); // it is open
}

/// What was drafted and is no part of the text; at least its last token remains to be fed.
absl::Status ModelDrafter::forget(Text &text, std::span<const int32_t> tokens) {
  const size_t most = std::min(text.fed.size(), tokens.size() - 1);
  text.known = std::min(text.known, most);
  while (text.known < most && text.fed[text.known] == tokens[text.known])
    ++text.known;
  text.fed.resize(text.known);
  return engine->rewind(text.sequence, int64_t(text.known));
}

absl::StatusOr<std::vector<ModelDrafter::Part>>
ModelDrafter::begin(std::span<DraftRequest> requests) {
  std::vector<Part> parts;
  const size_t most = std::max<size_t>(kMostRead / requests.size(), 1);
  for (DraftRequest &request : requests) {
    Text &text = texts.at(request.text);
    if (text.sequence < 0 || int64_t(request.tokens.size()) > engine->context())
      continue;
    STRATA_TRY(forget(text, request.tokens));
    const auto fresh = request.tokens.subspan(text.fed.size());
    const bool all = fresh.size() <= most;
    parts.push_back({&request, &text, all ? fresh : fresh.first(most), all});
  }
  return parts;
}

/// The text that came last in the step leaves it, and its pages to the others.
void ModelDrafter::giveUp(std::vector<Part> &parts) {
  Text &text = *parts.back().text;
  (void)engine->close(text.sequence); // it is open
  text = {};
  parts.pop_back();
}

absl::StatusOr<StepResult> ModelDrafter::run(std::vector<Part> &parts) {
  std::vector<BatchEntry> batch;
  std::vector<RowOutput> outputs;
  for (const Part &part : parts) {
    batch.push_back(
        {part.text->sequence, part.tokens, part.last ? LogitRows::last : LogitRows::none});
    if (part.last)
      outputs.push_back(outputOf(*part.request));
  }
  return engine->step(batch, outputs);
}

/// Feeds the parts, adds a draft to each whose text has been read, and leaves those in `parts` that
/// want another.
absl::Status ModelDrafter::step(std::vector<Part> &parts) {
  auto result = run(parts);
  while (absl::IsResourceExhausted(result.status())) {
    giveUp(parts);
    if (parts.empty())
      return absl::OkStatus();
    result = run(parts);
  }
  STRATA_TRY(result.status());
  int64_t row = 0;
  std::vector<Part> next;
  for (Part &part : parts) {
    part.text->fed.insert(part.text->fed.end(), part.tokens.begin(), part.tokens.end());
    if (!part.last)
      continue;
    std::vector<int32_t> &drafts = part.request->drafts;
    const int32_t draft = result->tokens[size_t(row++)];
    if (draft < 0) // logits that are no numbers guess nothing
      continue;
    drafts.push_back(draft);
    const bool fits = int64_t(part.text->fed.size()) < engine->context();
    if (int64_t(drafts.size()) < part.request->most && fits)
      next.push_back({part.request, part.text, std::span(drafts).last(1), true});
  }
  parts = std::move(next);
  return absl::OkStatus();
}

absl::Status ModelDrafter::draft(std::span<DraftRequest> requests) {
  using Clock = std::chrono::steady_clock;
  for (DraftRequest &request : requests)
    request.drafts.reserve(size_t(request.most)); // steps refer to them
  STRATA_ASSIGN(std::vector<Part> parts, begin(requests));
  while (!parts.empty()) {
    const Clock::time_point start = Clock::now();
    const bool reads =
        std::ranges::any_of(parts, [](const Part &part) { return part.tokens.size() > 2; });
    STRATA_TRY(step(parts));
    const double taken = std::chrono::duration<double>(Clock::now() - start).count();
    if (!reads)
      seconds = seconds > 0 ? std::min(taken, seconds * kDearer) : taken;
  }
  return absl::OkStatus();
}

} // namespace strata
