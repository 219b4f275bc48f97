//===- BpeBuilder.cpp - tables of a byte-pair encoding --------------------===//
#include "runtime/tokenizer/BpeBuilder.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/tokenizer/BpeRules.h"
#include "runtime/tokenizer/BpeVerify.h"

#include <algorithm>

namespace strata {

template <typename... Parts>
static absl::Status invalid(const Parts &...parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

static std::string pack(const bpe::TablesT &tables) {
  flatbuffers::FlatBufferBuilder builder(1 << 16);
  bpe::FinishTablesBuffer(builder, bpe::Tables::Pack(builder, &tables));
  return {reinterpret_cast<const char *>(builder.GetBufferPointer()), builder.GetSize()};
}

absl::Status BpeBuilder::addPiece(std::string text, int64_t id) {
  if (id < 0 || id >= int64_t(kMaxBpePieces))
    return invalid("expected an id of 0 to ", kMaxBpePieces - 1, ", found ", id);
  if (text.empty() || text.size() > kMaxBpePieceBytes)
    return invalid("expected 1 to ", kMaxBpePieceBytes, " bytes, found ", text.size());
  if (taken.size() <= size_t(id))
    taken.resize(id + 1);
  if (taken[id])
    return invalid("id ", id, " is another piece's, too");
  if (!ids.try_emplace(std::move(text), id).second)
    return invalid("stands more than once");
  taken[id] = true;
  return absl::OkStatus();
}

std::optional<uint32_t> BpeBuilder::idOf(const std::string &text) const {
  const auto found = ids.find(text);
  return found == ids.end() ? std::nullopt : std::optional<uint32_t>(found->second);
}

absl::Status BpeBuilder::addMerge(const std::string &left, const std::string &right) {
  if (merges.size() == kMaxBpeMerges)
    return invalid("expected at most ", kMaxBpeMerges, " merges, found more");
  uint32_t found[3];
  const std::string texts[] = {left, right, absl::StrCat(left, right)};
  for (int i = 0; i < 3; ++i) {
    const std::optional<uint32_t> id = idOf(texts[i]);
    if (!id)
      return invalid("expected pieces of the vocabulary, found ", quote(texts[i]));
    found[i] = *id;
  }
  merges.push_back({found[0], found[1], uint32_t(merges.size()), found[2]});
  return absl::OkStatus();
}

/// What `tokenizers` makes of a token that the normalizers change differs from version to version.
absl::Status BpeBuilder::checkNormalized(const bpe::AddedT &token) const {
  if (!token.normalized || tables.normalizers.empty())
    return absl::OkStatus();
  bpe::TablesT rules;
  for (const auto &rule : tables.normalizers)
    rules.normalizers.push_back(std::make_unique<bpe::NormalizerT>(*rule));
  const std::string bytes = pack(rules);
  STRATA_ASSIGN(const std::string text, normalize(*bpe::GetTables(bytes.data()), token.text));
  if (text == token.text)
    return absl::OkStatus();
  return invalid("normalized is not supported where the normalizer changes the token, here to ",
                 quote(text));
}

absl::Status BpeBuilder::addToken(bpe::AddedT token, bool special) {
  if (token.text.size() > kMaxAddedBytes)
    return invalid("expected at most ", kMaxAddedBytes, " bytes, found ", token.text.size());
  STRATA_TRY(checkNormalized(token));
  if (!added.insert(token.text).second)
    return invalid("stands more than once");
  const std::optional<uint32_t> id = idOf(token.text);
  if (id && *id != token.id)
    return invalid("expected id ", *id, " as in the vocabulary, found ", token.id);
  if (!id)
    STRATA_TRY(addPiece(token.text, token.id));
  token.in_model = id.has_value();
  tables.kinds.resize(std::max<size_t>(tables.kinds.size(), token.id + 1));
  tables.kinds[token.id] = special ? bpe::Kind::special : bpe::Kind::added;
  tables.added.push_back(std::make_unique<bpe::AddedT>(std::move(token)));
  return absl::OkStatus();
}

void BpeBuilder::writePieces() {
  std::vector<const std::pair<const std::string, uint32_t> *> pieces;
  for (const auto &piece : ids)
    pieces.push_back(&piece);
  std::sort(pieces.begin(), pieces.end(), [](auto *a, auto *b) { return a->first < b->first; });
  tables.kinds.resize(taken.size());
  for (size_t id = 0; id < taken.size(); ++id)
    if (!taken[id])
      tables.kinds[id] = bpe::Kind::absent;
  for (const auto *piece : pieces) {
    tables.texts.insert(tables.texts.end(), piece->first.begin(), piece->first.end());
    tables.text_ends.push_back(tables.texts.size());
    tables.ids.push_back(piece->second);
  }
}

void BpeBuilder::writeMerges() {
  const auto pair = [](const Merge &merge) { return std::pair(merge.left, merge.right); };
  std::sort(merges.begin(), merges.end(), [&](const Merge &a, const Merge &b) {
    return pair(a) != pair(b) ? pair(a) < pair(b) : a.rank > b.rank;
  });
  const auto end = std::unique(merges.begin(), merges.end(),
                               [&](const Merge &a, const Merge &b) { return pair(a) == pair(b); });
  merges.erase(end, merges.end());
  tables.merge_begins.assign(taken.size() + 1, 0);
  for (const Merge &merge : merges) {
    ++tables.merge_begins[merge.left + 1];
    tables.merges.emplace_back(merge.right, merge.rank, merge.result);
  }
  for (size_t id = 0; id < taken.size(); ++id)
    tables.merge_begins[id + 1] += tables.merge_begins[id];
}

absl::StatusOr<std::string> BpeBuilder::finish() {
  if (ids.empty())
    return invalid("expected at least one piece, found none");
  writePieces();
  writeMerges();
  std::string bytes = pack(tables);
  STRATA_TRY(verifyBpeTables(std::as_bytes(std::span(bytes))).status());
  return bytes;
}

} // namespace strata
