// The Transport of a running host: sockets, requests and timers of the net room.
// Thread: the loop's. Lifetime: loop and HTTP client outlive it; it outlives its runner.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "net/event_loop.hpp"
#include "venue/transport.hpp"

namespace anduin::net {
class HttpClient;
class TlsContext;
class WsClient;
struct WsClosed;
}  // namespace anduin::net

namespace anduin::venue {

class Runner;

class LiveTransport final : public Transport {
 public:
  /// `http` and `tls` are shared by all instances of a venue.
  LiveTransport(net::EventLoop& loop, net::HttpClient& http, std::shared_ptr<net::TlsContext> tls);
  ~LiveTransport() override;
  /// The runner to call back; null while it is being built or torn down.
  void attach(Runner* runner) { runner_ = runner; }

  void open(SocketRequest request) override;
  bool send(std::uint32_t connection, std::string_view payload, bool binary) override;
  void ping(std::uint32_t connection) override;
  void close(std::uint32_t connection) override;
  void request(HttpCall call) override;
  void post(std::function<void()> fn) override;
  [[nodiscard]] std::unique_ptr<TimerHandle> after(std::int64_t ms, std::function<void()> fn) override;

 private:
  void deliver(std::uint32_t connection, std::uint64_t generation, const net::WsClosed& closed);

  net::EventLoop& loop_;
  net::HttpClient& http_;
  std::shared_ptr<net::TlsContext> tls_;
  Runner* runner_ = nullptr;
  std::map<std::uint32_t, std::unique_ptr<net::WsClient>> sockets_;
  std::vector<FrameBytes> frames_;  ///< of the read under way
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace anduin::venue
