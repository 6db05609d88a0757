#include "net/connector.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace anduin::net {
namespace {

/// One address may not eat the whole deadline while others are left to try (a dead IPv6 route).
constexpr std::int64_t kAttemptMs = 3'000;
/// A host name with more addresses than this is answered well enough by the first ones.
constexpr std::size_t kEndpointsMax = 16;

std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint.port());
}

}  // namespace

Connector::Connector(EventLoop& loop) : loop_(loop), resolver_(loop.context()), socket_(loop.context()) {}

Error Connector::failure(std::string text) const {
  return {.kind = ErrorKind::kRetryable, .where = url_.origin(), .text = std::move(text)};
}

void Connector::start(const Url& url, std::shared_ptr<TlsContext> tls, Callback callback) {
  url_ = url;
  tls_ = std::move(tls);
  callback_ = std::move(callback);
  stage_ = "resolving the host name";
  if (url_.tls() && !tls_) {
    boost::asio::post(loop_.context(), [self = shared_from_this()] {
      Error fault = self->failure("TLS is needed, but the caller gave no TLS settings");
      fault.kind = ErrorKind::kBadRequest;
      self->finish(std::move(fault));
    });
    return;
  }
  boost::system::error_code not_an_address;
  const auto address = boost::asio::ip::make_address(url_.host, not_an_address);
  if (not_an_address) return resolve();
  endpoints_.emplace_back(address, url_.port);
  try_next();
}

void Connector::resolve() {
  resolver_.async_resolve(
      url_.host, std::to_string(url_.port), Tcp::resolver::numeric_service,
      [self = shared_from_this()](const boost::system::error_code& fault,
                                  const Tcp::resolver::results_type& found) {
        if (!self->callback_) return;
        if (fault) return self->finish(self->failure("the host name cannot be resolved: " + fault.message()));
        for (const auto& entry : found)
          if (self->endpoints_.size() < kEndpointsMax) self->endpoints_.push_back(entry.endpoint());
        self->try_next();
      });
}

void Connector::try_next() {
  if (next_ == endpoints_.size())
    return finish(failure(last_fault_.empty() ? "the host name has no address" : last_fault_));
  const Tcp::endpoint endpoint = endpoints_[next_++];
  stage_ = "connecting to " + endpoint_text(endpoint);
  const std::uint64_t attempt = ++attempt_;
  boost::system::error_code ignored;
  socket_.close(ignored);
  socket_ = Tcp::socket(loop_.context());
  socket_.async_connect(endpoint,
                        [self = shared_from_this(), attempt](const boost::system::error_code& fault) {
                          self->connected(attempt, fault);
                        });
  if (next_ < endpoints_.size()) {
    // Weak: the timer is a member, and would keep its owner alive.
    attempt_timer_ = loop_.post_after(kAttemptMs, [weak = weak_from_this(), attempt] {
      if (const auto self = weak.lock()) self->connected(attempt, boost::asio::error::timed_out);
    });
  }
}

void Connector::connected(std::uint64_t attempt, const boost::system::error_code& fault) {
  if (!callback_ || attempt != attempt_ || stream_) return;
  attempt_timer_.cancel();
  if (fault) {
    last_fault_ = "no connection to " + endpoint_text(endpoints_[next_ - 1]) + ": " + fault.message();
    return try_next();
  }
  stream_ = std::make_unique<Stream>(std::move(socket_));
  if (!url_.tls()) return finish(std::move(stream_));
  stage_ = "in the TLS handshake";
  stream_->use_tls(tls_, url_.host);
  handshake();
}

void Connector::handshake() {
  switch (stream_->handshake()) {
    case Io::kDone: return finish(std::move(stream_));
    case Io::kWait:
      return stream_->wait_to_read([self = shared_from_this()](const boost::system::error_code& fault) {
        if (!self->callback_) return;
        if (fault) return self->finish(self->failure("the TLS handshake failed: " + fault.message()));
        self->stream_->ready();
        self->handshake();
      });
    case Io::kEnd:
    case Io::kError: return finish(stream_->handshake_error(url_.origin()));
  }
}

void Connector::finish(Result<std::unique_ptr<Stream>> result) {
  attempt_timer_.cancel();
  if (const auto callback = std::exchange(callback_, nullptr)) callback(std::move(result));
}

void Connector::cancel() {
  callback_ = nullptr;
  attempt_timer_.cancel();
  resolver_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (stream_) stream_->cut();
}

}  // namespace anduin::net
