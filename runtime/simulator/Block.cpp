//===- Block.cpp - running threads and reporting errors -------------------===//

#include "runtime/simulator/Block.h"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace strata::simulator {
namespace {

thread_local Block *currentBlock = nullptr;

// How often threads may look in vain, each, before it is a deadlock.
constexpr uint64_t patience = 100;

} // namespace

std::string format(const char *pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

Block::Block(const Launch &launch, BlockStorage &storage, Dim3 index, uint64_t seed)
    : launch(launch), storage(storage), index(index), threads(launch.block.size()),
      warps((threads.size() + 31) / 32), warpgroups((threads.size() + 127) / 128),
      random(uint32_t(seed)), unfinished(uint32_t(threads.size())) {
  const Dim3 &shape = launch.block;
  for (uint32_t i = 0; i != threads.size(); ++i) {
    Thread &thread = threads[i];
    thread.index = i;
    thread.warp = i / 32;
    thread.lane = i % 32;
    thread.id = {i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y};
    thread.stackPointer = storage.prepare(i, threadMain);
    ready.push_back(i);
  }
  std::memset(storage.shared(), 0xff, launch.sharedBytes);
  if (racesWanted())
    races.start(unfinished, launch.sharedBytes);
}

Block &Block::current() { return *currentBlock; }

void Block::threadMain() {
  Block &block = current();
  block.launch.entry(block.launch.parameters);
  block.finishThread();
}

void Block::finishThread() {
  if (thread().openWgmma || !thread().wgmmaGroups.empty())
    fail("the thread ends while its wgmma are in flight: wgmma.wait_group is missing");
  if (unfinished == 1 && !bulkCopies.empty())
    fail(format("the block ends while %zu bulk copies are in flight", bulkCopies.size()));
  thread().finished = true;
  --unfinished;
  progress();
  switchToScheduler();
  __builtin_unreachable();
}

std::optional<std::string> Block::run() {
  Block *outer = currentBlock;
  currentBlock = this;
  while (unfinished && !failure) {
    if (readyBegin == ready.size() && bulkCopies.empty()) {
      failure = place() + ": " + deadlock();
      break;
    }
    deliverSometimes();
    if (failure || readyBegin == ready.size())
      continue;
    running = next();
    strataSwitchFiber(&scheduler, thread().stackPointer);
    if (!storage.intact(running) && !failure)
      failure = place() + ": the thread needs more than " +
                std::to_string(BlockStorage::stackBytes) + " bytes of stack";
  }
  currentBlock = outer;
  return std::move(failure);
}

/// Bulk copies arrive when somebody looks for them (try_wait), when nobody can run, and in a
/// random schedule also at any time.
void Block::deliverSometimes() {
  if (bulkCopies.empty() || (readyBegin != ready.size() && !chance(16)))
    return;
  if (auto problem = deliver(launch.options.randomSchedule ? random() % bulkCopies.size() : 0))
    failure = place() + ": " + *problem;
}

uint32_t Block::next() {
  if (launch.options.randomSchedule)
    std::swap(ready[readyBegin], ready[readyBegin + random() % (ready.size() - readyBegin)]);
  uint32_t thread = ready[readyBegin++];
  if (readyBegin == 4096) {
    ready.erase(ready.begin(), ready.begin() + readyBegin);
    readyBegin = 0;
  }
  return thread;
}

void Block::switchToScheduler() { strataSwitchFiber(&thread().stackPointer, scheduler); }

void Block::wait(const char *what, uint64_t which) {
  thread().waitsFor = what;
  thread().waitsForWhich = which;
  switchToScheduler();
}

void Block::wake(uint32_t thread) {
  threads[thread].waitsFor = nullptr;
  ready.push_back(thread);
  progress();
}

void Block::yield(const char *what, uint64_t which) {
  thread().waitsFor = what;
  thread().waitsForWhich = which;
  if (++idle > patience * unfinished + 1000)
    fail(deadlock());
  ready.push_back(running);
  switchToScheduler();
  thread().waitsFor = nullptr;
}

void Block::fail(std::string message) {
  failure = place() + ": " + message;
  message.~basic_string(); // nobody will return to do it
  switchToScheduler();
  __builtin_unreachable();
}

std::string Block::place() const {
  const Dim3 &id = threads[running].id;
  std::string text = format("kernel %s, block (%u, %u, %u), thread (%u, %u, %u)", launch.kernel,
                            index.x, index.y, index.z, id.x, id.y, id.z);
  if (launch.options.randomSchedule)
    text += format(" [random schedule, seed %" PRIu64 "]", launch.options.seed);
  return text;
}

/// Who waits for what, each wait once, with the number of threads and the first of them.
std::string Block::deadlock() {
  struct Group {
    uint32_t first, count;
  };
  std::map<std::pair<std::string, uint64_t>, Group> groups;
  for (const Thread &thread : threads)
    if (!thread.finished && thread.waitsFor)
      ++groups.try_emplace({thread.waitsFor, thread.waitsForWhich}, Group{thread.index, 0})
            .first->second.count;
  std::string text = "deadlock";
  const char *separator = ": ";
  for (const auto &[wait, group] : groups) {
    text += format("%s%u threads (the first is %u) wait in %s of 0x%" PRIx64, separator,
                   group.count, group.first, wait.first.c_str(), wait.second);
    separator = "; ";
    auto barrier = memoryBarriers.find(uint32_t(wait.second));
    if (wait.first.starts_with("mbarrier") && barrier != memoryBarriers.end())
      text += format(" (phase %" PRIu64 ": %" PRId64 " of %u arrivals and %" PRId64
                     " bytes are missing)",
                     barrier->second.phase, barrier->second.pending, barrier->second.count,
                     barrier->second.pendingBytes);
  }
  return text + format("; %zu threads have ended", threads.size() - unfinished);
}

std::string Block::actor(uint32_t actor) const {
  if (races.isThread(actor))
    return "thread " + std::to_string(actor);
  if (actor == races.bulkActor())
    return "a bulk copy";
  return "wgmma of warpgroup " + std::to_string(actor - races.wgmmaActor(0));
}

void Block::report(const std::optional<Race> &race, const char *operation) {
  if (!race)
    return;
  const char *what = race->kind == Race::Kind::AfterWrite  ? "is not ordered after the write of"
                     : race->kind == Race::Kind::AfterRead ? "is not ordered after the read of"
                     : race->kind == Race::Kind::InFlight
                         ? "meets an asynchronous copy in flight, issued by"
                         : "needs a fence.proxy.async after the write of";
  fail(format("race: %s at shared memory + %u %s %s", operation, race->offset, what,
              actor(race->earlier).c_str()));
}

std::optional<std::string> run(const Launch &launch, BlockStorage &storage) {
  uint64_t seed = launch.seed * 2654435761u;
  Dim3 index;
  for (index.z = 0; index.z != launch.grid.z; ++index.z)
    for (index.y = 0; index.y != launch.grid.y; ++index.y)
      for (index.x = 0; index.x != launch.grid.x; ++index.x)
        if (auto failure = Block(launch, storage, index, ++seed).run())
          return failure;
  return std::nullopt;
}

} // namespace strata::simulator
