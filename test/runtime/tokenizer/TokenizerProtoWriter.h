//===- TokenizerProtoWriter.h - tokenizer models by hand --------*- C++ -*-===//
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace strata {

/// The wire format of protobuf, field by field.
inline std::string protoNumber(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes.push_back(static_cast<char>(value | 0x80));
  return bytes + static_cast<char>(value);
}
inline std::string protoInt(int field, int64_t value) {
  return protoNumber(uint64_t(field) << 3) + protoNumber(static_cast<uint64_t>(value));
}
inline std::string protoBytes(int field, std::string_view value) {
  return protoNumber(uint64_t(field) << 3 | 2).append(protoNumber(value.size())).append(value);
}
inline std::string protoFloat(int field, float value) {
  std::string bytes = protoNumber(uint64_t(field) << 3 | 5) + std::string(4, '\0');
  std::memcpy(bytes.data() + bytes.size() - 4, &value, 4);
  return bytes;
}

/// Fields of ModelProto. Types: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
inline std::string protoPiece(std::string_view text, float score, int type) {
  return protoBytes(1, protoBytes(1, text) + protoFloat(2, score) + protoInt(3, type));
}
inline std::string protoTrainer(std::string_view fields) { return protoBytes(2, fields); }
inline std::string protoNormalizer(std::string_view fields) { return protoBytes(3, fields); }

/// A BPE model of <unk>, <s>, </s> and `pieces`; `trainer` adds to its TrainerSpec.
inline std::string smallModel(std::string_view pieces, std::string_view trainer = "") {
  return protoPiece("<unk>", 0, 2) + protoPiece("<s>", 0, 3) + protoPiece("</s>", 0, 3) +
         std::string(pieces) + protoTrainer(protoInt(3, 2) + std::string(trainer)) +
         protoNormalizer(protoInt(3, 0) + protoInt(4, 0));
}

} // namespace strata
