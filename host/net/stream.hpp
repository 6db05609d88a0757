// One non-blocking byte stream, plain TCP or TLS: try, and when it would block wait for readiness. Internal
// to net. Thread: the loop's. Lifetime: closing it ends pending waits with an error code; handlers keep their
// owners alive.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/tls_impl.hpp"

namespace anduin::net {

enum class Io : std::uint8_t {
  kDone,   ///< something was moved
  kWait,   ///< nothing now: wait for readiness
  kEnd,    ///< the other side has finished sending
  kError,  ///< broken, see Stream::error
};

class Stream {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  /// The socket must be open and connected.
  explicit Stream(Socket socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Before the first byte; the handshake follows by handshake().
  void use_tls(std::shared_ptr<TlsContext> tls, const std::string& host);
  Io handshake();
  Io read(void* data, std::size_t size, std::size_t& got);
  Io write(const void* data, std::size_t size, std::size_t& put);

  /// After kWait of read() or handshake(): calls the handler with an error code when it is worth trying
  /// again.
  template <class Handler>
  void wait_to_read(Handler&& handler) {
    socket_.async_wait(read_waits_for_write_ ? Socket::wait_write : Socket::wait_read,
                       std::forward<Handler>(handler));
  }
  template <class Handler>
  void wait_to_write(Handler&& handler) {
    socket_.async_wait(write_waits_for_read_ ? Socket::wait_read : Socket::wait_write,
                       std::forward<Handler>(handler));
  }
  /// At the start of a readiness handler: the socket may hold bytes again.
  void ready() noexcept { drained_ = false; }

  /// What kError (or a failed handshake) meant.
  [[nodiscard]] Error error(const std::string& where) const;
  [[nodiscard]] Error handshake_error(const std::string& where) const;
  /// kEnd was announced properly, not by a cut that anybody in between can make (TLS only; plain is always
  /// true).
  [[nodiscard]] bool clean_end() const noexcept { return clean_end_; }

  /// Says goodbye where TLS has a word for it, then closes.
  void close() noexcept;
  /// Pending waits end with an error code; the stream stays usable.
  void cancel_waits() noexcept;
  /// No more writes; the other side sees the end.
  void end_writing() noexcept;
  /// Closes with a reset.
  void cut() noexcept;
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] bool tls() const noexcept { return ssl_ != nullptr; }

 private:
  friend struct StreamBio;
  Io ssl_result(int result, bool reading);
  Io receive(void* data, std::size_t size, std::size_t& got);
  Io transmit(const void* data, std::size_t size, std::size_t& put);

  Socket socket_;
  std::shared_ptr<TlsContext> context_;
  TlsVerdict verdict_;
  SslPtr ssl_;
  std::string host_;
  std::string ssl_fault_;
  int errno_ = 0;
  bool drained_ = false;  ///< the last receive came back short: asking again before a wait would be in vain
  bool read_waits_for_write_ = false;
  bool write_waits_for_read_ = false;
  bool clean_end_ = true;
};

}  // namespace anduin::net
