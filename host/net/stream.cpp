#include "net/stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

namespace anduin::net {

/// OpenSSL's view of the socket. Its own socket BIO would raise SIGPIPE, and asks a drained socket once more.
struct StreamBio {
  static Stream& stream(BIO* bio) { return *static_cast<Stream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* data, int size) {
    std::size_t got = 0;
    BIO_clear_retry_flags(bio);
    switch (stream(bio).receive(data, static_cast<std::size_t>(size), got)) {
      case Io::kDone: return static_cast<int>(got);
      case Io::kWait: BIO_set_retry_read(bio); return -1;
      case Io::kEnd: BIO_set_flags(bio, BIO_FLAGS_IN_EOF); return 0;
      case Io::kError: break;
    }
    return -1;
  }

  static int write(BIO* bio, const char* data, int size) {
    std::size_t put = 0;
    BIO_clear_retry_flags(bio);
    switch (stream(bio).transmit(data, static_cast<std::size_t>(size), put)) {
      case Io::kDone: return static_cast<int>(put);
      case Io::kWait: BIO_set_retry_write(bio); return -1;
      case Io::kEnd:
      case Io::kError: break;
    }
    return -1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return 0;
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "anduin stream");
      BIO_meth_set_read(m, read);
      BIO_meth_set_write(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    return made;
  }
};

Stream::Stream(Socket socket) : socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  // Small messages must leave at once.
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

Stream::~Stream() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Stream::use_tls(std::shared_ptr<TlsContext> tls, const std::string& host) {
  context_ = std::move(tls);
  host_ = host;
  const auto& impl = context_->impl();
  ssl_ = impl.server ? impl.server_session() : impl.client_session(host, verdict_);
  BIO* bio = BIO_new(StreamBio::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

Io Stream::receive(void* data, std::size_t size, std::size_t& got) {
  if (drained_) return Io::kWait;
  const ssize_t n = ::recv(socket_.native_handle(), data, size, 0);
  if (n > 0) {
    got = static_cast<std::size_t>(n);
    drained_ = got < size;
    return Io::kDone;
  }
  if (n == 0) return Io::kEnd;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Io::kWait;
  errno_ = errno;
  return Io::kError;
}

Io Stream::transmit(const void* data, std::size_t size, std::size_t& put) {
  const ssize_t n = ::send(socket_.native_handle(), data, size, MSG_NOSIGNAL);
  if (n >= 0) {
    put = static_cast<std::size_t>(n);
    return Io::kDone;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return Io::kWait;
  errno_ = errno;
  return Io::kError;
}

namespace {

/// OpenSSL explains a failure by this thread's queue, so what somebody else left there must go first.
void forget_openssl_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

}  // namespace

Io Stream::ssl_result(int result, bool reading) {
  const int code = SSL_get_error(ssl_.get(), result);
  bool& crossed = reading ? read_waits_for_write_ : write_waits_for_read_;
  switch (code) {
    case SSL_ERROR_WANT_READ: crossed = !reading; return Io::kWait;
    case SSL_ERROR_WANT_WRITE: crossed = reading; return Io::kWait;
    case SSL_ERROR_ZERO_RETURN: return Io::kEnd;
    case SSL_ERROR_SSL:
      if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        ERR_clear_error();
        clean_end_ = false;
        return Io::kEnd;
      }
      break;
    default: break;
  }
  ssl_fault_ = take_openssl_error();
  return Io::kError;
}

Io Stream::handshake() {
  forget_openssl_errors();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Io::kDone : ssl_result(result, true);
}

Io Stream::read(void* data, std::size_t size, std::size_t& got) {
  got = 0;
  if (!socket_.is_open()) return Io::kError;
  if (!ssl_) return receive(data, size, got);
  forget_openssl_errors();
  const int result = SSL_read(ssl_.get(), data, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
  if (result <= 0) return ssl_result(result, true);
  got = static_cast<std::size_t>(result);
  return Io::kDone;
}

Io Stream::write(const void* data, std::size_t size, std::size_t& put) {
  put = 0;
  if (!socket_.is_open()) return Io::kError;
  if (!ssl_) return transmit(data, size, put);
  forget_openssl_errors();
  const int result = SSL_write(ssl_.get(), data, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
  if (result <= 0) return ssl_result(result, false);
  put = static_cast<std::size_t>(result);
  return Io::kDone;
}

Error Stream::error(const std::string& where) const {
  std::string text = "the connection broke";
  if (errno_ != 0) text += std::string(": ") + std::strerror(errno_);
  else if (!ssl_fault_.empty()) text += ": TLS: " + ssl_fault_;
  return {.kind = ErrorKind::kRetryable, .where = where, .text = std::move(text)};
}

Error Stream::handshake_error(const std::string& where) const {
  if (verdict_.code == 0 && errno_ != 0)
    return {.kind = ErrorKind::kRetryable,
            .where = where,
            .text = std::string("the TLS handshake failed: ") + std::strerror(errno_)};
  return context_->impl().handshake_error(host_, where, verdict_, ssl_fault_);
}

void Stream::cancel_waits() noexcept {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::end_writing() noexcept {
  if (!socket_.is_open()) return;
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    forget_openssl_errors();
    SSL_shutdown(ssl_.get());  // one attempt: it is a courtesy, and its answer is not awaited
    ERR_clear_error();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::close() noexcept {
  end_writing();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Stream::cut() noexcept {
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

}  // namespace anduin::net
