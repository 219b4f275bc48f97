//===- HttpClient.cpp - requests to one server, on one thread -------------===//

#include "tools/load/HttpClient.h"

#include "absl/strings/str_cat.h"
#include "runtime/base/Json.h"
#include "runtime/base/Status.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cmath>
#include <utility>

namespace strata::load {
namespace {

constexpr size_t kMostRefusalBytes = 4096; // that are kept

absl::StatusOr<std::string> addressOf(const ServerUrl &url) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (const int error = getaddrinfo(url.host.c_str(), nullptr, &hints, &found))
    return absl::UnavailableError(absl::StrCat(url.host, ": ", gai_strerror(error)));
  char digits[NI_MAXHOST];
  const int error = getnameinfo(found->ai_addr, found->ai_addrlen, digits, sizeof digits, nullptr,
                                0, NI_NUMERICHOST);
  freeaddrinfo(found);
  if (error)
    return absl::UnavailableError(absl::StrCat(url.host, ": ", gai_strerror(error)));
  return std::string(digits);
}

std::string takeBytes(evhttp_request *request) {
  evbuffer *input = evhttp_request_get_input_buffer(request);
  std::string bytes(evbuffer_get_length(input), '\0');
  evbuffer_remove(input, bytes.data(), bytes.size());
  return bytes;
}

/// The message in OpenAI's error object, or the text as it is.
std::string messageOf(const std::string &refusal) {
  JsonDocument::Notes duplicates;
  const auto document = JsonDocument::parse(refusal, "answer", &duplicates);
  if (document.ok())
    if (const auto body = document->object(); body.ok())
      if (const auto error = body->object("error"); error.ok())
        if (const auto message = error->string("message"); message.ok())
          return std::string(*message);
  return refusal;
}

timeval timevalOf(double seconds) {
  const double whole = std::floor(seconds);
  return {time_t(whole), suseconds_t((seconds - whole) * 1e6)};
}

} // namespace

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

std::string ServerUrl::authority() const {
  const bool isV6 = host.find(':') != std::string::npos;
  return absl::StrCat(isV6 ? "[" : "", host, isV6 ? "]" : "", ":", port);
}

absl::StatusOr<ServerUrl> parseUrl(const std::string &text) {
  const std::unique_ptr<evhttp_uri, void (*)(evhttp_uri *)> uri(evhttp_uri_parse(text.c_str()),
                                                                evhttp_uri_free);
  const auto orEmpty = [](const char *part) { return std::string(part ? part : ""); };
  if (!uri || orEmpty(evhttp_uri_get_scheme(uri.get())) != "http" ||
      orEmpty(evhttp_uri_get_host(uri.get())).empty())
    return absl::InvalidArgumentError(
        absl::StrCat("expected http://HOST:PORT, found \"", text, "\""));
  ServerUrl url;
  url.host = evhttp_uri_get_host(uri.get());
  if (url.host.front() == '[')
    url.host = url.host.substr(1, url.host.size() - 2);
  if (const int port = evhttp_uri_get_port(uri.get()); port > 0)
    url.port = uint16_t(port);
  url.path = orEmpty(evhttp_uri_get_path(uri.get()));
  while (url.path.ends_with('/'))
    url.path.pop_back();
  return url;
}

//===----------------------------------------------------------------------===//
// HttpClient
//===----------------------------------------------------------------------===//

/// A request on its way. Frees itself, and its connection, once libevent is done with both.
struct HttpClient::Exchange {
  const HttpClient &client;
  HttpRequest asked;
  evhttp_connection *connection;
  evhttp_request_error fault = EVREQ_HTTP_REQUEST_CANCEL;
  std::string refusal = {};

  static void received(evhttp_request *request, void *self) {
    static_cast<Exchange *>(self)->take(request);
  }
  static void failed(evhttp_request_error fault, void *self) {
    static_cast<Exchange *>(self)->fault = fault;
  }
  static void ended(evhttp_request *request, void *self) {
    static_cast<Exchange *>(self)->end(request);
  }
  static void release(int, short, void *self) {
    const std::unique_ptr<Exchange> exchange(static_cast<Exchange *>(self));
    evhttp_connection_free(exchange->connection);
  }

