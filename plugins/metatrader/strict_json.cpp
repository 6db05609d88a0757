#include "strict_json.hpp"

#include <algorithm>
#include <vector>

namespace anduin::metatrader {
namespace {

/// The contract's bodies are two levels deep.
constexpr int kDepthMax = 8;

struct Bad {
  const char* what;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

class Checker {
 public:
  explicit Checker(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}

  void whole() {
    space();
    if (peek() != '{') throw Bad{"the body is not an object"};
    object(0);
    space();
    if (p_ != end_) throw Bad{"there is text behind the object"};
  }

 private:
  [[nodiscard]] char peek() const { return p_ < end_ ? *p_ : '\0'; }
  void space() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }
  void expect(char c) {
    if (p_ >= end_ || *p_ != c) throw Bad{"the JSON is malformed"};
    ++p_;
  }

  void value(int depth) {
    space();
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return static_cast<void>(string(true));
      case 't': return literal("true");
      case 'f': return literal("false");
      case 'n': return literal("null");
      default: return number();
    }
  }

  void object(int depth) {
    if (depth >= kDepthMax) throw Bad{"the JSON is nested too deeply"};
    expect('{');
    std::vector<std::string_view> names;
    space();
    if (peek() == '}') return expect('}');
    while (true) {
      space();
      const std::string_view name = string(false);
      if (std::find(names.begin(), names.end(), name) != names.end()) throw Bad{"a name stands twice in one object"};
      names.push_back(name);
      space();
      expect(':');
      value(depth + 1);
      space();
      if (peek() != ',') break;
      ++p_;
    }
    expect('}');
  }

  void array(int depth) {
    if (depth >= kDepthMax) throw Bad{"the JSON is nested too deeply"};
    expect('[');
    space();
    if (peek() == ']') return expect(']');
    while (true) {
      value(depth + 1);
      space();
      if (peek() != ',') break;
      ++p_;
    }
    expect(']');
  }

  void literal(std::string_view word) {
    for (const char c : word) expect(c);
  }

  void digits() {
    if (!is_digit(peek())) throw Bad{"a value is neither number, text, literal, list nor object"};
    while (is_digit(peek())) ++p_;
  }
  void number() {
    if (peek() == '-') ++p_;
    if (peek() == '0') {
      ++p_;
      if (is_digit(peek())) throw Bad{"a number begins with a zero that means nothing"};
    } else {
      digits();
    }
    if (peek() == '.') {
      ++p_;
      digits();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++p_;
      if (peek() == '+' || peek() == '-') ++p_;
      digits();
    }
  }

  /// The characters between the quotes.
  std::string_view string(bool escapes) {
    expect('"');
    const char* const begin = p_;
    while (p_ < end_ && *p_ != '"') {
      const auto c = static_cast<unsigned char>(*p_);
      if (c < 0x20) throw Bad{"a control character stands in a text"};
      if (c >= 0x80) {
        utf8();
      } else if (c == '\\') {
        if (!escapes) throw Bad{"a name holds an escape"};
        escape();
      } else {
        ++p_;
      }
    }
    const std::string_view text(begin, static_cast<std::size_t>(p_ - begin));
    expect('"');
    return text;
  }

  void escape() {
    ++p_;
    constexpr std::string_view kPlain = "\"\\/bfnrt";
    if (peek() == 'u') {
      ++p_;
      for (int i = 0; i < 4; ++i, ++p_)
        if (!is_hex(peek())) throw Bad{"an escape in a text is malformed"};
    } else if (p_ < end_ && kPlain.find(*p_) != kPlain.npos) {
      ++p_;
    } else {
      throw Bad{"an escape in a text is malformed"};
    }
  }

  /// One character of two to four bytes; no overlong forms, no surrogates, nothing beyond U+10FFFF.
  void utf8() {
    const auto at = [this](int i) { return p_ + i < end_ ? static_cast<unsigned char>(p_[i]) : 0U; };
    const unsigned a = at(0), b = at(1);
    const auto tail = [&](int i) { return (at(i) & 0xC0U) == 0x80U; };
    int size = 0;
    if (a >= 0xC2 && a <= 0xDF && tail(1)) size = 2;
    else if (a >= 0xE0 && a <= 0xEF && tail(1) && tail(2) && (a != 0xE0 || b >= 0xA0) && (a != 0xED || b < 0xA0)) size = 3;
    else if (a >= 0xF0 && a <= 0xF4 && tail(1) && tail(2) && tail(3) && (a != 0xF0 || b >= 0x90) && (a != 0xF4 || b < 0x90))
      size = 4;
    if (size == 0) throw Bad{"a text is not UTF-8"};
    p_ += size;
  }

  const char* p_;
  const char* const end_;
};

}  // namespace

std::string json_object_fault(std::string_view text) {
  try {
    Checker(text).whole();
    return {};
  } catch (const Bad& bad) {
    return bad.what;
  }
}

}  // namespace anduin::metatrader
