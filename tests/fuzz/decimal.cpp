// What Decimal reads it writes back, and arithmetic either is exact or says that it cannot be.
#include <anduin/decimal.hpp>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto cut = text.find(' ');
  const auto a = anduin::Decimal::parse(text.substr(0, cut));
  if (!a) return 0;
  if (a->exp10() > -200 && a->exp10() < 200) {
    const auto again = anduin::Decimal::parse(a->to_string());
    if (again && *again != *a) std::abort();
  }
  const auto b = cut == std::string_view::npos ? a : anduin::Decimal::parse(text.substr(cut + 1));
  if (!b) return 0;
  if ((*a < *b) + (*a == *b) + (*a > *b) != 1) std::abort();
  try {
    const auto sum = *a + *b;
    if (sum - *b != *a) std::abort();
  } catch (const anduin::DecimalError&) {  // more than 38 digits
  }
  try {
    (void)(*a * *b);
    (void)anduin::Decimal::divide(*a, *b, 8);
    (void)a->truncated(6);
  } catch (const anduin::DecimalError&) {  // beyond its range, or by zero
  }
  return 0;
}
