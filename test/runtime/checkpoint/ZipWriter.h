//===- ZipWriter.h - ZIP archives for tests ---------------------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

/// `value` as `bytes` bytes, little endian.
inline std::string little(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i != bytes; ++i)
    text += static_cast<char>(i < sizeof value ? value >> (8 * i) : 0);
  return text;
}

/// An entry and what its record in the directory says, so that a test can make it say otherwise.
struct ZipWriterEntry {
  std::string name, contents;
  uint64_t size = contents.size(), stored = contents.size();
  uint32_t crc = 0;
  uint16_t flags = 0x0808, method = 0;
  std::string extra = {};     // of the directory
  std::string ownName = name; // in the entry's own header
  int64_t headerShift = 0;    // added to the offset of that header
};

/// An archive as torch.save writes it: sizes behind the contents, and a ZIP64 end where wanted.
struct ZipWriter {
  std::vector<ZipWriterEntry> entries;
  bool zip64 = false;
  std::string comment = {};
  int64_t countShift = 0, sizeShift = 0, offsetShift = 0; // added to the fields of the end
  uint16_t disk = 0;

  std::string write() const {
    std::string file, directory;
    for (const ZipWriterEntry &entry : entries) {
      const uint64_t header = file.size() + uint64_t(entry.headerShift);
      file += "PK\3\4" + little(0, 2) + little(entry.flags, 2) + little(entry.method, 2) +
              little(0, 16) + little(entry.ownName.size(), 2) + little(0, 2) + entry.ownName +
              entry.contents + "PK\7\b" + little(entry.crc, 4) + little(entry.stored, 4) +
              little(entry.size, 4);
      directory += "PK\1\2" + little(0, 4) + little(entry.flags, 2) + little(entry.method, 2) +
                   little(0, 4) + little(entry.crc, 4) + little(entry.stored, 4) +
                   little(entry.size, 4) + little(entry.name.size(), 2) +
                   little(entry.extra.size(), 2) + little(0, 10) + little(header, 4) + entry.name +
                   entry.extra;
    }
    const uint64_t count = entries.size() + uint64_t(countShift),
                   size = directory.size() + uint64_t(sizeShift),
                   offset = file.size() + uint64_t(offsetShift);
    file += directory;
    const uint64_t end64 = file.size();
    if (zip64)
      file += "PK\6\6" + little(44, 8) + little(0, 4) + little(disk, 4) + little(0, 4) +
              little(count, 8) + little(count, 8) + little(size, 8) + little(offset, 8) + "PK\6\7" +
              little(0, 4) + little(end64, 8) + little(1, 4);
    const uint64_t most = zip64 ? UINT64_MAX : 0; // "see the other record"
    return file + "PK\5\6" + little(disk, 2) + little(0, 2) + little(count | most, 2) +
           little(count | most, 2) + little(size | most, 4) + little(offset | most, 4) +
           little(comment.size(), 2) + comment;
  }
};

} // namespace strata
