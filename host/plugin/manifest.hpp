// A plugin's manifest, parsed and checked (the format: docs/manifest.md). An immutable value; any thread.
#pragma once
#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace anduin::plugin {

struct PingRule {
  std::int64_t every_ms = 0;  ///< 0 = none
  std::string text;           ///< a text frame; empty = a WebSocket ping frame
};

struct Endpoint {
  std::string id;
  bool is_ws = false;
  bool auth = false;  ///< credentials are used here: frames are checked against ws_egress
  std::string url;
  std::int64_t idle_ms = 60'000;   ///< nothing alive for so long: reconnect
  bool liveness_by_data = true;    ///< only frames that led to a record count as alive
  std::int64_t open_ms = 10'000;   ///< dial to open
  std::string rate;                ///< the class of `rates` that paces connecting; empty = none
  std::size_t message_bytes_max = 16U << 20U;
  PingRule ping;
};

struct PnlRow {  ///< what a close of this venue contains; printed by `check`
  std::string unit, pnl, closing_fee, opening_fee, funding;
};

/// What may come in: POST /webhook/<venue> on the webhook listener, authenticated by the host.
struct InboundRule {
  std::string scheme;        ///< "anduin-hmac-v1"; empty = nothing comes in
  std::string content_type;  ///< the media type a request must have
  std::size_t body_bytes_max = 65'536;
  bool trusted = false;      ///< default of the accounts' `trust`: false = user, credits need more than a signature
};

struct Manifest {
  std::string id, name, version;
  int abi_major = 0, abi_minor = 0, abi_minor_min = 0;
  std::string venue_name, venue_type;
  bool ids_per_account = false;  ///< close ids are unique per account only: the host prefixes the uid
  bool instruments_listed = false;
  std::vector<std::string> feeds, markets, account_markets;
  std::vector<Endpoint> endpoints;
  std::vector<std::string> reply_headers;  ///< lower case
  std::vector<std::string> credentials;    ///< names, in the plugin's order
  std::string nonce_unit;                  ///< "us", "ms" or empty
  PnlRow pnl;
  InboundRule inbound;
  std::uint32_t records_per_input_max = 4096;
  nlohmann::json json;  ///< the whole text, for egress, sign programs, rates and config

  [[nodiscard]] const Endpoint* endpoint(std::string_view endpoint_id) const;
  [[nodiscard]] bool has_feed(std::string_view feed) const;

  /// `where` is named in errors, with the JSON pointer of the member concerned.
  static Result<Manifest> parse(std::string_view text, const std::string& where);
};

}  // namespace anduin::plugin
