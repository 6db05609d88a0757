#include "net/url.hpp"

#include <algorithm>
#include <charconv>

namespace anduin::net {
namespace {

Error bad_url(std::string_view url, std::string text) {
  return {.kind = ErrorKind::kBadRequest, .where = std::string(url), .text = std::move(text)};
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" || scheme == "wss" ? 443 : 80;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool host_character(char c) { return alphanumeric(c) || c == '-' || c == '.' || c == '_'; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Splits "host", "host:port" or "[v6]:port"; returns what is wrong, or nothing.
std::string split_authority(std::string_view authority, Url& url) {
  std::string_view port_text;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return "the IPv6 address lacks its closing bracket";
    url.host = lower_case(authority.substr(1, end - 1));
    for (const char c : url.host)
      if (hex_value(c) < 0 && c != ':' && c != '.') return "not an IPv6 address between the brackets";
    const auto rest = authority.substr(end + 1);
    if (!rest.empty() && rest[0] != ':') return "only :port may follow the IPv6 address";
    if (!rest.empty()) port_text = rest.substr(1);
    if (!rest.empty() && port_text.empty()) return "a port number must follow the colon";
  } else {
    const auto colon = authority.find(':');
    url.host = lower_case(authority.substr(0, colon));
    if (!std::ranges::all_of(url.host, host_character)) return "the host name holds a forbidden character";
    if (colon != std::string_view::npos) {
      port_text = authority.substr(colon + 1);
      if (port_text.empty()) return "a port number must follow the colon";
    }
  }
  if (url.host.empty()) return "the host name is missing";
  url.port = default_port(url.scheme);
  if (port_text.empty()) return {};
  const auto [end, fault] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), url.port);
  if (fault != std::errc{} || end != port_text.data() + port_text.size() || url.port == 0)
    return "the port must be a number from 1 to 65535";
  return {};
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos)
    return bad_url(text, "not an absolute URL: write scheme://host/path, e.g. https://api.example.com/v5");
  url.scheme = lower_case(text.substr(0, colon));
  if (url.scheme != "https" && url.scheme != "http" && url.scheme != "wss" && url.scheme != "ws")
    return bad_url(text, "the scheme must be https, http, wss or ws");
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto slash = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, slash);
  // The URL may hold a secret there: it is not repeated.
  if (authority.find('@') != std::string_view::npos)
    return bad_url(url.scheme + "://...", "user name and password in a URL are not supported: use headers");
  if (auto fault = split_authority(authority, url); !fault.empty()) return bad_url(text, std::move(fault));
  const std::string_view target = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  if (!target.starts_with('/')) url.target = "/";
  url.target += target;
  for (const char c : url.target)
    if (c <= ' ' || c == 0x7f || static_cast<unsigned char>(c) >= 0x80)
      return bad_url(text, "blanks, control and non-ASCII characters must be percent-encoded");
  return url;
}

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == default_port(scheme) ? name : name + ":" + std::to_string(port);
}

std::string Url::to_string() const { return scheme + "://" + authority() + target; }

std::string Url::origin() const {
  return scheme + "://" + (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port);
}

std::string_view Url::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view Url::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return bad_url(text, "% must be followed by two hex digits");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace anduin::net
