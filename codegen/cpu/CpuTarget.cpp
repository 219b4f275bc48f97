//===- CpuTarget.cpp - the target cpu: x86-64 -----------------------------===//

#include "codegen/cpu/CpuTarget.h"

#include "codegen/VerifyOps.h"
#include "codegen/cpu/CpuPasses.h"
#include "codegen/cpu/EmitObject.h"
#include "codegen/cpu/OpKernels.h"
#include "codegen/cpu/ProductStrategy.h"
#include "runtime/cpu/CpuFeatures.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;
using namespace strata::cpu;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Keys lie in the cache as whole pairs of features.
constexpr int64_t kPair = 2;

static LogicalResult verifyPages(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<KVCacheType>(type); cache && cache.getPageTokens() % 64)
      return op->emitOpError() << "page_tokens is " << cache.getPageTokens()
                               << "; the cpu target needs a multiple of 64";
  return success();
}

static LogicalResult verifyProduct(Operation *op) {
  auto product = dyn_cast<ProductOpInterface>(op);
  if (!product || findStrategy(describeOperands(product)))
    return success();
  return op->emitOpError("has weights and an input that the cpu target cannot multiply; it takes "
                         "weights that are not quantized with an input that is not rounded, or "
                         "weights that are all quantized with round(i8, group = 32)");
}

/// Whole numbers are multiplied with whole numbers.
RoundingAttr CpuTarget::inputRounding(ProductOpInterface op) const {
  if (!llvm::all_of(op.getWeights(), isInBlocks))
    return {};
  Builder builder(op.getContext());
  return RoundingAttr::get(op.getContext(), builder.getI8Type(), kRoundingGroup);
}

int64_t CpuTarget::workspaceBytes(Operation *op) const {
  auto product = dyn_cast<ProductOpInterface>(op);
  if (!product)
    return 0;
  const ProductStrategy *strategy = findStrategy(describeOperands(product));
  return strategy ? strategy->workspaceBytes(columnsOf(product.getInput())) : 0;
}

namespace {
class CpuGenerator : public KernelGenerator {
public:
  CpuGenerator(const CpuTarget &target, const Level &level) : target(target), level(level) {}

  FailureOr<KernelSpec> describe(Operation *op) override;

  std::string symbolOf(StringRef kernel, const PhaseSpec &phase) const override {
    return (kernel + "." + phase.name).str();
  }

  ModuleOp createModule(OpBuilder &builder, Location loc) override {
    return ModuleOp::create(builder, loc, level.moduleName);
  }

  void emitFunction(ModuleOp bodies, StringAttr symbol, const PhaseSpec &phase,
                    ArrayRef<BufferRef> buffers, Location loc) override;

private:
  const CpuTarget &target;
  const Level &level;
};
} // namespace

FailureOr<KernelSpec> CpuGenerator::describe(Operation *op) {
  if (failed(verifyPlanned(op, target.workspaceBytes(op), "cpu")) ||
      failed(verifyHeadDim(op, kPair, "cpu")) || failed(verifyPages(op)) ||
      failed(verifyProduct(op)))
    return failure();
  return llvm::TypeSwitch<Operation *, FailureOr<KernelSpec>>(op)
      .Case([&](ProductOpInterface op) { return describeProduct(op, level); })
      .Case([&](AttentionOp op) { return describeAttention(op, level); })
      .Case([](RotaryTableOp op) { return describeRotaryTable(op); })
      .Case([](EmbeddingOp op) { return describeEmbedding(op); })
      .Case([](LayerNormOp op) { return describeLayerNorm(op); })
      .Case([](RopeOp op) { return describeRope(op); })
      .Case([](CacheAppendOp op) { return describeCacheAppend(op); })
      .Case([](ActivationOp op) { return describeActivation(op); })
      .Case([](AddOp op) { return describeAdd(op); })
      .Default([](Operation *op) -> FailureOr<KernelSpec> {
        return op->emitOpError("the cpu target has no kernel for this op");
      });
}

