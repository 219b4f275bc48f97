//===- Flatbuffers.h - looking into verified tables -------------*- C++ -*-===//
//
// FlatBuffers leaves out what is empty. These read strings and vectors that may be absent.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>

namespace strata {

inline std::string textOf(const flatbuffers::String *string) {
  return string ? string->str() : std::string();
}

/// Lets a vector that may be absent be looped over.
template <typename T>
struct Items {
  const flatbuffers::Vector<T> *vector;
  auto begin() const { return vector ? vector->begin() : Iterator(nullptr, 0); }
  auto end() const { return vector ? vector->end() : Iterator(nullptr, 0); }
  using Iterator = typename flatbuffers::Vector<T>::const_iterator;
};
template <typename T>
Items<T> itemsOf(const flatbuffers::Vector<T> *vector) {
  return {vector};
}
template <typename T>
uint32_t count(const flatbuffers::Vector<T> *vector) {
  return vector ? vector->size() : 0;
}

} // namespace strata
