//===- TokenizerJson.cpp - vocabulary, merges and added tokens ------------===//
#include "runtime/tokenizer/TokenizerJson.h"

#include "runtime/base/Json.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/tokenizer/BpeBuilder.h"
#include "runtime/tokenizer/BpeVerify.h"
#include "runtime/tokenizer/TokenizerModel.h"

#include <algorithm>

namespace strata {

absl::Status requireKnownKeys(const JsonObject &object,
                              std::initializer_list<std::string_view> known) {
  for (const JsonMember &member : object.members())
    if (std::find(known.begin(), known.end(), member.key) == known.end())
      return member.value.error("not supported");
  return absl::OkStatus();
}

/// The place of `value` before the message of a failed `status`.
static absl::Status at(const JsonValue &value, const absl::Status &status) {
  return status.ok() ? status : value.error(std::string(status.message()));
}

//===----------------------------------------------------------------------===//
// The model
//===----------------------------------------------------------------------===//

static absl::Status readVocabulary(const JsonObject &model, BpeBuilder &builder) {
  STRATA_ASSIGN(const JsonObject vocabulary, model.object("vocab"));
  for (const JsonMember &member : vocabulary.members()) {
    STRATA_ASSIGN(const int64_t id, member.value.integer({0, kMaxBpePieces - 1}));
    STRATA_TRY(at(member.value, builder.addPiece(std::string(member.key), id)));
  }
  return absl::OkStatus();
}

/// ["a", "b"], or "a b" in older files.
static absl::StatusOr<std::pair<std::string, std::string>> readMerge(const JsonValue &value) {
  if (!value.isArray()) {
    STRATA_ASSIGN(const std::string_view text, value.string());
    const size_t space = text.find(' ');
    if (space == text.npos || text.find(' ', space + 1) != text.npos)
      return value.error(
          absl::StrCat("expected two pieces with a space between them, found ", quote(text)));
    return std::pair(std::string(text.substr(0, space)), std::string(text.substr(space + 1)));
  }
  STRATA_ASSIGN(const std::vector<JsonValue> parts, value.array());
  if (parts.size() != 2)
    return value.error(absl::StrCat("expected two pieces, found ", parts.size()));
  STRATA_ASSIGN(const std::string_view left, parts[0].string());
  STRATA_ASSIGN(const std::string_view right, parts[1].string());
  return std::pair(std::string(left), std::string(right));
}

static bool isVersionLine(const JsonValue &value) {
  return value.isString() && value.string()->starts_with("#version");
}

static absl::Status readMerges(const JsonObject &model, BpeBuilder &builder) {
  STRATA_ASSIGN(const std::vector<JsonValue> merges, model.array("merges"));
  for (const JsonValue &value : merges) {
    if (isVersionLine(value))
      continue;
    if (value.isArray() != merges.front().isArray())
      return value.mismatch("all merges to be lists or all to be strings");
    STRATA_ASSIGN(const auto merge, readMerge(value));
    STRATA_TRY(at(value, builder.addMerge(merge.first, merge.second)));
  }
  return absl::OkStatus();
}

static absl::Status readUnknown(const JsonObject &model, BpeBuilder &builder) {
  STRATA_ASSIGN(const auto token, model.optionalString("unk_token"));
  if (!token)
    return absl::OkStatus();
  const std::optional<uint32_t> id = builder.idOf(std::string(*token));
  if (!id)
    return model.error("unk_token",
                       absl::StrCat("expected a piece of the vocabulary, found ", quote(*token)));
  builder.tables.unknown = int32_t(*id);
  return absl::OkStatus();
}

static absl::Status readFlag(const JsonObject &object, std::string_view key, bool &flag) {
  STRATA_ASSIGN(const std::optional<bool> value, object.optionalBoolean(key));
  flag = value.value_or(flag);
  return absl::OkStatus();
}

/// Of BPE, what would add something to subwords or leave merges out by chance.
static absl::Status refuseVariants(const JsonObject &model) {
  STRATA_ASSIGN(const auto type, model.optionalString("type"));
  if (type && *type != "BPE")
    return model.error("type", absl::StrCat(printable(*type), " is not supported, expected BPE"));
  STRATA_ASSIGN(const auto dropout, model.optionalNumber("dropout"));
  if (dropout.value_or(0) != 0)
    return model.error("dropout", absl::StrCat("expected 0 or null, found ", *dropout,
                                               "; merges left out by chance are not supported"));
  for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    STRATA_ASSIGN(const auto affix, model.optionalString(key));
    if (affix && !affix->empty())
      return model.error(key, absl::StrCat(quote(*affix), " is not supported, expected none"));
  }
  return requireKnownKeys(model, {"type", "dropout", "unk_token", "continuing_subword_prefix",
                                  "end_of_word_suffix", "fuse_unk", "byte_fallback",
                                  "ignore_merges", "vocab", "merges"});
}

