// What every venue simulator needs of the wire: digests, encodings, exact JSON in and out, times as text.
// Pure functions and plain values, any thread. Nothing here is shared with the code under test.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anduin/decimal.hpp"
#include "base/random.hpp"

namespace anduin::sim {

using Json = nlohmann::ordered_json;

// --- digests (raw bytes unless the name says otherwise)
std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string hmac_sha256_hex(std::string_view key, std::string_view data);
std::string hmac_sha512(std::string_view key, std::string_view data);
std::uint32_t crc32(std::string_view data);
std::string base64_encode(std::string_view data);
std::optional<std::string> base64_decode(std::string_view text);
std::string gzip(std::string_view data);  ///< one member
/// What one gzip member holds; nothing when it is damaged, cut or followed by more.
std::optional<std::string> gunzip(std::string_view data);

// --- URL forms
std::string pct_decode(std::string_view text, bool plus_is_blank = false);
std::string pct_encode(std::string_view text);

/// Decoded name=value pairs in order; find() gives the first, or nothing.
class Params {
 public:
  Params() = default;
  explicit Params(std::string_view encoded, bool plus_is_blank = false);
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  /// The value, or `fallback` when absent or empty.
  [[nodiscard]] std::string get(std::string_view name, std::string_view fallback = "") const;
  /// A whole number in [min, max]; `fallback` when absent, empty or no number; clamped otherwise.
  [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t fallback, std::int64_t min,
                                    std::int64_t max) const;
  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// --- JSON in: floats keep their characters (they become strings), so no digit is ever lost
std::optional<Json> parse_exact(std::string_view text);
/// A decimal from a JSON string or integer; nothing otherwise.
std::optional<Decimal> decimal_of(const Json& value);
std::optional<Decimal> decimal_at(const Json& object, const char* key);
std::string text_at(const Json& object, const char* key, std::string_view fallback = "");
std::int64_t int_at(const Json& object, const char* key, std::int64_t fallback);
bool flag_at(const Json& object, const char* key);

// --- JSON out: members in the order they are added, numbers with the characters we choose
std::string quoted(std::string_view text);

class Obj {
 public:
  Obj& str(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }
  Obj& raw(std::string_view key, std::string_view json);
  Obj& num(std::string_view key, std::int64_t value) { return raw(key, std::to_string(value)); }
  Obj& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  Obj& null(std::string_view key) { return raw(key, "null"); }
  [[nodiscard]] std::string text() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

class Arr {
 public:
  Arr& str(std::string_view value) { return raw(quoted(value)); }
  Arr& raw(std::string_view json);
  [[nodiscard]] std::string text() const { return "[" + body_ + "]"; }

 private:
  std::string body_;
};

// --- numbers and times as text
/// units * 10^-decimals with exactly that many digits after the point.
std::string fixed_text(std::int64_t units, int decimals);
/// At least one digit after the point, as Java and Rust print doubles: 500 -> "500.0".
std::string double_text(const Decimal& value);
std::string iso_ms(std::int64_t ms);      ///< 2026-04-01T11:00:00.123Z
std::string iso_us(std::int64_t us);      ///< 2026-04-01T11:00:00.123456Z
std::string rfc1123(std::int64_t ms);     ///< Tue, 14 Nov 23 22:13:20 +0000
std::string seconds_us(std::int64_t us);  ///< 1775041200.123456

std::string uuid(Random& random);
/// Kraken's form: a letter, then groups of capitals and digits of the given lengths, joined by '-'.
std::string grouped_id(Random& random, char first, std::initializer_list<int> groups);

}  // namespace anduin::sim
