#include "net/http_call.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/scratch.hpp"

namespace anduin::net {

HttpCall::HttpCall(EventLoop& loop, std::unique_ptr<Stream> stream, std::string where,
                   const HttpParser::Options& options)
    : loop_(loop),
      stream_(std::move(stream)),
      where_(std::move(where)),
      options_(options),
      parser_(options) {}

void HttpCall::start(std::string request, Callback callback) {
  out_ = std::move(request);
  callback_ = std::move(callback);
  boost::asio::post(loop_.context(), [self = shared_from_this()] {
    if (self->over()) return;
    self->write();
    if (!self->over()) self->read();
  });
}

void HttpCall::write() {
  while (out_at_ < out_.size()) {
    std::size_t put = 0;
    const Io io = stream_->write(out_.data() + out_at_, out_.size() - out_at_, put);
    out_at_ += put;
    if (io == Io::kDone) continue;
    // A server may answer and close before it has read everything: the reader decides.
    if (io != Io::kWait) return;
    return stream_->wait_to_write([self = shared_from_this()](const boost::system::error_code& fault) {
      if (!fault && !self->over()) self->write();
    });
  }
}

void HttpCall::read() {
  auto* const buffer = loop_.scratch().receive.get();
  while (true) {
    std::size_t got = 0;
    switch (stream_->read(buffer, kReceiveBytes, got)) {
      case Io::kDone:
        if (!take({reinterpret_cast<const char*>(buffer), got})) return;
        break;
      case Io::kWait:
        return stream_->wait_to_read([self = shared_from_this()](const boost::system::error_code& fault) {
          if (fault || self->over()) return;
          self->stream_->ready();
          self->read();
        });
      case Io::kEnd: {
        if (parser_.head_done() && parser_.until_end() && stream_->clean_end() && parser_.end())
          return finish();
        return fail({.kind = ErrorKind::kRetryable,
                     .where = where_,
                     .text = answered_ ? "the server ended the connection in the middle of its answer"
                                       : "the server ended the connection without an answer"});
      }
      case Io::kError: return fail(stream_->error(where_));
    }
  }
}

/// False when the call is over.
bool HttpCall::take(std::string_view bytes) {
  answered_ = true;
  while (!bytes.empty()) {
    std::size_t used = 0;
    if (parser_.feed(bytes, used) != WireFault::kNone) {
      fail({.kind = ErrorKind::kProtocol,
            .where = where_,
            .text = "a bad HTTP answer: " + parser_.fault_text()});
      return false;
    }
    bytes.remove_prefix(used);
    if (!parser_.done()) continue;
    const int status = parser_.status();
    if (status >= 100 && status < 200 && status != 101) {
      parser_ = HttpParser(options_);  // an interim answer: the real one follows
      continue;
    }
    leftover_ = bytes;
    finish();
    return false;
  }
  return true;
}

void HttpCall::finish() {
  Outcome outcome{
      .response =
          HttpResponse{.status = parser_.status(), .headers = parser_.headers(), .body = parser_.take_body()},
      .answered = true,
      .reusable = parser_.keep_alive() && leftover_.empty() && out_at_ == out_.size(),
      .stream = std::move(stream_),
      .leftover = std::move(leftover_)};
  outcome.stream->cancel_waits();
  std::exchange(callback_, nullptr)(std::move(outcome));
}

void HttpCall::fail(Error error) {
  stream_->close();
  std::exchange(callback_, nullptr)({.response = std::move(error), .answered = answered_});
}

void HttpCall::cancel() {
  callback_ = nullptr;
  if (stream_) stream_->cut();
}

}  // namespace anduin::net
