//===- Weights.h - the bytes of every parameter -----------------*- C++ -*-===//
#pragma once

#include "absl/status/statusor.h"
#include "runtime/package/Package.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace strata {

/// Where each parameter of a package lies in memory, in the package's order, row-major and in the
/// package's dtype; 2-byte aligned at least. Shares ownership of what it points into, except for
/// weights embedded in the package, which must outlive it. Immutable; safe to share.
class Weights {
public:
  using Parameters = std::vector<std::span<const std::byte>>;

  /// Maps what the package names: files of its checkpoint, each found in its weights_dir or, if it
  /// is not there, beside the package or what that is a link to; and its own section "weights". A
  /// file that is not the one the package was compiled from is refused, and so is a parameter bound
  /// to nothing.
  static absl::StatusOr<Weights> fromPackage(const Package &package);

  /// Random values for measuring speed (RandomWeights.h), the same for the same seed. They are in
  /// no memory yet: parameters() tells their sizes only, until a device makes them.
  static Weights random(const Package &package, uint64_t seed);
  /// The seed of random weights that are in no memory yet.
  std::optional<uint64_t> seed() const { return toBeMade; }

  /// `owner` keeps alive what the parameters point into.
  Weights(Parameters parameters, std::shared_ptr<const void> owner)
      : spans(std::move(parameters)), owner(std::move(owner)) {}

  const Parameters &parameters() const { return spans; }
  uint64_t bytes() const;

private:
  Parameters spans;
  std::shared_ptr<const void> owner;
  std::optional<uint64_t> toBeMade;
};

} // namespace strata
