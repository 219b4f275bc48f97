#include "runtime/checkpoint/TarArchive.h"

#include "test/runtime/checkpoint/TarWriter.h"

#include <gtest/gtest.h>

using namespace strata;
using namespace strata::tar;

namespace {

std::string error(const std::string &file) {
  const auto members = readTar(std::as_bytes(std::span(file)), "x.nemo");
  if (members.ok())
    return "";
  const std::string message(members.status().message());
  EXPECT_TRUE(message.starts_with("x.nemo: ")) << message;
  return message.substr(8);
}

std::string pax(const std::string &record) {
  return member("PaxHeader",
                std::to_string(record.size() + 3 + (record.size() > 95)) + " " + record, 'x');
}

/// The only member.
std::pair<std::string, TarMember> only(const std::string &file) {
  const auto members = readTar(std::as_bytes(std::span(file)), "x.nemo");
  EXPECT_TRUE(members.ok()) << members.status();
  EXPECT_EQ(members.ok() ? members->size() : 0, 1u);
  if (members.ok() && members->size() == 1)
    return *members->begin();
  return {};
}

} // namespace

TEST(TarArchive, FindsMembers) {
  const std::string file = member("./", "", '5') + member("./a", "first") +
                           member("folder/b", std::string(512, 'b')) + member("link", "", '2') +
                           end();
  const auto members = readTar(std::as_bytes(std::span(file)), "x.nemo");
  ASSERT_TRUE(members.ok()) << members.status();
  ASSERT_EQ(members->size(), 2u);
  EXPECT_EQ(file.substr(members->at("a").offset, 5), "first");
  EXPECT_EQ(members->at("a").header, 512u);
  EXPECT_EQ(members->at("folder/b").size, 512u);
  EXPECT_EQ(file[members->at("folder/b").offset], 'b');
}

TEST(TarArchive, LongNamesAndSizes) {
  const std::string name(150, 'n');
  EXPECT_EQ(only(block({"b", octal(0), '0', "folder/a"}) + end()).first, "folder/a/b");
  EXPECT_EQ(
      only(member("././@LongLink", name + std::string(1, '\0'), 'L') + member("nnn", "x") + end())
          .first,
      name);
  EXPECT_EQ(only(pax("path=" + name + "\n") + member("nnn", "x") + end()).first, name);
  // pax: the header's own size does not count.
  EXPECT_EQ(only(pax("size=5\n") + block({"a", octal(0)}) + padded("12345") + end()).second.size,
            5u);
  // GNU: a big-endian number.
  EXPECT_EQ(only(block({"a", "\x80" + std::string(10, '\0') + "\5"}) + padded("12345") + end())
                .second.size,
            5u);
  // What a long name said counts once.
  const std::string file = pax("path=long\n") + member("a", "") + member("b", "") + end();
  const auto members = readTar(std::as_bytes(std::span(file)), "x.nemo");
  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_TRUE(members->contains("long") && members->contains("b"));
}

TEST(TarArchive, Compressed) {
  EXPECT_EQ(error("\x1f\x8b\x08 and so on"),
            "compressed with gzip, which cannot be mapped; unpack it (tar -xzf) into a folder and "
            "name that");
}

TEST(TarArchive, HeadersAreHeaders) {
  const std::string other = "expected a tar header at 0, found other bytes";
  EXPECT_EQ(error(std::string(512, 'x') + end()), other);
  EXPECT_EQ(error(block({"a", octal(0), '0', "", 1}) + end()), other);
  EXPECT_EQ(error(block({"a", "00000000009 "}) + end()), other);
  EXPECT_EQ(error(block({"a", std::string(12, '\xff')}) + end()), other);
}

TEST(TarArchive, MembersLieInTheFile) {
  EXPECT_EQ(error(block({"a", octal(1025)}) + end()),
            "member at 0: expected 1025 bytes, found 1024");
  EXPECT_EQ(error(block({"a", "\x80" + std::string(3, '\0') + std::string("\x7f") +
                                  std::string(7, '\xff')}) +
                  end()),
            "member at 0: expected 9223372036854775807 bytes, found 1024");
  EXPECT_EQ(error(pax("size=18446744073709551615\n") + member("a", "") + end()),
            "member at 1024: expected 18446744073709551615 bytes, found 1024");
  EXPECT_EQ(error(member("name", std::string(65537, 'n'), 'L') + end()),
            "member at 0: expected at most 65536 bytes of names, found 65537");
}

TEST(TarArchive, PaxRecords) {
  const std::string other = "expected pax records LENGTH KEY=VALUE, found other text";
  for (const char *text : {"x", "5", " path=a\n", "4 a=", "99 path=a\n", "3 p=a\n", "-1 a=b\n",
                           "18446744073709551616 a=b\n", "11 path"})
    EXPECT_EQ(error(member("x", text, 'x') + member("a", "") + end()), other) << text;
  EXPECT_EQ(error(pax("size=5x\n") + member("a", "") + end()),
            "pax record size: 5x is not supported");
  EXPECT_EQ(error(pax("GNU.sparse.major=1\n") + member("a", "") + end()),
            "pax record GNU.sparse.major: 1 is not supported");
}

TEST(TarArchive, Twice) {
  EXPECT_EQ(error(member("a", "") + member("./a", "") + end()),
            "a: expected different members, found this one twice");
}

TEST(TarArchive, EveryTruncationIsAnError) {
  const std::string file = pax("path=long\n") + member("a", "first") + member("b", "second");
  for (size_t size = 0; size != file.size() + 512; ++size)
    EXPECT_NE(error((file + end()).substr(0, size)), "") << size;
  EXPECT_EQ(error(""), "expected an empty block at the end of the archive, found its end at 0: the "
                       "file is cut off");
}
