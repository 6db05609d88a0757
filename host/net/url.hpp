// A parsed absolute URL (http, https, ws, wss) and percent coding. Plain values, any thread.
// The target is kept byte for byte as written: signatures are made over it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace anduin::net {

struct Url {
  std::string scheme;      ///< lower case: http, https, ws or wss
  std::string host;        ///< lower case; an IPv6 address without its brackets
  std::uint16_t port = 0;  ///< the scheme's default where the text has none
  std::string target;      ///< path and query, at least "/"; a fragment is dropped

  /// kBadRequest with the reason: scheme, user info, host, port or a forbidden character.
  [[nodiscard]] static Result<Url> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  /// host or host:port as the Host header spells it; the scheme's own port is left out.
  [[nodiscard]] std::string authority() const;
  /// scheme://host:port, the key of a connection pool.
  [[nodiscard]] std::string origin() const;
  [[nodiscard]] std::string_view path() const;
  /// Without the question mark; empty when there is none.
  [[nodiscard]] std::string_view query() const;
  [[nodiscard]] bool tls() const { return scheme == "https" || scheme == "wss"; }
  [[nodiscard]] bool websocket() const { return scheme == "ws" || scheme == "wss"; }
  bool operator==(const Url&) const = default;
};

/// Everything but RFC 3986 unreserved characters becomes %XX, upper case digits; a space becomes %20.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// kBadRequest for a broken %XX. `plus_is_space` is the form encoding of query strings.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace anduin::net
