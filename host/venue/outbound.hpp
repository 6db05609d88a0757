// Everything that leaves one instance passes here: endpoint and allow list, templates and signatures, rate limits.
// Thread: the runner's. Lifetime: the manifest outlives it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "anduin/plugin.h"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "plugin/manifest.hpp"
#include "venue/rate_limiter.hpp"
#include "venue/secret.hpp"
#include "venue/transport.hpp"

namespace anduin::venue {

struct OutboundOptions {
  std::shared_ptr<const Credentials> credentials;      ///< null for public instances
  bool account = false;                                ///< every frame is checked, not only on `auth` endpoints
  std::map<std::string, std::string> endpoints;        ///< endpoint id -> url, instead of the manifest's
  std::function<Result<std::string>()> next_nonce;     ///< strictly growing, durable; empty = no nonces here
  std::function<std::int64_t()> venue_now_ms;          ///< the venue's time as known
  std::shared_ptr<HostBudgets> budgets;                ///< empty = limits of this instance alone
  bool render = true;                                  ///< false in replay: templates leave as they are
};

class Outbound {
 public:
  /// Errors: a manifest part that cannot work (sign programs, rates, allow lists), with its JSON pointer.
  static Result<std::unique_ptr<Outbound>> create(const plugin::Manifest& manifest, OutboundOptions options,
                                                  Clock& clock);
  ~Outbound();
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;

  /// The endpoint a connection would use, or why the url is refused.
  Result<SocketRequest> open(const and_rec_open& record, std::int64_t open_ms);
  Result<HttpCall> request(const and_rec_http& record);
  /// The frame as it is sent, checked against ws_egress where the endpoint is authenticated.
  Result<std::string> frame(const and_rec_send& record, std::string_view endpoint);

  /// May a record of this class leave now? The tokens are taken if so.
  Result<Permit> acquire(std::string_view rate_class, std::uint32_t cost);
  /// The answer is there, or none will come: frees serial classes, learns from status and headers.
  void answered(std::string_view rate_class, const HttpAnswer& answer);
  /// A limit stated in a body (RATE record).
  void learned(std::string_view rate_class, std::int64_t remaining, std::int64_t reset_ms);
  /// Registers the sensitive values of an answer for redaction.
  void redact_answer(std::string_view body);

 private:
  struct Impl;
  explicit Outbound(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::venue
