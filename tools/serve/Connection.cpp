//===- Connection.cpp - one client of the server --------------------------===//

#include "tools/serve/Connection.h"

#include "tools/serve/Answers.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

namespace strata::serve {
namespace {

constexpr size_t kPipelinedBytes = 64 << 10; // of requests that wait while one is answered
constexpr uint64_t kLeastBytes = 16 << 10;   // that a reader takes in a stall's time, or all
constexpr std::chrono::seconds kLinger(5);   // for a client to read why it was refused

void setOption(int descriptor, int option, int value) {
  setsockopt(descriptor, IPPROTO_TCP, option, &value, sizeof value);
}

} // namespace

Connection::Connection(HttpServer &server, int descriptor)
    : server(server),
      events(bufferevent_socket_new(server.loop->base(), descriptor, BEV_OPT_CLOSE_ON_FREE)),
      parser(server.options.request), late(*server.loop, [this] { onLate(); }),
      stalled(*server.loop, [this] { onStallCheck(); }) {
  setOption(descriptor, TCP_NODELAY, 1); // a token a packet
  // A client that has vanished takes nothing, though the kernel would go on for long.
  setOption(descriptor, TCP_USER_TIMEOUT, int(options().stall.count()));
  bufferevent_setcb(
      events, [](bufferevent *, void *self) { static_cast<Connection *>(self)->onRead(); },
      [](bufferevent *, void *self) { static_cast<Connection *>(self)->onWritten(); },
      [](bufferevent *, short what, void *self) { static_cast<Connection *>(self)->onEvent(what); },
      this);
  bufferevent_setwatermark(events, EV_READ, 0, kPipelinedBytes);
  bufferevent_enable(events, EV_READ | EV_WRITE);
  await(Awaited::request);
}

Connection::~Connection() {
  if (events)
    bufferevent_free(events);
}

void Connection::close() {
  if (!events)
    return;
  await(Awaited::nothing);
  late.clear(); // of lingering
  stalled.clear();
  bufferevent_free(std::exchange(events, nullptr));
  if (Exchange *lost = std::exchange(exchange, nullptr))
    lost->lose();
  server.remove(*this);
}

void Connection::endSoon() {
  if (!exchange && unsentBytes() == 0)
    close();
}

std::optional<Connection::Clock::time_point> Connection::waitingSince() const {
  return exchange || unsentBytes() > 0 ? std::nullopt : std::optional(since);
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

void Connection::onRead() {
  if (ending)
    dropInput();
  else if (!exchange && unsentBytes() <= options().mostUnsentBytes)
    readRequest();
}

/// One at most: the others' turn comes before that of the next.
void Connection::readRequest() {
  evbuffer *input = bufferevent_get_input(events);
  evbuffer_iovec first;
  while (!parser.isComplete() && !parser.isFailed() &&
         evbuffer_peek(input, -1, nullptr, &first, 1) > 0 && first.iov_len > 0)
    evbuffer_drain(input, parser.push({static_cast<const char *>(first.iov_base), first.iov_len}));
  if (parser.takeContinue())
    write("HTTP/1.1 100 Continue\r\n\r\n");
  if (parser.isFailed())
    refuse(parser.error().status, parser.error().message);
  else if (parser.isComplete())
    beginExchange();
  else
    await(parser.isIdle() ? Awaited::request : parser.inBody() ? Awaited::body : Awaited::headers);
}

void Connection::beginExchange() {
  await(Awaited::nothing);
  const auto begun = std::make_shared<Exchange>(*this, parser.take());
  exchange = begun.get();
  server.handler(begun); // which may answer at once
}

/// Limits the time that all of the next may take, however often a little of it comes.
void Connection::await(Awaited next) {
  if (next == awaited)
    return;
  awaited = next;
  since = Clock::now();
  if (place)
    server.waiting.erase(*place);
  place.reset();
  if (next == Awaited::nothing)
    return late.clear();
  place = server.waiting.insert(server.waiting.end(), this);
  late.set(next == Awaited::request   ? options().idle
           : next == Awaited::headers ? options().header
                                      : options().body);
}

void Connection::onLate() {
  if (awaited == Awaited::headers)
    refuse(408, "the headers took too long");
  else if (awaited == Awaited::body)
    refuse(408, "the body took too long");
  else if (unsentBytes() > 0) // still busy with the last answer
    late.set(options().idle);
  else
    close();
}

void Connection::onEvent(short what) {
  atEnd = true;
  if ((what & BEV_EVENT_ERROR) || exchange || unsentBytes() == 0)
    close();
  else
    linger();
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

void Connection::write(std::string_view bytes) {
  if (unsentBytes() == 0) {
    takenAtCheck = written;
    stalled.set(options().stall);
  }
  written += bytes.size();
  bufferevent_write(events, bytes.data(), bytes.size());
}

size_t Connection::unsentBytes() const {
  return evbuffer_get_length(bufferevent_get_output(events));
}

void Connection::finish(bool keep) {
  exchange = nullptr;
  if (!keep || server.stopping)
    return linger();
  await(Awaited::request);
  bufferevent_trigger(events, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/// Of what cannot be read no further request can be found behind.
void Connection::refuse(int status, const std::string &message) {
  HttpRequest none;
  none.keepAlive = false;
  Exchange(*this, std::move(none)).reply(status, "application/json", errorJson(status, message));
}

/// Ends once the output is written and the client has seen it: whoever closes while input is unread
/// takes back, on the way, what was written.
void Connection::linger() {
  ending = true;
  await(Awaited::nothing);
  dropInput();
  if (unsentBytes() == 0)
    onWritten();
}

void Connection::dropInput() {
  evbuffer *input = bufferevent_get_input(events);
  evbuffer_drain(input, evbuffer_get_length(input));
}

void Connection::onWritten() {
  stalled.clear();
  if (atEnd)
    return close();
  if (ending) {
    shutdown(bufferevent_getfd(events), SHUT_WR);
    late.set(kLinger);
  } else if (!exchange) {
    onRead(); // what waited for room in the output
  }
}

void Connection::onStallCheck() {
  const uint64_t taken = written - unsentBytes();
  if (taken - takenAtCheck < kLeastBytes)
    return close();
  takenAtCheck = taken;
  stalled.set(options().stall);
}

} // namespace strata::serve
