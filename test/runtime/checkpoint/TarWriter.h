//===- TarWriter.h - tar archives for tests ---------------------*- C++ -*-===//
#pragma once

#include "absl/strings/str_format.h"

#include <cstdint>
#include <string>

namespace strata::tar {

/// The fields of a header that tests change.
struct Header {
  std::string name;
  std::string size; // 12 bytes as in the file
  char type = '0';
  std::string prefix = {};
  int64_t checksumShift = 0;
};

inline std::string octal(uint64_t size) {
  return absl::StrFormat("%011o", size) + std::string(1, '\0');
}

inline std::string block(const Header &header) {
  std::string bytes(512, '\0');
  bytes.replace(0, header.name.size(), header.name);
  bytes.replace(124, header.size.size(), header.size);
  bytes.replace(148, 8, "        ");
  bytes[156] = header.type;
  bytes.replace(257, 8,
                std::string("ustar\0"
                            "00",
                            8));
  bytes.replace(345, header.prefix.size(), header.prefix);
  uint64_t sum = uint64_t(header.checksumShift);
  for (const char c : bytes)
    sum += uint8_t(c);
  bytes.replace(148, 7, absl::StrFormat("%06o", sum) + std::string(1, '\0'));
  return bytes;
}

inline std::string padded(std::string contents) {
  contents.resize((contents.size() + 511) / 512 * 512);
  return contents;
}

/// A member: its header and its contents.
inline std::string member(const std::string &name, const std::string &contents, char type = '0') {
  return block({name, octal(contents.size()), type}) + padded(contents);
}

inline std::string end() { return std::string(1024, '\0'); }

} // namespace strata::tar
