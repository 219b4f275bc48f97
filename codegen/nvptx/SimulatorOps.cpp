//===- SimulatorOps.cpp - one NVVM op, one call ---------------------------===//

#include "codegen/nvptx/SimulatorBuilder.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "runtime/simulator/Intrinsics.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace strata::simulator;

namespace {

/// What an op becomes: no value (and it is erased), or one.
using Result = FailureOr<Value>;

Result unknown(Operation *op, const Twine &why) {
  op->emitError("cannot be simulated: ") << why;
  return failure();
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

Result rewriteSpecialRegister(SimulatorBuilder &b, Operation *op) {
  StringRef name = op->getName().getStringRef();
  name.consume_front("nvvm.read.ptx.sreg.");
  using Register = SpecialRegister;
  auto which = llvm::StringSwitch<std::optional<Register>>(name)
                   .Case("tid.x", Register::TidX)
                   .Case("tid.y", Register::TidY)
                   .Case("tid.z", Register::TidZ)
                   .Case("ctaid.x", Register::CtaidX)
                   .Case("ctaid.y", Register::CtaidY)
                   .Case("ctaid.z", Register::CtaidZ)
                   .Case("ntid.x", Register::NtidX)
                   .Case("ntid.y", Register::NtidY)
                   .Case("ntid.z", Register::NtidZ)
                   .Case("nctaid.x", Register::NctaidX)
                   .Case("nctaid.y", Register::NctaidY)
                   .Case("nctaid.z", Register::NctaidZ)
                   .Case("laneid", Register::LaneId)
                   .Case("warpid", Register::WarpId)
                   .Case("warpsize", Register::WarpSize)
                   .Default(std::nullopt);
  if (!which)
    return unknown(op, "this op is not modelled");
  return b.callPure("__sim_sreg", b.getI32Type(), b.i32(int64_t(*which)));
}

Result rewriteShuffle(SimulatorBuilder &b, NVVM::ShflOp op) {
  ShuffleKind kind = op.getKind() == NVVM::ShflKind::bfly   ? ShuffleKind::Xor
                     : op.getKind() == NVVM::ShflKind::up   ? ShuffleKind::Up
                     : op.getKind() == NVVM::ShflKind::down ? ShuffleKind::Down
                                                            : ShuffleKind::Index;
  Value both = b.call("__sim_shfl", b.getI64Type(),
                      {b.i32(int64_t(kind)), op.getThreadMask(), b.toBits(op.getVal()),
                       op.getOffset(), op.getMaskAndClamp()});
  Value value = b.fromBits(both, op.getVal().getType());
  if (!isa<LLVM::LLVMStructType>(op.getType()))
    return value;
  Value shift = LLVM::ConstantOp::create(b, op.getLoc(), b.getI64Type(), b.getI64IntegerAttr(32));
  Value valid = b.toBool(LLVM::LShrOp::create(b, op.getLoc(), both, shift));
  return b.pack(op.getType(), {value, valid});
}

Result rewriteVote(SimulatorBuilder &b, NVVM::VoteSyncOp op) {
  VoteKind kind = op.getKind() == NVVM::VoteSyncKind::any      ? VoteKind::Any
                  : op.getKind() == NVVM::VoteSyncKind::all    ? VoteKind::All
                  : op.getKind() == NVVM::VoteSyncKind::ballot ? VoteKind::Ballot
                                                               : VoteKind::Uniform;
  Value result = b.call("__sim_vote", b.getI32Type(),
                        {b.i32(int64_t(kind)), op.getMask(), b.toBits(op.getPred())});
  return b.fromBits(result, op.getType());
}

Result rewriteMatch(SimulatorBuilder &b, NVVM::MatchSyncOp op) {
  if (op.getKind() != NVVM::MatchSyncKind::any)
    return unknown(op, "match.all is not modelled");
  Value value = op.getVal();
  if (value.getType().isInteger(32))
    value = LLVM::ZExtOp::create(b, op.getLoc(), b.getI64Type(), value);
  return b.call("__sim_match_any", b.getI32Type(), {op.getThreadMask(), value});
}

Result rewriteRedux(SimulatorBuilder &b, NVVM::ReduxOp op) {
  auto kind = [&]() -> std::optional<ReduxKind> {
    switch (op.getKind()) {
    case NVVM::ReduxKind::ADD:
      return ReduxKind::Add;
    case NVVM::ReduxKind::AND:
      return ReduxKind::And;
    case NVVM::ReduxKind::OR:
      return ReduxKind::Or;
    case NVVM::ReduxKind::XOR:
      return ReduxKind::Xor;
    case NVVM::ReduxKind::MIN:
      return ReduxKind::SignedMin;
    case NVVM::ReduxKind::MAX:
      return ReduxKind::SignedMax;
    case NVVM::ReduxKind::UMIN:
      return ReduxKind::UnsignedMin;
    case NVVM::ReduxKind::UMAX:
      return ReduxKind::UnsignedMax;
    default:
      return std::nullopt;
    }
  }();
  if (!kind || !op.getType().isInteger(32))
    return unknown(op, "reductions of floats are not modelled");
  return b.call("__sim_redux", b.getI32Type(),
                {b.i32(int64_t(*kind)), op.getMaskAndClamp(), op.getVal()});
}

Result rewriteElect(SimulatorBuilder &b, NVVM::ElectSyncOp op) {
  Value mask = op.getMembermask() ? op.getMembermask() : b.i32(-1);
  return b.toBool(b.call("__sim_elect", b.getI32Type(), mask));
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

Result rewriteMma(SimulatorBuilder &b, NVVM::MmaOp op) {
  auto shape = op.getShape();
  if (shape.getM() != 16 || shape.getN() != 8 || shape.getK() != 16 ||
      op.getMultiplicandAPtxType() != NVVM::MMATypes::bf16 ||
      op.getMultiplicandBPtxType() != NVVM::MMATypes::bf16 ||
      !cast<LLVM::LLVMStructType>(op.getType()).getBody()[0].isF32())
    return unknown(op, "only m16n8k16 of bf16 with f32 sums is modelled");
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  Type type = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                               {i32, i32, i32, i32, i32, i32, f32, f32, f32, f32});
  Value slot = b.slot(type);
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    b.store(index < 6 ? b.toBits(operand) : operand, b.element(slot, type, index));
  b.call("__sim_mma", Type(), slot);
  SmallVector<Value> sums;
  for (int32_t index = 6; index != 10; ++index)
    sums.push_back(b.load(f32, b.element(slot, type, index)));
  return b.pack(op.getType(), sums);
}

/// ldmatrix and stmatrix know 8x8 matrices of 16-bit elements.
bool is8x8(NVVM::LdStMatrixShapeAttr shape, NVVM::LdStMatrixEltType type) {
  return shape.getM() == 8 && shape.getN() == 8 && type == NVVM::LdStMatrixEltType::B16;
}

Result rewriteLdMatrix(SimulatorBuilder &b, NVVM::LdMatrixOp op) {
  if (!is8x8(op.getShape(), op.getEltType()))
    return unknown(op, "only 8x8 matrices of 16 bits are modelled");
  Type i32 = b.getI32Type(), type = LLVM::LLVMArrayType::get(i32, 4);
  Value slot = b.slot(type);
  b.call("__sim_ldmatrix", Type(),
         {op.getPtr(), b.i32(op.getNum()), b.i32(op.getLayout() == NVVM::MMALayout::col), slot});
  if (op.getType().isInteger(32))
    return b.load(i32, slot);
  SmallVector<Value> registers;
  for (int32_t index = 0; index != int32_t(op.getNum()); ++index)
    registers.push_back(b.load(i32, b.element(slot, type, index)));
  return b.pack(op.getType(), registers);
}

Result rewriteStMatrix(SimulatorBuilder &b, NVVM::StMatrixOp op) {
  if (!is8x8(op.getShape(), op.getEltType()))
    return unknown(op, "only 8x8 matrices of 16 bits are modelled");
  Type type = LLVM::LLVMArrayType::get(b.getI32Type(), 4);
  Value slot = b.slot(type);
  for (auto [index, value] : llvm::enumerate(op.getSources()))
    b.store(value, b.element(slot, type, index));
  b.call("__sim_stmatrix", Type(),
         {op.getPtr(), b.i32(op.getSources().size()), b.i32(op.getLayout() == NVVM::MMALayout::col),
          slot});
  return Value();
}

Result rewriteWgmma(SimulatorBuilder &b, NVVM::WgmmaMmaAsyncOp op) {
  auto shape = op.getShape();
  if (shape.getM() != 64 || shape.getK() != 16 || op.getTypeA() != NVVM::WGMMATypes::bf16 ||
      op.getTypeB() != NVVM::WGMMATypes::bf16 || op.getTypeD() != NVVM::WGMMATypes::f32)
    return unknown(op, "only m64nNk16 of bf16 with f32 sums is modelled");
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  Type type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), {b.pointer(), i64, i64, i32, i32, i32, i32, i32, i32});
  Value sums = b.slot(op.getInouts().getType()), slot = b.slot(type);
  b.store(op.getInouts(), sums);
  Value fields[] = {sums,
                    op.getDescriptorA(),
                    op.getDescriptorB(),
                    b.i32(shape.getN()),
                    b.i32(op.getScaleD() == NVVM::WGMMAScaleOut::one),
                    b.i32(op.getScaleA() == NVVM::WGMMAScaleIn::neg),
                    b.i32(op.getScaleB() == NVVM::WGMMAScaleIn::neg),
                    b.i32(op.getLayoutA() == NVVM::MMALayout::col),
                    b.i32(op.getLayoutB() == NVVM::MMALayout::row)};
  for (auto [index, field] : llvm::enumerate(fields))
    b.store(field, b.element(slot, type, index));
  b.call("__sim_wgmma", Type(), slot);
  return b.load(op.getInouts().getType(), sums);
}

