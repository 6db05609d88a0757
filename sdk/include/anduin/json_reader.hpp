// A forward-only reader of JSON text for hot paths: every byte is looked at once, numbers are decoded where they
// stand, nothing is built. Malformed text throws BadFrame.
// Thread: one reader, one thread. Lifetime: texts and views point into the buffer read.
// Mark the function that reads a hot channel [[gnu::flatten]]: with every callback inline the reader stays in
// registers (no slow path takes its address).
#pragma once
#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "anduin/decimal.hpp"
#include "anduin/json.hpp"

namespace anduin::json {
namespace detail {

inline constexpr std::array<std::uint64_t, 10> kPow10{1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000,
                                                     100'000'000, 1'000'000'000};

/// The number in the first `count` characters at p, all digits; count is 1 to 8. Reads eight bytes.
inline std::uint64_t eight_digits(const char* p, std::size_t count) {
  std::uint64_t w = 0;
  std::memcpy(&w, p, 8);  // little-endian (plugin.h): the first character is the lowest byte
  w = (w - 0x3030303030303030U) << (64 - 8 * count);  // leading zeros instead of what follows
  w = w * 10 + (w >> 8U);  // pairs in every second byte, then fours and the whole eight by one product each
  constexpr std::uint64_t kEveryFourth = 0x000000FF000000FFU;
  return ((w & kEveryFourth) * 0x000F424000000064U + ((w >> 16U) & kEveryFourth) * 0x0000271000000001U) >> 32U;
}
/// The same for 1 to 16.
inline std::uint64_t digits_value(const char* p, std::size_t count) {
  if (count <= 8) return eight_digits(p, count);
  return eight_digits(p, 8) * kPow10[count - 8] + eight_digits(p + 8, count - 8);
}

/// The same frame after frame (a venue quotes its numbers, or does not): a branch, as a computed offset would wait.
inline bool steady(bool condition) { return __builtin_expect_with_probability(condition, 1, 0.999); }

/// The digits at p: how many before a point, and where the number ends, its decimals included.
struct NumberShape {
  std::size_t whole, end;
};
/// Sixteen bytes are compared at once: a chain of steps as long as the number would be the slowest part of a frame.
inline NumberShape shape_of(const char* p) {
#if defined(__SSE2__)
  const __m128i t = _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8('0'));
  const __m128i digit = _mm_cmpeq_epi8(_mm_min_epu8(t, _mm_set1_epi8(9)), t);
  const unsigned others = ~static_cast<unsigned>(_mm_movemask_epi8(digit));  // bits beyond the sixteenth are set
  const auto first = static_cast<std::size_t>(__builtin_ctz(others));
  const std::size_t last = steady(p[first] == '.') ? static_cast<std::size_t>(__builtin_ctz(others & (others - 1))) : first;
  if (last < 16) [[likely]] return {first, last};
#endif
  const auto is_digit = [](char c) { return static_cast<unsigned char>(c) - unsigned{'0'} < 10; };
  const char* q = p;
  while (is_digit(*q)) ++q;  // the padding is none
  const auto whole = static_cast<std::size_t>(q - p);
  if (*q == '.')
    for (++q; is_digit(*q);) ++q;
  return {whole, static_cast<std::size_t>(q - p)};
}

/// What is no plain number of at most 18 digits: signs, exponents, long numbers, everything wrong. Quotes included.
[[gnu::noinline]] inline Decimal decimal_of(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
  if (const auto d = Decimal::parse(value)) return *d;
  throw BadFrame("not a decimal number: '" + std::string(value.substr(0, 64)) + "'");
}

/// What is no plain integer of at most 16 digits: signs, exponents, long numbers, and everything wrong.
[[gnu::noinline]] inline std::int64_t integer_of(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
  constexpr auto kMax = static_cast<Decimal::Mantissa>(INT64_MAX);
  if (const auto d = Decimal::parse(value)) {
    Decimal::Mantissa m = d->mantissa();
    for (std::int32_t e = d->exp10(); e > 0 && m < kMax && m > -kMax; --e) m *= 10;
    if (d->exp10() >= 0 && m <= kMax && m >= -kMax) return static_cast<std::int64_t>(m);
  }
  throw BadFrame("not a 64-bit integer: '" + std::string(value.substr(0, 64)) + "'");
}

}  // namespace detail

/// A member of an object by its name, and what to do at its value; see Reader::object.
template <Name name, class Fn>
struct Member {
  static constexpr Name kName = name;
  static_assert(name.size + 2 <= kPadding);
  Fn read;
};
template <Name name, class Fn>
[[nodiscard]] constexpr Member<name, Fn> on(Fn read) {
  return {read};
}
/// A member that is expected but not wanted: other names are searched for their end, this one is not.
template <Name name>
[[nodiscard]] constexpr auto ignore() {
  return on<name>([] {});
}
template <class T>
concept IsMember = requires { T::kName; };

/// Inside a callback of object(), array() or tuple() call at most one of the consuming members; a value left alone is
/// skipped.
///   r.object(on<"ts">([&] { ts = r.i64(); }), on<"data">([&] { r.object(...); }));
class Reader {
 public:
  /// Text with kPadding readable bytes behind it.
  Reader(const char* text, std::size_t size) : p_(text), end_(text + size) { space(); }

