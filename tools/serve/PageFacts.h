//===- PageFacts.h - what the page shows of server and model ----*- C++ -*-===//
#pragma once

#include "runtime/serving/EngineFacts.h"
#include "runtime/serving/Metrics.h"
#include "tools/serve/CompletionRequest.h"

#include <cstdint>
#include <optional>
#include <string>

namespace strata::serve {

/// What changes from step to step: counters since the server began, and what is so now.
std::string stateJson(const serving::Metrics &metrics, const serving::EngineFacts &facts,
                      const std::optional<serving::Ceilings> &ceilings);

/// What the package says of the model: its kernels with their costs, and where memory goes.
/// `pages`: of the KV cache.
std::string modelFactsJson(const ServedModel &model, const serving::EngineFacts &facts,
                           uint32_t pages, const std::optional<serving::Ceilings> &ceilings);

} // namespace strata::serve
