#include "sim/wire.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace anduin::sim {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, gzip framing

const unsigned char* bytes(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

std::string hmac(const EVP_MD* md, std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  HMAC(md, key.data(), static_cast<int>(key.size()), bytes(data), data.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::tm utc(std::int64_t seconds) {
  const auto t = static_cast<std::time_t>(seconds);
  std::tm tm{};
  gmtime_r(&t, &tm);
  return tm;
}

std::string iso_seconds(std::int64_t seconds) {
  const std::tm tm = utc(seconds);
  std::array<char, 32> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &tm);
  return {text.data(), n};
}

std::string padded(std::int64_t value, int width) {
  std::string digits = std::to_string(value);
  return std::string(static_cast<std::size_t>(std::max(0, width - static_cast<int>(digits.size()))), '0') +
         digits;
}

/// The library's DOM builder, except that a number with a point or exponent keeps its characters.
class ExactDom : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  using json_sax_dom_parser::json_sax_dom_parser;
  bool number_float(Json::number_float_t, const std::string& lexeme) {
    std::string copy = lexeme;
    return string(copy);
  }
};

}  // namespace

std::string sha256(std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  EVP_Digest(data.data(), data.size(), out.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string hmac_sha256(std::string_view key, std::string_view data) { return hmac(EVP_sha256(), key, data); }

std::string hmac_sha256_hex(std::string_view key, std::string_view data) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : hmac_sha256(key, data)) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4U];
    hex += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return hex;
}

std::string hmac_sha512(std::string_view key, std::string_view data) { return hmac(EVP_sha512(), key, data); }

std::uint32_t crc32(std::string_view data) {
  return static_cast<std::uint32_t>(::crc32(0, bytes(data), static_cast<uInt>(data.size())));
}

std::string base64_encode(std::string_view data) {
  std::string out((data.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes(data),
                                static_cast<int>(data.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3 + 1, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes(text),
                                static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  std::size_t size = static_cast<std::size_t>(n);
  for (std::size_t i = text.size(); i > 0 && text[i - 1] == '='; --i) --size;
  out.resize(size);
  return out;
}

std::string gzip(std::string_view data) {
  z_stream z{};
  if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string out(deflateBound(&z, data.size()) + 32, '\0');  // the bound knows nothing of the gzip head
  z.next_in = const_cast<unsigned char*>(bytes(data));
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<unsigned char*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::optional<std::string> gunzip(std::string_view data) {
  z_stream z{};
  if (inflateInit2(&z, kGzipWindow) != Z_OK) return std::nullopt;
  z.next_in = const_cast<unsigned char*>(bytes(data));
  z.avail_in = static_cast<uInt>(data.size());
  std::string out;
  int code = Z_OK;
  while (code == Z_OK) {
    std::array<char, 16'384> piece{};
    z.next_out = reinterpret_cast<unsigned char*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    code = inflate(&z, Z_NO_FLUSH);
    out.append(piece.data(), piece.size() - z.avail_out);
  }
  const bool whole = code == Z_STREAM_END && z.avail_in == 0;
  inflateEnd(&z);
  return whole ? std::optional(out) : std::nullopt;
}

std::string pct_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' && plus_is_blank ? ' ' : text[i];
    }
  }
  return out;
}

std::string pct_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if ((std::isalnum(u) != 0) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[u >> 4U];
      out += kDigits[u & 15U];
    }
  }
  return out;
}

Params::Params(std::string_view encoded, bool plus_is_blank) {
  while (!encoded.empty()) {
    const std::size_t amp = encoded.find('&');
    const std::string_view item = encoded.substr(0, amp);
    encoded = amp == std::string_view::npos ? std::string_view{} : encoded.substr(amp + 1);
    if (item.empty()) continue;
    const std::size_t eq = item.find('=');
    add(pct_decode(item.substr(0, eq), plus_is_blank),
        eq == std::string_view::npos ? std::string{} : pct_decode(item.substr(eq + 1), plus_is_blank));
  }
}

