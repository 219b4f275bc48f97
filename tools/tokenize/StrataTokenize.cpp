//===- StrataTokenize.cpp - strata-tokenize: texts to ids and back --------===//

#include "absl/strings/str_join.h"
#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/text/PieceRanges.h"
#include "tools/command_line/InspectText.h"
#include "tools/command_line/Load.h"
#include "tools/command_line/TokenIds.h"
#include "tools/command_line/Tool.h"
#include "tools/tokenize/TokenizerOf.h"

#include <algorithm>
#include <optional>
#include <sstream>

namespace strata {
namespace {

constexpr uint64_t kMostBytes = uint64_t(1) << 30;

enum class TokenizeFormat { ids, pieces, json };

struct TokenizeOptions {
  std::string path;
  std::optional<std::string> text, file; // one of them
  bool lines = false, decodes = false, noBos = false, special = false;
  TokenizeFormat format = TokenizeFormat::ids;
};

constexpr const char *kAbout =
    "Turns texts into token ids, or with --decode ids into texts, by the tokenizer of a compiled\n"
    "package or of a model folder; the weights are not needed. BOS stands before a text if the\n"
    "model wants it. -o pieces and json tell what each id stands for, and which bytes [begin, "
    "end)\n"
    "of the text: none, if the tokenizer has changed the text so that its ids do not give it back.";

std::vector<Option> tableOf(TokenizeOptions &options) {
  return {{"p", "TEXT", "a text", setText(options.text)},
          {"f", "FILE", "a file that holds the text; - is stdin", setText(options.file)},
          {"lines", "", "each line is a text of its own", setFlag(options.lines)},
          {"decode", "", "the texts are ids, separated by spaces or commas; writes what they mean",
           setFlag(options.decodes)},
          {"special", "", "\"</s>\" and the like in a text mean their ids, not their characters",
           setFlag(options.special)},
          {"no-bos", "", "no BOS, even if the model wants one", setFlag(options.noBos)},
          {"o", "FORMAT",
           "ids, the default; pieces: a line for each id; or json, a line for each text",
           setChoice(options.format, {{"ids", TokenizeFormat::ids},
                                      {"pieces", TokenizeFormat::pieces},
                                      {"json", TokenizeFormat::json}})}};
}

absl::Status check(const TokenizeOptions &options) {
  if (options.text.has_value() == options.file.has_value())
    return absl::InvalidArgumentError(
        absl::StrCat("expected one of -p and -f, found ", options.text ? "both" : "none"));
  if (options.decodes && (options.noBos || options.special))
    return absl::InvalidArgumentError("expected --no-bos and --special without --decode");
  return absl::OkStatus();
}

/// Some ids, and the text that they were made from or stand for.
struct Encoded {
  std::string text;
  std::vector<int32_t> ids;
  std::optional<std::vector<ByteRange>> ranges;
};

absl::StatusOr<Encoded> encode(const LoadedTokenizer &model, const TokenizeOptions &options,
                               const std::string &text, const std::string &place) {
  const Tokenizer &tokenizer = *model.tokenizer;
  if (options.decodes) {
    STRATA_ASSIGN(std::vector<int32_t> ids, parseIds(text, tokenizer, place));
    STRATA_ASSIGN(std::string decoded, tokenizer.decode(ids));
    auto ranges = findPieceRanges(tokenizer, decoded, ids);
    return Encoded{std::move(decoded), std::move(ids), std::move(ranges)};
  }
  auto ids = tokenizer.encode(text, options.special ? ControlPieces::asIds : ControlPieces::usual);
  if (!ids.ok())
    return annotate(ids.status(), place);
  if (model.bos && !options.noBos)
    ids->insert(ids->begin(), *model.bos);
  auto ranges = findPieceRanges(tokenizer, text, *ids);
  return Encoded{text, *std::move(ids), std::move(ranges)};
}

/// A piece as it is, between quotes; what a terminal does not show, by its bytes.
std::string quotePiece(std::string_view piece) {
  const bool isPlain =
      isWellFormed(piece) && std::ranges::all_of(piece, [](unsigned char c) { return c >= 0x20; });
  return isPlain ? absl::StrCat("\"", std::string(piece), "\"") : quote(piece);
}

std::string describePieces(const Tokenizer &tokenizer, const Encoded &encoded) {
  std::vector<std::vector<std::string>> lines = {{"id", "begin", "end", "piece"}};
  for (size_t i = 0; i != encoded.ids.size(); ++i) {
    const auto edge = [&](size_t ByteRange::*member) {
      return encoded.ranges ? absl::StrCat((*encoded.ranges)[i].*member) : "-";
    };
    lines.push_back({absl::StrCat(encoded.ids[i]), edge(&ByteRange::begin), edge(&ByteRange::end),
                     quotePiece(tokenizer.piece(encoded.ids[i]))});
  }
  return aligned(lines, {0, 1, 2});
}

std::string describeJson(const Tokenizer &tokenizer, const Encoded &encoded) {
  JsonWriter json;
  std::vector<std::string_view> pieces;
  for (const int32_t id : encoded.ids)
    pieces.push_back(tokenizer.piece(id));
  json.beginObject(JsonWriter::Layout::oneLine).member("text", encoded.text);
  json.list("ids", encoded.ids).list("pieces", pieces).key("ranges");
  if (!encoded.ranges)
    return json.null().endObject().take();
  json.beginArray(JsonWriter::Layout::oneLine);
  for (const auto &[begin, end] : *encoded.ranges)
    json.beginArray(JsonWriter::Layout::oneLine).value(begin).value(end).endArray();
  return json.endArray().endObject().take();
}

std::string describe(const Tokenizer &tokenizer, const TokenizeOptions &options,
                     const Encoded &encoded) {
  if (options.format == TokenizeFormat::json)
    return describeJson(tokenizer, encoded);
  if (options.format == TokenizeFormat::pieces)
    return describePieces(tokenizer, encoded);
  if (options.decodes) // a text alone as it is: nothing behind it
    return options.lines ? encoded.text + "\n" : encoded.text;
  return absl::StrJoin(encoded.ids, " ") + "\n";
}

absl::StatusOr<int> tokenize(const TokenizeOptions &options, Console &console) {
  STRATA_ASSIGN(LoadedTokenizer model, loadTokenizerOf(options.path));
  std::string whole = options.text.value_or("");
  if (options.file) {
    STRATA_ASSIGN(whole, readText(*options.file, kMostBytes));
  }
  const std::string place = options.file.value_or("-p");
  std::istringstream stream(whole);
  size_t number = 0;
  for (std::string line; !options.lines || std::getline(stream, line);) {
    ++number;
    STRATA_ASSIGN(Encoded encoded,
                  encode(model, options, options.lines ? line : whole,
                         options.lines ? absl::StrCat(place, ":", number) : place));
    if (number > 1 && options.format == TokenizeFormat::pieces)
      STRATA_TRY(console.write("\n"));
    STRATA_TRY(console.write(describe(*model.tokenizer, options, encoded)));
    if (!options.lines)
      break;
  }
  return 0;
}

} // namespace
} // namespace strata

int main(int argc, char **argv) {
  using namespace strata;
  TokenizeOptions options;
  return runMain({.program = "strata-tokenize",
                  .usage = "PATH -p TEXT | -f FILE  [options]",
                  .about = kAbout,
                  .options = tableOf(options),
                  .argument = "path",
                  .path = options.path,
                  .check = [&] { return check(options); },
                  .run = [&](Console &console) { return tokenize(options, console); }},
                 argc, argv);
}
