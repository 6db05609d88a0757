// Who sent this request? The scheme `anduin-hmac-v1` of inbound endpoints: every check that comes before the body is
// read, in the contract's order, with the contract's codes (docs/metatrader.md).
// Thread: one at a time. Lifetime: the clock outlives it. Memory: bounded, nonces are forgotten when their time is up.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>

#include "base/clock.hpp"
#include "venue/secret.hpp"
#include "venue/transport.hpp"

namespace anduin::venue {

/// A request as it came, its body whole. Views end with the call.
struct InboundHead {
  std::string_view method, target;
  const HeaderList& headers;
  std::string_view body;
};

struct InboundRefusal {
  int status = 400;
  std::string code, message;
  int retry_after_s = 0;  ///< 0 = no such header
};

class InboundAuth {
 public:
  /// A stamp may be this far from our time, either way, inclusive.
  static constexpr std::int64_t kWindowMs = 120'000;
  /// A nonce is remembered this long: more than both sides of the window, after which the stamp refuses a replay.
  static constexpr std::int64_t kNonceMs = 300'000;
  /// A key's sustained rate and burst: a terminal sends 20 a second after an outage, prices once a second.
  static constexpr std::int64_t kPerSecond = 50, kBurst = 200;

  explicit InboundAuth(const Clock& clock);

  /// Declares POST /webhook/<venue>. `content_type` is compared without parameters, letter case ignored.
  void add_venue(const std::string& venue, std::string content_type, std::size_t body_bytes_max);
  /// False when the venue has this key already.
  bool add_key(const std::string& venue, const std::string& key, std::string_view secret);

  struct Verified {
    std::string venue, key;
  };
  /// All checks before the body. A nonce is taken only when everything else was good.
  std::variant<Verified, InboundRefusal> check(const InboundHead& head);
  /// What the request line and the length alone say: for requests whose body was never read (413, 431, 400).
  [[nodiscard]] InboundRefusal refusal(int status, const std::string& text, std::string_view method,
                                       std::string_view target) const;

 private:
  struct Key {
    Secret secret;
    std::deque<std::pair<std::int64_t, std::string>> order;  ///< nonces by the time they were seen
    std::unordered_set<std::string> nonces;
    std::int64_t tokens_milli = kBurst * 1'000;
    std::uint64_t filled_mono_ns = 0;
  };
  struct Venue {
    std::string content_type;
    std::size_t body_bytes_max;
    std::map<std::string, Key, std::less<>> keys;
  };
  struct Stamp;
  [[nodiscard]] Venue* venue_of(std::string_view target);
  [[nodiscard]] const Venue* venue_of(std::string_view target) const;
  std::optional<InboundRefusal> check_shape(const InboundHead& head, const Venue& venue) const;
  std::optional<InboundRefusal> read_stamp(const InboundHead& head, Stamp& out) const;
  std::optional<InboundRefusal> check_rate(Key& key) const;
  bool remember(Key& key, std::string_view nonce) const;

  const Clock& clock_;
  std::map<std::string, Venue, std::less<>> venues_;  ///< by path
  Secret dummy_;  ///< an unknown key costs one MAC as well, so that both refusals take the same time
};

}  // namespace anduin::venue
