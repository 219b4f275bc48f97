//===- SchedulerSteps.cpp - what a step has, and what becomes of it -------===//

#include "runtime/base/Status.h"
#include "runtime/serving/Scheduler.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace strata::serving {
namespace {

/// Rows of logits of prompts that are scored are wanted all at once.
constexpr int64_t kMostScoredRows = 64;

/// Tokens of prompts that a step has however long it takes: those who wait for their first token
/// are not forgotten.
constexpr int64_t kLeastPrompt = 16;

} // namespace

/// Most tokens of prompts beside these texts, one token each: all of them of the first prompt, of
/// which a token costs the least.
int64_t Scheduler::promptRoom(std::span<const Share> texts) const {
  const int64_t most = options.stepTokens - int64_t(texts.size());
  const auto prompt = std::ranges::find_if(
      running, [](const auto &entry) { return entry->text->pending().size() > 1; });
  if (options.targetItl.count() == 0 || texts.empty() || prompt == running.end())
    return most;
  StepInputs counts;
  counts.outputRows = int64_t(texts.size());
  for (const Share &share : texts)
    counts.outputContext += share.entry->text->length();
  const int64_t seen = (*prompt)->text->seenTokens();
  const auto fits = [&](int64_t tokens) {
    counts.tokens = counts.outputRows + tokens;
    counts.contextTokens = counts.outputContext + tokens * seen + tokens * (tokens + 1) / 2;
    return time.predict(cost->of(counts)) * 1000 <= double(options.targetItl.count());
  };
  int64_t least = std::min(kLeastPrompt, most), above = most + 1;
  while (above - least > 1) {
    const int64_t middle = std::midpoint(least, above);
    (fits(middle) ? least : above) = middle;
  }
  return least;
}

/// One token of each text that is being written, and of prompts what is left of the step.
std::vector<Scheduler::Share> Scheduler::planStep() {
  std::vector<Share> shares;
  int64_t left = options.stepTokens;
  for (const bool prompts : {false, true}) {
    if (prompts)
      left = promptRoom(shares);
    for (const auto &text : running) {
      const auto pending = int64_t(text->text->pending().size());
      if ((pending > 1) != prompts || left == 0)
        continue;
      int64_t tokens = std::min(pending, left);
      if (text->text->rowsOf(tokens) == LogitRows::all)
        tokens = std::min(tokens, kMostScoredRows);
      shares.push_back({text.get(), tokens});
      left -= tokens;
    }
  }
  return shares;
}

/// Takes pages away from those that came last, until the others' steps have theirs.
void Scheduler::makeRoom(std::vector<Share> &shares) {
  while (!hasRoom(shares) && running.size() > 1) {
    const Entry *last = running.back().get();
    std::erase_if(shares, [&](const Share &share) { return share.entry == last; });
    preemptLast();
  }
}

void Scheduler::preemptLast() {
  std::unique_ptr<Entry> last = std::move(running.back());
  running.pop_back();
  remember(*last); // to be given up first, but perhaps it need not be
  closeSequence(*last);
  last->text->setSeen(0);
  ++counts.preemptions;
  waiting.push_front(std::move(last));
}

/// Guesses for texts that go on by one token. None while requests wait for a place: the batch is
/// full, and steps of few rows are not to be had.
absl::Status Scheduler::addDrafts(std::span<const Share> shares) {
  if (!drafter || !waiting.empty())
    return absl::OkStatus();
  int64_t texts = 0, room = options.stepTokens;
  std::vector<DraftPlan> plans;
  for (const Share &share : shares) {
    const Entry &entry = *share.entry;
    plans.push_back({entry.draftLength.acceptance(),
                     std::min(entry.draftLength.most(), entry.text->mostDrafts())});
    texts += share.tokens == 1;
    room -= share.tokens;
  }
  planDrafts(plans, texts, room, draftCost.secondsOfStep(texts),
             draftCost.secondsOfDraft(texts) +
                 drafter->secondsOfToken() / double(std::max<int64_t>(texts, 1)));
  STRATA_TRY(draft(shares, plans));
  if (!hasRoom(shares)) // they are not worth another text's pages
    for (const Share &share : shares)
      share.entry->text->setDrafts({});
  return absl::OkStatus();
}

absl::Status Scheduler::draft(std::span<const Share> shares, std::span<const DraftPlan> plans) {
  std::vector<DraftRequest> requests;
  std::vector<ServedText *> texts;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (plans[i].drafts == 0)
      continue;
    Entry &entry = *shares[i].entry;
    if (entry.draftText < 0)
      entry.draftText = drafter->open();
    requests.push_back(
        {entry.draftText, entry.text->allTokens(), plans[i].drafts, &entry.text->usedSampler()});
    texts.push_back(entry.text.get());
  }
  if (requests.empty())
    return absl::OkStatus();
  STRATA_TRY(drafter->draft(requests));
  for (size_t i = 0; i < texts.size(); ++i)
    texts[i]->setDrafts(std::move(requests[i].drafts));
  return absl::OkStatus();
}

