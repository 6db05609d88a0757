// An exact decimal number: a signed 128-bit mantissa times a power of ten. The only number type for prices,
// sizes and money, in plugins and in the host. A plain value: any thread, no allocation.
// Up to 38 significant digits; what does not fit is an error, never a rounded number.
#pragma once
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace anduin {

/// Thrown when an exact result needs more than 38 digits, or on a division by zero.
struct DecimalError : std::domain_error {
  using std::domain_error::domain_error;
};

class Decimal {
 public:
  __extension__ typedef __int128 Mantissa;
  __extension__ typedef unsigned __int128 Unsigned;

  constexpr Decimal() = default;
  constexpr Decimal(int value) : mantissa_(value) {}  // NOLINT: 0 and 1 read naturally
  constexpr Decimal(Mantissa mantissa, std::int32_t exp10) : mantissa_(mantissa), exp10_(exp10) {}
  Decimal(double) = delete;  // money and prices never pass through a binary float
  Decimal(float) = delete;

  /// Reads `[+-]? digits [. digits]? ([eE][+-]?digits)?` with at least one digit and nothing around it.
  /// Nothing for any other text, and for more than 38 significant digits or an exponent beyond +-1000.
  static std::optional<Decimal> parse(std::string_view text) noexcept;

  /// Like parse(), throws DecimalError.
  static Decimal of(std::string_view text) {
    if (const auto d = parse(text)) return *d;
    throw DecimalError("not a decimal number: '" + std::string(text.substr(0, 64)) + "'");
  }

  [[nodiscard]] constexpr Mantissa mantissa() const { return mantissa_; }
  [[nodiscard]] constexpr std::int32_t exp10() const { return exp10_; }
  [[nodiscard]] constexpr int sign() const { return mantissa_ > 0 ? 1 : mantissa_ < 0 ? -1 : 0; }
  [[nodiscard]] constexpr bool is_zero() const { return mantissa_ == 0; }
  [[nodiscard]] constexpr Decimal abs() const { return {mantissa_ < 0 ? -mantissa_ : mantissa_, exp10_}; }
  constexpr Decimal operator-() const { return {-mantissa_, exp10_}; }

  friend Decimal operator+(const Decimal& a, const Decimal& b) {
    Decimal x = a, y = b;
    align(x, y);
    Mantissa sum = 0;
    if (__builtin_add_overflow(x.mantissa_, y.mantissa_, &sum) || !fits(sum)) overflow();
    return Decimal(sum, x.exp10_);
  }
  friend Decimal operator-(const Decimal& a, const Decimal& b) { return a + (-b); }
  friend Decimal operator*(const Decimal& a, const Decimal& b) {
    const Decimal x = a.normalized(), y = b.normalized();
    Mantissa product = 0;
    if (__builtin_mul_overflow(x.mantissa_, y.mantissa_, &product) || !fits(product)) overflow();
    return Decimal(product, x.exp10_ + y.exp10_);
  }

  /// a / b with at most `decimals` digits after the point, ties to even.
  static Decimal divide(const Decimal& a, const Decimal& b, int decimals);

  /// The same value with at most `decimals` digits after the point: ties to even, or cut toward zero.
  [[nodiscard]] Decimal rounded(int decimals) const { return divide(*this, Decimal(1), decimals); }
  [[nodiscard]] Decimal truncated(int decimals) const {
    Decimal d = *this;
    while (d.exp10_ < -decimals && d.mantissa_ != 0) {
      d.mantissa_ /= 10;
      ++d.exp10_;
    }
    if (d.mantissa_ == 0) d.exp10_ = 0;
    return d;
  }

  /// Equal values compare equal whatever their trailing zeros.
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept {
    if (a.exp10_ == b.exp10_) [[likely]] return a.mantissa_ <=> b.mantissa_;
    return order_scaled(a, b);
  }
  friend bool operator==(const Decimal& a, const Decimal& b) noexcept {
    if (a.exp10_ == b.exp10_) [[likely]] return a.mantissa_ == b.mantissa_;
    return order_scaled(a, b) == 0;
  }

  /// Without trailing zeros in the mantissa; zero is 0 * 10^0.
  [[nodiscard]] Decimal normalized() const noexcept {
    Decimal d = *this;
    if (d.mantissa_ == 0) return Decimal();
    while (d.mantissa_ % 10 == 0) {
      d.mantissa_ /= 10;
      ++d.exp10_;
    }
    return d;
  }

  /// Plain text: no exponent, no trailing zeros after the point, "-" only for a value below zero.
  [[nodiscard]] std::string to_string() const;

  /// For statistics and displays only; the money path does not compile against it.
  [[nodiscard]] double to_double_for_statistics() const noexcept;

 private:
  static constexpr int kDigitsMax = 38;
  static constexpr std::int32_t kExponentMax = 1000;

  static constexpr Unsigned pow10(int n) {
    Unsigned p = 1;
    for (int i = 0; i < n; ++i) p *= 10;
    return p;
  }
  static constexpr bool fits(Mantissa m) {
    const Unsigned u = m < 0 ? Unsigned(0) - static_cast<Unsigned>(m) : static_cast<Unsigned>(m);
    return u < pow10(kDigitsMax);
  }
  [[noreturn]] static void overflow() { throw DecimalError("a decimal result needs more than 38 digits"); }

  /// The order of numbers whose exponents differ.
  static std::strong_ordering order_scaled(const Decimal& a, const Decimal& b) noexcept;
  static void align(Decimal& a, Decimal& b) {
    if (a.exp10_ == b.exp10_) return;
    if (a.is_zero()) { a = Decimal(0, b.exp10_); return; }
    if (b.is_zero()) { b = Decimal(0, a.exp10_); return; }
    Decimal& high = a.exp10_ > b.exp10_ ? a : b;
    const Decimal& low = a.exp10_ > b.exp10_ ? b : a;
    const std::int32_t shift = high.exp10_ - low.exp10_;
    if (shift > kDigitsMax) overflow();
    if (__builtin_mul_overflow(high.mantissa_, static_cast<Mantissa>(pow10(shift)), &high.mantissa_)) overflow();
    high.exp10_ = low.exp10_;
  }

  Mantissa mantissa_ = 0;
  std::int32_t exp10_ = 0;
};

inline std::optional<Decimal> Decimal::parse(std::string_view text) noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  bool negative = false;
  if (p != end && (*p == '-' || *p == '+')) negative = *p++ == '-';

  // The first 18 digits go through one 64-bit register, which is the whole number in practice.
  std::uint64_t head = 0;
  Unsigned wide = 0;
  int significant = 0, pending_zeros = 0;
  std::int32_t exponent = 0;
  bool any = false, point = false, is_wide = false;
  const auto push = [&](unsigned digit) {
    if (!is_wide && significant < 18) {
      head = head * 10 + digit;
    } else {
      if (!is_wide) { wide = head; is_wide = true; }
      wide = wide * 10 + digit;
    }
    if (significant != 0 || digit != 0) ++significant;
  };
  for (; p != end; ++p) {
    const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
    if (digit < 10) {
      any = true;
      if (point) --exponent;
      if (digit == 0) {
        // Trailing zeros are only kept when another digit follows, so that they never cost precision.
        if (significant != 0) ++pending_zeros;
        continue;
      }
      if (significant + pending_zeros >= kDigitsMax) return std::nullopt;
      for (; pending_zeros > 0; --pending_zeros) push(0);
      push(digit);
    } else if (*p == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  exponent += pending_zeros;
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    bool exp_negative = false;
    if (p != end && (*p == '-' || *p == '+')) exp_negative = *p++ == '-';
    if (p == end) return std::nullopt;
    std::int32_t e = 0;
    for (; p != end; ++p) {
      const unsigned digit = static_cast<unsigned char>(*p) - unsigned{'0'};
      if (digit >= 10) return std::nullopt;
      e = e * 10 + static_cast<std::int32_t>(digit);
      if (e > kExponentMax) return std::nullopt;
    }
    exponent += exp_negative ? -e : e;
  }
  if (p != end) return std::nullopt;
  if (significant == 0) return Decimal();
  if (exponent > kExponentMax || exponent < -kExponentMax - kDigitsMax) return std::nullopt;
  const auto m = static_cast<Mantissa>(is_wide ? wide : Unsigned{head});
  return Decimal(negative ? -m : m, exponent);
}

inline Decimal Decimal::divide(const Decimal& a, const Decimal& b, int decimals) {
  if (b.is_zero()) throw DecimalError("division by zero");
  const Decimal x = a.normalized(), y = b.normalized();
  const bool negative = (x.mantissa_ < 0) != (y.mantissa_ < 0);
  Unsigned numerator = static_cast<Unsigned>(x.abs().mantissa_);
  Unsigned denominator = static_cast<Unsigned>(y.abs().mantissa_);
  // quotient = (numerator / denominator) * 10^exp; we want it in units of 10^-decimals.
  std::int32_t shift = x.exp10_ - y.exp10_ + decimals;
  Unsigned quotient = 0, remainder = 0;
  if (shift >= 0) {
    quotient = numerator / denominator;
    remainder = numerator % denominator;
    for (; shift > 0; --shift) {
      if (remainder == 0 && quotient == 0) break;
      if (remainder > ~Unsigned(0) / 10 || quotient > pow10(kDigitsMax) / 10) overflow();
      remainder *= 10;
      quotient = quotient * 10 + remainder / denominator;
      remainder %= denominator;
    }
  } else {
    bool lost = false;  // a digit dropped from the numerator side is a non-zero remainder
    for (; shift < 0; ++shift) {
      if (denominator <= pow10(kDigitsMax) / 10) {
        denominator *= 10;
      } else {
        lost = lost || numerator % 10 != 0;
        numerator /= 10;
      }
    }
    quotient = numerator / denominator;
    remainder = numerator % denominator;
    if (lost && remainder == 0) remainder = 1;  // below one half: rounds down, and is no tie
  }
  const Unsigned rest = denominator - remainder;
  if (remainder > rest || (remainder == rest && quotient % 2 == 1)) ++quotient;
  if (quotient >= pow10(kDigitsMax)) overflow();
  const auto m = static_cast<Mantissa>(quotient);
  return Decimal(negative ? -m : m, -decimals).normalized();
}

inline std::strong_ordering Decimal::order_scaled(const Decimal& a, const Decimal& b) noexcept {
  if (a.sign() != b.sign()) return a.sign() <=> b.sign();
  if (a.is_zero()) return std::strong_ordering::equal;
  // Same sign, different scale: bring the larger exponent down; if that overflows it is the larger magnitude.
  const bool a_high = a.exp10_ > b.exp10_;
  Decimal high = a_high ? a : b;
  const Decimal& low = a_high ? b : a;
  for (std::int32_t shift = high.exp10_ - low.exp10_; shift > 0; --shift) {
    if (__builtin_mul_overflow(high.mantissa_, Decimal::Mantissa(10), &high.mantissa_)) {
      const auto magnitude = a_high ? std::strong_ordering::greater : std::strong_ordering::less;
      return a.sign() > 0 ? magnitude : 0 <=> magnitude;
    }
  }
  return a_high ? high.mantissa_ <=> low.mantissa_ : low.mantissa_ <=> high.mantissa_;
}

inline std::string Decimal::to_string() const {
  const Decimal d = normalized();
  if (d.mantissa_ == 0) return "0";
  Unsigned u = d.mantissa_ < 0 ? Unsigned(0) - static_cast<Unsigned>(d.mantissa_) : static_cast<Unsigned>(d.mantissa_);
  char digits[40];
  int n = 0;
  for (; u != 0; u /= 10) digits[n++] = static_cast<char>('0' + static_cast<int>(u % 10));
  std::string out;
  if (d.mantissa_ < 0) out += '-';
  const std::int32_t point = n + d.exp10_;  // digits before the decimal point
  if (point <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-point), '0');
  }
  for (int i = n; i-- > 0;) {
    out += digits[i];
    if (i > 0 && n - i == point) out += '.';
  }
  if (d.exp10_ > 0) out.append(static_cast<std::size_t>(d.exp10_), '0');
  return out;
}

inline double Decimal::to_double_for_statistics() const noexcept {
  auto value = static_cast<double>(mantissa_);
  for (std::int32_t e = exp10_; e > 0; --e) value *= 10;
  for (std::int32_t e = exp10_; e < 0; ++e) value /= 10;
  return value;
}

}  // namespace anduin
