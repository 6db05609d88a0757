// MQL5's words as C++, so that the Expert Advisor's own files compile here: texts, arrays, arithmetic, hashing.
// Only what those files use, behaving as MetaTrader's reference says. Include it before any .mqh; everything is in
// namespace anduin::mql. Values; one thread each.
#pragma once
#include <openssl/sha.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

// Arrays are objects here; in MQL5 they are passed by reference with brackets (AnduinArrays.mqh).
#define AND_ARRAY(type, name) ::anduin::mql::Array<type> name
#define AND_IN(type, name) const ::anduin::mql::Array<type>& name
#define AND_OUT(type, name) ::anduin::mql::Array<type>& name
#define input  // a parameter of the program: a member with a default

namespace anduin::mql {

using uchar = unsigned char;
using ushort = unsigned short;
using uint = unsigned int;
using ulong = unsigned long;
using datetime = long;
static_assert(sizeof(long) == 8, "MQL5's long has 64 bits");

/// MQL5's string; characters are UTF-8 bytes here, which the logic never tells apart from UTF-16 units.
class string {
 public:
  string() = default;
  string(const char* text) : v(text) {}
  string(std::string text) : v(std::move(text)) {}
  string& operator+=(const string& o) {
    v += o.v;
    return *this;
  }
  friend string operator+(const string& a, const string& b) { return a.v + b.v; }
  friend bool operator==(const string& a, const string& b) { return a.v == b.v; }
  friend bool operator!=(const string& a, const string& b) { return a.v != b.v; }
  friend std::ostream& operator<<(std::ostream& out, const string& s) { return out << s.v; }
  std::string v;
};

template <class T>
struct Array {
  T& operator[](long i) { return items.at(static_cast<std::size_t>(i)); }
  const T& operator[](long i) const { return items.at(static_cast<std::size_t>(i)); }
  std::vector<T> items;
};

template <class T>
int ArraySize(const Array<T>& a) { return static_cast<int>(a.items.size()); }
template <class T>
int ArrayResize(Array<T>& a, long size) {
  a.items.resize(static_cast<std::size_t>(size));
  return static_cast<int>(size);
}

constexpr int WHOLE_ARRAY = -1;
constexpr uint CP_UTF8 = 65001;
enum ENUM_CRYPT_METHOD { CRYPT_HASH_SHA256 };

inline int StringLen(const string& s) { return static_cast<int>(s.v.size()); }
inline ushort StringGetCharacter(const string& s, int at) { return static_cast<uchar>(s.v.at(static_cast<std::size_t>(at))); }
inline string StringSubstr(const string& s, int at, int count = -1) {
  if (at < 0 || static_cast<std::size_t>(at) >= s.v.size() || count == 0) return {};
  return s.v.substr(static_cast<std::size_t>(at), count < 0 ? std::string::npos : static_cast<std::size_t>(count));
}
inline int StringFind(const string& s, const string& what, int from = 0) {
  const auto at = s.v.find(what.v, static_cast<std::size_t>(from));
  return at == std::string::npos ? -1 : static_cast<int>(at);
}
inline int StringCompare(const string& a, const string& b) { return a.v < b.v ? -1 : a.v == b.v ? 0 : 1; }
inline long StringToInteger(const string& s) { return std::strtol(s.v.c_str(), nullptr, 10); }
inline int StringTrimLeft(string& s) {
  const auto at = std::min(s.v.find_first_not_of(" \t\r\n"), s.v.size());
  s.v.erase(0, at);
  return static_cast<int>(at);
}
inline int StringTrimRight(string& s) {
  const auto keep = s.v.find_last_not_of(" \t\r\n") + 1;
  const auto cut = s.v.size() - keep;
  s.v.erase(keep);
  return static_cast<int>(cut);
}
inline string IntegerToString(long n) { return std::to_string(n); }
/// Locale free, as MetaTrader's is.
inline string DoubleToString(double value, int digits = 8) {
  char text[400];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}
template <class T>
string StringFormat(const char* format, T value) {
  char text[64];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
  std::snprintf(text, sizeof(text), format, value);
#pragma GCC diagnostic pop
  return text;
}
inline double MathRound(double value) { return std::round(value); }

/// Ends with a zero, which counts: the trap that AndBytes() is there for.
inline int StringToCharArray(const string& s, Array<uchar>& out, int start, int, uint) {
  out.items.resize(static_cast<std::size_t>(start));
  out.items.insert(out.items.end(), s.v.begin(), s.v.end());
  out.items.push_back(0);
  return static_cast<int>(s.v.size()) + 1;
}
inline string CharArrayToString(const Array<uchar>& a, int start, int, uint) {
  std::string text(a.items.begin() + start, a.items.end());
  return text.substr(0, text.find('\0'));
}
inline int CryptEncode(ENUM_CRYPT_METHOD, const Array<uchar>& data, const Array<uchar>&, Array<uchar>& result) {
  result.items.resize(SHA256_DIGEST_LENGTH);
  SHA256(data.items.data(), data.items.size(), result.items.data());
  return SHA256_DIGEST_LENGTH;
}

}  // namespace anduin::mql
