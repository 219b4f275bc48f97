#include "runtime/checkpoint/Pickle.h"

#include "test/runtime/checkpoint/PickleWriter.h"

#include <gtest/gtest.h>

using namespace strata;
using namespace strata::pickle;
using Kind = PickleValue::Kind;

namespace {

constexpr std::string_view kAllowed[] = {"collections OrderedDict", "torch FloatStorage"};

absl::StatusOr<Pickle> read(const std::string &bytes) {
  return Pickle::read(std::as_bytes(std::span(bytes)), "data.pkl", kAllowed);
}

/// The message for a pickle, without its place; "" if it is accepted.
std::string error(const std::string &bytes) {
  const auto pickle = read(bytes);
  if (pickle.ok())
    return "";
  const std::string message(pickle.status().message());
  EXPECT_TRUE(message.starts_with("data.pkl: ")) << message;
  return message.substr(10);
}

/// The one value that these instructions leave.
PickleValue valueOf(const std::string &instructions) {
  static std::string bytes; // the value points into it
  bytes = program(instructions);
  const auto pickle = read(bytes);
  EXPECT_TRUE(pickle.ok()) << pickle.status();
  return pickle.ok() ? pickle->root() : PickleValue();
}

} // namespace

TEST(Pickle, Numbers) {
  EXPECT_EQ(valueOf("K\xff").number, 255);
  EXPECT_EQ(valueOf("M\xff\xff").number, 65535);
  EXPECT_EQ(valueOf(number(-2)).number, -2);
  EXPECT_EQ(valueOf(number64(INT64_MIN)).number, INT64_MIN);
  EXPECT_EQ(valueOf(std::string("\x8a\0", 2)).number, 0);
  EXPECT_EQ(valueOf("\x8a\x01\xff").number, -1);
  EXPECT_EQ(valueOf(std::string("\x8a\x02\xff\x00", 4)).number, 255);
  EXPECT_EQ(valueOf("\x88").number, 1);
  EXPECT_EQ(valueOf("N").kind, Kind::none);
  EXPECT_EQ(valueOf("G12345678").kind, Kind::real);
}

TEST(Pickle, Containers) {
  const std::string bytes =
      program("}q" + std::string(1, '\0') + "(" + text("list") + "]" + "(NNeNa" + text("tuples") +
              ")\x85N\x86NN\x87" + std::string("ur\1\1\0\0", 6) + text("more") + "h" +
              std::string(1, '\0') + "s");
  const auto pickle = read(bytes);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const auto entries = pickle->entries(pickle->root());
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ((*pickle)[entries[0].first].text, "list");
  EXPECT_EQ((*pickle)[entries[0].second].items.size(), 3u);
  EXPECT_EQ((*pickle)[entries[1].second].items.size(), 3u);
  // The dict holds itself.
  EXPECT_EQ((*pickle)[entries[2].second].kind, Kind::dict);
}

TEST(Pickle, CallsAreNotMade) {
  const std::string bytes = program(orderedDict() + text("key") + "Ns" + "}b");
  const auto pickle = read(bytes);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const PickleValue *arguments = pickle->argumentsOf(pickle->root(), "collections OrderedDict");
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->items.size(), 0u);
  EXPECT_EQ(pickle->argumentsOf(pickle->root(), "torch FloatStorage"), nullptr);
  ASSERT_EQ(pickle->entries(pickle->root()).size(), 1u);
}

