//===- JsonWriterTest.cpp -------------------------------------------------===//

#include "tools/command_line/JsonWriter.h"

#include "runtime/base/Json.h"
#include "gtest/gtest.h"

#include <limits>

namespace strata {
namespace {

TEST(JsonWriter, BreaksObjectsAndArraysIntoLines) {
  JsonWriter json;
  json.beginObject().member("name", "demo").member("layers", 6).member("tied", false);
  json.list("shape", std::vector<uint64_t>{2048, 256});
  json.key("files").beginArray();
  json.beginObject(JsonWriter::Layout::oneLine).member("size", 1.5).key("at").null().endObject();
  json.beginObject(JsonWriter::Layout::oneLine).endObject();
  json.endArray().key("none").beginArray().endArray().endObject();
  EXPECT_EQ(json.take(), R"({
  "name": "demo",
  "layers": 6,
  "tied": false,
  "shape": [2048, 256],
  "files": [
    {"size": 1.5, "at": null},
    {}
  ],
  "none": []
}
)");
}

TEST(JsonWriter, NumbersThatJsonDoesNotHave) {
  JsonWriter json;
  json.beginArray(JsonWriter::Layout::oneLine);
  json.value(std::numeric_limits<double>::infinity()).value(-0.25).value(std::nan(""));
  json.value(uint64_t(-1)).value(int64_t(-1));
  EXPECT_EQ(json.endArray().take(), "[null, -0.25, null, 18446744073709551615, -1]\n");
}

TEST(JsonWriter, EveryTextCanBeReadBack) {
  for (std::string text : {std::string("a\"b\\c/d"), std::string("\0\n\x1f\x7f", 4),
                           std::string("é – 日本 \U0001f600"), std::string()}) {
    JsonWriter json;
    json.beginObject().member(text, text).endObject();
    auto document = JsonDocument::parse(json.take(), "written");
    ASSERT_TRUE(document.ok()) << document.status();
    EXPECT_EQ(document->object()->string(text).value(), text);
  }
}

TEST(JsonWriter, BytesThatAreNotUtf8) {
  for (const char *wrong : {"\xff", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf0\x9f\x98", "\x80"}) {
    JsonWriter json;
    std::string text = json.value(wrong).take();
    EXPECT_EQ(text.find("\"\\ufffd"), 0u) << text;
    EXPECT_TRUE(JsonDocument::parse("[" + text + "]", "written").ok()) << text;
  }
}

} // namespace
} // namespace strata
