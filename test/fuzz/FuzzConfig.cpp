#include "frontend/ModelConfig.h"
#include "frontend/Parameters.h"

#include <algorithm>
#include <cstdlib>

using namespace strata;

/// What is accepted is inside its limits.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const auto config = parseModelConfig({reinterpret_cast<const char *>(data), size}, "config.json");
  if (!config.ok())
    return 0;
  const bool fits =
      config->layers >= 1 && config->heads >= 1 && config->kvHeads >= 1 &&
      config->heads % config->kvHeads == 0 && config->headDim >= 1 && config->rotaryDims >= 0 &&
      config->rotaryDims + config->rotaryDims % 2 <= config->headDim &&
      config->bosToken < config->vocabulary &&
      std::ranges::all_of(config->eosTokens,
                          [&](int64_t id) { return id >= 0 && id < config->vocabulary; }) &&
      config->normEps > 0 && config->ropeTheta > 0 &&
      (getParameterCount(*config) * 2).atMost(kMaxModelBytes);
  if (!fits)
    std::abort();
  return 0;
}
