#include "runtime/checkpoint/ZipArchive.h"

#include "test/runtime/checkpoint/ZipWriter.h"

#include <gtest/gtest.h>

using namespace strata;

namespace {

std::span<const std::byte> asBytes(const std::string &text) {
  return std::as_bytes(std::span(text));
}

/// The message for an archive, without its place; "" if it is accepted.
std::string error(const std::string &file) {
  const auto archive = ZipArchive::open(asBytes(file), "x.zip");
  if (archive.ok())
    return "";
  const std::string message(archive.status().message());
  EXPECT_TRUE(message.starts_with("x.zip: ")) << message;
  return message.substr(7);
}

/// Two entries, changed by a test.
ZipWriter two() { return {{{"a", "first"}, {"b", "second!"}}}; }

template <typename Change>
std::string changed(Change change) {
  ZipWriter writer = two();
  change(writer);
  return error(writer.write());
}

} // namespace

TEST(ZipArchive, FindsContents) {
  for (const bool zip64 : {false, true}) {
    ZipWriter writer = two();
    writer.zip64 = zip64;
    writer.comment = "a comment";
    const std::string file = writer.write();
    const auto archive = ZipArchive::open(asBytes(file), "x.zip");
    ASSERT_TRUE(archive.ok()) << archive.status();
    ASSERT_EQ(archive->entries().size(), 2u);
    const ZipEntry &entry = archive->entries().at("b");
    EXPECT_EQ(file.substr(entry.offset, entry.size), "second!");
    const auto contents = archive->contents("a", 5);
    ASSERT_TRUE(contents.ok()) << contents.status();
    EXPECT_EQ(contents->size(), 5u);
    EXPECT_TRUE(file.ends_with("a comment"));
    EXPECT_EQ(file.substr(file.size() - archive->directory().size(), 4), "PK\1\2");
  }
}

TEST(ZipArchive, SizesOf64BitsWhereTheFieldsSayTheyAreTooSmall) {
  ZipWriter writer = two();
  ZipWriterEntry &entry = writer.entries[1];
  entry.size = entry.stored = UINT32_MAX;
  entry.extra =
      "??" + little(3, 2) + "xyz" + little(1, 2) + little(16, 2) + little(7, 8) + little(7, 8);
  const std::string file = writer.write();
  const auto archive = ZipArchive::open(asBytes(file), "x.zip");
  ASSERT_TRUE(archive.ok()) << archive.status();
  EXPECT_EQ(archive->entries().at("b").size, 7u);
}

TEST(ZipArchive, ContentsAreCheckedWhereTheCrcIsKnown) {
  ZipWriter writer{{{"good", "123456789"}, {"bad", "123456789"}, {"unknown", "123456789"}}};
  writer.entries[0].crc = 0xCBF43926; // the check value of CRC-32
  writer.entries[1].crc = 0xCBF43927;
  const std::string file = writer.write();
  const auto archive = ZipArchive::open(asBytes(file), "x.zip");
  ASSERT_TRUE(archive.ok()) << archive.status();
  EXPECT_TRUE(archive->contents("good", 9).ok());
  EXPECT_TRUE(archive->contents("unknown", 9).ok());
  EXPECT_EQ(archive->contents("bad", 9).status().message(),
            "x.zip: bad: CRC-32: expected cbf43927, found cbf43926");
  EXPECT_EQ(archive->contents("good", 8).status().message(),
            "x.zip: good: expected at most 8 bytes, found 9");
  EXPECT_EQ(archive->contents("none", 8).status().message(),
            "x.zip: none: missing from the archive");
}

TEST(ZipArchive, EntriesAreStoredAsTheyAre) {
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[0].method = 8; }),
            "a: compression: expected none (0), found method 8");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[1].flags = 1; }),
            "b: encrypted entries are not supported");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[1].size = uint64_t(1) << 31; }),
            "b: size: expected 7 bytes as stored, found 2147483648");
}

TEST(ZipArchive, EntriesShareNothing) {
  // What zip bombs are made of: many entries over the same bytes.
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[1].headerShift = -52; }),
            "a: expected 5 bytes to end at most at 0, found them at 31: the entry overlaps what "
            "follows");
  EXPECT_EQ(changed([](ZipWriter &z) {
              z.entries[1] = z.entries[0];
              z.entries[1].headerShift = -52;
            }),
            "a: expected 5 bytes to end at most at 0, found them at 31: the entry overlaps what "
            "follows");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[0].size = z.entries[0].stored = 30; }),
            "a: expected 30 bytes to end at most at 52, found them at 31: the entry overlaps what "
            "follows");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[1].size = z.entries[1].stored = 100; }),
            "b: expected 100 bytes to end at most at 106, found them at 83: the entry overlaps "
            "what follows");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[1].name = z.entries[1].ownName = "a"; }),
            "a: expected different names, found this one twice");
}

TEST(ZipArchive, EntriesHaveTheirOwnHeader) {
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[0].headerShift = 1; }),
            "a: expected the entry's header at 1, found none");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[0].headerShift = 1 << 30; }),
            "a: expected the entry's header at 1073741824, found none");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[0].ownName = "c"; }),
            "a: the entry's own header is of c");
  EXPECT_EQ(changed([](ZipWriter &z) { z.entries[1].ownName = std::string(65535, 'n'); }),
            "b: the entry's own header is of \"" + std::string(80, 'n') + "...\"");
}

