#include "plugin/manifest.hpp"

#include <algorithm>

namespace anduin::plugin {
namespace {

using nlohmann::json;

struct Bad {
  std::string pointer, what;
};

const json& member(const json& at, const char* name, const std::string& pointer) {
  if (!at.is_object() || !at.contains(name)) throw Bad{pointer + "/" + name, "is missing"};
  return at.at(name);
}
std::string text(const json& at, const char* name, const std::string& pointer) {
  const json& v = member(at, name, pointer);
  if (!v.is_string() || v.get_ref<const std::string&>().empty())
    throw Bad{pointer + "/" + name, "must be a text that is not empty"};
  return v.get<std::string>();
}
std::string text_or(const json& at, const char* name, std::string otherwise) {
  return at.is_object() && at.contains(name) && at.at(name).is_string() ? at.at(name).get<std::string>() : otherwise;
}
std::int64_t integer_or(const json& at, const char* name, std::int64_t otherwise, const std::string& pointer) {
  if (!at.is_object() || !at.contains(name)) return otherwise;
  if (!at.at(name).is_number_integer() || at.at(name).get<std::int64_t>() < 0)
    throw Bad{pointer + "/" + name, "must be an integer, not negative"};
  return at.at(name).get<std::int64_t>();
}
std::vector<std::string> texts(const json& at, const char* name, const std::string& pointer) {
  std::vector<std::string> out;
  if (!at.is_object() || !at.contains(name)) return out;
  if (!at.at(name).is_array()) throw Bad{pointer + "/" + name, "must be a list of texts"};
  for (const json& v : at.at(name)) {
    if (!v.is_string()) throw Bad{pointer + "/" + name, "must be a list of texts"};
    out.push_back(v.get<std::string>());
  }
  return out;
}

Endpoint endpoint_of(const json& e, const std::string& pointer) {
  Endpoint out;
  out.id = text(e, "id", pointer);
  const std::string kind = text(e, "kind", pointer);
  if (kind != "ws" && kind != "http") throw Bad{pointer + "/kind", "must be ws or http"};
  out.is_ws = kind == "ws";
  out.url = text(e, "url", pointer);
  const std::string secure = out.is_ws ? "wss://" : "https://";
  if (!out.url.starts_with(secure)) throw Bad{pointer + "/url", "must begin with " + secure};
  out.auth = e.value("auth", false);
  out.idle_ms = integer_or(e, "idle_ms", out.idle_ms, pointer);
  out.open_ms = integer_or(e, "open_ms", out.open_ms, pointer);
  out.rate = text_or(e, "rate", "");
  if (!out.rate.empty() && !out.is_ws) throw Bad{pointer + "/rate", "paces connecting, so it is for ws endpoints"};
  out.message_bytes_max = static_cast<std::size_t>(
      integer_or(e, "max_message", static_cast<std::int64_t>(out.message_bytes_max), pointer));
  const std::string liveness = text_or(e, "liveness", out.auth ? "frames" : "data");
  if (liveness != "data" && liveness != "frames") throw Bad{pointer + "/liveness", "must be data or frames"};
  out.liveness_by_data = liveness == "data";
  if (e.contains("ping")) {
    out.ping.every_ms = integer_or(e.at("ping"), "every_ms", 0, pointer + "/ping");
    out.ping.text = text_or(e.at("ping"), "text", "");
    if (out.ping.every_ms < 1000) throw Bad{pointer + "/ping/every_ms", "must be 1000 or more"};
    if (out.ping.text.empty() && !e.at("ping").value("frame", false))
      throw Bad{pointer + "/ping", "needs text, or frame: true"};
  }
  return out;
}

InboundRule inbound_of(const json& whole) {
  InboundRule out;
  if (!whole.contains("inbound")) return out;
  const json& in = whole.at("inbound");
  out.scheme = text(in, "scheme", "/inbound");
  if (out.scheme != "anduin-hmac-v1") throw Bad{"/inbound/scheme", "must be anduin-hmac-v1"};
  out.content_type = text_or(in, "content_type", "application/json");
  out.body_bytes_max = static_cast<std::size_t>(
      integer_or(in, "max_body", static_cast<std::int64_t>(out.body_bytes_max), "/inbound"));
  constexpr std::size_t kBodyBytesMax = 1U << 20U;  // a record carries it, and AND_REC_SIZE_MAX is as much
  if (out.body_bytes_max == 0 || out.body_bytes_max > kBodyBytesMax)
    throw Bad{"/inbound/max_body", "must be 1 to " + std::to_string(kBodyBytesMax)};
  const std::string trust = text_or(in, "trust", "user");
  if (trust != "user" && trust != "operator") throw Bad{"/inbound/trust", "must be user or operator"};
  out.trusted = trust == "operator";
  return out;
}

Manifest build(json whole) {
  Manifest m;
  if (integer_or(whole, "schema", 0, "") != 1) throw Bad{"/schema", "must be 1"};
  m.id = text(whole, "id", "");
  m.name = text(whole, "name", "");
  m.version = text(whole, "version", "");
  const json& abi = member(whole, "abi", "");
  m.abi_major = static_cast<int>(integer_or(abi, "major", 0, "/abi"));
  m.abi_minor = static_cast<int>(integer_or(abi, "minor", 0, "/abi"));
  m.abi_minor_min = static_cast<int>(integer_or(abi, "minor_min", 0, "/abi"));
  const json& venue = member(whole, "venue", "");
  m.venue_name = text(venue, "name", "/venue");
  if (m.venue_name.find(':') != std::string::npos) throw Bad{"/venue/name", "must not contain a colon"};
  m.venue_type = text_or(venue, "type", "cex");
  const std::string ids = text(venue, "position_ids", "/venue");
  if (ids != "venue" && ids != "account") throw Bad{"/venue/position_ids", "must be venue or account"};
  m.ids_per_account = ids == "account";
  for (const auto& [feed, state] : member(whole, "feeds", "").items()) m.feeds.push_back(feed);
  const std::string instruments = text_or(whole, "instruments", "none");
  if (instruments != "listed" && instruments != "none") throw Bad{"/instruments", "must be listed or none"};
  m.instruments_listed = instruments == "listed";
  m.markets = texts(whole, "markets", "");
  m.account_markets = texts(whole, "account_markets", "");
  m.reply_headers = texts(whole, "reply_headers", "");
  m.inbound = inbound_of(whole);
  const json& endpoints = member(whole, "endpoints", "");
  if (!endpoints.is_array() || (endpoints.empty() && m.inbound.scheme.empty())) throw Bad{"/endpoints", "must be a list that is not empty"};
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    m.endpoints.push_back(endpoint_of(endpoints[i], "/endpoints/" + std::to_string(i)));
    for (std::size_t j = 0; j < i; ++j)
      if (m.endpoints[j].id == m.endpoints[i].id) throw Bad{"/endpoints/" + std::to_string(i) + "/id", "is there twice"};
  }
  for (std::size_t i = 0; i < m.endpoints.size(); ++i) {
    const std::string& rate = m.endpoints[i].rate;
    const json rates = whole.value("rates", json::array());
    if (!rate.empty() && std::none_of(rates.begin(), rates.end(), [&](const json& r) { return r.is_object() && r.value("class", "") == rate; }))
      throw Bad{"/endpoints/" + std::to_string(i) + "/rate", "'" + rate + "' is no class of rates"};
  }
  if (whole.contains("credentials"))
    for (const json& c : whole.at("credentials")) m.credentials.push_back(text(c, "name", "/credentials"));
  m.nonce_unit = text_or(whole, "nonce", "");
  if (!m.nonce_unit.empty() && m.nonce_unit != "us" && m.nonce_unit != "ms") throw Bad{"/nonce", "must be us or ms"};
  if (whole.contains("pnl")) {
    const json& p = whole.at("pnl");
    m.pnl = {text_or(p, "unit", ""), text_or(p, "pnl", ""), text_or(p, "closing_fee", ""),
             text_or(p, "opening_fee", ""), text_or(p, "funding", "")};
  }
  if (whole.contains("limits"))
    m.records_per_input_max = static_cast<std::uint32_t>(
        integer_or(whole.at("limits"), "records_per_input", m.records_per_input_max, "/limits"));
  m.json = std::move(whole);
  return m;
}

}  // namespace

const Endpoint* Manifest::endpoint(std::string_view endpoint_id) const {
  const auto it = std::find_if(endpoints.begin(), endpoints.end(), [&](const Endpoint& e) { return e.id == endpoint_id; });
  return it == endpoints.end() ? nullptr : &*it;
}

bool Manifest::has_feed(std::string_view feed) const {
  return std::find(feeds.begin(), feeds.end(), feed) != feeds.end();
}

Result<Manifest> Manifest::parse(std::string_view text, const std::string& where) {
  try {
    return build(json::parse(text));
  } catch (const Bad& bad) {
    return Error{ErrorKind::kBadRequest, where, "manifest " + bad.pointer + " " + bad.what};
  } catch (const json::exception& e) {
    return Error{ErrorKind::kBadRequest, where, std::string("manifest is not usable JSON: ") + e.what()};
  }
}

}  // namespace anduin::plugin
