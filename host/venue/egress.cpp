#include "venue/egress.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace anduin::venue {
namespace {

using nlohmann::json;

Error bad(std::string where, std::string text) {
  return {ErrorKind::kBadRequest, std::move(where), std::move(text)};
}
std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string text_of(const json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

bool flag_of(const json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

bool is_label_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// `*` stands for one or more label characters: it never crosses a dot of a host or a slash of a path.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*')
    return !text.empty() && pattern.front() == text.front() && matches(pattern.substr(1), text.substr(1));
  while (!text.empty() && is_label_char(text.front())) {
    text.remove_prefix(1);
    if (matches(pattern.substr(1), text)) return true;
  }
  return false;
}

/// Why a path cannot be compared safely; empty when it can. Servers differ in how they read these.
std::string path_trick(std::string_view path) {
  if (!path.starts_with('/')) return "it does not begin with /";
  for (const char c : path)
    if (c <= 0x20 || c >= 0x7f) return "it holds a blank, a control character or no ASCII";
  for (const char c : {'%', '?', '#', '\\', ';'})
    if (path.find(c) != path.npos) return std::string("it holds ") + c;
  if (path.find("//") != path.npos) return "it holds //";
  std::string_view rest = path;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (segment == "." || segment == "..") return "it holds a dot segment";
    rest.remove_prefix(segment.size());
  }
  return {};
}

struct UrlParts {
  std::string scheme, host, path;  // host with its port unless it is the scheme's own
  [[nodiscard]] std::string origin() const { return scheme + "://" + host; }
  [[nodiscard]] std::string whole() const { return origin() + path; }
};

/// A strict cut, stricter than the connector's: what reads differently elsewhere is refused.
Result<UrlParts> cut_url(std::string_view url, std::string_view marks = "") {
  UrlParts out;
  const std::size_t colon = url.find("://");
  if (colon == url.npos) return bad(std::string(url), "no URL: scheme://host/path is needed");
  out.scheme = url.substr(0, colon);
  if (out.scheme != "wss" && out.scheme != "ws" && out.scheme != "https" && out.scheme != "http")
    return bad(std::string(url), "the scheme is not ws, wss, http or https in lower case");
  url.remove_prefix(colon + 3);
  const std::size_t end = std::min(url.find_first_of("/?#"), url.size());
  out.host = url.substr(0, end);
  for (const char c : out.host) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                       c == ':' || c == '[' || c == ']' || marks.find(c) != marks.npos;
    if (!plain) return bad(out.host, "the host holds a character that no lower-case host name has");
  }
  const std::string_view own_port = out.scheme == "wss" || out.scheme == "https" ? ":443" : ":80";
  if (out.host.ends_with(own_port)) out.host.resize(out.host.size() - own_port.size());
  if (out.host.empty()) return bad(std::string(url), "the URL has no host");
  url.remove_prefix(end);
  if (url.find('#') != url.npos) return bad(std::string(url), "the URL holds a fragment");
  for (const char c : url)
    if (c <= 0x20 || c >= 0x7f)
      return bad(std::string(out.host), "the URL holds a blank, a control character or no ASCII");
  out.path = url.substr(0, url.find('?'));
  if (out.path.empty()) out.path = "/";
  if (const std::string trick = path_trick(out.path); !trick.empty())
    return bad(out.path, "the path is refused: " + trick);
  return out;
}

// Set by the host itself, or read by some servers instead of method and path.
constexpr std::array<std::string_view, 18> kHeadersRefused{"host",
                                                           "content-length",
                                                           "transfer-encoding",
                                                           "connection",
                                                           "upgrade",
                                                           "te",
                                                           "trailer",
                                                           "expect",
                                                           "keep-alive",
                                                           "proxy-connection",
                                                           "proxy-authorization",
                                                           "x-http-method-override",
                                                           "x-http-method",
                                                           "x-method-override",
                                                           "x-original-url",
                                                           "x-rewrite-url",
                                                           "x-forwarded-host",
                                                           "x-forwarded-for"};

Result<void> allow_headers(const HeaderList& headers) {
  for (const auto& [name, value] : headers) {
    std::string lower = name;
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    const bool refused =
        std::find(kHeadersRefused.begin(), kHeadersRefused.end(), lower) != kHeadersRefused.end() ||
        lower.starts_with("sec-websocket-");
    if (refused)
      return bad("headers/" + name,
                 "refused: this header belongs to the host; no manifest entry can allow it");
  }
  return {};
}

}  // namespace