/// What newer protocols write: names from the stack, and what was put away without its number.
TEST(Pickle, ObjectsOfProtocol4) {
  const auto shortText = [](const std::string &value) {
    return "\x8c" + little(value.size(), 1) + value;
  };
  const std::string bytes = "\x80\x04\x95" + little(99, 8) + shortText("collections") + "\x94" +
                            shortText("OrderedDict") + "\x94\x93\x94)\x81\x94}\x94(" +
                            shortText("name") + "K\1" + shortText("name") + "K\2u" + "b.";
  const auto pickle = read(bytes);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const PickleValue &object = pickle->root();
  EXPECT_TRUE(pickle->argumentsOf(object, "collections OrderedDict"));
  const PickleValue *found = pickle->attributeOf(object, "collections OrderedDict", "name");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->number, 2); // the last one counts
  EXPECT_FALSE(pickle->attributeOf(object, "collections OrderedDict", "other"));
  EXPECT_FALSE(pickle->attributeOf(object, "torch FloatStorage", "name"));
  EXPECT_EQ(pickle->entries(object).size(), 0u); // attributes are no entries
  EXPECT_EQ(error(program(text("os") + text("system") + "\x93")),
            "byte 20: refuses global os.system: only 2 that tensors need are known, and none is "
            "ever called");
  EXPECT_EQ(error(program("NN\x93")),
            "byte 4: expected a global's module and name, found other objects");
}

TEST(Pickle, OtherGlobalsAreRefusedByName) {
  const std::string rest = ": only 2 that tensors need are known, and none is ever called";
  EXPECT_EQ(error(program(global("os", "system") + tuple(text("rm -rf /")) + "R")),
            "byte 2: refuses global os.system" + rest);
  EXPECT_EQ(error(program(global("builtins", "eval"))),
            "byte 2: refuses global builtins.eval" + rest);
  EXPECT_EQ(error(program(global("collections", "OrderedDict.fromkeys"))),
            "byte 2: refuses global collections.OrderedDict.fromkeys" + rest);
  EXPECT_EQ(error(program(global("torch.FloatStorage", ""))),
            "byte 2: refuses global torch.FloatStorage." + rest);
  EXPECT_EQ(error(program(global("collections OrderedDict", ""))),
            "byte 2: refuses global \"collections OrderedDict.\"" + rest);
  EXPECT_EQ(error(program(global("", ""))), "byte 2: refuses global ." + rest);
}

TEST(Pickle, OtherInstructionsAreRefused) {
  const auto refused = [](const std::string &code) {
    return "byte 2: instruction 0x" + code + " is none that torch writes";
  };
  EXPECT_EQ(error(program("ios\nsystem\n")), refused("69")); // INST
  EXPECT_EQ(error(program("o")), refused("6f"));             // OBJ
  EXPECT_EQ(error(program("\x82\x01")), refused("82"));      // EXT1
  EXPECT_EQ(error(program("P1\n")), refused("50"));          // PERSID
  EXPECT_EQ(error(program("\x92")), refused("92"));          // NEWOBJ_EX
  EXPECT_EQ(error(program("S'a'\n")), refused("53"));        // STRING
  EXPECT_EQ(error(program("\xff")), refused("ff"));
  EXPECT_EQ(error(program("\x80\x02")), refused("80"));
}

TEST(Pickle, Protocol) {
  EXPECT_EQ(error("\x80\x04N."), "");
  EXPECT_EQ(error("\x80\x05N."), "");
  EXPECT_EQ(error("\x80\x01N."), "expected a pickle of protocol 2 to 5, found protocol 1");
  EXPECT_EQ(error("\x80\x06N."), "expected a pickle of protocol 2 to 5, found protocol 6");
  EXPECT_EQ(error("N."), "expected a pickle of protocol 2 to 5, found other bytes");
  EXPECT_EQ(error(""), "expected a pickle of protocol 2 to 5, found other bytes");
}

TEST(Pickle, TheStackHoldsWhatAnInstructionNeeds) {
  const auto needs = [](size_t byte, const std::string &what) {
    return "byte " + std::to_string(byte) + ": expected " + what + " on the stack, found fewer";
  };
  EXPECT_EQ(error(program("\x85")), needs(2, "1 object"));
  EXPECT_EQ(error(program("NN\x87")), needs(4, "3 objects"));
  EXPECT_EQ(error(program("R")), needs(2, "2 objects"));
  EXPECT_EQ(error(program("Na")), needs(3, "1 object"));
  EXPECT_EQ(error(program("Q")), needs(2, "1 object"));
  EXPECT_EQ(error(program("q1")), needs(2, "1 object"));
  EXPECT_EQ(error(program("b")), needs(2, "2 objects"));
  EXPECT_EQ(error(program("s")), needs(2, "2 objects"));
  // What lies under a mark is out of reach.
  EXPECT_EQ(error(program("N(\x85")), needs(4, "1 object"));
  EXPECT_EQ(error(program("(u")), needs(3, "1 object"));
  for (const char *instruction : {"t", "u", "e"})
    EXPECT_EQ(error(program(instruction)), "byte 2: expected a mark on the stack, found none");
}

