//===- StreamedAnswerTest.cpp - a completion that comes in pieces ---------===//

#include "tools/load/StreamedAnswer.h"

#include "test/tools/StreamedChunks.h"

#include <gtest/gtest.h>

namespace strata::test {
namespace {

using namespace load;
using namespace std::chrono_literals;

std::vector<std::string> eventsOf(std::vector<std::string> pieces) {
  EventStream stream;
  std::vector<std::string> events;
  for (const std::string &piece : pieces)
    stream.push(piece, [&](std::string_view data) { events.emplace_back(data); });
  return events;
}

TEST(EventStream, CutsAtEveryPlaceAlike) {
  for (const char *end : {"\n", "\r\n", "\r"}) {
    std::string text =
        ": a comment|data: {\"a\": 1}||event: x|data:two|data: lines||id: 7||data: [DONE]||";
    for (size_t at; (at = text.find('|')) != std::string::npos;)
      text.replace(at, 1, end);
    const std::vector<std::string> events = {"{\"a\": 1}", "two\nlines", "[DONE]"};
    EXPECT_EQ(eventsOf({text}), events);
    for (size_t cut = 1; cut < text.size(); ++cut)
      EXPECT_EQ(eventsOf({text.substr(0, cut), text.substr(cut)}), events) << cut;
  }
}

TEST(EventStream, KeepsBackWhatIsNotComplete) {
  EXPECT_TRUE(eventsOf({"data: half"}).empty());
  EXPECT_TRUE(eventsOf({"data: half\n"}).empty());
  EXPECT_EQ(eventsOf({"data:\n\n"}), std::vector<std::string>{""});
}

TEST(StreamedAnswer, TellsWhenTextCameAndWhatWasTold) {
  StreamedAnswer answer;
  const Clock::time_point start{};
  EXPECT_TRUE(answer.push(chunk("") + chunk("a"), start + 1s).ok());
  EXPECT_TRUE(answer.push(chunk("bc") + kUsage + kDone, start + 3s).ok());
  EXPECT_TRUE(answer.end().ok());
  EXPECT_EQ(answer.texts(), (std::vector{start + 1s, start + 3s})); // the empty one is no text
  EXPECT_EQ(answer.usage().promptTokens, 7);
  EXPECT_EQ(answer.usage().generatedTokens, 5);
  EXPECT_EQ(answer.usage().cachedTokens, 4);
}

/// What the answer's end says of it.
std::string endOf(const std::string &bytes) {
  StreamedAnswer answer;
  (void)answer.push(bytes, Clock::now());
  return std::string(answer.end().message());
}

TEST(StreamedAnswer, SaysWhatIsWrong) {
  EXPECT_EQ(endOf(chunk("a") + kDone), "");
  EXPECT_EQ(endOf(chunk("a")), "the stream ended without [DONE]");
  EXPECT_EQ(endOf(""), "the stream ended without [DONE]");
  EXPECT_EQ(endOf("{\"choices\": []}\n"), "the stream ended without [DONE]"); // no stream at all
  EXPECT_EQ(endOf(kDone), "the stream brought no text");
  EXPECT_EQ(endOf(chunk("a") + "data: {\"error\": {\"message\": \"step failed\"}}\n\n" + kDone),
            "step failed");
  EXPECT_EQ(endOf("data: [1]\n\n"), "event: expected an object, found a list");
  EXPECT_EQ(endOf("data: {\"choices\": 1}\n\n"), "event: choices: expected a list, found 1");
  EXPECT_NE(endOf("data: {\"choices\n\n"), "");
}

} // namespace
} // namespace strata::test