//===----------------------------------------------------------------------===//
// Barriers and copies
//===----------------------------------------------------------------------===//

Result rewriteBarrier(SimulatorBuilder &b, NVVM::BarrierOp op) {
  if (op.getReductionOp())
    return unknown(op, "reductions of barriers are not modelled");
  b.call("__sim_barrier", Type(),
         {op.getBarrierId() ? op.getBarrierId() : b.i32(0),
          op.getNumberOfThreads() ? op.getNumberOfThreads() : b.i32(0)});
  return Value();
}

Result rewriteArrive(SimulatorBuilder &b, Operation *op, Value barrier, Value count, Value bytes) {
  Value token = b.call("__sim_mbarrier_arrive", b.getI64Type(),
                       {barrier, count ? count : b.i32(1), bytes ? bytes : b.i32(0)});
  return op->getNumResults() ? token : Value();
}

Result rewriteTryWait(SimulatorBuilder &b, Value barrier, Value stateOrPhase) {
  return b.toBool(
      b.call("__sim_mbarrier_try_wait", b.getI32Type(), {barrier, b.toBits(stateOrPhase)}));
}

Result rewriteCpAsync(SimulatorBuilder &b, NVVM::CpAsyncOp op) {
  Value bytes = b.i32(op.getSize());
  b.call("__sim_cp_async", Type(),
         {op.getDst(), op.getSrc(), bytes, op.getCpSize() ? op.getCpSize() : bytes});
  return Value();
}

