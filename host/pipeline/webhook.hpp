// The listener for inbound requests: TLS, authentication and bounds on a thread of its own, so that garbage from the
// network costs no venue its time; what is proven goes to the account's feed, and its answer back.
// Thread: add_*() and start() before any request, stop() once, from the same thread; handlers run on the listener's
// thread, answers may be given on any. Lifetime: handlers may be called until stop() has returned.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "pipeline/settings.hpp"

namespace anduin::plugin {
struct InboundRule;
}

namespace anduin::pipeline {

/// A request whose sender is proven.
struct InboundRequest {
  std::string path, key, body;
};
struct InboundAnswer {
  int status = 200;
  std::string content_type = "application/json", body;
  int retry_after_s = 0;  ///< 0 = no such header
};
/// An answer in the contract's words: {"error":code,"message":text,"serverTime":ms}.
InboundAnswer inbound_error(int status, const std::string& code, const std::string& message, std::int64_t now_ms,
                            int retry_after_s = 0);

class Webhook {
 public:
  using Answer = std::function<void(InboundAnswer)>;
  using Handler = std::function<void(InboundRequest, Answer)>;

  // The bounds, and why.
  static constexpr std::size_t kHeadBytesMax = 8U << 10U;     ///< the contract's
  static constexpr std::size_t kConnectionsMax = 512;         ///< a terminal holds one or two
  static constexpr std::size_t kConnectionsPerAddressMax = 128;  ///< a server with many terminals, not all places
  static constexpr std::int64_t kRequestMs = 10'000;          ///< handshake, and first to last byte of a request
  static constexpr std::int64_t kIdleMs = 30'000;             ///< between requests
  static constexpr std::int64_t kAnswerMs = 4'000;            ///< a terminal waits 5 s; it comes again with the same id
  static constexpr std::size_t kInFlightPerKeyMax = 16;       ///< a terminal sends one at a time

  Webhook(const Clock& clock, const WebhookSettings& settings);
  ~Webhook();

  void add_venue(const std::string& venue, const plugin::InboundRule& rule);
  /// kBadRequest when another account of the venue has this key.
  Result<void> add_key(const std::string& venue, const std::string& key, std::string_view secret, Handler handler);
  /// Listens from here on. Errors: certificate, address.
  Result<void> start();
  /// Closes every connection; no handler runs afterwards.
  void stop();
  [[nodiscard]] std::uint16_t port() const;

  struct Counters {
    std::uint64_t requests = 0, refused = 0, answered = 0, timed_out = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace anduin::pipeline
