//===- HeaderHash.cpp - tells whether a checkpoint's file is the same -----===//
#include "runtime/package/HeaderHash.h"

#define XXH_STATIC_LINKING_ONLY // XXH3_state_t on the stack
#include <xxhash.h>

namespace strata {

HeaderHash hashHeader(std::span<const std::span<const std::byte>> parts) {
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (std::span<const std::byte> part : parts)
    XXH3_128bits_update(&state, part.data(), part.size());
  const XXH128_hash_t digest = XXH3_128bits_digest(&state);
  return {digest.low64, digest.high64};
}

} // namespace strata
