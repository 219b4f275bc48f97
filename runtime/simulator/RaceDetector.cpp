//===- RaceDetector.cpp - who touched shared memory when ------------------===//

#include "runtime/simulator/RaceDetector.h"

#include <algorithm>

namespace strata::simulator {

void Clock::join(const Clock &other) {
  for (size_t actor = 0; actor != other.times.size(); ++actor)
    times[actor] = std::max(times[actor], other.times[actor]);
}

void Clock::meet(const Clock &other) {
  for (size_t actor = 0; actor != other.times.size(); ++actor)
    times[actor] = std::min(times[actor], other.times[actor]);
}

void RaceDetector::start(uint32_t threads, size_t sharedBytes) {
  this->threads = threads;
  size_t actors = threads + 1 + (threads + 127) / 128;
  clocks.resize(actors);
  for (size_t actor = 0; actor != actors; ++actor) {
    clocks[actor].reset(actors);
    clocks[actor][actor] = 1;
  }
  fences.assign(threads, 0);
  cells.assign((sharedBytes + granule - 1) / granule, Cell());
  freeReadTimes.clear();
  for (size_t list = 0; list != readTimes.size(); ++list)
    freeReadTimes.push_back(int32_t(list));
}

std::optional<Race> RaceDetector::at(std::optional<Race> race, size_t cell) const {
  race->offset = uint32_t(cell * granule);
  return race;
}

std::optional<Race> RaceDetector::checkWritten(const Cell &cell, const Clock &known) const {
  if (cell.copiesInFlight)
    return Race{Race::Kind::InFlight, cell.writer, 0};
  if (cell.writeTime > known[cell.writer])
    return Race{Race::Kind::AfterWrite, cell.writer, 0};
  return std::nullopt;
}

std::optional<Race> RaceDetector::checkRead(const Cell &cell, const Clock &known) const {
  for (uint32_t i = 0; i != cell.readerCount; ++i)
    if (cell.readTimes[i] > known[cell.readers[i]])
      return Race{Race::Kind::AfterRead, cell.readers[i], 0};
  if (cell.overflow < 0)
    return std::nullopt;
  const std::vector<uint32_t> &times = readTimes[cell.overflow];
  for (uint32_t actor = 0; actor != times.size(); ++actor)
    if (times[actor] > known[actor])
      return Race{Race::Kind::AfterRead, actor, 0};
  return std::nullopt;
}

void RaceDetector::addManyReaders(Cell &cell, uint32_t actor, uint32_t time) {
  if (cell.overflow < 0) {
    if (freeReadTimes.empty()) {
      freeReadTimes.push_back(int32_t(readTimes.size()));
      readTimes.emplace_back();
    }
    cell.overflow = freeReadTimes.back();
    freeReadTimes.pop_back();
    readTimes[cell.overflow].assign(clocks.size(), 0);
  }
  readTimes[cell.overflow][actor] = time;
}

/// A reader that the new one knows of is forgotten: who is ordered after the new one is ordered
/// after it too.
void RaceDetector::addReader(Cell &cell, uint32_t actor, const Clock &known) {
  uint32_t time = clocks[actor][actor], kept = 0;
  for (uint32_t i = 0; i != cell.readerCount; ++i) {
    if (cell.readTimes[i] <= known[cell.readers[i]])
      continue;
    cell.readers[kept] = cell.readers[i];
    cell.readTimes[kept++] = cell.readTimes[i];
  }
  if (kept == inlineReaders) {
    addManyReaders(cell, actor, time);
  } else {
    cell.readers[kept] = uint16_t(actor);
    cell.readTimes[kept++] = time;
  }
  cell.readerCount = uint8_t(kept);
}

void RaceDetector::forgetReaders(Cell &cell) {
  cell.readerCount = 0;
  if (cell.overflow >= 0)
    freeReadTimes.push_back(cell.overflow);
  cell.overflow = -1;
}

std::optional<Race> RaceDetector::read(uint32_t actor, const Clock &known, size_t offset,
                                       size_t bytes) {
  for (size_t i = offset / granule, end = (offset + bytes + granule - 1) / granule; i < end; ++i) {
    if (auto race = checkWritten(cells[i], known))
      return at(race, i);
    addReader(cells[i], actor, known);
  }
  return std::nullopt;
}

std::optional<Race> RaceDetector::readAsync(uint32_t actor, const Clock &known, size_t offset,
                                            size_t bytes) {
  for (size_t i = offset / granule, end = (offset + bytes + granule - 1) / granule; i < end; ++i) {
    const Cell &cell = cells[i];
    if (auto race = checkWritten(cell, known))
      return at(race, i);
    if (cell.writeTime && isThread(cell.writer) && cell.writeTime >= fences[cell.writer])
      return Race{Race::Kind::ProxyFence, cell.writer, uint32_t(i * granule)};
    addReader(cells[i], actor, known);
  }
  return std::nullopt;
}

std::optional<Race> RaceDetector::write(uint32_t actor, const Clock &known, size_t offset,
                                        size_t bytes) {
  for (size_t i = offset / granule, end = (offset + bytes + granule - 1) / granule; i < end; ++i) {
    Cell &cell = cells[i];
    if (auto race = checkWritten(cell, known))
      return at(race, i);
    if (auto race = checkRead(cell, known))
      return at(race, i);
    forgetReaders(cell);
    cell.writer = uint16_t(actor);
    cell.writeTime = clocks[actor][actor];
  }
  return std::nullopt;
}

std::optional<Race> RaceDetector::beginCopy(uint32_t thread, size_t offset, size_t bytes) {
  if (auto race = write(thread, clocks[thread], offset, bytes))
    return race;
  for (size_t i = offset / granule, end = (offset + bytes + granule - 1) / granule; i < end; ++i)
    ++cells[i].copiesInFlight;
  return std::nullopt;
}

void RaceDetector::endCopy(uint32_t writer, size_t offset, size_t bytes) {
  for (size_t i = offset / granule, end = (offset + bytes + granule - 1) / granule; i < end; ++i) {
    Cell &cell = cells[i];
    --cell.copiesInFlight;
    cell.writer = uint16_t(writer);
    cell.writeTime = clocks[writer][writer];
  }
}

void RaceDetector::release(uint32_t thread, Clock &into) {
  if (into.empty())
    into.reset(clocks.size());
  into.join(clocks[thread]);
  ++clocks[thread][thread];
}

void RaceDetector::fenceProxy(uint32_t thread) { fences[thread] = ++clocks[thread][thread]; }

} // namespace strata::simulator