TEST(ZipArchive, Sizes64AreThere) {
  const std::string missing = "a: expected sizes of 64 bits behind its name, found none";
  const auto withExtra = [](const std::string &extra) {
    return changed([&](ZipWriter &z) {
      z.entries[0].size = z.entries[0].stored = UINT32_MAX;
      z.entries[0].extra = extra;
    });
  };
  EXPECT_EQ(withExtra(""), missing);
  EXPECT_EQ(withExtra("x"), missing);
  EXPECT_EQ(withExtra(little(1, 2) + little(8, 2) + little(5, 8)), missing);
  EXPECT_EQ(withExtra(little(1, 2) + little(16, 2) + little(5, 8)), missing);
  EXPECT_EQ(withExtra(little(2, 2) + little(16, 2) + little(5, 8) + little(5, 8)), missing);
  EXPECT_EQ(withExtra(little(1, 2) + little(16, 2) + little(UINT64_MAX, 8) + little(UINT64_MAX, 8)),
            "a: expected 18446744073709551615 bytes to end at most at 52, found them at 31: the "
            "entry overlaps what follows");
}

TEST(ZipArchive, TheDirectoryIsWhereItsEndSays) {
  for (const bool zip64 : {false, true}) {
    const auto shifted = [&](int64_t ZipWriter::*field, int64_t by) {
      return changed([&](ZipWriter &z) {
        z.zip64 = zip64;
        z.*field = by;
      });
    };
    EXPECT_EQ(shifted(&ZipWriter::countShift, -1),
              "directory: expected 1 entries, found 47 bytes more");
    EXPECT_EQ(shifted(&ZipWriter::countShift, 1),
              "directory: expected room for 3 entries, found 94 bytes");
    EXPECT_EQ(shifted(&ZipWriter::sizeShift, -1),
              "directory: expected to end at 200, found 93 bytes at 106");
    EXPECT_EQ(shifted(&ZipWriter::offsetShift, 1),
              "directory: expected to end at 200, found 94 bytes at 107");
    EXPECT_EQ(shifted(&ZipWriter::sizeShift, 1 << 30),
              "directory has 1073741918 bytes, expected at most 67108864");
    EXPECT_EQ(changed([&](ZipWriter &z) {
                z.zip64 = zip64;
                z.offsetShift = -47;
                z.sizeShift = 47;
              }),
              "directory: entry 0: expected an entry's signature, found none");
  }
  EXPECT_EQ(changed([](ZipWriter &z) {
              z.zip64 = true;
              z.offsetShift = INT64_MAX;
            }),
            "directory: expected to end at 200, found 94 bytes at 9223372036854775913");
  EXPECT_EQ(changed([](ZipWriter &z) {
              z.zip64 = true;
              z.countShift = INT64_MAX;
            }),
            "directory: expected room for 9223372036854775809 entries, found 94 bytes");
}

TEST(ZipArchive, OneDisk) {
  for (const bool zip64 : {false, true})
    EXPECT_EQ(changed([&](ZipWriter &z) {
                z.zip64 = zip64;
                z.disk = 1;
              }),
              "archives of several disks are not supported");
}

TEST(ZipArchive, TheRecordOf64BitsIsWhereItsLocatorSays) {
  ZipWriter writer = two();
  writer.zip64 = true;
  const std::string file = writer.write();
  const size_t locator = file.size() - 22 - 20;
  for (const uint64_t offset :
       {uint64_t(0), uint64_t(199), uint64_t(201), UINT64_MAX, UINT64_MAX - 3}) {
    std::string other = file;
    other.replace(locator + 8, 8, little(offset, 8));
    EXPECT_EQ(error(other), "ZIP64 record: expected at " + std::to_string(offset) + ", found none");
  }
  std::string longer = file;
  longer.replace(200 + 4, 8, little(45, 8));
  EXPECT_EQ(error(longer), "ZIP64 record: expected 56 bytes that end at 256, found 45 bytes and a "
                           "header at 200");
}

TEST(ZipArchive, EveryTruncationAndEveryTailIsAnError) {
  ZipWriter writer = two();
  writer.zip64 = true;
  const std::string file = writer.write();
  for (size_t size = 0; size != file.size(); ++size)
    EXPECT_NE(error(file.substr(0, size)), "") << size;
  EXPECT_EQ(error(file + "x"), "expected a ZIP archive that ends with its directory, found none: "
                               "the file is damaged or cut off");
  EXPECT_NE(error(std::string(100000, '\0')), "");
}

/// Whatever a byte of the directory becomes, the archive is refused or has entries inside it.
TEST(ZipArchive, EntriesLieInsideWhateverTheDirectorySays) {
  ZipWriter writer = two();
  writer.zip64 = true;
  const std::string file = writer.write();
  for (size_t byte = 106; byte != file.size(); ++byte)
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      std::string other = file;
      other[byte] = static_cast<char>(value);
      const auto archive = ZipArchive::open(asBytes(other), "x.zip");
      if (!archive.ok())
        continue;
      for (const auto &[name, entry] : archive->entries())
        EXPECT_LE(entry.offset + entry.size, 106u) << "byte " << byte;
    }
}
