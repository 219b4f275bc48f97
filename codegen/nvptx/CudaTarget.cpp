//===- CudaTarget.cpp - the target cuda: NVIDIA's GPUs --------------------===//

#include "codegen/nvptx/CudaTarget.h"

#include "codegen/LinearSpec.h"
#include "codegen/RunAll.h"
#include "codegen/VerifyOps.h"
#include "codegen/nvptx/Auxiliary.h"
#include "codegen/nvptx/CudaPasses.h"
#include "codegen/nvptx/EmitCuda.h"
#include "codegen/nvptx/OpKernels.h"
#include "codegen/nvptx/PtxasReport.h"
#include "codegen/nvptx/SimulatorRewrite.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

//===----------------------------------------------------------------------===//
// What kernels ask of ops
//===----------------------------------------------------------------------===//

/// Heads of the cache are copied and loaded 16 bytes at a time.
constexpr int64_t kLoadedTogether = 8;

static LogicalResult verifyPages(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<KVCacheType>(type); cache && cache.getPageTokens() != 64)
      return op->emitOpError() << "page_tokens is " << cache.getPageTokens()
                               << "; the cuda target needs 64";
  return success();
}

/// Weights in blocks, of any formats, are multiplied with the input as it is.
static LogicalResult verifyBlocks(ProductOpInterface op) {
  for (Value weight : op.getWeights())
    if (!isInBlocks(weight))
      return op->emitOpError("has weights in blocks and others; the cuda target needs one kind");
  if (op.getRoundingAttr())
    return op->emitOpError("rounds its input; the cuda target multiplies weights in blocks with "
                           "one that is not rounded");
  return success();
}

/// The weights of a product are all in blocks, or have rows of one stride and are of one type, bf16
/// or f16, which splits into two bf16 for the tensor cores.
static LogicalResult verifyWeights(Operation *op) {
  auto product = dyn_cast<ProductOpInterface>(op);
  if (!product)
    return success();
  if (llvm::any_of(product.getWeights(), isInBlocks))
    return verifyBlocks(product);
  Type first;
  int64_t firstElements = 0;
  for (Value weight : product.getWeights()) {
    Type element = cast<ShapedType>(weight.getType()).getElementType();
    first = first ? first : element;
    if (QuantizedAttr quantized = getQuantized(weight))
      return op->emitOpError() << "has weights of "
                               << stringifyQuantizedFormat(quantized.getFormat())
                               << "; only the cpu target takes them";
    if (element.isF32())
      return op->emitOpError("has weights of f32; the cuda target needs bf16 or f16");
    if (element != first)
      return op->emitOpError() << "has weights of " << first << " and " << element
                               << "; the cuda target needs one type";
    int64_t elements = rowElements(getBox(weight), columnsOf(weight));
    firstElements = firstElements ? firstElements : elements;
    if (elements != firstElements)
      return op->emitOpError() << "has weights whose rows are " << firstElements << " and "
                               << elements << " elements apart; the cuda target needs one stride";
  }
  return success();
}

