//===- HttpServer.cpp - HTTP/1.1 on one thread ----------------------------===//

#include "tools/serve/HttpServer.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Status.h"
#include "tools/serve/Connection.h"

#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace strata::serve {
namespace {

constexpr int kBacklog = 4096; // connections that wait to be accepted, if the kernel allows as many
constexpr std::chrono::milliseconds kPause(5); // until the server looks again whether there is room
constexpr std::chrono::milliseconds kLeastWait(20); // before a connection gives way

uint16_t portOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size) != 0)
    return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6 &>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in &>(address).sin_port);
}

} // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpOptions &options,
                                                               Handler handler) {
  std::unique_ptr<HttpServer> server(new HttpServer(options));
  server->handler = std::move(handler);
  STRATA_ASSIGN(server->loop, EventLoop::create());
  HttpServer &made = *server;
  made.pause = std::make_unique<Timer>(*made.loop, [&made] { made.watchListener(); });
  made.flush = std::make_unique<Timer>(*made.loop, [&made] { made.loop->stop(); });
  made.background = std::make_unique<Background>(*made.loop);
  STRATA_TRY(made.bind());
  return server;
}

absl::Status HttpServer::bind() {
  const std::string place = absl::StrCat("cannot listen on ", options.host, ":", options.port);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  if (const int error =
          getaddrinfo(options.host.c_str(), absl::StrCat(options.port).c_str(), &hints, &found))
    return absl::UnavailableError(absl::StrCat(place, ": ", gai_strerror(error)));
  listener = evconnlistener_new_bind(
      loop->base(),
      [](evconnlistener *, int descriptor, sockaddr *, int, void *self) {
        static_cast<HttpServer *>(self)->accept(descriptor);
      },
      this, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, kBacklog,
      found->ai_addr, int(found->ai_addrlen));
  const int error = errno;
  freeaddrinfo(found);
  if (!listener)
    return absl::ErrnoToStatus(error, place);
  evconnlistener_set_error_cb(listener, [](evconnlistener *, void *self) {
    static_cast<HttpServer *>(self)->acceptFailed();
  });
  boundPort = portOf(evconnlistener_get_fd(listener));
  return absl::OkStatus();
}

HttpServer::~HttpServer() {
  closeAll();
  if (listener)
    evconnlistener_free(listener);
}

void HttpServer::run() {
  loop->run();
  closeAll();
}

void HttpServer::stop() {
  loop->post([this] { endAll(); });
}

void HttpServer::endAll() {
  stopping = true;
  watchListener();
  flush->set(options.flush);
  for (const auto &[connection, owner] : std::unordered_map(open))
    owner->endSoon();
  if (open.empty())
    loop->stop();
}

void HttpServer::closeAll() {
  while (!open.empty())
    std::shared_ptr(open.begin()->second)->close();
}

//===----------------------------------------------------------------------===//
// Connections
//===----------------------------------------------------------------------===//

void HttpServer::accept(int descriptor) {
  auto connection = std::make_shared<Connection>(*this, descriptor);
  open.emplace(connection.get(), std::move(connection));
  watchListener();
}

void HttpServer::remove(const Connection &connection) {
  const auto found = open.find(&connection);
  loop->post([kept = std::move(found->second)] {}); // it is on the stack
  open.erase(found);
  if (stopping && open.empty())
    loop->stop();
  else
    watchListener();
}

/// Where there is no room, new connections wait with the kernel.
void HttpServer::watchListener() {
  const bool isFull = open.size() >= options.mostConnections;
  if (isFull && !stopping && isAnyoneWaiting() && closeLongestWaiting())
    return; // which has come here again
  if (!isFull && !stopping)
    evconnlistener_enable(listener);
  else
    pauseListener();
}

/// Whether a connection waits with the kernel.
bool HttpServer::isAnyoneWaiting() const {
  pollfd socket{evconnlistener_get_fd(listener), POLLIN, 0};
  return poll(&socket, 1, 0) > 0;
}

/// One that has waited for some time, so that who has just come can speak.
bool HttpServer::closeLongestWaiting() {
  const auto latest = Connection::Clock::now() - kLeastWait;
  for (Connection *connection : waiting) {
    const auto since = connection->waitingSince();
    if (since && *since >= latest)
      break;
    if (since) {
      connection->close();
      return true;
    }
  }
  return false;
}

void HttpServer::pauseListener() {
  evconnlistener_disable(listener);
  if (!stopping)
    pause->set(kPause);
}

/// The process has no descriptors left.
void HttpServer::acceptFailed() {
  closeLongestWaiting();
  pauseListener();
}

} // namespace strata::serve
