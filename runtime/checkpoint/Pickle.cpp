//===- Pickle.cpp - reading pickles without running them ------------------===//
#include "runtime/checkpoint/Pickle.h"

#include "runtime/base/Quote.h"
#include "runtime/base/Status.h"
#include "runtime/checkpoint/ByteReader.h"

#include "absl/strings/str_join.h"

#include <algorithm>
#include <array>
#include <optional>

namespace strata {

using Kind = PickleValue::Kind;
using Index = PickleValue::Index;

namespace {
/// The instructions that torch.save and torch.distributed.checkpoint write, by their names in
/// pickletools.
enum class Opcode : uint8_t {
  mark = '(',
  stop = '.',
  append = 'a',
  appends = 'e',
  build = 'b',
  global = 'c',
  binget = 'h',
  longBinget = 'j',
  binput = 'q',
  longBinput = 'r',
  reduce = 'R',
  setitem = 's',
  setitems = 'u',
  tuple = 't',
  emptyTuple = ')',
  emptyList = ']',
  emptyDict = '}',
  none = 'N',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  binfloat = 'G',
  binunicode = 'X',
  binpersid = 'Q',
  proto = 0x80,
  newobj = 0x81,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89,
  long1 = 0x8a,
  shortBinunicode = 0x8c,
  stackGlobal = 0x93,
  memoize = 0x94,
  frame = 0x95,
};
constexpr uint8_t kOldest = 2, kNewest = 5; // protocols
constexpr size_t kMaxValues = size_t(1) << 20;
constexpr size_t kMaxMarks = 1000;
} // namespace

/// The stack machine. After an instruction that fails, `failure` says why, and nothing else counts.
class PickleReader {
public:
  PickleReader(std::span<const std::byte> bytes, std::span<const std::string_view> allowed)
      : reader(bytes), allowed(allowed) {}

  absl::StatusOr<Pickle> read();

private:
  void step(Opcode opcode);
  void pushNumber(Kind kind, int64_t number);
  void pushText(Kind kind, std::string_view text);
  void pushItems(Kind kind, std::vector<Index> items);
  void pushTuple(size_t size);
  void pushGlobal(std::string_view module, std::string_view name);
  void readGlobal();
  void popGlobal();
  void pushLong();
  void pushMark();
  void put(uint64_t slot);
  void get(uint64_t slot);
  void append(std::vector<Index> items);
  void setEntries(std::vector<Index> items);
  void reduce();
  void build();

  Index push(PickleValue value);
  Index pop();
  std::vector<Index> popMany(size_t count);
  std::vector<Index> popToMark();

  template <typename... Parts>
  void fail(const Parts &...parts) {
    if (failure.empty())
      failure = absl::StrCat("", parts...);
  }

  ByteReader reader;
  std::span<const std::string_view> allowed;
  Pickle pickle;
  std::vector<Index> stack;
  std::vector<size_t> marks; // sizes that the stack had
  std::vector<Index> memo;   // kEmpty where nothing was put
  std::string failure;