Result rewriteTensorLoad(SimulatorBuilder &b, NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp op) {
  if (op.getMode() != NVVM::TMALoadMode::TILE || op.getMulticastMask())
    return unknown(op, "im2col and multicast are not modelled");
  Type type = LLVM::LLVMArrayType::get(b.getI32Type(), 5);
  Value slot = b.slot(type);
  for (auto [index, coordinate] : llvm::enumerate(op.getCoordinates()))
    b.store(coordinate, b.element(slot, type, index));
  b.call("__sim_tensor_load", Type(),
         {op.getDstMem(), op.getTmaDescriptor(), op.getMbar(), slot,
          b.i32(op.getCoordinates().size())});
  return Value();
}

Result rewriteBulkLoad(SimulatorBuilder &b, NVVM::CpAsyncBulkGlobalToSharedClusterOp op) {
  if (op.getMulticastMask())
    return unknown(op, "multicast is not modelled");
  b.call("__sim_bulk_load", Type(), {op.getDstMem(), op.getSrcMem(), op.getMbar(), op.getSize()});
  return Value();
}

Result rewriteProxyFence(SimulatorBuilder &b, NVVM::FenceProxyOp op) {
  if (op.getKind() != NVVM::ProxyKind::async && op.getKind() != NVVM::ProxyKind::async_shared)
    return unknown(op, "only fence.proxy.async is modelled");
  b.call("__sim_fence_proxy_async", Type(), {});
  return Value();
}

