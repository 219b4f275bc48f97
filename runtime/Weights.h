//===- Weights.h - the bytes of every parameter -----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/Package.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace strata {

/// Where each parameter of a package lies in memory, in the package's order, row-major and in the
/// package's dtype; 2-byte aligned at least. Shares ownership of what it points into, except for
/// weights embedded in the package, which must outlive it. Immutable; safe to share.
class Weights {
public:
  using Parameters = std::vector<std::span<const std::byte>>;

  /// Maps what the package names: files of its checkpoint, found in its weights_dir or, if that
  /// folder is gone, beside the package; and its own section "weights". A file that is not the one
  /// the package was compiled from is refused, and so is a parameter bound to nothing.
  static absl::StatusOr<Weights> fromPackage(const Package &package);

  /// Normally distributed values (deviation 0.02) in memory of our own; the same for the same seed.
  /// For measuring speed: nothing else is random about them than what a kernel could notice. With
  /// `shared`, parameters of a type begin at the same address: as good where they are copied to a
  /// device, and all of them need no more memory than the largest.
  static absl::StatusOr<Weights> random(const Package &package, uint64_t seed, bool shared = false);

  /// `owner` keeps alive what the parameters point into.
  Weights(Parameters parameters, std::shared_ptr<const void> owner)
      : spans(std::move(parameters)), owner(std::move(owner)) {}

  const Parameters &parameters() const { return spans; }
  uint64_t bytes() const;

private:
  Parameters spans;
  std::shared_ptr<const void> owner;
};

} // namespace strata