  void take(evhttp_request *request) {
    const std::string bytes = takeBytes(request);
    if (evhttp_request_get_response_code(request) == 200)
      asked.received(bytes);
    else if (refusal.size() < kMostRefusalBytes)
      refusal += bytes;
  }

  void end(evhttp_request *request) {
    if (request)
      take(request);
    const timeval soon{0, 0};
    event_base_once(client.base, -1, EV_TIMEOUT, release, this, &soon);
    asked.done(statusOf(request));
  }

  /// libevent gives no request where the answer broke off, and status 0 where there was none.
  absl::Status statusOf(evhttp_request *request) const {
    if (request) {
      const int code = evhttp_request_get_response_code(request);
      if (code == 200)
        return absl::OkStatus();
      if (code == 0)
        return absl::UnavailableError(absl::StrCat("cannot connect to ", client.url.authority()));
      return absl::InternalError(absl::StrCat(code, ": ", messageOf(refusal)));
    }
    if (fault == EVREQ_HTTP_TIMEOUT)
      return absl::UnavailableError(absl::StrCat("nothing came for ", client.silentSeconds, " s"));
    if (fault == EVREQ_HTTP_EOF)
      return absl::UnavailableError("the connection ended before the answer did");
    return absl::UnavailableError("the answer is not HTTP");
  }
};

absl::StatusOr<std::unique_ptr<HttpClient>>
HttpClient::create(const ServerUrl &url, std::string key, int64_t silentSeconds) {
  std::unique_ptr<HttpClient> client(new HttpClient);
  client->url = url;
  client->key = std::move(key);
  client->silentSeconds = silentSeconds;
  STRATA_ASSIGN(client->address, addressOf(url));
  // Without it, timers are late by up to a millisecond.
  event_config *config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
  client->base = event_base_new_with_config(config);
  event_config_free(config);
  if (!client->base)
    return absl::ResourceExhaustedError("no descriptors or memory left");
  return client;
}

HttpClient::~HttpClient() {
  if (base)
    event_base_free(base);
}

void HttpClient::send(HttpRequest asked) {
  const bool posts = !asked.body.empty();
  const std::string path = url.path + asked.path;
  evhttp_connection *connection =
      evhttp_connection_base_new(base, nullptr, address.c_str(), url.port);
  evhttp_connection_set_timeout(connection, int(silentSeconds));
  auto *exchange = new Exchange{*this, std::move(asked), connection};
  evhttp_request *request = evhttp_request_new(Exchange::ended, exchange);
  evhttp_request_set_chunked_cb(request, Exchange::received);
  evhttp_request_set_error_cb(request, Exchange::failed);
  evkeyvalq *headers = evhttp_request_get_output_headers(request);
  evhttp_add_header(headers, "Host", url.authority().c_str());
  evhttp_add_header(headers, "Connection", "close");
  if (!key.empty())
    evhttp_add_header(headers, "Authorization", ("Bearer " + key).c_str());
  if (posts) {
    evhttp_add_header(headers, "Content-Type", "application/json");
    evbuffer_add(evhttp_request_get_output_buffer(request), exchange->asked.body.data(),
                 exchange->asked.body.size());
  }
  if (evhttp_make_request(connection, request, posts ? EVHTTP_REQ_POST : EVHTTP_REQ_GET,
                          path.c_str()) != 0)
    exchange->end(nullptr);
}

void HttpClient::callAfter(double seconds, std::function<void()> call) {
  const timeval delay = timevalOf(seconds > 0 ? seconds : 0);
  const auto make = [](int, short, void *held) {
    const std::unique_ptr<std::function<void()>> call(static_cast<std::function<void()> *>(held));
    (*call)();
  };
  event_base_once(base, -1, EV_TIMEOUT, make, new std::function<void()>(std::move(call)), &delay);
}

void HttpClient::run() { event_base_dispatch(base); }

} // namespace strata::load