static absl::Status readModel(const JsonObject &model, BpeBuilder &builder) {
  STRATA_TRY(refuseVariants(model));
  STRATA_TRY(readFlag(model, "fuse_unk", builder.tables.fuse_unknown));
  STRATA_TRY(readFlag(model, "byte_fallback", builder.tables.byte_fallback));
  STRATA_TRY(readFlag(model, "ignore_merges", builder.tables.ignore_merges));
  STRATA_TRY(readVocabulary(model, builder));
  STRATA_TRY(readUnknown(model, builder));
  return readMerges(model, builder);
}

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

/// `tokenizers` numbers those that are not in the vocabulary anew, one after the other.
class AddedIds {
public:
  explicit AddedIds(int64_t pieces) : next(pieces) {}

  absl::Status check(const JsonObject &token, int64_t id, bool isNew) {
    if (isNew && id != next)
      return token.error(
          "id", absl::StrCat("expected ", next, ", the next after the vocabulary, found ", id));
    next = std::max(next, id + 1);
    return absl::OkStatus();
  }

private:
  int64_t next;
};

static absl::Status readAddedToken(const JsonValue &value, AddedIds &ids, BpeBuilder &builder) {
  STRATA_ASSIGN(const JsonObject token, value.object());
  STRATA_TRY(requireKnownKeys(
      token, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  STRATA_ASSIGN(const int64_t id, token.integer("id", {0, kMaxBpePieces - 1}));
  STRATA_ASSIGN(const std::string_view content, token.string("content"));
  bpe::AddedT added;
  added.id = uint32_t(id);
  added.text = content;
  bool special = false;
  added.normalized = true;
  STRATA_TRY(readFlag(token, "special", special));
  STRATA_TRY(readFlag(token, "normalized", added.normalized));
  STRATA_TRY(readFlag(token, "lstrip", added.strip_left));
  STRATA_TRY(readFlag(token, "rstrip", added.strip_right));
  STRATA_TRY(readFlag(token, "single_word", added.single_word));
  STRATA_TRY(ids.check(token, id, !builder.idOf(added.text)));
  return at(value, builder.addToken(std::move(added), special));
}

static absl::Status readAddedTokens(const JsonObject &json, int64_t pieces, BpeBuilder &builder) {
  const std::optional<JsonValue> value = json.findNonNull("added_tokens");
  if (!value)
    return absl::OkStatus();
  STRATA_ASSIGN(const std::vector<JsonValue> tokens, value->array());
  AddedIds ids(pieces);
  for (const JsonValue &token : tokens)
    STRATA_TRY(readAddedToken(token, ids, builder));
  return absl::OkStatus();
}

absl::StatusOr<CompiledTokenizer> compileTokenizerJson(std::string_view text,
                                                       const std::string &file) {
  if (text.size() > kMaxTokenizerBytes)
    return absl::InvalidArgumentError(absl::StrCat(
        file, ": file has ", text.size(), " bytes, expected at most ", kMaxTokenizerBytes));
  JsonDocument::Notes notes;
  STRATA_ASSIGN(const JsonDocument document, JsonDocument::parse(text, file, &notes));
  STRATA_ASSIGN(const JsonObject json, document.object());
  STRATA_TRY(
      requireKnownKeys(json, {"version", "truncation", "padding", "added_tokens", "normalizer",
                              "pre_tokenizer", "post_processor", "decoder", "model"}));
  STRATA_ASSIGN(const std::string_view version, json.string("version"));
  if (version != "1.0")
    return json.error("version", absl::StrCat("expected 1.0, found ", printable(version)));
  STRATA_ASSIGN(const JsonObject model, json.object("model"));
  BpeBuilder builder;
  STRATA_TRY(readModel(model, builder));
  STRATA_ASSIGN(const JsonObject vocabulary, model.object("vocab"));
  const auto pieces = int64_t(vocabulary.members().size());
  STRATA_TRY(readTokenizerRules(json, builder));
  STRATA_TRY(readAddedTokens(json, pieces, builder));
  STRATA_ASSIGN(std::vector<int32_t> prefix, readTokenizerPrefix(json, notes));
  absl::StatusOr<std::string> tables = builder.finish();
  if (!tables.ok())
    return annotate(tables.status(), file);
  return CompiledTokenizer{*std::move(tables), std::move(prefix), std::move(notes)};
}

} // namespace strata