absl::Status Scheduler::runStep(std::span<const Share> shares) {
  std::vector<BatchEntry> batch;
  int64_t texts = 0, drafts = 0;
  for (const Share &share : shares) {
    const ServedText &text = *share.entry->text;
    batch.push_back(
        {share.entry->sequence, text.stepTokens(share.tokens), text.rowsOf(share.tokens)});
    texts += share.tokens == 1;
    drafts += text.drafts();
  }
  const Clock::time_point start = Clock::now();
  const std::vector<Row> rows = beginStep(shares);
  std::vector<RowOutput> outputs(rows.size());
  engine->device().forEach(int64_t(rows.size()), [&](int64_t row) {
    outputs[size_t(row)] = rows[size_t(row)].text->outputOf(rows[size_t(row)].index);
  });
  STRATA_ASSIGN(const StepResult result, engine->step(batch, outputs));
  const double seconds = secondsSince(start);
  time.learn(result.work, seconds, texts < int64_t(shares.size()));
  if (texts == int64_t(shares.size()))
    draftCost.learn(texts, drafts, seconds);
  ++counts.steps;
  const std::vector<absl::Status> statuses = useRows(shares, rows, result);
  counts.stepSeconds += secondsSince(start);
  counts.stepBytes += result.work.bytes;
  counts.stepFlops += result.work.flops;
  for (size_t i = 0; i < shares.size(); ++i) {
    const absl::Status status = statuses[i].ok() ? endStep(shares[i]) : statuses[i];
    if (!status.ok()) // its logits are no numbers; the others' may be
      fail(*shares[i].entry, status);
  }
  return absl::OkStatus();
}

absl::Status Scheduler::endStep(const Share &share) {
  Entry &entry = *share.entry;
  const int64_t generated = entry.text->generatedTokens(), drafted = entry.text->drafts();
  STRATA_TRY(entry.text->endStep());
  STRATA_TRY(noteDrafts(entry, drafted));
  noteProgress(entry, share.tokens, generated);
  return absl::OkStatus();
}

/// What was rejected leaves the KV cache, before anybody may share its pages.
absl::Status Scheduler::noteDrafts(Entry &entry, int64_t drafted) {
  const int64_t accepted = drafted > 0 ? entry.text->acceptedDrafts() : 0;
  entry.draftLength.learn(drafted, accepted);
  counts.drafts.add(drafted, accepted);
  return accepted < drafted ? engine->rewind(entry.sequence, entry.text->seenTokens())
                            : absl::OkStatus();
}

/// The rows of logits of the step, in their order.
std::vector<Scheduler::Row> Scheduler::beginStep(std::span<const Share> shares) {
  std::vector<Row> rows;
  for (size_t i = 0; i < shares.size(); ++i) {
    ServedText &text = *shares[i].entry->text;
    const int64_t count = text.rowCount(shares[i].tokens);
    text.beginStep(shares[i].tokens);
    for (int64_t index = 0; index < count; ++index)
      rows.push_back({&text, i, index});
  }
  return rows;
}

/// Scores and chooses, each row by itself: with a large vocabulary one of them takes a millisecond
/// or more. Returns whether the rows of each share were numbers.
std::vector<absl::Status> Scheduler::useRows(std::span<const Share> shares,
                                             std::span<const Row> rows, const StepResult &result) {
  std::vector<absl::Status> ofRows(rows.size());
  engine->device().forEach(int64_t(rows.size()), [&](int64_t row) {
    const auto &[text, share, index] = rows[size_t(row)];
    ofRows[size_t(row)] = text->useRow(index, result.row(row), result.token(row));
  });
  std::vector<absl::Status> statuses(shares.size());
  for (size_t row = 0; row < rows.size(); ++row)
    statuses[rows[row].share].Update(ofRows[row]);
  return statuses;
}

void Scheduler::noteProgress(Entry &entry, int64_t tokens, int64_t generatedBefore) {
  counts.promptTokens += uint64_t(tokens > 1 || generatedBefore == 0 ? tokens : 0);
  const int64_t generated = entry.text->generatedTokens() - generatedBefore;
  if (generated == 0)
    return;
  counts.generatedTokens += uint64_t(generated);
  if (generatedBefore == 0) {
    counts.timeToFirstToken.add(secondsSince(entry.arrived));
    remember(entry);
  } else {
    const double seconds = secondsSince(entry.lastToken);
    for (int64_t i = 0; i < generated; ++i) // those of one step share its time
      counts.interTokenLatency.add(seconds / double(generated));
  }
  entry.lastToken = Clock::now();
}

} // namespace strata::serving
