//===- HttpClient.h - bytes to a server and back, for tests -----*- C++ -*-===//
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace strata::test {

/// A connection to a port of this machine.
class HttpClient {
public:
  /// `receiveBytes`: how much of what comes the kernel keeps; 0: as much as it wants.
  explicit HttpClient(uint16_t port, int receiveBytes = 0)
      : descriptor(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receiveBytes > 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBytes, sizeof receiveBytes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setPatience(20000);
    connected = connect(descriptor, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
  }
  ~HttpClient() { close(descriptor); }
  HttpClient(const HttpClient &) = delete;
  HttpClient &operator=(const HttpClient &) = delete;

  /// How long the next bytes may take.
  void setPatience(int milliseconds) {
    const timeval patience{milliseconds / 1000, milliseconds % 1000 * 1000};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  /// The server gets a reset, not an end.
  void resetWhenClosed() {
    const linger none{1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }

  void send(std::string_view bytes) {
    while (connected && !bytes.empty()) {
      const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      connected = sent > 0;
      bytes.remove_prefix(connected ? size_t(sent) : 0);
    }
  }
  /// What comes until `end` has come, or the connection ends.
  std::string readUntil(std::string_view end) {
    std::string text;
    for (char byte; !text.ends_with(end) && recv(descriptor, &byte, 1, 0) == 1;)
      text += byte;
    return text;
  }
  std::string readBytes(size_t count) {
    if (count == 0) // which recv() would wait for
      return "";
    std::string text(count, '\0');
    const ssize_t read = recv(descriptor, text.data(), count, MSG_WAITALL);
    text.resize(read > 0 ? size_t(read) : 0);
    return text;
  }
  /// What comes until the connection ends.
  std::string readAll() {
    std::string text;
    char buffer[4096];
    ssize_t count;
    while ((count = recv(descriptor, buffer, sizeof buffer, 0)) > 0)
      text.append(buffer, size_t(count));
    ended = count == 0 || errno == ECONNRESET;
    return text;
  }
  /// Whether the server ends the connection; what it still sends is dropped.
  bool isClosed() {
    readAll();
    return ended;
  }

private:
  const int descriptor;
  bool connected = false, ended = false;
};

struct HttpAnswer {
  int status = 0;
  std::string headers, body; // of a body in chunks: put together
};

inline HttpAnswer parseAnswer(const std::string &text) {
  HttpAnswer answer;
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos || text.size() < 12)
    return answer;
  answer.status = std::atoi(text.c_str() + 9);
  answer.headers = text.substr(0, end);
  std::string_view body = std::string_view(text).substr(end + 4);
  if (answer.headers.find("chunked") == std::string::npos) {
    answer.body = body;
    return answer;
  }
  for (size_t size; (size = std::strtoul(body.data(), nullptr, 16)) > 0;) {
    body.remove_prefix(body.find("\r\n") + 2);
    answer.body += body.substr(0, size);
    body.remove_prefix(size + 2);
  }
  return answer;
}

/// The next answer of a connection that may have more.
inline HttpAnswer readAnswer(HttpClient &client) {
  std::string text = client.readUntil("\r\n\r\n");
  if (text.find("chunked") != std::string::npos) {
    text += client.readUntil("\r\n0\r\n\r\n");
  } else if (const size_t at = text.find("Content-Length: "); at != std::string::npos) {
    text += client.readBytes(size_t(std::atol(text.c_str() + at + 16)));
  }
  return parseAnswer(text);
}

/// A request that goes on with its connection.
inline std::string requestOf(const std::string &method, const std::string &path,
                             const std::string &body = "", const std::string &headers = "") {
  return method + " " + path + " HTTP/1.1\r\nHost: test\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// One request on a connection of its own.
inline HttpAnswer ask(uint16_t port, const std::string &method, const std::string &path,
                      const std::string &body = "", const std::string &headers = "") {
  HttpClient client(port);
  client.send(requestOf(method, path, body, "Connection: close\r\n" + headers));
  return parseAnswer(client.readAll());
}

} // namespace strata::test