int64_t CudaTarget::workspaceBytes(Operation *op) const {
  if (auto product = dyn_cast<ProductOpInterface>(op)) { // the normalized or gathered input
    bool prepares = product.getGamma() || product.getAxis() == Axis::Outputs;
    return prepares ? 2 * columnsOf(product.getInput()) : 0;
  }
  auto attention = dyn_cast<AttentionOp>(op);
  if (!attention)
    return 0;
  // Partial results: of up to kSplitRows tokens in many parts, or of any number in fewer. The arena
  // always holds whole multiples of kArenaTokenMultiple tokens.
  static_assert(kSplitRows * kContextSplits <= kArenaTokenMultiple * kSequenceSplits);
  int64_t headDim = attention.getCache().getType().getHeadDim();
  int64_t heads = columnsOf(attention.getQuery()) / headDim;
  return heads * kSequenceSplits * (headDim + 2) * 4;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

namespace {
class CudaGenerator : public KernelGenerator {
public:
  CudaGenerator(const CudaTarget &target, ChipFamily family) : target(target), family(family) {}

  FailureOr<KernelSpec> describe(Operation *op) override;

  // A point is no part of a name in PTX.
  std::string symbolOf(StringRef kernel, const PhaseSpec &phase) const override {
    return (kernel + "_" + phase.name).str();
  }

  ModuleOp createModule(OpBuilder &builder, Location loc) override;
  void emitFunction(ModuleOp bodies, StringAttr symbol, const PhaseSpec &phase,
                    ArrayRef<BufferRef> buffers, Location loc) override;
  void finish(ModuleOp bodies) override { emitAuxiliaryKernels(bodies, vocabulary); }

private:
  const CudaTarget &target;
  const ChipFamily family;
  std::optional<int64_t> vocabulary; // of the logits, if there are any
};
} // namespace

FailureOr<KernelSpec> CudaGenerator::describe(Operation *op) {
  if (failed(verifyPlanned(op, target.workspaceBytes(op), "cuda")) || failed(verifyWeights(op)) ||
      failed(verifyHeadDim(op, kLoadedTogether, "cuda")) || failed(verifyPages(op)))
    return failure();
  auto product = dyn_cast<ProductOpInterface>(op);
  if (product && product.getAxis() == Axis::Outputs)
    vocabulary = rowsOf(product.getWeights().front());
  return llvm::TypeSwitch<Operation *, FailureOr<KernelSpec>>(op)
      .Case([&](ProductOpInterface op) { return describeProduct(op, family); })
      .Case([](AttentionOp op) { return describeAttention(op); })
      .Case([](RotaryTableOp op) { return describeRotaryTable(op); })
      .Case([](EmbeddingOp op) { return describeEmbedding(op); })
      .Case([](LayerNormOp op) { return describeLayerNorm(op); })
      .Case([](RopeOp op) { return describeRope(op); })
      .Case([](CacheAppendOp op) { return describeCacheAppend(op); })
      .Case([](ActivationOp op) { return describeActivation(op); })
      .Case([](AddOp op) { return describeAdd(op); })
      .Default([](Operation *op) -> FailureOr<KernelSpec> {
        return op->emitOpError("the cuda target has no kernel for this op");
      });
}

static MemRefType bytesIn(MLIRContext *context, unsigned space) {
  Builder builder(context);
  return MemRefType::get({1}, builder.getI8Type(), MemRefLayoutAttrInterface(),
                         builder.getI64IntegerAttr(space));
}

/// Weights are never written while a kernel runs, so their loads may take the read-only path. Other
/// buffers stay without promises.
static void markWeights(func::FuncOp function, ArrayRef<BufferRef> buffers) {
  for (auto [i, buffer] : llvm::enumerate(buffers))
    if (buffer.value && buffer.value.getDefiningOp<ParameterOp>())
      KernelBuilder::markReadOnly(function, i);
}

ModuleOp CudaGenerator::createModule(OpBuilder &builder, Location loc) {
  auto bodies = ModuleOp::create(builder, loc, kCudaModuleName);
  auto inside = OpBuilder::atBlockEnd(bodies.getBody());
  memref::GlobalOp::create(inside, loc, kSharedName, inside.getStringAttr("private"),
                           bytesIn(inside.getContext(), kSharedSpace), Attribute(),
                           /*constant=*/false, inside.getI64IntegerAttr(1024));
  return bodies;
}

/// func @name(buffers: memref<1xi8, 1>..., tokens, output_rows, page_table_stride, layer: i32,
/// tensor maps: !llvm.ptr...).
void CudaGenerator::emitFunction(ModuleOp bodies, StringAttr symbol, const PhaseSpec &phase,
                                 ArrayRef<BufferRef> buffers, Location loc) {
  auto builder = OpBuilder::atBlockEnd(bodies.getBody());
  SmallVector<Type> inputs(buffers.size(), bytesIn(builder.getContext(), kGlobalSpace));
  inputs.append(4, builder.getI32Type());
  unsigned firstMap = inputs.size();
  inputs.append(phase.block.maps.size(), LLVM::LLVMPointerType::get(builder.getContext()));
  auto function = func::FuncOp::create(builder, loc, symbol, builder.getFunctionType(inputs, {}));
  markWeights(function, buffers);
  for (unsigned i = firstMap; i != inputs.size(); ++i)
    KernelBuilder::markTensorMap(function, i);
  Block *body = function.addEntryBlock();
  KernelBuilder kernel(function, body, phase.block.threads);
  KernelArguments args{
      Values(body->getArguments().take_front(buffers.size())), {}, {}, {}, {}, {}, {},
      Values(body->getArguments().drop_front(firstMap))};
  Value *scalars[] = {&args.tokens, &args.outputRows, &args.pageTableStride, &args.layer};
  for (auto [i, scalar] : llvm::enumerate(scalars))
    *scalar = kernel.toIndex(body->getArgument(buffers.size() + i));
  phase.emit(kernel, args);
  func::ReturnOp::create(kernel);
}

std::unique_ptr<KernelGenerator> CudaTarget::generatorFor(StringRef machine) const {
  const Chip *chip = machine.empty() ? &chips().front() : findChip(machine);
  return chip ? std::make_unique<CudaGenerator>(*this, chip->family) : nullptr;
}

void CudaTarget::registerDialects(DialectRegistry &registry) const {
  KernelBuilder::registerDialects(registry);
}

//===----------------------------------------------------------------------===//
// Lowering and code
//===----------------------------------------------------------------------===//

void CudaTarget::buildLowering(OpPassManager &bodies) const {
  buildLowerCudaKernelsPipeline(bodies);
}

llvm::Expected<std::vector<EmittedCode>> CudaTarget::emit(ArrayRef<LoweredProgram> programs) const {
  std::vector<std::function<llvm::Expected<EmittedCode>()>> jobs;
  for (const LoweredProgram &program : programs)
    jobs.push_back([&program] {
      ModuleOp module = program.module;
      return emitCuda(module.lookupSymbol<ModuleOp>(kCudaModuleName), *program.machines);
    });
  return runAll<EmittedCode>(jobs);
}

void CudaTarget::registerPasses() const {
  registerCudaPassesAndPipelines();
  registerSimulatorPasses();
}

std::vector<std::string> CudaTarget::findProblems(const AssemblyReport &report) const {
  return findPtxasProblems(report);
}

ScheduleColumns CudaTarget::readSchedule(const AssemblyReport &report,
                                         ArrayRef<PhaseAttr> phases) const {
  return readPtxasReport(report, phases);
}

//===----------------------------------------------------------------------===//
// Machines
//===----------------------------------------------------------------------===//

std::vector<std::string> CudaTarget::machines() const {
  std::vector<std::string> names;
  for (const Chip &chip : chips())
    names.push_back(chip.name.str());
  return names;
}

Target::Option CudaTarget::machineOption() const {
  return {"arch", "CHIPS",
          "GPUs for --target=cuda: " + llvm::join(machines(), ", ") +
              "; sim and sim_90a are the simulated one with the kernels of sm_80 and of sm_90a; "
              "default: sm_80,sm_90a. Where ptxas is found (in PATH, in /usr/local/cuda/bin, or "
              "the path in the environment's STRATA_PTXAS; empty: none) each gets a cubin; PTX for "
              "sm_80 and later always goes with them"};
}

llvm::Expected<std::string> CudaTarget::findMachine(StringRef name) const {
  if (findChip(name))
    return name.str();
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "expected one of " +
                                                                     llvm::join(machines(), ", ") +
                                                                     ", found \"" + name + "\"");
}

/// A program for each family. That of sm_80 goes with all real chips, as PTX for others.
std::vector<MachineClass> CudaTarget::classify(ArrayRef<std::string> machines) const {
  static const std::string defaults[] = {"sm_80", "sm_90a"};
  if (machines.empty())
    machines = defaults;
  bool anyReal =
      llvm::any_of(machines, [](const std::string &m) { return !findChip(m)->simulated; });
  std::vector<MachineClass> classes;
  for (ChipFamily family : {ChipFamily::Sm80, ChipFamily::Sm90}) {
    MachineClass found{firstChip(family).name.str(), {}, family == ChipFamily::Sm80 && anyReal};
    llvm::copy_if(machines, std::back_inserter(found.machines),
                  [&](const std::string &m) { return findChip(m)->family == family; });
    if (!found.machines.empty() || found.portable)
      classes.push_back(std::move(found));
  }
  return classes;
}
