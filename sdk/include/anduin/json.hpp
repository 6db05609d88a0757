// A read-only view of JSON text that lies in a padded buffer: no tree, no copy, no allocation. Looking a member up
// scans the text, so take several at once: `auto [topic, data] = frame.get<"topic", "data">();`
// Lifetime: views point into the buffer they came from (a frame: until the callback returns).
// Malformed text throws BadFrame, which the plugin wrapper turns into AND_E_PROTOCOL; an absent member does not throw
// until a value is asked of it.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "anduin/decimal.hpp"

namespace anduin {

/// The venue said something we do not understand: the message names the member.
struct BadFrame : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace json {

/// Readable zero bytes that must follow the text, so that blocks can be loaded past its end.
inline constexpr std::size_t kPadding = 64;
/// Deeper nesting than any venue uses; stops hostile input.
inline constexpr int kDepthMax = 64;

template <std::size_t N>
struct Name {  // a member name as a template argument
  char text[N]{};
  consteval Name(const char (&s)[N]) { std::copy_n(s, N, text); }  // NOLINT: implicit on purpose
  static constexpr std::size_t size = N - 1;
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void malformed(const char* what) { throw BadFrame(std::string("malformed JSON: ") + what); }

inline const char* skip_space(const char* p, const char* end) {
  while (p < end && static_cast<unsigned char>(*p) <= ' ') {
    if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t') malformed("control character");
    ++p;
  }
  return p;
}

/// p is behind the opening quote; the result is at the closing quote.
inline const char* string_end(const char* p, const char* end) {
  while (p < end) {
#if defined(__SSE2__)
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                                    _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'))));
    if (hits == 0) {
      p += 16;
      continue;
    }
    p += __builtin_ctz(static_cast<unsigned>(hits));
#endif
    if (p >= end) break;
    if (*p == '"') return p;
    p += *p == '\\' ? 2 : 1;
  }
  malformed("unterminated string");
}

/// p is at '{' or '['; the result is behind the matching bracket.
[[gnu::noinline]] inline const char* container_end(const char* p, const char* end) {
  std::uint64_t kinds = 0;  // one bit a level: 1 = object
  int depth = 0;
  while (p < end) {
#if defined(__SSE2__)
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i folded = _mm_or_si128(block, _mm_set1_epi8(0x20));  // '[' -> '{', ']' -> '}'
    const int hits = _mm_movemask_epi8(_mm_or_si128(
        _mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
        _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')), _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')))));
    if (hits == 0) {
      p += 16;
      continue;
    }
    p += __builtin_ctz(static_cast<unsigned>(hits));
    if (p >= end) break;
#endif
    switch (*p) {
      case '"': p = string_end(p + 1, end) + 1; break;
      case '{':
      case '[':
        if (depth == kDepthMax) malformed("nested too deeply");
        kinds = kinds << 1U | (*p == '{' ? 1U : 0U);
        ++depth;
        ++p;
        break;
      case '}':
      case ']':
        if ((kinds & 1U) != (*p == '}' ? 1U : 0U)) malformed("mismatched bracket");
        kinds >>= 1U;
        ++p;
        if (--depth == 0) return p;
        break;
      default: ++p;
    }
  }
  malformed("unterminated object or array");
}

inline const char* scalar_end(const char* p, const char* end) {
  const char* const start = p;
#if defined(__SSE2__)
  while (p < end) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i closing = _mm_cmpeq_epi8(_mm_or_si128(block, _mm_set1_epi8(0x20)), _mm_set1_epi8('}'));  // ']' too
    const __m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(' ')), block);
    const int hits =
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(',')), closing), blank));
    if (hits != 0) {
      p += __builtin_ctz(static_cast<unsigned>(hits));
      break;
    }
    p += 16;
  }
  if (p > end) p = end;
#else
  while (p < end && *p != ',' && *p != '}' && *p != ']' && static_cast<unsigned char>(*p) > ' ') ++p;
#endif
  if (p == start) malformed("a value is missing");
  return p;
}

inline const char* value_end(const char* p, const char* end) {
  if (p >= end) malformed("a value is missing");
  if (*p == '"') return string_end(p + 1, end) + 1;
  if (*p == '{' || *p == '[') return container_end(p, end);
  return scalar_end(p, end);
}

std::string unescape(std::string_view body);

}  // namespace detail

class View {
 public:
  View() = default;  ///< absent

  /// The single value in [text, text + size), with kPadding readable bytes behind it.
  static View parse(const char* text, std::size_t size) {
    const char* const end = text + size;
    const char* p = detail::skip_space(text, end);
    const char* const stop = detail::value_end(p, end);
    if (detail::skip_space(stop, end) != end) detail::malformed("text behind the value");
    return View(p, stop, "");
  }

