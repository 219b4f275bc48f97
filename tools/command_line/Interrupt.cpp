//===- Interrupt.cpp - what signals do ------------------------------------===//

#include "tools/command_line/Interrupt.h"

#include <atomic>
#include <csignal>
#include <unistd.h>

namespace strata {
namespace {

// Signal handlers know nothing but globals.
volatile sig_atomic_t interruptible = 0;
volatile sig_atomic_t asked = 0;
volatile sig_atomic_t removes = 0;
char removed[4096];

void onInterrupt(int) {
  if (!interruptible || asked) {
    if (removes)
      unlink(removed);
    _exit(130);
  }
  asked = 1;
}

void onLostPages(int) {
  constexpr char message[] = "error: a file that is in use was shortened, or cannot be read\n";
  [[maybe_unused]] ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
  _exit(1);
}

} // namespace

Interruptible::Interruptible() {
  asked = 0;
  interruptible = 1;
}

Interruptible::~Interruptible() { interruptible = 0; }

bool Interruptible::stopAsked() const { return asked; }

void removeOnInterrupt(const std::string &path) {
  removes = 0;
  if (path.empty() || path.size() >= sizeof removed)
    return;
  path.copy(removed, path.size());
  removed[path.size()] = '\0';
  std::atomic_signal_fence(std::memory_order_release);
  removes = 1;
}

void installSignalHandlers() {
  struct sigaction action = {};
  action.sa_handler = onInterrupt;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  action.sa_handler = onLostPages;
  sigaction(SIGBUS, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

} // namespace strata
