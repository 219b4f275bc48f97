//===- BpeVerify.cpp - every index and order of the tables ----------------===//
#include "runtime/tokenizer/BpeVerify.h"

#include "runtime/base/Flatbuffers.h"
#include "runtime/base/Status.h"
#include "runtime/base/Utf8.h"
#include "runtime/tokenizer/TextStream.h"

namespace strata {
namespace {

template <typename... Parts>
absl::Status damaged(const Parts &...parts) {
  return absl::DataLossError(absl::StrCat(parts...));
}

std::string_view view(const flatbuffers::String *string) {
  return string ? std::string_view(string->data(), string->size()) : std::string_view();
}

absl::Status checkCount(const char *field, size_t found, size_t min, size_t max) {
  if (found >= min && found <= max)
    return absl::OkStatus();
  return damaged(field, ": expected ", min, " to ", max, " entries, found ", found);
}

absl::Status checkId(const char *field, int64_t id, size_t pieces) {
  if (id >= 0 && id < int64_t(pieces))
    return absl::OkStatus();
  return damaged(field, ": expected an id of 0 to ", pieces - 1, ", found ", id);
}

absl::Status checkText(const char *field, std::string_view text, size_t min, size_t max) {
  if (text.size() < min || text.size() > max)
    return damaged(field, ": expected ", min, " to ", max, " bytes, found ", text.size());
  return isWellFormed(text) ? absl::OkStatus() : damaged(field, ": not UTF-8");
}

absl::Status checkCharacter(const char *field, std::string_view text) {
  STRATA_TRY(checkText(field, text, 1, 4));
  return characterBytes(text[0]) == text.size()
             ? absl::OkStatus()
             : damaged(field, ": expected one character, found more");
}

/// Texts ascend, so that they are different and can be searched; so do ids, each at most once.
absl::Status verifyPieces(const bpe::Tables &tables) {
  const size_t pieces = count(tables.kinds()), named = count(tables.ids());
  STRATA_TRY(checkCount("kinds", pieces, 1, kMaxBpePieces));
  STRATA_TRY(checkCount("text_ends", count(tables.text_ends()), named, named));
  const std::string_view texts(reinterpret_cast<const char *>(tables.texts()->data()),
                               count(tables.texts()));
  std::vector<bool> seen(pieces);
  std::string_view previous;
  uint32_t begin = 0;
  for (size_t i = 0; i < named; ++i) {
    const uint32_t end = tables.text_ends()->Get(i), id = tables.ids()->Get(i);
    if (end < begin || end > texts.size())
      return damaged("text_ends: expected ", begin, " to ", texts.size(), ", found ", end);
    const std::string_view text = texts.substr(begin, end - begin);
    STRATA_TRY(checkText("texts", text, 1, kMaxBpePieceBytes));
    if (text <= previous)
      return damaged("texts: expected ascending ones, found entry ", i, " out of order");
    STRATA_TRY(checkId("ids", id, pieces));
    if (seen[id])
      return damaged("ids: ", id, " stands more than once");
    seen[id] = true;
    previous = text;
    begin = end;
  }
  for (size_t id = 0; id < pieces; ++id)
    if (tables.kinds()->Get(id) > bpe::Kind::absent ||
        seen[id] == (tables.kinds()->Get(id) == bpe::Kind::absent))
      return damaged("kinds: ", id, " has a text and is absent, or has neither");
  return absl::OkStatus();
}

absl::Status verifyMerges(const bpe::Tables &tables) {
  const size_t pieces = tables.kinds()->size(), merges = count(tables.merges());
  STRATA_TRY(checkCount("merges", merges, 0, kMaxBpeMerges));
  STRATA_TRY(checkCount("merge_begins", count(tables.merge_begins()), pieces + 1, pieces + 1));
  if (tables.merge_begins()->Get(0) != 0 || tables.merge_begins()->Get(pieces) != merges)
    return damaged("merge_begins: expected 0 to ", merges);
  for (size_t id = 0; id < pieces; ++id) {
    const uint32_t begin = tables.merge_begins()->Get(id), end = tables.merge_begins()->Get(id + 1);
    if (begin > end || end > merges)
      return damaged("merge_begins: expected ", begin, " to ", merges, ", found ", end);
    for (uint32_t i = begin; i < end; ++i) {
      const bpe::Merge &merge = *tables.merges()->Get(i);
      STRATA_TRY(checkId("merges.right", merge.right(), pieces));
      STRATA_TRY(checkId("merges.result", merge.result(), pieces));
      if (i > begin && merge.right() <= tables.merges()->Get(i - 1)->right())
        return damaged("merges: expected ascending ones, found entry ", i, " out of order");
    }
  }
  return absl::OkStatus();
}

absl::Status verifyAdded(const bpe::Tables &tables) {
  STRATA_TRY(checkCount("added", count(tables.added()), 0, kMaxBpePieces));
  for (const bpe::Added *added : itemsOf(tables.added())) {
    STRATA_TRY(checkId("added.id", added->id(), tables.kinds()->size()));
    STRATA_TRY(checkText("added.text", view(added->text()), 1, kMaxAddedBytes));
    const bpe::Kind kind = tables.kinds()->Get(added->id());
    if (kind != bpe::Kind::added && kind != bpe::Kind::special)
      return damaged("added.id: ", added->id(), " is of another kind");
  }
  return absl::OkStatus();
}

absl::Status verifyNormalizers(const bpe::Tables &tables) {
  STRATA_TRY(checkCount("normalizers", count(tables.normalizers()), 0, kMaxBpeRules));
  for (const bpe::Normalizer *rule : itemsOf(tables.normalizers())) {
    if (rule->kind() > bpe::NormalizerKind::MAX)
      return damaged("normalizers: kind is ", int(rule->kind()));
    const size_t least = rule->kind() == bpe::NormalizerKind::replace;
    STRATA_TRY(checkText("normalizers.pattern", view(rule->pattern()), least, kMaxBpeRuleBytes));
    STRATA_TRY(checkText("normalizers.content", view(rule->content()), 0, kMaxBpeRuleBytes));
  }
  return absl::OkStatus();
}

absl::Status verifySplits(const bpe::Tables &tables) {
  STRATA_TRY(checkCount("splits", count(tables.splits()), 0, kMaxBpeRules));
  for (const bpe::Split *rule : itemsOf(tables.splits())) {
    if (rule->kind() > bpe::SplitKind::MAX || rule->matches() > bpe::Matches::with_next ||
        rule->prepend() > bpe::Prepend::always)
      return damaged("splits: kind, matches or prepend is none");
    const std::string_view pattern = view(rule->pattern());
    if (rule->kind() == bpe::SplitKind::metaspace)
      STRATA_TRY(checkCharacter("splits.pattern", pattern));
    else if (rule->kind() == bpe::SplitKind::text)
      STRATA_TRY(checkText("splits.pattern", pattern, 1, kMaxBpeRuleBytes));
  }
  return absl::OkStatus();
}

absl::Status verifyDecoder(const bpe::Decoder *decoder) {
  if (!decoder)
    return damaged("decoder: expected one, found none");
  STRATA_TRY(checkText("decoder.separator", view(decoder->separator()), 0, kMaxBpeRuleBytes));
  if (!view(decoder->metaspace()).empty())
    STRATA_TRY(checkCharacter("decoder.metaspace", view(decoder->metaspace())));
  if (!view(decoder->strip()).empty())
    STRATA_TRY(checkCharacter("decoder.strip", view(decoder->strip())));
  STRATA_TRY(checkCount("replacements", count(decoder->replacements()), 0, kMaxBpeRules));
  for (const bpe::Replacement *rule : itemsOf(decoder->replacements())) {
    STRATA_TRY(checkText("replacements.pattern", view(rule->pattern()), 1, kMaxBpeRuleBytes));
    STRATA_TRY(checkText("replacements.content", view(rule->content()), 0, kMaxBpeRuleBytes));
  }
  return absl::OkStatus();
}

absl::Status verifyTables(const bpe::Tables &tables) {
  if (!tables.texts() || !tables.text_ends() || !tables.ids() || !tables.kinds() ||
      !tables.merge_begins())
    return damaged("expected pieces, found none");
  STRATA_TRY(verifyPieces(tables));
  STRATA_TRY(verifyMerges(tables));
  if (tables.unknown() != -1)
    STRATA_TRY(checkId("unknown", tables.unknown(), tables.kinds()->size()));
  STRATA_TRY(verifyAdded(tables));
  STRATA_TRY(verifyNormalizers(tables));
  STRATA_TRY(verifySplits(tables));
  return verifyDecoder(tables.decoder());
}

} // namespace

absl::StatusOr<const bpe::Tables *> verifyBpeTables(std::span<const std::byte> bytes) {
  constexpr int depth = 8, most = 4 << 20;
  const auto *data = reinterpret_cast<const uint8_t *>(bytes.data());
  if (bytes.size() < 16 || bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE ||
      reinterpret_cast<uintptr_t>(data) % alignof(uint64_t) != 0)
    return damaged("expected 16 bytes to 2 GiB at a multiple of 8, found ", bytes.size());
  flatbuffers::Verifier verifier(data, bytes.size(), depth, most);
  if (!verifier.VerifyBuffer<bpe::Tables>(bpe::TablesIdentifier()))
    return damaged("not a valid FlatBuffers table of a tokenizer");
  const bpe::Tables *tables = bpe::GetTables(data);
  STRATA_TRY(verifyTables(*tables));
  return tables;
}

} // namespace strata
