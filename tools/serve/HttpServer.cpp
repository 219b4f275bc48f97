//===- HttpServer.cpp - HTTP/1.1 on one thread ----------------------------===//

#include "tools/serve/HttpServer.h"

#include "absl/strings/str_cat.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace strata::serve {
namespace {

/// How often clients that wait for an answer are looked at.
constexpr suseconds_t kCheckMicroseconds = 50000;

const char *nameOf(evhttp_cmd_type method) {
  switch (method) {
  case EVHTTP_REQ_GET:
  case EVHTTP_REQ_HEAD:
    return "GET";
  case EVHTTP_REQ_POST:
    return "POST";
  case EVHTTP_REQ_OPTIONS:
    return "OPTIONS";
  default:
    return "another method";
  }
}

std::string bodyOf(evhttp_request *request) {
  evbuffer *input = evhttp_request_get_input_buffer(request);
  std::string body(evbuffer_get_length(input), '\0');
  evbuffer_copyout(input, body.data(), body.size());
  return body;
}

uint16_t portOf(evhttp_bound_socket *socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(evhttp_bound_socket_get_fd(socket), reinterpret_cast<sockaddr *>(&address),
                  &size) != 0)
    return 0;
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6 &>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in &>(address).sin_port);
}

} // namespace

//===----------------------------------------------------------------------===//
// Exchange
//===----------------------------------------------------------------------===//

Exchange::Exchange(evhttp_request *request)
    : request(request), verb(nameOf(evhttp_request_get_command(request))), content(bodyOf(request)),
      headOnly(evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
  const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
  place = path && *path ? path : "/";
  evhttp_connection_set_closecb(evhttp_request_get_connection(request), closed, this);
}

Exchange::~Exchange() {
  if (request) // nobody answered
    reply(500, "text/plain", "no answer\n");
}

std::optional<std::string> Exchange::header(const char *name) const {
  if (!request)
    return std::nullopt;
  const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
  return value ? std::optional<std::string>(value) : std::nullopt;
}

void Exchange::addHeader(const char *name, const std::string &value) {
  if (request) // refused if the value would end the line
    evhttp_add_header(evhttp_request_get_output_headers(request), name, value.c_str());
}

void Exchange::reply(int status, const char *type, std::string_view text) {
  if (!request)
    return;
  addHeader("Content-Type", type);
  evbuffer *output = evhttp_request_get_output_buffer(request);
  if (headOnly)
    addHeader("Content-Length", absl::StrCat(text.size()));
  else
    evbuffer_add(output, text.data(), text.size());
  evhttp_request *answered = request;
  forget();
  evhttp_send_reply(answered, status, nullptr, nullptr);
}

void Exchange::begin(int status, const char *type) {
  addHeader("Content-Type", type);
  addHeader("Cache-Control", "no-cache");
  if (request)
    evhttp_send_reply_start(request, status, nullptr);
}

void Exchange::send(std::string_view piece) {
  if (!request || piece.empty())
    return;
  evbuffer *buffer = evbuffer_new();
  evbuffer_add(buffer, piece.data(), piece.size());
  evhttp_send_reply_chunk(request, buffer);
  evbuffer_free(buffer);
}

void Exchange::end() {
  if (!request)
    return;
  evhttp_request *answered = request;
  forget();
  evhttp_send_reply_end(answered);
}

size_t Exchange::unsentBytes() const {
  if (!request)
    return 0;
  evhttp_connection *connection = evhttp_request_get_connection(request);
  return evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

void Exchange::checkClient() {
  if (!request)
    return;
  evhttp_connection *connection = evhttp_request_get_connection(request);
  char byte;
  const ssize_t read = recv(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), &byte,
                            1, MSG_PEEK | MSG_DONTWAIT);
  if (read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR))
    evhttp_connection_free(connection); // which calls closed()
}

