// One request and its answer over a connected Stream, also the upgrade of a WebSocket. Internal to net.
// Thread: the loop's. No deadline of its own: its owner cancels it.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/event_loop.hpp"
#include "net/http.hpp"
#include "net/http_wire.hpp"
#include "net/stream.hpp"

namespace anduin::net {

class HttpCall : public std::enable_shared_from_this<HttpCall> {
 public:
  struct Outcome {
    Result<HttpResponse> response;
    bool answered = false;                     ///< at least one byte of an answer came
    bool reusable = false;                     ///< the stream may carry another request
    std::unique_ptr<Stream> stream = nullptr;  ///< null when it broke
    std::string leftover = {};                 ///< bytes behind a 101
  };
  using Callback = std::function<void(Outcome)>;

  HttpCall(EventLoop& loop, std::unique_ptr<Stream> stream, std::string where,
           const HttpParser::Options& options);
  /// The callback comes once, never inside start().
  void start(std::string request, Callback callback);
  /// Closes the stream; the callback will not run.
  void cancel();
  [[nodiscard]] bool answered() const noexcept { return answered_; }

 private:
  void write();
  void read();
  bool take(std::string_view bytes);
  void finish();
  void fail(Error error);
  [[nodiscard]] bool over() const noexcept { return !callback_; }

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  std::string where_;
  HttpParser::Options options_;
  HttpParser parser_;
  std::string out_;
  std::size_t out_at_ = 0;
  bool answered_ = false;
  std::string leftover_;
  Callback callback_;
};

}  // namespace anduin::net
