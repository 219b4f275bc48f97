//===- InspectText.h - what inspections print -------------------*- C++ -*-===//
#pragma once

#include "runtime/tokenizer/Tokenizer.h"
#include "tools/command_line/JsonWriter.h"

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// "15,628,775,424".
std::string grouped(uint64_t number);

/// "label       text\n", the text in its column.
std::string labelled(std::string_view label, std::string_view text);

/// Lines of cells in columns, two spaces between; the columns in `numbers` are aligned to the
/// right.
std::string aligned(const std::vector<std::vector<std::string>> &lines,
                    const std::vector<size_t> &numbers);

/// "2,048 pieces, BOS 2, EOS 3, UNK 1", and its members as JSON.
std::string describeTokenizer(const Tokenizer &tokenizer);
void writeTokenizer(JsonWriter &json, const Tokenizer &tokenizer);

} // namespace strata