/// func @name(buffers: memref<1xi8>..., tokens, output_rows, page_table_stride, layer, begin, end:
/// index), with its body from `phase`.
void CpuGenerator::emitFunction(ModuleOp bodies, StringAttr symbol, const PhaseSpec &phase,
                                ArrayRef<BufferRef> buffers, Location loc) {
  auto builder = OpBuilder::atBlockEnd(bodies.getBody());
  Type buffer = MemRefType::get({1}, builder.getI8Type());
  SmallVector<Type> inputs(buffers.size(), buffer);
  inputs.append(6, builder.getIndexType());
  auto function = func::FuncOp::create(builder, loc, symbol, builder.getFunctionType(inputs, {}));
  // The plan gives every buffer a place of its own while the kernel runs.
  for (unsigned i = 0; i != buffers.size(); ++i)
    KernelBuilder::markNoAlias(function, i);
  Block *body = function.addEntryBlock();
  KernelBuilder kernel(function, body, level);
  auto scalars = body->getArguments().drop_front(buffers.size());
  KernelArguments args{Values(body->getArguments().take_front(buffers.size())),
                       scalars[0],
                       scalars[1],
                       scalars[2],
                       scalars[3],
                       scalars[4],
                       scalars[5]};
  args.kernel = symbol.getValue().drop_back(phase.name.size() + 1);
  phase.emit(kernel, args);
  func::ReturnOp::create(kernel);
}

std::unique_ptr<KernelGenerator> CpuTarget::generatorFor(StringRef machine) const {
  const Level *level = machine.empty() ? &levels().front() : findLevel(machine);
  return level ? std::make_unique<CpuGenerator>(*this, *level) : nullptr;
}

void CpuTarget::registerDialects(DialectRegistry &registry) const {
  KernelBuilder::registerDialects(registry);
}

//===----------------------------------------------------------------------===//
// Lowering and code
//===----------------------------------------------------------------------===//

void CpuTarget::buildLowering(OpPassManager &bodies) const { buildLowerCpuKernelsPipeline(bodies); }

llvm::Expected<std::vector<EmittedCode>> CpuTarget::emit(ArrayRef<LoweredProgram> programs) const {
  std::vector<LevelModule> modules;
  for (LoweredProgram program : programs) {
    const Level *level = findLevel(program.machines->kernels);
    modules.push_back({program.module.lookupSymbol<ModuleOp>(level->moduleName), level});
  }
  auto objects = emitSharedObjects(modules, /*mayImport=*/false);
  if (!objects)
    return objects.takeError();
  std::vector<EmittedCode> emitted;
  for (auto [input, object] : llvm::zip_equal(modules, *objects)) {
    const Level &level = *input.level;
    emitted.emplace_back().code.push_back({level.name.str(),
                                           {level.required.begin(), level.required.end()},
                                           PackageCode::Format::Elf,
                                           std::move(object)});
  }
  return emitted;
}

void CpuTarget::registerPasses() const { registerCpuPassesAndPipelines(); }

//===----------------------------------------------------------------------===//
// Machines
//===----------------------------------------------------------------------===//

std::vector<std::string> CpuTarget::machines() const {
  std::vector<std::string> names;
  for (const Level &level : levels())
    names.push_back(level.name.str());
  return names;
}

Target::Option CpuTarget::machineOption() const {
  return {"cpu", "LEVELS",
          "native, or some of " + llvm::join(machines(), ", ") +
              "; default: all of them. x86-64-v4-amx-emulated, for tests, is the first without its "
              "instructions for tiles"};
}

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

llvm::Expected<std::string> CpuTarget::findMachine(StringRef name) const {
  if (findLevel(name))
    return name.str();
  if (name != "native")
    return error("expected native or one of " + llvm::join(machines(), ", ") + ", found \"" + name +
                 "\"");
  auto features = CpuFeatures::detect();
  for (const Level &level : levels())
    if (features.missing({level.required.begin(), level.required.end()}).empty())
      return level.name.str();
  return error("this CPU has none of the levels " + llvm::join(machines(), ", "));
}

std::vector<MachineClass> CpuTarget::classify(ArrayRef<std::string> machines) const {
  std::vector<MachineClass> classes;
  for (const Level &level : levels())
    if (machines.empty() || llvm::is_contained(machines, level.name.str()))
      classes.push_back({level.name.str(), {level.name.str()}});
  for (const std::string &name : machines) // none of the real ones
    if (llvm::none_of(levels(), [&](const Level &level) { return level.name == name; }))
      classes.push_back({name, {name}});
  return classes;
}
