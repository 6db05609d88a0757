// A TLS client that says exactly what a test wants, byte by byte, and hears what comes back. Blocking, bounded by a
// time-out on every read. Thread: one. Verifies nothing: the server is the test's own.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace anduin::test {

class RawTls {
 public:
  explicit RawTls(std::uint16_t port, int timeout_ms = 15'000) : fd_(dial(port, timeout_ms)) {
    std::signal(SIGPIPE, SIG_IGN);  // a server that hangs up is an answer, too
    static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    ssl_.reset(SSL_new(context.get()));
    SSL_set_fd(ssl_.get(), fd_);
    if (SSL_connect(ssl_.get()) != 1) {
      ::close(fd_);
      throw std::runtime_error("no TLS");
    }
  }
  ~RawTls() {
    ssl_.reset();
    ::close(fd_);
  }
  RawTls(const RawTls&) = delete;
  RawTls& operator=(const RawTls&) = delete;

  static int dial(std::uint16_t port, int timeout_ms) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval wait{timeout_ms / 1'000, timeout_ms % 1'000 * 1'000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    const int now = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
      ::close(fd);
      throw std::runtime_error("nobody listens");
    }
    return fd;
  }

  bool write(std::string_view bytes) { return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0; }
  /// One answer with its body, by its Content-Length; empty when the connection ended or nothing came in time.
  std::string answer() {
    while (true) {
      const auto head = heard_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto at = heard_.find("Content-Length: ");
        const std::size_t size = head + 4 + (at < head ? std::stoul(heard_.substr(at + 16)) : 0);
        if (heard_.size() >= size) {
          std::string whole = heard_.substr(0, size);
          heard_.erase(0, size);
          return whole;
        }
      }
      char buffer[4'096];
      const int got = SSL_read(ssl_.get(), buffer, sizeof(buffer));
      if (got <= 0) return {};
      heard_.append(buffer, static_cast<std::size_t>(got));
    }
  }
  /// "401 unknown_key" of an answer; "" when there is none.
  std::string verdict() {
    const std::string a = answer();
    if (a.size() < 12) return {};
    const auto at = a.find("\"error\":\"");
    const std::string code = at == std::string::npos ? "" : a.substr(at + 9, a.find('"', at + 9) - at - 9);
    return a.substr(9, 3) + (code.empty() ? "" : " " + code);
  }

 private:
  struct Free {
    void operator()(SSL* s) const { SSL_free(s); }
  };
  int fd_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string heard_;
};

}  // namespace anduin::test
