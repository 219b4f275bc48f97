//===- Wgmma.cpp - mbarriers, TMA and wgmma -------------------------------===//

#include "codegen/nvptx/Wgmma.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace strata;
using namespace strata::nvptx;

//===----------------------------------------------------------------------===//
// mbarriers and TMA
//===----------------------------------------------------------------------===//

MemoryBarriers::MemoryBarriers(KernelBuilder &b, int64_t count, int64_t byteOffset)
    : b(b), memory(b.shared(b.getI64Type(), {count}, byteOffset)) {}

void MemoryBarriers::initialize(int64_t first, int64_t count, int64_t arrivals) {
  for (int64_t i = first; i != first + count; ++i)
    NVVM::MBarrierInitOp::create(b, pointer(b.index(i)), b.i32(arrivals), Value());
  NVVM::FenceMbarrierInitOp::create(b);
}

void MemoryBarriers::arrive(Value at) {
  NVVM::MBarrierArriveOp::create(b, b.getI64Type(), pointer(at), Value());
}

void MemoryBarriers::arriveExpecting(Value at, int64_t bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(b, Type(), pointer(at), b.i32(bytes),
                                         NVVM::MemScopeKind::CTA, /*relaxed=*/false, Value());
}

void MemoryBarriers::wait(Value at, Value parity) {
  Value barrier = pointer(at), yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
  auto loop = scf::WhileOp::create(b, TypeRange(), ValueRange());
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&loop.getBefore());
  Value done = NVVM::MBarrierTryWaitOp::create(b, b.getI1Type(), barrier, parity, Value());
  scf::ConditionOp::create(b, arith::XOrIOp::create(b, done, yes), ValueRange());
  b.createBlock(&loop.getAfter());
  scf::YieldOp::create(b);
}

void strata::nvptx::copyBox(KernelBuilder &b, Value map, Value row, Value column, Value target,
                            ValueRange at, Value barrier) {
  auto i32 = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  };
  auto cluster = LLVM::LLVMPointerType::get(b.getContext(), kClusterSpace);
  Value to = LLVM::AddrSpaceCastOp::create(b, cluster, b.pointer(target, at));
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, to, map, ValueRange{i32(column), i32(row)}, barrier, ValueRange(), Value(), Value(),
      NVVM::TMALoadMode::TILE, /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), Value());
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

Value strata::nvptx::matrixDescriptor(KernelBuilder &b, Value memory, ValueRange at) {
  // Swizzle of 128 bytes; 8 rows to the next 8; the leading offset is not used.
  constexpr uint64_t layout = uint64_t(1) << 62 | uint64_t(kSwizzleBytes >> 4) << 32 | 1 << 16;
  auto i64 = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(int64_t(value)));
  };
  Value address = arith::IndexCastOp::create(b, b.getI64Type(), b.address(memory, at));
  Value units = arith::ShRUIOp::create(b, b.both(address, i64(0x3ffff)), i64(4));
  return arith::OrIOp::create(b, units, i64(layout));
}

Value strata::nvptx::undefinedSums(KernelBuilder &b, int64_t columns) {
  SmallVector<Type> members(columns / 2, b.getF32Type());
  return LLVM::UndefOp::create(b, LLVM::LLVMStructType::getLiteral(b.getContext(), members));
}

Value strata::nvptx::sumAt(KernelBuilder &b, Value sums, int64_t index) {
  return LLVM::ExtractValueOp::create(b, sums, index);
}

static Value multiplyPiece(KernelBuilder &b, Value sums, Value rows, Value columns, bool keep) {
  int64_t n = 2 * cast<LLVM::LLVMStructType>(sums.getType()).getBody().size();
  using Types = NVVM::WGMMATypes;
  return NVVM::WgmmaMmaAsyncOp::create(
      b, sums.getType(), sums, rows, columns, NVVM::MMAShapeAttr::get(b.getContext(), 64, n, 16),
      Types::bf16, Types::bf16, Types::f32,
      keep ? NVVM::WGMMAScaleOut::one : NVVM::WGMMAScaleOut::zero, NVVM::WGMMAScaleIn::one,
      NVVM::WGMMAScaleIn::one, NVVM::MMALayout::row, NVVM::MMALayout::col,
      NVVM::MMAIntOverflowAttr());
}

Value strata::nvptx::multiplyRows(KernelBuilder &b, Value sums, Value rows, Value columns,
                                  bool keep) {
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t k = 0; k != kSwizzledFeatures / 16; ++k) {
    // 16 features further: 32 bytes, in units of 16.
    Value step = arith::ConstantOp::create(b, b.getI64IntegerAttr(2 * k));
    sums = multiplyPiece(b, sums, arith::AddIOp::create(b, rows, step),
                         arith::AddIOp::create(b, columns, step), keep || k);
  }
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
  return sums;
}

void strata::nvptx::waitWgmma(KernelBuilder &b, int64_t batches) {
  NVVM::WgmmaWaitGroupSyncOp::create(b, batches);
}