  /// False for an absent member and for null.
  explicit operator bool() const { return p_ != nullptr && *p_ != 'n'; }
  [[nodiscard]] bool absent() const { return p_ == nullptr; }
  [[nodiscard]] bool is_object() const { return p_ && *p_ == '{'; }
  [[nodiscard]] bool is_array() const { return p_ && *p_ == '['; }
  [[nodiscard]] bool is_string() const { return p_ && *p_ == '"'; }
  /// The value's own characters, quotes included; empty when absent.
  [[nodiscard]] std::string_view raw() const { return {p_, static_cast<std::size_t>(end_ - p_)}; }

  /// The characters of a string without escapes, or of a number or literal. Absent, null: "". A string with
  /// escapes comes as it is written: use text() where they may occur.
  [[nodiscard]] std::string_view str() const {
    if (!*this) return {};
    if (*p_ == '"') return {p_ + 1, static_cast<std::size_t>(end_ - p_ - 2)};
    return raw();
  }
  /// The decoded characters of a string, or of a number or literal.
  [[nodiscard]] std::string text() const {
    const std::string_view s = str();
    return is_string() && s.find('\\') != std::string_view::npos ? detail::unescape(s) : std::string(s);
  }

  /// A number written as number or as string. Absent, null and "" are nothing; any other text is BadFrame.
  [[nodiscard]] std::optional<Decimal> dec_or_none() const {
    const std::string_view s = str();
    if (s.empty()) return std::nullopt;
    const auto d = Decimal::parse(s);
    if (!d) bad("is not a decimal number");
    return d;
  }
  [[nodiscard]] Decimal dec() const {
    const auto d = dec_or_none();
    if (!d) bad("is missing");
    return *d;
  }
  /// An integer written as number or as string, within 64 bits.
  [[nodiscard]] std::int64_t i64() const {
    const std::string_view s = str();
    const bool negative = s.starts_with('-');
    std::int64_t value = 0;
    if (s.size() == (negative ? 1U : 0U)) bad("is missing or no integer");
    for (std::size_t i = negative ? 1 : 0; i < s.size(); ++i) {
      const int digit = s[i] - '0';
      if (digit < 0 || digit > 9) bad("is no integer");
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, negative ? -digit : digit, &value))
        bad("is beyond 64 bits");
    }
    return value;
  }
  [[nodiscard]] std::optional<std::int64_t> i64_or_none() const {
    if (str().empty()) return std::nullopt;
    return i64();
  }
  /// true for the literal true and the texts "true" and "1".
  [[nodiscard]] bool truthy() const { return str() == "true" || str() == "1"; }
  [[nodiscard]] bool operator==(std::string_view other) const { return !absent() && str() == other; }

  /// Several members of an object in one pass, in the order asked; those not there are absent views. The first of
  /// a repeated member counts. On anything but an object all are absent.
  template <Name... names>
  [[nodiscard]] std::array<View, sizeof...(names)> get() const {
    std::array<View, sizeof...(names)> found{};
    if (!is_object()) return found;
    each_member([&](std::string_view key, const char* value, const char* stop) {
      std::size_t at = 0;
      (void)((key.size() == names.size && std::memcmp(key.data(), names.text, names.size) == 0
                  ? (found[at].absent() ? void(found[at] = View(value, stop, names.text)) : void(), true)
                  : (++at, false)) || ...);
    });
    return found;
  }

  /// One member of an object; absent when it is not there.
  [[nodiscard]] View operator[](std::string_view name) const {
    View found;
    if (is_object())
      each_member([&](std::string_view key, const char* value, const char* stop) {
        if (found.absent() && key == name) found = View(value, stop, name_);
      });
    return found;
  }
  [[nodiscard]] View operator[](const char* name) const { return (*this)[std::string_view(name)]; }
  /// One element of an array; absent when it is shorter.
  [[nodiscard]] View operator[](std::size_t index) const {
    for (const View v : *this)
      if (index-- == 0) return v;
    return {};
  }
  [[nodiscard]] View operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }

  /// Elements of an array, in order. Anything but an array has none.
  class Iterator {
   public:
    Iterator(const char* p, const char* end, const char* name) : p_(p), end_(end), name_(name) { load(); }
    View operator*() const { return {p_, stop_, name_}; }
    Iterator& operator++() {
      p_ = detail::skip_space(stop_, end_);
      if (p_ >= end_) detail::malformed("unterminated array");
      if (*p_ == ']') { p_ = nullptr; return *this; }
      if (*p_ != ',') detail::malformed("a comma is missing");
      p_ = detail::skip_space(p_ + 1, end_);
      stop_ = detail::value_end(p_, end_);
      return *this;
    }
    bool operator!=(const Iterator& other) const { return p_ != other.p_; }

   private:
    void load() {
      if (!p_) return;
      p_ = detail::skip_space(p_ + 1, end_);
      if (p_ < end_ && *p_ == ']') p_ = nullptr;
      else stop_ = detail::value_end(p_, end_);
    }
    const char* p_;
    const char* end_;
    const char* stop_ = nullptr;
    const char* name_;
  };
  [[nodiscard]] Iterator begin() const { return {is_array() ? p_ : nullptr, end_, name_}; }
  [[nodiscard]] Iterator end() const { return {nullptr, nullptr, name_}; }
  [[nodiscard]] std::size_t size() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const View v : *this) ++n;
    return n;
  }

  /// Calls fn(name, View) for each member of an object, in order. Names are as written (not unescaped).
  template <class Fn>
  void members(Fn&& fn) const {
    if (is_object())
      each_member([&](std::string_view key, const char* value, const char* stop) { fn(key, View(value, stop, name_)); });
  }

 private:
  friend class Reader;
  View(const char* p, const char* end, const char* name) : p_(p), end_(end), name_(name) {}

  template <class Fn>
  void each_member(Fn&& fn) const {
    const char* p = detail::skip_space(p_ + 1, end_);
    if (p < end_ && *p == '}') return;
    for (;;) {
      if (p >= end_ || *p != '"') detail::malformed("a member name is missing");
      const char* const key = p + 1;
      const char* const key_end = detail::string_end(key, end_);
      p = detail::skip_space(key_end + 1, end_);
      if (p >= end_ || *p != ':') detail::malformed("a colon is missing");
      p = detail::skip_space(p + 1, end_);
      const char* const stop = detail::value_end(p, end_);
      fn(std::string_view(key, static_cast<std::size_t>(key_end - key)), p, stop);
      p = detail::skip_space(stop, end_);
      if (p >= end_) detail::malformed("unterminated object");
      if (*p == '}') return;
      if (*p != ',') detail::malformed("a comma is missing");
      p = detail::skip_space(p + 1, end_);
    }
  }

  [[noreturn]] void bad(const char* what) const {
    throw BadFrame("member '" + std::string(name_) + "' " + what + ": " + std::string(raw().substr(0, 64)));
  }

  const char* p_ = nullptr;
  const char* end_ = nullptr;
  const char* name_ = "";
};