//===----------------------------------------------------------------------===//
// Intrinsics
//===----------------------------------------------------------------------===//

/// llvm.nvvm.NAME.approx.ftz.f and the like: a function of one float.
Result rewriteIntrinsic(SimulatorBuilder &b, LLVM::CallIntrinsicOp op) {
  StringRef name = op.getIntrin();
  name.consume_front("llvm.nvvm.");
  bool flush = name.contains(".ftz");
  StringRef function =
      llvm::StringSwitch<StringRef>(name.take_until([](char c) { return c == '.'; }))
          .Case("ex2", "__sim_ex2")
          .Case("lg2", "__sim_lg2")
          .Case("rcp", "__sim_rcp")
          .Case("sqrt", "__sim_sqrt")
          .Case("rsqrt", "__sim_rsqrt")
          .Case("sin", "__sim_sin")
          .Case("cos", "__sim_cos")
          .Case("tanh", "__sim_tanh")
          .Default("");
  bool known = !function.empty() && (name.contains(".approx") || name.contains(".rn"));
  if (!known || op.getArgs().size() != 1 || !op.getArgs()[0].getType().isF32())
    return unknown(op, "intrinsic " + op.getIntrin());
  if (function == "__sim_tanh")
    return b.call(function, b.getF32Type(), op.getArgs());
  return b.call(function, b.getF32Type(), {op.getArgs()[0], b.i32(flush)});
}

/// Ops that cost or save time, or order what the simulator orders anyway.
bool changesNothing(Operation *op) {
  return isa<NVVM::GriddepcontrolOp, NVVM::SetMaxRegisterOp, NVVM::PrefetchOp,
             NVVM::CpAsyncBulkPrefetchOp, NVVM::CpAsyncBulkTensorPrefetchOp,
             NVVM::FenceMbarrierInitOp, NVVM::MembarOp>(op);
}

/// Ops that are one call with their operands.
Result rewriteSimpleOp(SimulatorBuilder &b, Operation *op) {
  auto call = [&](StringRef function, ValueRange operands) -> Result {
    b.call(function, Type(), operands);
    return Value();
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](NVVM::Barrier0Op) {
        return call("__sim_barrier", {b.i32(0), b.i32(0)});
      })
      .Case([&](NVVM::BarrierArriveOp arrive) {
        Value id = arrive.getBarrierId() ? arrive.getBarrierId() : b.i32(0);
        return call("__sim_barrier_arrive", {id, arrive.getNumberOfThreads()});
      })
      .Case([&](NVVM::SyncWarpOp sync) { return call("__sim_warp_barrier", sync.getMask()); })
      .Case([&](NVVM::NanosleepOp) { return call("__sim_pause", {}); })
      .Case([&](NVVM::CpAsyncCommitGroupOp) { return call("__sim_cp_async_commit", {}); })
      .Case([&](NVVM::CpAsyncWaitGroupOp wait) {
        return call("__sim_cp_async_wait", b.i32(wait.getN()));
      })
      .Case([&](NVVM::MBarrierInitOp init) {
        return call("__sim_mbarrier_init", {init.getAddr(), init.getCount()});
      })
      .Case([&](NVVM::MBarrierInvalOp inval) {
        return call("__sim_mbarrier_invalidate", inval.getAddr());
      })
      .Case([&](NVVM::MBarrierExpectTxOp expect) {
        return call("__sim_mbarrier_expect", {expect.getAddr(), expect.getTxcount()});
      })
      .Case([&](NVVM::MBarrierTryWaitParityOp wait) {
        return call("__sim_mbarrier_wait", {wait.getAddr(), wait.getPhase()});
      })
      .Case([&](NVVM::WgmmaFenceAlignedOp) { return call("__sim_wgmma_fence", {}); })
      .Case([&](NVVM::WgmmaGroupSyncAlignedOp) { return call("__sim_wgmma_commit", {}); })
      .Case([&](NVVM::WgmmaWaitGroupSyncOp wait) {
        return call("__sim_wgmma_wait", b.i32(wait.getGroup()));
      })
      .Case([&](NVVM::RcpApproxFtzF32Op rcp) {
        return b.call("__sim_rcp", b.getF32Type(), {rcp.getArg(), b.i32(1)});
      })
      .Default([&](Operation *) { return unknown(op, "this op is not modelled"); });
}

