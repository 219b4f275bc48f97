//===- CodeUnits.cpp - what of a module is compiled by itself -------------===//

#include "codegen/cpu/CodeUnits.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;
using namespace strata::cpu;

using Definitions = SmallVector<const GlobalValue *>;

/// Calls `note` for each internal definition that `from` names, also inside of constants.
static void forEachInternal(const Function &from, function_ref<void(const GlobalValue &)> note) {
  SmallPtrSet<const Constant *, 16> seen;
  SmallVector<const Value *> open;
  for (const BasicBlock &block : from)
    for (const Instruction &instruction : block)
      llvm::append_range(open, instruction.operand_values());
  while (!open.empty()) {
    auto *constant = dyn_cast<Constant>(open.pop_back_val());
    if (!constant || !seen.insert(constant).second)
      continue;
    auto *global = dyn_cast<GlobalValue>(constant);
    if (global && global->hasLocalLinkage())
      note(*global);
    else if (!global)
      llvm::append_range(open, constant->operand_values());
  }
}

/// The definitions of each unit.
static SmallVector<Definitions, 0> findUnits(const Module &module) {
  EquivalenceClasses<const GlobalValue *> together;
  for (const GlobalValue &value : module.global_values())
    if (!value.isDeclaration())
      together.insert(&value);
  for (const Function &function : module)
    forEachInternal(function,
                    [&](const GlobalValue &other) { together.unionSets(&function, &other); });
  MapVector<const GlobalValue *, Definitions> units;
  for (const GlobalValue &value : module.global_values())
    if (!value.isDeclaration())
      units[together.getLeaderValue(&value)].push_back(&value);
  return llvm::map_to_vector<0>(units, [](auto &unit) { return unit.second; });
}

/// Removes what a clone only declares and does not use, and sorts what it does: the order is that
/// in which the other parts use it, too.
static void tidyDeclarations(Module &module) {
  SmallVector<Function *> declared;
  for (Function &function : make_early_inc_range(module)) {
    if (!function.isDeclaration())
      continue;
    if (function.use_empty())
      function.eraseFromParent();
    else
      declared.push_back(&function);
  }
  llvm::sort(declared, [](Function *a, Function *b) { return a->getName() < b->getName(); });
  for (Function *function : declared) {
    function->removeFromParent();
    module.getFunctionList().push_back(function);
  }
  for (GlobalVariable &global : make_early_inc_range(module.globals()))
    if (global.isDeclaration() && global.use_empty())
      global.eraseFromParent();
}

static bool usesTiles(const Module &unit) {
  return llvm::any_of(unit, [](const Function &function) {
    return function.isIntrinsic() && (function.getName().starts_with("llvm.x86.tile") ||
                                      function.getName().starts_with("llvm.x86.tdp"));
  });
}

std::vector<CodeUnit> strata::cpu::splitIntoUnits(const Module &module) {
  std::vector<CodeUnit> units;
  for (const Definitions &definitions : findUnits(module)) {
    SmallPtrSet<const GlobalValue *, 8> inside(definitions.begin(), definitions.end());
    ValueToValueMapTy map;
    std::unique_ptr<Module> part =
        CloneModule(module, map, [&](const GlobalValue *value) { return inside.contains(value); });
    tidyDeclarations(*part);
    part->setModuleIdentifier("");
    part->setSourceFileName("");
    CodeUnit &unit = units.emplace_back();
    unit.usesTiles = usesTiles(*part);
    raw_string_ostream os(unit.bitcode);
    WriteBitcodeToFile(*part, os);
  }
  return units;
}