/// The text as a JSON string, quotes included.
inline std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      out += "\\u00";
      out += kHex[u >> 4U];
      out += kHex[u & 15U];
    } else {
      out += c;
    }
  }
  return out += '"';
}

inline std::string detail::unescape(std::string_view body) {
  std::string out;
  const auto hex4 = [&](std::size_t at) {
    std::uint32_t v = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      const char c = i < body.size() ? body[i] : '?';
      const int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (d < 0) malformed("bad \\u escape");
      v = v * 16 + static_cast<std::uint32_t>(d);
    }
    return v;
  };
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '\\') { out += body[i]; continue; }
    if (++i >= body.size()) malformed("bad escape");
    switch (body[i]) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case '"': case '\\': case '/': out += body[i]; break;
      case 'u': {
        std::uint32_t c = hex4(i + 1);
        i += 4;
        if (c >= 0xD800 && c < 0xDC00 && body.substr(i + 1, 2) == "\\u") {
          const std::uint32_t low = hex4(i + 3);
          if (low < 0xDC00 || low > 0xDFFF) malformed("lone surrogate");
          c = 0x10000 + ((c - 0xD800) << 10U) + (low - 0xDC00);
          i += 6;
        } else if (c >= 0xD800 && c <= 0xDFFF) {
          malformed("lone surrogate");
        }
        const auto put = [&](std::uint32_t v) { out += static_cast<char>(v); };
        if (c < 0x80) put(c);
        else if (c < 0x800) put(0xC0 | c >> 6U), put(0x80 | (c & 63U));
        else if (c < 0x10000) put(0xE0 | c >> 12U), put(0x80 | (c >> 6U & 63U)), put(0x80 | (c & 63U));
        else put(0xF0 | c >> 18U), put(0x80 | (c >> 12U & 63U)), put(0x80 | (c >> 6U & 63U)), put(0x80 | (c & 63U));
        break;
      }
      default: malformed("bad escape");
    }
  }
  return out;
}

}  // namespace json
}  // namespace anduin