Result<EgressPolicy> EgressPolicy::create(const json& manifest, Options options) {
  EgressPolicy out;
  out.options_ = std::move(options);
  if (!manifest.is_object()) return bad("", "the manifest is not a JSON object");
  if (auto ok = out.read_endpoints(manifest); !ok) return ok.error();
  if (auto ok = out.read_requests(manifest); !ok) return ok.error();
  if (auto ok = out.read_hosts(manifest); !ok) return ok.error();
  for (const auto& [id, url] : out.options_.endpoint_overrides)
    if (!out.endpoints_.contains(id))
      return bad("endpoints." + id, "the manifest has no endpoint of that name");
  return out;
}

Result<void> EgressPolicy::read_endpoints(const json& manifest) {
  const json list = manifest.value("endpoints", json::array());
  if (!list.is_array()) return bad("/endpoints", "write a list of endpoints");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = "/endpoints/" + std::to_string(i);
    Endpoint e;
    const std::string id = text_of(list[i], "id"), kind = text_of(list[i], "kind");
    if (id.empty() || endpoints_.contains(id))
      return bad(where + "/id", "write a name that no other endpoint has");
    if (kind != "ws" && kind != "http") return bad(where + "/kind", "write \"ws\" or \"http\"");
    e.ws = kind == "ws";
    e.auth = flag_of(list[i], "auth");
    e.manifest = text_of(list[i], "url");
    auto parts = cut_url(e.manifest);
    if (!parts) return bad(where + "/url", parts.error().to_string());
    if (parts->scheme.starts_with("ws") != e.ws)
      return bad(where + "/url", "the scheme does not fit the kind " + kind);
    if (!e.ws && parts->path != "/")
      return bad(where + "/url", "an http endpoint ends with its host: paths belong into egress");
    e.url = e.manifest;
    if (const auto it = options_.endpoint_overrides.find(id); it != options_.endpoint_overrides.end()) {
      auto other = cut_url(it->second);
      if (!other) return bad("endpoints." + id, other.error().to_string());
      if (other->scheme.starts_with("ws") != e.ws)
        return bad("endpoints." + id, "the scheme does not fit: this is a " + kind + " endpoint");
      e.url = it->second;
    }
    endpoints_.emplace(id, std::move(e));
  }
  const json rules = manifest.value("ws_egress", json::object());
  if (!rules.is_object()) return bad("/ws_egress", "write an object by endpoint id");
  for (const auto& [id, entry] : rules.items()) {
    const auto it = endpoints_.find(id);
    if (it == endpoints_.end() || !it->second.ws)
      return bad("/ws_egress/" + id, "no ws endpoint has that id");
    auto parsed = FrameRules::parse(entry, "/ws_egress/" + id);
    if (!parsed) return parsed.error();
    it->second.rules = std::move(*parsed);
  }
  return {};
}

Result<void> EgressPolicy::read_requests(const json& manifest) {
  const json list = manifest.value("egress", json::array());
  if (!list.is_array()) return bad("/egress", "write a list of requests");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = "/egress/" + std::to_string(i);
    Request r{text_of(list[i], "endpoint"), text_of(list[i], "method"), text_of(list[i], "path"),
              flag_of(list[i], "auth")};
    const auto it = endpoints_.find(r.endpoint);
    if (it == endpoints_.end() || it->second.ws)
      return bad(where + "/endpoint", "no http endpoint has the id " + in_quotes(r.endpoint));
    if (r.method.empty() || r.method.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != r.method.npos)
      return bad(where + "/method", "write an upper-case method such as GET");
    if (const std::string trick = path_trick(r.path); !trick.empty())
      return bad(where + "/path", "write a plain path: " + trick);
    if (r.auth && r.path.find('*') != r.path.npos)
      return bad(where + "/path", "a path with credentials is written whole, without *");
    requests_.push_back(std::move(r));
  }
  return {};
}