Result rewriteToValue(SimulatorBuilder &b, Operation *op) {
  if (changesNothing(op))
    return Value();
  if (op->getName().getStringRef().starts_with("nvvm.read.ptx.sreg."))
    return rewriteSpecialRegister(b, op);
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](LLVM::CallIntrinsicOp o) { return rewriteIntrinsic(b, o); })
      .Case([&](NVVM::ShflOp o) { return rewriteShuffle(b, o); })
      .Case([&](NVVM::VoteSyncOp o) { return rewriteVote(b, o); })
      .Case([&](NVVM::MatchSyncOp o) { return rewriteMatch(b, o); })
      .Case([&](NVVM::ReduxOp o) { return rewriteRedux(b, o); })
      .Case([&](NVVM::ElectSyncOp o) { return rewriteElect(b, o); })
      .Case([&](NVVM::MmaOp o) { return rewriteMma(b, o); })
      .Case([&](NVVM::LdMatrixOp o) { return rewriteLdMatrix(b, o); })
      .Case([&](NVVM::StMatrixOp o) { return rewriteStMatrix(b, o); })
      .Case([&](NVVM::WgmmaMmaAsyncOp o) { return rewriteWgmma(b, o); })
      .Case([&](NVVM::BarrierOp o) { return rewriteBarrier(b, o); })
      .Case([&](NVVM::CpAsyncOp o) { return rewriteCpAsync(b, o); })
      .Case([&](NVVM::FenceProxyOp o) { return rewriteProxyFence(b, o); })
      .Case(
          [&](NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp o) { return rewriteTensorLoad(b, o); })
      .Case([&](NVVM::CpAsyncBulkGlobalToSharedClusterOp o) { return rewriteBulkLoad(b, o); })
      .Case([&](NVVM::MBarrierArriveOp o) {
        return rewriteArrive(b, o, o.getAddr(), o.getCount(), Value());
      })
      .Case([&](NVVM::MBarrierArriveExpectTxOp o) {
        return rewriteArrive(b, o, o.getAddr(), Value(), o.getTxcount());
      })
      .Case([&](NVVM::MBarrierTryWaitOp o) {
        return rewriteTryWait(b, o.getAddr(), o.getStateOrPhase());
      })
      .Case([&](NVVM::MBarrierTestWaitOp o) {
        return rewriteTryWait(b, o.getAddr(), o.getStateOrPhase());
      })
      .Default([&](Operation *o) { return rewriteSimpleOp(b, o); });
}

/// The operand that says whether an op happens at all; null if it always does.
Value predicateOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<NVVM::MBarrierInitOp, NVVM::MBarrierArriveExpectTxOp,
            NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(
          [](auto predicated) { return predicated.getPredicate(); })
      .Default([](Operation *) { return Value(); });
}

/// Moves `op` into a block of its own that is entered if `predicate` holds.
void branchAround(Operation *op, Value predicate) {
  Block *before = op->getBlock(), *inside = before->splitBlock(op);
  Block *after = inside->splitBlock(op->getNextNode());
  auto builder = OpBuilder::atBlockEnd(before);
  LLVM::CondBrOp::create(builder, op->getLoc(), predicate, inside, after);
  builder.setInsertionPointToEnd(inside);
  LLVM::BrOp::create(builder, op->getLoc(), ValueRange(), after);
}

} // namespace

LogicalResult strata::simulator::rewriteNvvmOp(SimulatorBuilder &builder, Operation *op) {
  if (Value predicate = predicateOf(op)) {
    if (op->getNumResults()) {
      op->emitError("cannot be simulated: a predicated op with a result");
      return failure();
    }
    branchAround(op, predicate);
  }
  builder.startAt(op);
  Result result = rewriteToValue(builder, op);
  if (failed(result))
    return failure();
  if (*result && op->getNumResults())
    op->getResult(0).replaceAllUsesWith(*result);
  op->erase();
  return success();
}