  [[nodiscard]] bool at_object() const { return *p_ == '{' && p_ < end_; }
  [[nodiscard]] bool at_array() const { return *p_ == '[' && p_ < end_; }
  [[nodiscard]] bool at_string() const { return *p_ == '"' && p_ < end_; }

  /// The named members, in whatever order they stand; name them in the venue's usual order. Others are skipped.
  /// Names are compared as written (escapes in them are not resolved). A repeated member is read again.
  template <IsMember... M>
  void object(const M&... members) {
    if (!at_object()) detail::malformed("an object is expected");
    enter();
    bool more = !leave('}');
    while (more) {
      // Each name in its turn: a frame in the usual order is read in one pass, with one comparison a member.
      bool any = false;
      ((more && member(members) ? (any = true, more = next('}')) : false), ...);
      if (any) continue;
      (void)key();
      skip();
      more = next('}');
    }
  }
  /// fn(std::string_view key) for each member in order; keys are as written.
  template <std::invocable<std::string_view> Fn>
  void object(Fn&& fn) {
    if (!at_object()) detail::malformed("an object is expected");
    enter();
    if (leave('}')) return;
    do {
      const std::string_view name = key();
      value([&] { fn(name); });
    } while (next('}'));
  }
  /// fn() for each element in order.
  template <class Fn>
  void array(Fn&& fn) {
    if (!at_array()) detail::malformed("an array is expected");
    enter();
    if (leave(']')) return;
    do value(fn);
    while (next(']'));
  }
  /// The first elements of an array, one function each; further ones are skipped. How many of them were there.
  template <class... Fn>
  std::size_t tuple(Fn&&... fn) {
    if (!at_array()) detail::malformed("an array is expected");
    enter();
    if (leave(']')) return 0;
    std::size_t read = 0;
    bool more = true;
    (void)((value(fn), ++read, more = next(']')) && ...);
    while (more) {
      skip();
      more = next(']');
    }
    return read;
  }
  void skip() { p_ = detail::value_end(p_, end_); }