std::optional<std::string> Params::find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string Params::get(std::string_view name, std::string_view fallback) const {
  auto value = find(name);
  return value && !value->empty() ? *value : std::string(fallback);
}

std::int64_t Params::number(std::string_view name, std::int64_t fallback, std::int64_t min,
                            std::int64_t max) const {
  const std::string text = get(name);
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return fallback;
  return std::clamp<std::int64_t>(std::stoll(text), min, max);
}

std::optional<Json> parse_exact(std::string_view text) {
  Json result;
  ExactDom dom(result, false);
  if (!Json::sax_parse(text.begin(), text.end(), &dom) || result.is_discarded()) return std::nullopt;
  return result;
}

std::optional<Decimal> decimal_of(const Json& value) {
  if (value.is_string()) return Decimal::parse(value.get_ref<const std::string&>());
  if (value.is_number_integer()) return Decimal::parse(value.dump());
  return std::nullopt;
}

std::optional<Decimal> decimal_at(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) return std::nullopt;
  return decimal_of(object[key]);
}

std::string text_at(const Json& object, const char* key, std::string_view fallback) {
  if (!object.is_object() || !object.contains(key)) return std::string(fallback);
  const Json& value = object[key];
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? value.dump() : std::string(fallback);
}

std::int64_t int_at(const Json& object, const char* key, std::int64_t fallback) {
  if (!object.is_object() || !object.contains(key)) return fallback;
  const Json& value = object[key];
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_string()) {
    const auto d = Decimal::parse(value.get_ref<const std::string&>());
    if (d) return static_cast<std::int64_t>(std::stoll(d->truncated(0).to_string()));
  }
  return fallback;
}

bool flag_at(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_boolean() && object[key].get<bool>();
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out += '"';
}

Obj& Obj::raw(std::string_view key, std::string_view json) {
  if (!body_.empty()) body_ += ',';
  body_ += quoted(key);
  body_ += ':';
  body_ += json;
  return *this;
}

Arr& Arr::raw(std::string_view json) {
  if (!body_.empty()) body_ += ',';
  body_ += json;
  return *this;
}

std::string fixed_text(std::int64_t units, int decimals) {
  const bool negative = units < 0;
  std::string digits = padded(negative ? -units : units, decimals + 1);
  if (decimals > 0) digits.insert(digits.size() - static_cast<std::size_t>(decimals), ".");
  return negative ? "-" + digits : digits;
}

std::string double_text(const Decimal& value) {
  std::string text = value.to_string();
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string iso_ms(std::int64_t ms) { return iso_seconds(ms / 1000) + "." + padded(ms % 1000, 3) + "Z"; }

std::string iso_us(std::int64_t us) {
  return iso_seconds(us / 1'000'000) + "." + padded(us % 1'000'000, 6) + "Z";
}

std::string rfc1123(std::int64_t ms) {
  const std::tm tm = utc(ms / 1000);
  std::array<char, 48> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%a, %d %b %y %H:%M:%S +0000", &tm);
  return {text.data(), n};
}

std::string seconds_us(std::int64_t us) { return fixed_text(us, 6); }

std::string uuid(Random& random) {
  std::array<char, 40> text{};
  const std::uint64_t a = random.next(), b = random.next();
  std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(a >> 32U),
                static_cast<unsigned>((a >> 16U) & 0xffffU), static_cast<unsigned>(a & 0xfffU),
                static_cast<unsigned>(0x8000U | ((b >> 48U) & 0x3fffU)),
                static_cast<unsigned long long>(b & 0xffffffffffffULL));
  return text.data();
}

std::string grouped_id(Random& random, char first, std::initializer_list<int> groups) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  for (const int length : groups) {
    if (!out.empty()) out += '-';
    for (int i = 0; i < length; ++i) out += kAlphabet[random.below(kAlphabet.size())];
  }
  out[0] = first;
  return out;
}

}  // namespace anduin::sim
