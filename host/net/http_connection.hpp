// One connection of the HttpServer: request after request, until it ends or becomes a WebSocket. Internal to
// net. Thread: the loop's, but for Gate. Lifetime: the server holds it until ended(); cut() ends it without a
// word.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/http_wire.hpp"
#include "net/stream.hpp"

namespace anduin::net {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  /// The way from any thread to the server's loop, as long as there is a server.
  class Gate {
   public:
    explicit Gate(EventLoop& loop) : loop_(&loop) {}
    void post(std::function<void()> fn) {
      const std::lock_guard lock(mutex_);
      if (loop_) loop_->post(std::move(fn));
    }
    void close() {
      const std::lock_guard lock(mutex_);
      loop_ = nullptr;
    }

   private:
    std::mutex mutex_;
    EventLoop* loop_;
  };

  /// The server as its connections see it.
  struct Host {
    Host(EventLoop& l, HttpServerOptions o, HttpHandlers h)
        : loop(l), options(std::move(o)), handlers(std::move(h)), gate(std::make_shared<Gate>(l)) {}
    virtual ~Host() = default;
    virtual void ended(HttpConnection* connection) = 0;
    /// Asks on_upgrade. Nothing = accepted, then upgrade() follows.
    virtual std::optional<HttpResponse> offer(const ServerRequest& request,
                                              std::shared_ptr<WsSession>& session) = 0;
    virtual void upgrade(std::shared_ptr<WsSession> session, std::unique_ptr<Stream> stream,
                         std::string_view answer, std::string_view already_read) = 0;
    EventLoop& loop;
    HttpServerOptions options;
    HttpHandlers handlers;
    std::shared_ptr<Gate> gate;
  };

  HttpConnection(std::shared_ptr<Host> host, std::unique_ptr<Stream> stream, std::string remote);
  void start();
  void cut();
  /// The answer to request number `serial` of this connection; late and second answers are dropped.
  void answer(std::uint64_t serial, HttpResponse response);
  void cut_request(std::uint64_t serial);

 private:
  void handshake();
  void begin(std::int64_t ms_max);
  void read();
  bool take(std::string_view bytes);
  void handle();
  bool try_upgrade(const ServerRequest& request);
  void watch_for_end();
  void refuse(int status, const std::string& text);
  void send(const HttpResponse& response);
  void write();
  void written();
  void drain();
  void deadline(std::int64_t ms_max);
  void finish();
  template <class F>
  void when_readable(F next);

  std::shared_ptr<Host> host_;
  std::unique_ptr<Stream> stream_;
  std::string remote_;
  HttpParser parser_;
  std::uint64_t serial_ = 0;  ///< the request being read or answered
  bool waiting_ = false;      ///< for the handler's answer
  bool started_request_ = false, continued_ = false;
  bool keep_ = false;  ///< another request may follow on this connection
  bool head_method_ = false;
  bool done_ = false;
  std::string in_;  ///< read, but belonging to the next request
  std::string out_;
  std::size_t out_at_ = 0;
  Timer deadline_;
};

struct Responder::State {
  State(std::shared_ptr<HttpConnection::Gate> g, std::weak_ptr<HttpConnection> c, std::uint64_t s)
      : gate(std::move(g)), connection(std::move(c)), serial(s) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  void answer(HttpResponse response);

  std::shared_ptr<HttpConnection::Gate> gate;
  std::weak_ptr<HttpConnection> connection;
  std::uint64_t serial;
  std::atomic<bool> used{false};
};

}  // namespace anduin::net
