// Query strings of REST requests. Pure, any thread.
#pragma once
#include <string>
#include <string_view>

namespace anduin {

/// Percent-encodes everything but unreserved characters (RFC 3986). Opaque page cursors go through it as they came:
/// what is signed is what is sent.
inline std::string escape_query(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto u = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[u >> 4U];
      out += kHex[u & 15U];
    }
  }
  return out;
}

}  // namespace anduin
