//===- CodeObject.h - machine code of a package, loaded ---------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/cpu/Kernel.h"

#include <cstddef>
#include <span>
#include <string>

namespace strata::cpu {

/// An ELF shared object, loaded from memory; unloaded with the last move's destructor, after which
/// its functions must not be called. Safe to share between threads.
class CodeObject {
public:
  /// Copies `elf` to an anonymous file and hands it to the dynamic loader. `target` names it in
  /// errors. The loader believes what it is given: the package must have been verified.
  static absl::StatusOr<CodeObject> load(std::string target, std::span<const std::byte> elf);
  CodeObject(CodeObject &&other) noexcept;
  CodeObject &operator=(CodeObject &&other) noexcept;
  ~CodeObject();

  /// The function of that name; fails if the object does not define it.
  absl::StatusOr<KernelFunction> function(const std::string &symbol) const;
  const std::string &target() const { return name; }

private:
  CodeObject(std::string target, int file) : name(std::move(target)), file(file) {}

  std::string name;
  // Open as long as the library is loaded: the loader knows libraries by path, and the path of a
  // second one (/proc/self/fd/N) must not be that of the first.
  int file = -1;
  void *library = nullptr;
};

} // namespace strata::cpu