/// The answer is libevent's to send now; the connection may bring the next request.
void Exchange::forget() {
  if (evhttp_connection *connection = evhttp_request_get_connection(request))
    evhttp_connection_set_closecb(connection, nullptr, nullptr);
  request = nullptr;
  gone = nullptr;
}

/// libevent frees the request with the connection.
void Exchange::closed(evhttp_connection *, void *self) {
  auto *exchange = static_cast<Exchange *>(self);
  exchange->request = nullptr;
  if (auto call = std::exchange(exchange->gone, nullptr))
    call();
}

//===----------------------------------------------------------------------===//
// HttpServer
//===----------------------------------------------------------------------===//

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpOptions &options,
                                                               Handler handler) {
  std::unique_ptr<HttpServer> server(new HttpServer);
  server->handler = std::move(handler);
  server->base = event_base_new();
  server->http = server->base ? evhttp_new(server->base) : nullptr;
  server->wakeDescriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (!server->http || server->wakeDescriptor < 0)
    return absl::ResourceExhaustedError("the server has no descriptors or memory left");
  evhttp_set_max_body_size(server->http, options.mostBodyBytes);
  evhttp_set_max_headers_size(server->http, options.mostHeaderBytes);
  evhttp_set_timeout(server->http, options.idleSeconds);
  evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                               EVHTTP_REQ_OPTIONS);
  evhttp_set_gencb(server->http, handle, server.get());
  evhttp_bound_socket *socket =
      evhttp_bind_socket_with_handle(server->http, options.host.c_str(), options.port);
  if (!socket)
    return absl::ErrnoToStatus(errno,
                               absl::StrCat("cannot listen on ", options.host, ":", options.port));
  server->boundPort = portOf(socket);
  server->wakeEvent =
      event_new(server->base, server->wakeDescriptor, EV_READ | EV_PERSIST, wake, server.get());
  event_add(server->wakeEvent, nullptr);
  server->checkEvent = event_new(server->base, -1, EV_PERSIST, checkClients, server.get());
  const timeval interval{0, kCheckMicroseconds};
  event_add(server->checkEvent, &interval);
  return server;
}

HttpServer::~HttpServer() {
  if (http)
    evhttp_free(http);
  for (event *each : {wakeEvent, checkEvent})
    if (each)
      event_free(each);
  if (base)
    event_base_free(base);
  if (wakeDescriptor >= 0)
    close(wakeDescriptor);
}

void HttpServer::run() { event_base_dispatch(base); }

void HttpServer::stop() {
  post([this] {
    const timeval flush{0, 200000}; // for answers that were just sent
    event_base_loopexit(base, &flush);
  });
}

void HttpServer::post(std::function<void()> call) {
  {
    std::lock_guard lock(mutex);
    posted.push_back(std::move(call));
  }
  const uint64_t one = 1;
  (void)!write(wakeDescriptor, &one, sizeof one); // full: it is to wake already
}

void HttpServer::wake(int descriptor, short, void *self) {
  uint64_t count;
  (void)!read(descriptor, &count, sizeof count);
  auto *server = static_cast<HttpServer *>(self);
  std::vector<std::function<void()>> calls;
  {
    std::lock_guard lock(server->mutex);
    calls.swap(server->posted);
  }
  for (auto &call : calls)
    call();
}

void HttpServer::checkClients(int, short, void *self) {
  auto &open = static_cast<HttpServer *>(self)->open;
  std::erase_if(open, [](const std::weak_ptr<Exchange> &each) {
    const std::shared_ptr<Exchange> exchange = each.lock();
    if (exchange)
      exchange->checkClient();
    return !exchange || !exchange->isOpen();
  });
}

void HttpServer::handle(evhttp_request *request, void *self) {
  auto *server = static_cast<HttpServer *>(self);
  auto exchange = std::make_shared<Exchange>(request);
  server->handler(exchange);
  if (exchange->isOpen())
    server->open.push_back(exchange);
}

} // namespace strata::serve
