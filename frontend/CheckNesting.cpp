//===- CheckNesting.cpp - MLIR text that a recursive parser survives ------===//

#include "frontend/CheckNesting.h"

#include "absl/strings/str_cat.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>

namespace strata {
namespace {

/// How much a piece of text becomes when its aliases are written out.
struct Extent {
  size_t depth = 0;  // of brackets
  size_t tokens = 0; // references to aliases count as what they stand for
};

/// An alias may stand for as much as this, so that chains such as `!b = tuple<!a, !a>` do not grow
/// without bound when something prints them.
constexpr size_t kMaxAliasTokens = size_t(1) << 16;

bool isWordCharacter(char c) { return llvm::isAlnum(c) || c == '_'; }

/// Of names with a sigil; MLIR's lexer takes a hyphen too.
bool isNameCharacter(char c) { return llvm::isAlnum(c) || llvm::StringRef("$._-").contains(c); }

class Scanner {
public:
  explicit Scanner(llvm::StringRef text) : text(text) {}

  absl::Status run() {
    while (at < text.size())
      if (absl::Status status = token(); !status.ok())
        return status;
    return absl::OkStatus();
  }

private:
  absl::Status token();
  absl::Status name();
  absl::Status word();
  absl::Status count(Extent found);
  bool skip();
  void skipString();
  void bracket(char c);
  void endDefinition();

  llvm::StringRef rest() const { return text.drop_front(at); }

  llvm::StringRef text;
  size_t at = 0; // bytes
  size_t line = 1;
  size_t depth = 0;
  llvm::StringRef last;            // the token before, if it is a name
  llvm::StringMap<Extent> aliases; // by name, with its sigil
  llvm::StringRef defined;         // the alias being defined, if any
  Extent definition;               // what it stands for, so far
};

/// Takes into account what `found` adds here.
absl::Status Scanner::count(Extent found) {
  definition.depth = std::max(definition.depth, depth + found.depth);
  definition.tokens += found.tokens;
  if (depth + found.depth > kMaxMlirNesting)
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ": nested deeper than ", kMaxMlirNesting, " levels"));
  if (found.tokens > kMaxAliasTokens)
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ": alias stands for more than ", kMaxAliasTokens, " tokens"));
  return absl::OkStatus();
}

void Scanner::endDefinition() {
  if (!defined.empty())
    aliases[defined] = definition;
  defined = {};
}

/// Past whitespace or a comment, if there is one here.
bool Scanner::skip() {
  if (rest().starts_with("//")) {
    at += rest().take_until([](char c) { return c == '\n'; }).size();
    return true;
  }
  if (!llvm::isSpace(text[at]))
    return false;
  line += text[at++] == '\n';
  return true;
}

/// Past a string; none has a line break in it.
void Scanner::skipString() {
  for (++at; at < text.size() && text[at] != '"' && text[at] != '\n'; ++at)
    at += text[at] == '\\';
  ++at;
}

/// `!name` or `#name`. Names that are not defined before their use stand for dialects' own types,
/// or are errors.
absl::Status Scanner::name() {
  last = rest().take_front(1 + rest().drop_front().take_while(isNameCharacter).size());
  at += last.size();
  if (last == defined)
    endDefinition();
  auto alias = aliases.find(last);
  return count(alias == aliases.end() ? Extent{0, 1} : alias->second);
}

/// A keyword, number or name without sigil. Affine expressions nest without brackets, and no model
/// needs one.
absl::Status Scanner::word() {
  llvm::StringRef found = rest().take_while(isWordCharacter);
  at += found.size();
  last = {};
  if (found == "affine_map" || found == "affine_set")
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line, ": ", found.str(), " has no place in a model"));
  return count({0, 1});
}

void Scanner::bracket(char c) {
  if (llvm::StringRef("([{<").contains(c))
    ++depth;
  else if (llvm::StringRef(")]}>").contains(c) && depth > 0)
    --depth;
}

absl::Status Scanner::token() {
  if (skip())
    return absl::OkStatus();
  char c = text[at];
  if (c == '!' || c == '#')
    return name();
  if (isWordCharacter(c))
    return word();
  if (c == '=' && depth == 0 && !last.empty()) { // `!name =`
    endDefinition();
    defined = last, definition = {};
  } else if (c == '%') { // never part of a type or attribute
    endDefinition();
  }
  last = {};
  if (c == '"') {
    skipString();
  } else if (rest().starts_with("->") || rest().starts_with(">=") || rest().starts_with("<=")) {
    at += 2;
  } else {
    bracket(c);
    ++at;
  }
  return count({0, 1});
}
} // namespace

absl::Status checkNesting(std::string_view text) { return Scanner(text).run(); }

} // namespace strata
