// From a host name to a connected Stream: DNS, TCP to each address in turn, TLS. Internal to net.
// Thread: the loop's. It has no deadline of its own: its owner cancels it, and stage() says how far it came.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/event_loop.hpp"
#include "net/stream.hpp"
#include "net/url.hpp"

namespace anduin::net {

class Connector : public std::enable_shared_from_this<Connector> {
 public:
  using Callback = std::function<void(Result<std::unique_ptr<Stream>>)>;
  explicit Connector(EventLoop& loop);

  /// The callback comes once, never inside start(). `tls` is needed when the URL asks for it.
  void start(const Url& url, std::shared_ptr<TlsContext> tls, Callback callback);
  /// The callback will not run.
  void cancel();
  /// "resolving the host name", "connecting to 127.0.0.1:443", "in the TLS handshake".
  [[nodiscard]] const std::string& stage() const noexcept { return stage_; }

 private:
  using Tcp = boost::asio::ip::tcp;
  void resolve();
  void try_next();
  void connected(std::uint64_t attempt, const boost::system::error_code& fault);
  void handshake();
  void finish(Result<std::unique_ptr<Stream>> result);
  [[nodiscard]] Error failure(std::string text) const;

  EventLoop& loop_;
  Tcp::resolver resolver_;
  std::vector<Tcp::endpoint> endpoints_;
  std::size_t next_ = 0;
  std::uint64_t attempt_ = 0;
  Tcp::socket socket_;
  Timer attempt_timer_;
  std::unique_ptr<Stream> stream_;
  Url url_;
  std::shared_ptr<TlsContext> tls_;
  Callback callback_;
  std::string stage_;
  std::string last_fault_;
};

}  // namespace anduin::net
