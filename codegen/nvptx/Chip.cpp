//===- Chip.cpp -----------------------------------------------------------===//

#include "codegen/nvptx/Chip.h"

#include "llvm/ADT/STLExtras.h"

using namespace strata;
using namespace strata::nvptx;

llvm::ArrayRef<Chip> strata::nvptx::chips() {
  static constexpr Chip all[] = {
      {"sm_80", ChipFamily::Sm80, false}, {"sm_86", ChipFamily::Sm80, false},
      {"sm_89", ChipFamily::Sm80, false}, {"sm_90a", ChipFamily::Sm90, false},
      {"sim", ChipFamily::Sm80, true},    {"sim_90a", ChipFamily::Sm90, true},
  };
  return all;
}

const Chip *strata::nvptx::findChip(llvm::StringRef name) {
  auto found = llvm::find_if(chips(), [&](const Chip &chip) { return chip.name == name; });
  return found == chips().end() ? nullptr : found;
}

const Chip &strata::nvptx::firstChip(ChipFamily family) {
  return *llvm::find_if(chips(), [&](const Chip &chip) { return chip.family == family; });
}
