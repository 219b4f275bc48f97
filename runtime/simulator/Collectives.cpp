//===- Collectives.cpp - what the lanes of a warp do together -------------===//

#include "runtime/simulator/Block.h"

#include <algorithm>
#include <bit>

namespace strata::simulator {

bool Block::arrive(const char *operation, uint32_t mask, void *operand) {
  const Thread &self = thread();
  if (!(mask >> self.lane & 1))
    fail(format("%s: lane %u is not in its own mask 0x%x", operation, self.lane, mask));
  Meeting &meeting = warp().meetings[std::countr_zero(mask)];
  if (!meeting.arrived) {
    meeting.operation = operation;
    meeting.mask = mask;
  } else if (meeting.operation != operation || meeting.mask != mask) {
    fail(format("divergent warp: lane %u is at %s of lanes 0x%x while lanes 0x%x are at %s of 0x%x",
                self.lane, operation, mask, meeting.arrived, meeting.operation, meeting.mask));
  }
  meeting.arrived |= 1u << self.lane;
  meeting.operands[self.lane] = operand;
  if (meeting.arrived == mask)
    return true;
  wait(operation, mask);
  return false;
}

void Block::dismiss(Meeting &meeting) {
  meeting.arrived = 0;
  uint32_t firstOfWarp = thread().warp * 32;
  for (uint32_t lanes = meeting.mask & ~(1u << thread().lane); lanes; lanes &= lanes - 1)
    wake(firstOfWarp + std::countr_zero(lanes));
}

uint32_t Block::existingLanes() {
  size_t inWarp = threads.size() - thread().warp * 32;
  return inWarp >= 32 ? ~0u : (1u << inWarp) - 1;
}

namespace {

template <typename Function>
void forEachLane(uint32_t mask, Function function) {
  for (; mask; mask &= mask - 1)
    function(uint32_t(std::countr_zero(mask)));
}

struct Shuffle {
  ShuffleKind kind;
  uint32_t value, offset, maskAndClamp;
  uint32_t result = 0, valid = 0;
};

/// The lane that shfl.sync reads from, and whether it is within its segment (PTX ISA, shfl).
std::pair<uint32_t, bool> sourceLane(const Shuffle &shuffle, uint32_t lane) {
  uint32_t clamp = shuffle.maskAndClamp & 31, segment = shuffle.maskAndClamp >> 8 & 31;
  uint32_t offset = shuffle.offset & 31;
  int first = int(lane & segment), last = int((lane & segment) | (clamp & ~segment));
  int from = 0;
  switch (shuffle.kind) {
  case ShuffleKind::Xor:
    from = int(lane ^ offset);
    break;
  case ShuffleKind::Up:
    from = int(lane) - int(offset);
    return from >= last ? std::pair(uint32_t(from), true) : std::pair(lane, false);
  case ShuffleKind::Down:
    from = int(lane + offset);
    break;
  case ShuffleKind::Index:
    from = first | int(offset & ~segment);
    break;
  }
  return from <= last ? std::pair(uint32_t(from), true) : std::pair(lane, false);
}

uint32_t reduce(ReduxKind kind, uint32_t a, uint32_t b) {
  switch (kind) {
  case ReduxKind::Add:
    return a + b;
  case ReduxKind::And:
    return a & b;
  case ReduxKind::Or:
    return a | b;
  case ReduxKind::Xor:
    return a ^ b;
  case ReduxKind::SignedMin:
    return uint32_t(std::min(int32_t(a), int32_t(b)));
  case ReduxKind::SignedMax:
    return uint32_t(std::max(int32_t(a), int32_t(b)));
  case ReduxKind::UnsignedMin:
    return std::min(a, b);
  case ReduxKind::UnsignedMax:
    return std::max(a, b);
  }
  return 0;
}

uint32_t vote(VoteKind kind, uint32_t mask, uint32_t ballot) {
  switch (kind) {
  case VoteKind::Any:
    return ballot != 0;
  case VoteKind::All:
    return ballot == mask;
  case VoteKind::Ballot:
    return ballot;
  case VoteKind::Uniform:
    return ballot == 0 || ballot == mask;
  }
  return 0;
}

struct Value {
  uint64_t value;
  uint32_t result = 0;
};

} // namespace
} // namespace strata::simulator