  /// The characters of a string without escapes, or of a scalar; null is "".
  std::string_view str() {
    const char* const start = p_;
    if (at_string()) {
      const char* const stop = detail::string_end(start + 1, end_);
      p_ = stop + 1;
      return {start + 1, static_cast<std::size_t>(stop - start - 1)};
    }
    p_ = detail::scalar_end(start, end_);
    if (*start == 'n') return {};
    return {start, static_cast<std::size_t>(p_ - start)};
  }
  /// A number written as number or string; BadFrame for anything else, "" and null included.
  Decimal dec() {
    const char* const first = number();
    const auto [whole, end] = detail::shape_of(first);
    if (whole - 1 < 9) [[likely]] {  // one to nine: with nine decimals they fit 64 bits
      std::uint64_t m = detail::digits_value(first, whole);
      std::size_t decimals = 0;
      if (detail::steady(end != whole)) {
        decimals = end - whole - 1;
        if (decimals - 1 >= 9) return detail::decimal_of(raw());
        m = m * detail::kPow10[decimals] + detail::digits_value(first + whole + 1, decimals);
      }
      if (take(first + end)) [[likely]]
        return Decimal(static_cast<Decimal::Mantissa>(m), -static_cast<std::int32_t>(decimals));
    }
    return detail::decimal_of(raw());
  }
  /// Like dec(), but null and "" (an empty side of a quote) are zero.
  Decimal dec_or_zero() {
    if (at_nothing()) {
      skip();
      return Decimal();
    }
    return dec();
  }
  /// An integer written as number or string, within 64 bits.
  std::int64_t i64() {
    const char* const first = number();
    const std::size_t count = detail::shape_of(first).whole;
    if (count - 1 < 16) [[likely]] {
      const std::uint64_t m = detail::digits_value(first, count);
      if (take(first + count)) [[likely]] return static_cast<std::int64_t>(m);
    }
    return detail::integer_of(raw());
  }
  /// Like i64(), but null and "" are zero.
  std::int64_t i64_or_zero() {
    if (at_nothing()) {
      skip();
      return 0;
    }
    return i64();
  }
  /// The value as a view, consumed.
  View view() {
    const char* const start = p_;
    skip();
    return View(start, p_, "");
  }

 private:
  void space() {
    if (static_cast<unsigned char>(*p_) <= ' ') p_ = detail::skip_space(p_, end_);
  }
  void enter() {
    if (++depth_ > kDepthMax) detail::malformed("nested too deeply");
    ++p_;
    space();
  }
  bool leave(char close) {
    if (*p_ != close) return false;
    ++p_;
    --depth_;
    return true;
  }
  /// Behind a value: true at the next one, false behind the closing bracket.
  bool next(char close) {
    space();
    if (p_ >= end_) detail::malformed("unterminated object or array");
    if (*p_ == ',') {
      ++p_;
      space();
      return true;
    }
    if (!leave(close)) detail::malformed("a comma is missing");
    return false;
  }
  /// At a member's name; the result is the name, and the reader at its value.
  std::string_view key() {
    if (*p_ != '"') detail::malformed("a member name is missing");
    const char* const name = p_ + 1;
    const char* const stop = detail::string_end(name, end_);
    p_ = stop + 1;
    colon();
    return {name, static_cast<std::size_t>(stop - name)};
  }
  void colon() {
    if (*p_ != ':') {
      space();
      if (*p_ != ':') detail::malformed("a colon is missing");
    }
    ++p_;
    space();
  }
  /// Reads the member at hand if it has this name; names hold no quotes, so equal characters up to the quote suffice.
  template <class M>
  bool member(const M& member) {
    static constexpr auto kQuoted = [] {
      std::array<char, M::kName.size + 2> out{};
      std::copy_n(M::kName.text, M::kName.size, out.begin() + 1);
      out.front() = out.back() = '"';
      return out;
    }();
    if (std::memcmp(p_, kQuoted.data(), kQuoted.size()) != 0) return false;
    p_ += kQuoted.size();
    colon();
    value(member.read);
    return true;
  }
  template <class Fn>
  void value(const Fn& read) {
    const char* const start = p_;
    read();
    if (p_ == start) skip();
  }
  /// Where the digits of a number begin: behind its quote, if it has one.
  [[nodiscard]] const char* number() const { return detail::steady(*p_ == '"') ? p_ + 1 : p_; }
  /// Steps behind a number whose digits end at q, if that is where it ends.
  bool take(const char* q) {
    const bool quoted = *p_ == '"';
    if (!(quoted ? *q == '"' : *q == ',' || *q == ']' || *q == '}') || q >= end_) return false;
    p_ = quoted ? q + 1 : q;
    return true;
  }
  [[nodiscard]] bool at_nothing() const { return *p_ == 'n' || (*p_ == '"' && p_[1] == '"'); }
  /// The value's own characters, consumed.
  std::string_view raw() {
    const char* const start = p_;
    skip();
    return {start, static_cast<std::size_t>(p_ - start)};
  }

  const char* p_;
  const char* end_;
  int depth_ = 0;
};

}  // namespace anduin::json