Result<void> EgressPolicy::read_hosts(const json& manifest) {
  const json list = manifest.value("hosts", json::array());
  if (!list.is_array()) return bad("/hosts", "write a list of patterns scheme://host/path");
  for (const json& item : list) {
    const std::string pattern = item.is_string() ? item.get<std::string>() : std::string();
    auto parts = cut_url(pattern, "*_ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (!parts) return bad("/hosts", "write scheme://host/path: " + parts.error().to_string());
    // The registered domain must be literal: *.com or a star before it that can end the name would be
    // anybody's.
    const std::size_t dot = parts->host.rfind('.', parts->host.rfind('.') - 1);
    const std::string domain = dot == parts->host.npos ? parts->host : parts->host.substr(dot + 1);
    if (domain.find('*') != domain.npos)
      return bad("/hosts", in_quotes(pattern) + " leaves the domain open: write it out");
    hosts_.push_back(parts->whole());
  }
  return {};
}

Result<const EgressPolicy::Endpoint*> EgressPolicy::find(std::string_view id) const {
  const auto it = endpoints_.find(id);
  if (it == endpoints_.end())
    return bad("/endpoints", "refused: the manifest has no endpoint " + in_quotes(id));
  return &it->second;
}

Result<void> EgressPolicy::allow(std::string_view endpoint, std::string_view method, std::string_view path,
                                 bool uses_credentials) const {
  auto found = find(endpoint);
  if (!found) return found.error();
  const std::string what = std::string(method) + " " + std::string(path) + " on " + in_quotes(endpoint);
  if ((*found)->ws)
    return bad("/egress", "refused: " + in_quotes(endpoint) + " is a socket, not for requests");
  if (const std::string trick = path_trick(path); !trick.empty())
    return bad("/egress", "refused " + what + ": " + trick);
  bool path_known = false;
  for (const Request& r : requests_) {
    if (r.endpoint != endpoint || !matches(r.path, path)) continue;
    path_known = true;
    if (r.method != method) continue;
    if (uses_credentials && !r.auth)
      return bad("/egress",
                 "refused " + what + ": its entry lacks \"auth\": true, so no credentials may go there");
    return {};
  }
  return bad("/egress", "refused " + what + ": " +
                            (path_known ? "that path is listed with another method only"
                                        : "no entry of the manifest lists it"));
}

Result<void> EgressPolicy::allow(std::string_view endpoint, const RenderedRequest& request) const {
  if (auto ok = allow(endpoint, request.method, request.path, request.uses_credentials); !ok) return ok;
  return allow_headers(request.headers);
}

Result<void> EgressPolicy::allow_frame(std::string_view endpoint, const RenderedFrame& frame,
                                       unsigned opcode) const {
  auto found = find(endpoint);
  if (!found) return found.error();
  const Endpoint& e = **found;
  if (!e.ws) return bad("/endpoints", "refused: " + in_quotes(endpoint) + " is not a socket");
  if (frame.uses_credentials && !e.auth)
    return bad("/endpoints", "frame refused: " + in_quotes(endpoint) +
                                 " lacks \"auth\": true, so no credentials may go there");
  if (!e.rules) {
    if (!e.auth && !options_.account) return {};
    return bad("/ws_egress/" + std::string(endpoint),
               "frame refused: the manifest does not say what may be sent there");
  }
  if (opcode != 1)
    return bad("/ws_egress/" + std::string(endpoint), "frame refused: only text frames can be checked");
  return e.rules->allow(endpoint, frame.text);
}

Result<void> EgressPolicy::allow_url(std::string_view endpoint, std::string_view url) const {
  auto found = find(endpoint);
  if (!found) return found.error();
  const Endpoint& e = **found;
  if (!e.ws) return bad("/endpoints", "refused: " + in_quotes(endpoint) + " is not a socket");
  auto parts = cut_url(url);
  if (!parts) return bad("/hosts", "URL refused: " + parts.error().to_string());
  const UrlParts in_force = *cut_url(e.url);
  if (parts->whole() == in_force.whole()) return {};
  // On an overridden address the same paths are allowed as on the venue's own.
  const UrlParts own = *cut_url(e.manifest);
  UrlParts as_own = *parts;
  if (parts->origin() == in_force.origin()) {
    as_own.scheme = own.scheme;
    as_own.host = own.host;
    if (as_own.whole() == own.whole()) return {};
  }
  for (const std::string& pattern : hosts_)
    if (matches(pattern, parts->whole()) || matches(pattern, as_own.whole())) return {};
  return bad("/hosts", "URL refused: " + parts->whole() + " is neither the address of endpoint " +
                           in_quotes(endpoint) + " nor covered by a pattern of the manifest");
}

Result<void> EgressPolicy::allow_open(std::string_view endpoint, std::string_view url,
                                      const RenderedRequest& rendered) const {
  if (auto ok = allow_url(endpoint, url); !ok) return ok;
  if (rendered.uses_credentials && !(*find(endpoint))->auth)
    return bad("/endpoints",
               "refused: " + in_quotes(endpoint) + " lacks \"auth\": true, so no credentials may go there");
  return allow_headers(rendered.headers);
}

Result<std::string> EgressPolicy::url(std::string_view endpoint, std::string_view target) const {
  auto found = find(endpoint);
  if (!found) return found.error();
  const Endpoint& e = **found;
  if (target.empty()) return e.url;
  if (!target.starts_with('/')) return bad("target", "a target begins with /");
  const UrlParts parts = *cut_url(e.url);
  // A reverse proxy may stand for an http endpoint under a path of its own.
  return parts.origin() + (e.ws || parts.path == "/" ? std::string() : parts.path) + std::string(target);
}

}  // namespace anduin::venue
