//===- Chip.cpp -----------------------------------------------------------===//

#include "codegen/nvptx/Chip.h"

#include "llvm/ADT/StringExtras.h"

using namespace strata;
using namespace strata::nvptx;

llvm::ArrayRef<Chip> strata::nvptx::chips() {
  static constexpr Chip all[] = {
      {"sm_80", Generation::Sm80, false},
      {"sm_90a", Generation::Sm90, false},
      {"sim", Generation::Sm80, true},
      {"sim_90a", Generation::Sm90, true},
  };
  return all;
}

std::string strata::nvptx::chipNames() {
  return llvm::join(llvm::map_range(chips(), [](const Chip &chip) { return chip.name; }), ", ");
}

const Chip *strata::nvptx::findChip(llvm::StringRef name) {
  auto found = llvm::find_if(chips(), [&](const Chip &chip) { return chip.name == name; });
  return found == chips().end() ? nullptr : found;
}

const Chip &strata::nvptx::realChip(Generation generation) {
  return *llvm::find_if(
      chips(), [&](const Chip &chip) { return chip.generation == generation && !chip.simulated; });
}
