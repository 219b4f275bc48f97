#include "runtime/base/MappedFile.h"

#include "test/runtime/TestFolder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace strata;

static std::string text(const MappedFile &file) {
  return std::string(reinterpret_cast<const char *>(file.bytes().data()), file.size());
}

TEST(MappedFile, ShowsTheBytes) {
  TestFolder folder;
  const std::string path = folder.write("file", "contents");
  auto file = MappedFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(text(*file), "contents");
  EXPECT_EQ(file->path(), path);
}

TEST(MappedFile, SurvivesMoves) {
  TestFolder folder;
  auto first = MappedFile::open(folder.write("first", "one"));
  auto second = MappedFile::open(folder.write("second", "two"));
  ASSERT_TRUE(first.ok() && second.ok());
  const auto *bytes = second->bytes().data();
  *first = *std::move(second);
  EXPECT_EQ(text(*first), "two");
  EXPECT_EQ(first->bytes().data(), bytes);
  MappedFile third = *std::move(first);
  EXPECT_EQ(text(third), "two");
}

TEST(MappedFile, EmptyFile) {
  TestFolder folder;
  auto file = MappedFile::open(folder.write("empty", ""));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size(), 0u);
}

/// The message of opening `path`, both ways.
static std::string openError(const std::string &path) {
  const std::string message(MappedFile::open(path).status().message());
  EXPECT_EQ(readFile(path, 1 << 20).status().message(), message);
  return message;
}

TEST(MappedFile, RefusesWhatIsNoRegularFile) {
  TestFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(openError(folder.path("pipe")),
            folder.path("pipe") + ": expected a regular file, found a pipe");
  EXPECT_EQ(openError(folder.path()), folder.path() + ": expected a regular file, found a folder");
  EXPECT_EQ(openError("/dev/zero"), "/dev/zero: expected a regular file, found a character device");
}

TEST(MappedFile, NamesTheSystemsErrors) {
  TestFolder folder;
  EXPECT_EQ(openError(folder.path("absent")),
            folder.path("absent") + ": cannot open: No such file or directory");
  std::filesystem::create_symlink("loop", folder.path("loop"));
  EXPECT_EQ(openError(folder.path("loop")),
            folder.path("loop") + ": cannot open: Too many levels of symbolic links");
  EXPECT_EQ(openError(std::string("a\0b", 3)), "\"a\\x00\\x62\": file name holds a NUL");
}

TEST(MappedFile, FollowsSymbolicLinks) {
  TestFolder folder;
  folder.write("blob", "contents");
  std::filesystem::create_symlink("blob", folder.path("link"));
  auto file = MappedFile::open(folder.path("link"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(text(*file), "contents");
}

TEST(ReadFile, ReadsUpToALimit) {
  TestFolder folder;
  const std::string path = folder.write("file", "12345678");
  EXPECT_EQ(*readFile(path, 8), "12345678");
  EXPECT_EQ(readFile(path, 7).status().message(), path + ": file has 8 bytes, expected at most 7");
}