  static constexpr Index kEmpty = UINT32_MAX;
};

//===----------------------------------------------------------------------===//
// The stack
//===----------------------------------------------------------------------===//

Index PickleReader::push(PickleValue value) {
  if (pickle.values.size() == kMaxValues)
    fail("expected at most ", kMaxValues, " objects, found more");
  if (failure.empty()) {
    pickle.values.push_back(std::move(value));
    stack.push_back(Index(pickle.values.size() - 1));
  }
  return failure.empty() ? stack.back() : 0;
}

/// Objects under the last mark are out of reach.
Index PickleReader::pop() { return popMany(1).front(); }

std::vector<Index> PickleReader::popMany(size_t count) {
  if (stack.size() - (marks.empty() ? 0 : marks.back()) < count) {
    fail("expected ", count, count == 1 ? " object" : " objects", " on the stack, found fewer");
    return std::vector<Index>(count);
  }
  std::vector<Index> items(stack.end() - ptrdiff_t(count), stack.end());
  stack.resize(stack.size() - count);
  return items;
}

std::vector<Index> PickleReader::popToMark() {
  if (marks.empty()) {
    fail("expected a mark on the stack, found none");
    return {};
  }
  std::vector<Index> items = popMany(stack.size() - marks.back());
  marks.pop_back();
  return items;
}

void PickleReader::put(uint64_t slot) {
  if (slot >= kMaxValues)
    return fail("memo slot ", slot, ": expected one below ", kMaxValues);
  const Index top = pop();
  if (!failure.empty())
    return;
  stack.push_back(top);
  if (slot >= memo.size())
    memo.resize(slot + 1, kEmpty);
  memo[slot] = top;
}

void PickleReader::get(uint64_t slot) {
  if (slot >= memo.size() || memo[slot] == kEmpty)
    return fail("memo slot ", slot, ": expected an object in it, found none");
  stack.push_back(memo[slot]);
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

void PickleReader::pushNumber(Kind kind, int64_t number) { push({.kind = kind, .number = number}); }
void PickleReader::pushText(Kind kind, std::string_view text) {
  push({.kind = kind, .text = text});
}
void PickleReader::pushItems(Kind kind, std::vector<Index> items) {
  push({.kind = kind, .items = std::move(items)});
}
void PickleReader::pushTuple(size_t size) { pushItems(Kind::tuple, popMany(size)); }

void PickleReader::readGlobal() {
  const std::string_view module = reader.line(), name = reader.line();
  if (reader.ok())
    pushGlobal(module, name);
}

void PickleReader::popGlobal() {
  const std::vector<Index> names = popMany(2);
  if (!failure.empty())
    return;
  if (pickle[names[0]].kind != Kind::string || pickle[names[1]].kind != Kind::string)
    return fail("expected a global's module and name, found other objects");
  pushGlobal(pickle[names[0]].text, pickle[names[1]].text);
}

void PickleReader::pushGlobal(std::string_view module, std::string_view name) {
  for (std::string_view global : allowed)
    if (const size_t space = global.find(' ');
        module == global.substr(0, space) && name == global.substr(space + 1))
      return pushText(Kind::global, global);
  fail("refuses global ", printable(absl::StrCat(std::string(module), ".", std::string(name))),
       ": only ", allowed.size(), " that tensors need are known, and none is ever called");
}

/// Two's complement, as few bytes as needed.
void PickleReader::pushLong() {
  const auto size = reader.read<uint8_t>();
  if (size > sizeof(int64_t))
    return fail("integer: expected at most 8 bytes, found ", size);
  uint64_t bits = 0;
  const auto bytes = reader.take(size);
  for (size_t i = 0; i != bytes.size(); ++i)
    bits |= uint64_t(bytes[i]) << (8 * i);
  if (size > 0 && size < sizeof(int64_t) && (bits >> (8 * size - 1)) != 0)
    bits |= ~uint64_t(0) << (8 * size);
  pushNumber(Kind::integer, int64_t(bits));
}

void PickleReader::pushMark() {
  if (marks.size() == kMaxMarks)
    return fail("expected at most ", kMaxMarks, " marks on the stack, found more");
  marks.push_back(stack.size());
}

void PickleReader::append(std::vector<Index> items) {
  const Index list = pop();
  if (!failure.empty())
    return;
  if (pickle[list].kind != Kind::list)
    return fail("expected a list to append to, found another object");
  std::vector<Index> &all = pickle.values[list].items;
  all.insert(all.end(), items.begin(), items.end());
  stack.push_back(list);
}

void PickleReader::setEntries(std::vector<Index> items) {
  const Index dict = pop();
  if (!failure.empty())
    return;
  const Kind kind = pickle[dict].kind;
  if ((kind != Kind::dict && kind != Kind::call) || items.size() % 2 != 0)
    return fail("expected a dict and pairs to set in it, found another object or half a pair");
  std::vector<Index> &all = pickle.values[dict].items;
  all.insert(all.end(), items.begin(), items.end());
  stack.push_back(dict);
}

void PickleReader::reduce() {
  const std::vector<Index> call = popMany(2);
  if (!failure.empty())
    return;
  if (pickle[call[0]].kind != Kind::global || pickle[call[1]].kind != Kind::tuple)
    return fail("expected a global and its arguments, found other objects");
  pushItems(Kind::call, call);
}

/// Attributes of an object, mostly in a dict. Those of torch's dicts say nothing of tensors.
void PickleReader::build() {
  const std::vector<Index> objects = popMany(2);
  if (!failure.empty())
    return;
  if (pickle[objects[0]].kind != Kind::call)
    return fail("expected an object to give attributes to, found another");
  pickle.values[objects[0]].state = objects[1];
  stack.push_back(objects[0]);
}

void PickleReader::step(Opcode opcode) {
  switch (opcode) {
  case Opcode::mark:
    return pushMark();
  case Opcode::global:
    return readGlobal();
  case Opcode::stackGlobal:
    return popGlobal();
  case Opcode::binput:
    return put(reader.read<uint8_t>());
  case Opcode::longBinput:
    return put(reader.read<uint32_t>());
  case Opcode::memoize:
    return put(memo.size());
  case Opcode::binget:
    return get(reader.read<uint8_t>());
  case Opcode::longBinget:
    return get(reader.read<uint32_t>());
  case Opcode::none:
    return pushNumber(Kind::none, 0);
  case Opcode::newtrue:
  case Opcode::newfalse:
    return pushNumber(Kind::boolean, opcode == Opcode::newtrue);
  case Opcode::binint1:
    return pushNumber(Kind::integer, reader.read<uint8_t>());
  case Opcode::binint2:
    return pushNumber(Kind::integer, reader.read<uint16_t>());
  case Opcode::binint:
    return pushNumber(Kind::integer, reader.read<int32_t>());
  case Opcode::long1:
    return pushLong();
  case Opcode::binfloat:
    return pushNumber(Kind::real, reader.read<int64_t>());
  case Opcode::binunicode:
    return pushText(Kind::string, reader.text(reader.read<uint32_t>()));
  case Opcode::shortBinunicode:
    return pushText(Kind::string, reader.text(reader.read<uint8_t>()));
  case Opcode::emptyTuple:
    return pushTuple(0);
  case Opcode::tuple1:
    return pushTuple(1);
  case Opcode::tuple2:
    return pushTuple(2);
  case Opcode::tuple3:
    return pushTuple(3);
  case Opcode::tuple:
    return pushItems(Kind::tuple, popToMark());
  case Opcode::emptyList:
    return pushItems(Kind::list, {});
  case Opcode::emptyDict:
    return pushItems(Kind::dict, {});
  case Opcode::append:
    return append(popMany(1));
  case Opcode::appends:
    return append(popToMark());
  case Opcode::setitem:
    return setEntries(popMany(2));
  case Opcode::setitems:
    return setEntries(popToMark());
  case Opcode::binpersid:
    return pushItems(Kind::persistent, popMany(1));
  case Opcode::reduce:
  case Opcode::newobj: // the same of a class
    return reduce();
  case Opcode::build:
    return build();
  case Opcode::frame: // how many bytes may be read at once
    reader.read<uint64_t>();
    return;
  case Opcode::proto:
  case Opcode::stop:
    break;
  }
  fail("instruction 0x", absl::Hex(uint8_t(opcode), absl::kZeroPad2), " is none that torch writes");
}

absl::StatusOr<Pickle> PickleReader::read() {
  const auto proto = reader.read<uint8_t>(), version = reader.read<uint8_t>();
  if (!reader.ok() || Opcode(proto) != Opcode::proto || version < kOldest || version > kNewest)
    fail("expected a pickle of protocol ", kOldest, " to ", kNewest, ", found ",
         Opcode(proto) == Opcode::proto ? absl::StrCat("protocol ", version) : "other bytes");
  bool stopped = false;
  while (failure.empty() && !stopped) {
    const uint64_t offset = reader.offset();
    const auto opcode = Opcode(reader.read<uint8_t>());
    stopped = reader.ok() && opcode == Opcode::stop;
    if (reader.ok() && !stopped)
      step(opcode);
    if (!reader.ok())
      fail("pickle ends in the middle of an instruction");
    if (!failure.empty())
      failure = absl::StrCat("byte ", offset, ": ", failure);
  }
  if (failure.empty() && (stack.size() != 1 || !marks.empty() || reader.remaining() > 0))
    fail("expected one object at the end of the pickle, found ", stack.size(), " and ",
         reader.remaining(), " bytes more");
  if (!failure.empty())
    return absl::InvalidArgumentError(failure);
  // The root is the last value, so that a Pickle needs no other member.
  const PickleValue root = pickle[stack.front()];
  pickle.values.push_back(root);
  return std::move(pickle);
}

absl::StatusOr<Pickle> Pickle::read(std::span<const std::byte> bytes, const std::string &place,
                                    std::span<const std::string_view> allowed) {
  absl::StatusOr<Pickle> pickle = PickleReader(bytes, allowed).read();
  return pickle.ok() ? std::move(pickle) : annotate(pickle.status(), place);
}

const PickleValue *Pickle::argumentsOf(const PickleValue &value, std::string_view global) const {
  const bool isCall = value.kind == Kind::call && values[value.items[0]].text == global;
  return isCall ? &values[value.items[1]] : nullptr;
}

const PickleValue *Pickle::attributeOf(const PickleValue &value, std::string_view global,
                                       std::string_view attribute) const {
  if (!argumentsOf(value, global) || value.state == PickleValue::kNoState ||
      values[value.state].kind != Kind::dict)
    return nullptr;
  const PickleValue *found = nullptr;
  for (const auto &[key, item] : entries(values[value.state]))
    if (values[key].kind == Kind::string && values[key].text == attribute)
      found = &values[item];
  return found;
}

std::vector<std::pair<Index, Index>> Pickle::entries(const PickleValue &value) const {
  std::vector<std::pair<Index, Index>> pairs;
  for (size_t i = value.kind == Kind::call ? 2 : 0; i + 1 < value.items.size(); i += 2)
    pairs.emplace_back(value.items[i], value.items[i + 1]);
  return pairs;
}

} // namespace strata