using namespace strata::simulator;

uint64_t __sim_shfl(uint32_t kind, uint32_t mask, uint32_t value, uint32_t offset,
                    uint32_t maskAndClamp) {
  Block &block = Block::current();
  Shuffle own{ShuffleKind(kind), value, offset, maskAndClamp};
  block.meet("shfl.sync", mask, &own, [&](Shuffle **lanes) {
    forEachLane(mask, [&](uint32_t lane) {
      auto [from, valid] = sourceLane(*lanes[lane], lane);
      if (!(mask >> from & 1))
        block.fail(format("shfl.sync: lane %u reads lane %u, which is not in mask 0x%x", lane, from,
                          mask));
      lanes[lane]->result = lanes[from]->value;
      lanes[lane]->valid = valid;
    });
  });
  return own.result | uint64_t(own.valid) << 32;
}

uint32_t __sim_vote(uint32_t kind, uint32_t mask, uint32_t predicate) {
  Value own{predicate & 1};
  Block::current().meet("vote.sync", mask, &own, [&](Value **lanes) {
    uint32_t ballot = 0;
    forEachLane(mask, [&](uint32_t lane) { ballot |= uint32_t(lanes[lane]->value) << lane; });
    forEachLane(mask,
                [&](uint32_t lane) { lanes[lane]->result = vote(VoteKind(kind), mask, ballot); });
  });
  return own.result;
}

uint32_t __sim_match_any(uint32_t mask, uint64_t value) {
  Value own{value};
  Block::current().meet("match.any.sync", mask, &own, [&](Value **lanes) {
    forEachLane(mask, [&](uint32_t lane) {
      forEachLane(mask, [&](uint32_t other) {
        lanes[lane]->result |= uint32_t(lanes[lane]->value == lanes[other]->value) << other;
      });
    });
  });
  return own.result;
}

uint64_t __sim_match_all(uint32_t mask, uint64_t value) {
  uint32_t same = __sim_match_any(mask, value);
  return same == mask ? mask | uint64_t(1) << 32 : 0;
}

uint32_t __sim_redux(uint32_t kind, uint32_t mask, uint32_t value) {
  Value own{value};
  Block::current().meet("redux.sync", mask, &own, [&](Value **lanes) {
    uint32_t result = uint32_t(lanes[std::countr_zero(mask)]->value);
    forEachLane(mask & (mask - 1), [&](uint32_t lane) {
      result = reduce(ReduxKind(kind), result, uint32_t(lanes[lane]->value));
    });
    forEachLane(mask, [&](uint32_t lane) { lanes[lane]->result = result; });
  });
  return own.result;
}

uint32_t __sim_elect(uint32_t mask) {
  Block &block = Block::current();
  char none = 0;
  block.meet("elect.sync", mask, &none, [](char **) {});
  return block.thread().lane == uint32_t(std::countr_zero(mask));
}

void __sim_warp_barrier(uint32_t mask) {
  Block &block = Block::current();
  char none = 0;
  block.meet("bar.warp.sync", mask, &none, [&](char **) {
    if (!block.racesWanted())
      return;
    Clock all;
    uint32_t first = block.thread().warp * 32;
    forEachLane(mask, [&](uint32_t lane) { block.races.release(first + lane, all); });
    forEachLane(mask, [&](uint32_t lane) { block.races.acquire(first + lane, all); });
  });
}

uint32_t __sim_sreg(uint32_t which) {
  Block &block = Block::current();
  const Thread &thread = block.thread();
  const Dim3 *shapes[] = {&thread.id, &block.index, &block.launch.block, &block.launch.grid};
  if (which < 12) {
    const Dim3 &shape = *shapes[which / 3];
    return which % 3 == 0 ? shape.x : which % 3 == 1 ? shape.y : shape.z;
  }
  switch (SpecialRegister(which)) {
  case SpecialRegister::LaneId:
    return thread.lane;
  case SpecialRegister::WarpId:
    return thread.warp;
  default:
    return 32;
  }
}
