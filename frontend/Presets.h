//===- Presets.h - the models known by name ---------------------*- C++ -*-===//
#pragma once

#include "frontend/ModelConfig.h"

#include <span>

namespace strata {

/// Every released model of the architecture, largest family first. Static.
std::span<const ModelConfig> getPresets();

/// The preset called `name`. Otherwise NOT_FOUND, with the nearest name and all of them.
absl::StatusOr<ModelConfig> findPreset(std::string_view name);

} // namespace strata