TEST(Pickle, ObjectsAreOfTheKindNeeded) {
  EXPECT_EQ(error(program("NNa")), "byte 4: expected a list to append to, found another object");
  EXPECT_EQ(error(program("NNNs")),
            "byte 5: expected a dict and pairs to set in it, found another object or half a pair");
  EXPECT_EQ(error(program("}(Nu")),
            "byte 5: expected a dict and pairs to set in it, found another object or half a pair");
  EXPECT_EQ(error(program("N)R")),
            "byte 4: expected a global and its arguments, found other objects");
  EXPECT_EQ(error(program(global("collections", "OrderedDict") + "NR")),
            "byte 28: expected a global and its arguments, found other objects");
  EXPECT_EQ(error(program("NNb")),
            "byte 4: expected an object to give attributes to, found another");
  // A call is no function.
  EXPECT_EQ(error(program(orderedDict() + ")R")),
            "byte 30: expected a global and its arguments, found other objects");
}

TEST(Pickle, TheMemoIsBounded) {
  EXPECT_EQ(error(program("h\x05")), "byte 2: memo slot 5: expected an object in it, found none");
  EXPECT_EQ(error(program("Nq\x05h\x04")),
            "byte 5: memo slot 4: expected an object in it, found none");
  EXPECT_EQ(error(program("Nr\xff\xff\xff\xff")),
            "byte 3: memo slot 4294967295: expected one below 1048576");
  EXPECT_EQ(error(program("j\xff\xff\xff\xff")),
            "byte 2: memo slot 4294967295: expected an object in it, found none");
}

TEST(Pickle, ObjectsAndMarksAreBounded) {
  EXPECT_EQ(error(program(std::string(uint64_t(1) << 21, 'N'))),
            "byte 1048578: expected at most 1048576 objects, found more");
  EXPECT_EQ(error(program(std::string(uint64_t(1) << 21, '('))),
            "byte 1002: expected at most 1000 marks on the stack, found more");
  // Depth of another kind: a tuple in a tuple, a million times.
  EXPECT_EQ(error(program(")" + std::string(1000000, '\x85'))), "");
}

TEST(Pickle, TheEnd) {
  EXPECT_EQ(error("\x80\x02N"), "byte 3: pickle ends in the middle of an instruction");
  EXPECT_EQ(error("\x80\x02K"), "byte 2: pickle ends in the middle of an instruction");
  EXPECT_EQ(error("\x80\x02X" + little(UINT32_MAX, 4) + "abc."),
            "byte 2: pickle ends in the middle of an instruction");
  EXPECT_EQ(error("\x80\x02"
                  "ccollections\nOrdered"),
            "byte 2: pickle ends in the middle of an instruction");
  EXPECT_EQ(error(program("")),
            "expected one object at the end of the pickle, found 0 and 0 bytes more");
  EXPECT_EQ(error(program("NN")),
            "expected one object at the end of the pickle, found 2 and 0 bytes more");
  EXPECT_EQ(error(program("(N")),
            "expected one object at the end of the pickle, found 1 and 0 bytes more");
  EXPECT_EQ(error(program("N") + "N."),
            "expected one object at the end of the pickle, found 1 and 2 bytes more");
  EXPECT_EQ(error(program("\x8a\x09"
                          "123456789")),
            "byte 2: integer: expected at most 8 bytes, found 9");
}
