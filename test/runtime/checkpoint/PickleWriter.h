//===- PickleWriter.h - pickles for tests -----------------------*- C++ -*-===//
#pragma once

#include "test/runtime/checkpoint/ZipWriter.h"

#include "absl/strings/str_cat.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::pickle {

/// A pickle of protocol 2 with these instructions.
inline std::string program(const std::string &instructions) {
  return absl::StrCat("\x80\x02", instructions, ".");
}
inline std::string global(const std::string &module, const std::string &name) {
  return absl::StrCat("c", module, "\n", name, "\n");
}
inline std::string text(const std::string &value) { return "X" + little(value.size(), 4) + value; }
inline std::string number(int32_t value) { return "J" + little(uint32_t(value), 4); }
/// A number of up to 64 bits.
inline std::string number64(int64_t value) { return "\x8a\x08" + little(uint64_t(value), 8); }
inline std::string tuple(const std::string &items) { return absl::StrCat("(", items, "t"); }
inline std::string orderedDict() { return global("collections", "OrderedDict") + ")R"; }

/// A tensor, as torch.save writes it; what it says of itself.
struct Tensor {
  std::string storageClass = "FloatStorage";
  std::string key = "0";
  std::string count = number(6);
  std::string offset = number(0);
  std::string shape = tuple(number(2) + number(3));
  std::string strides = tuple(number(3) + number(1));
  std::string rebuild = "_rebuild_tensor_v2";

  std::string write() const {
    const std::string storage =
        tuple(text("storage") + global("torch", storageClass) + text(key) + text("cpu") + count);
    return global("torch._utils", rebuild) +
           tuple(storage + "Q" + offset + shape + strides + "\x89" + orderedDict()) + "R";
  }
};

/// A tensor of bytes that begin with `first` and count on, row-major, and those bytes.
inline std::pair<Tensor, std::string> counting(const std::vector<int32_t> &shape, char first = 0) {
  int32_t count = 1;
  std::string sizes, strides, bytes;
  for (auto size = shape.rbegin(); size != shape.rend(); ++size) {
    sizes = number(*size) + sizes;
    strides = number(count) + strides;
    count *= *size;
  }
  for (int32_t i = 0; i != count; ++i)
    bytes += char(first + i);
  return {{.storageClass = "ByteStorage",
           .count = number(count),
           .shape = tuple(sizes),
           .strides = tuple(strides)},
          bytes};
}

/// A state dict of one tensor "w".
inline std::string stateDict(const Tensor &tensor) {
  return program(orderedDict() + "(" + text("w") + tensor.write() + "u");
}

} // namespace strata::pickle
