//===- Interrupt.h - what signals do ----------------------------*- C++ -*-===//
#pragma once

#include <string>

namespace strata {

/// While one of these lives, the first Ctrl-C only asks to stop; the next ends the program with
/// status 130, as every Ctrl-C does outside. One at a time, in the main thread.
class Interruptible {
public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible &) = delete;
  Interruptible &operator=(const Interruptible &) = delete;

  bool stopAsked() const;
};

/// A Ctrl-C that ends the program removes this file first; none, if `path` is empty. One at a time.
void removeOnInterrupt(const std::string &path);

/// Makes Ctrl-C behave as described, writing to a closed pipe or beyond the largest file allowed an
/// error instead of a signal, and the loss of a mapped file's pages (somebody shortened it) a
/// message and status 1.
void installSignalHandlers();

} // namespace strata
