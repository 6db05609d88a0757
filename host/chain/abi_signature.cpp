// Types and signatures: text in, selector and topic out. The encoding itself is in abi_codec.cpp.
#include <algorithm>
#include <cctype>

#include "chain/abi.hpp"

namespace anduin::chain::abi {

namespace {

/// Tuples in tuples in arrays: more than this is not a contract, it is an attack on the stack.
constexpr int kTypeDepthMax = 8;
/// A static tuple of tuples could describe exponentially many words.
constexpr std::size_t kMembersMax = 64;

bool word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

/// Reads one signature or type from front to back.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  [[nodiscard]] Error bad(const std::string& why) const {
    return {ErrorKind::kBadRequest, "signature \"" + std::string(text_) + "\"",
            why + " at character " + std::to_string(at_ + 1)};
  }
  void spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool eat(char c) {
    spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string word() {
    spaces();
    const std::size_t begin = at_;
    while (at_ < text_.size() && word_char(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  bool end() {
    spaces();
    return at_ == text_.size();
  }

  Result<Type> type(int depth) {
    if (depth > kTypeDepthMax) return bad("types nested too deep");
    Type out;
    if (eat('(')) {
      auto members = tuple(depth);
      if (!members) return members.error();
      out = {Kind::kTuple, 0, std::move(*members)};
    } else {
      auto simple = elementary(word());
      if (!simple) return simple;
      out = std::move(*simple);
    }
    while (eat('[')) {
      if (!eat(']')) return bad("arrays of fixed length are not supported");
      if (++depth > kTypeDepthMax) return bad("types nested too deep");
      out = {Kind::kArray, 0, {std::move(out)}};
    }
    return out;
  }

  Result<std::vector<Parameter>> parameters() {
    std::vector<Parameter> out;
    if (!eat('(')) return bad("expected (");
    if (eat(')')) return out;
    do {
      if (out.size() == kMembersMax) return bad("too many parameters");
      auto t = type(0);
      if (!t) return t.error();
      Parameter each{std::move(*t), word(), false};
      if (each.name == "indexed") {
        each.indexed = true;
        each.name = word();
      }
      out.push_back(std::move(each));
    } while (eat(','));
    if (!eat(')')) return bad("expected , or )");
    return out;
  }

 private:
  Result<std::vector<Type>> tuple(int depth) {
    std::vector<Type> out;
    do {
      if (out.size() == kMembersMax) return bad("too many members");
      auto t = type(depth + 1);
      if (!t) return t.error();
      out.push_back(std::move(*t));
      word();  // a member's name says nothing to the encoding
    } while (eat(','));
    if (!eat(')')) return bad("expected , or )");
    return out;
  }

  Result<Type> elementary(const std::string& name) {
    if (name == "address") return Type{Kind::kAddress, 0, {}};
    if (name == "bool") return Type{Kind::kBool, 0, {}};
    if (name == "string") return Type{Kind::kString, 0, {}};
    if (name == "bytes") return Type{Kind::kBytes, 0, {}};
    if (name == "uint") return Type{Kind::kUint, 256, {}};
    if (name.starts_with("uint")) {
      const unsigned bits = number(std::string_view(name).substr(4));
      if (bits >= 8 && bits <= 256 && bits % 8 == 0) return Type{Kind::kUint, bits, {}};
    }
    if (name.starts_with("bytes")) {
      const unsigned size = number(std::string_view(name).substr(5));
      if (size >= 1 && size <= 32) return Type{Kind::kFixedBytes, size, {}};
    }
    return bad(name.empty() ? "expected a type" : "unsupported type " + name);
  }

  /// 0 for anything but a number of up to three digits without a leading zero.
  static unsigned number(std::string_view digits) {
    if (digits.empty() || digits.size() > 3 || digits[0] == '0') return 0;
    unsigned out = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9') return 0;
      out = out * 10 + static_cast<unsigned>(c - '0');
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool Type::dynamic() const {
  if (kind == Kind::kBytes || kind == Kind::kString || kind == Kind::kArray) return true;
  return kind == Kind::kTuple &&
         std::any_of(members.begin(), members.end(), [](const Type& t) { return t.dynamic(); });
}

std::string Type::canonical() const {
  switch (kind) {
    case Kind::kUint: return "uint" + std::to_string(size);
    case Kind::kAddress: return "address";
    case Kind::kBool: return "bool";
    case Kind::kFixedBytes: return "bytes" + std::to_string(size);
    case Kind::kBytes: return "bytes";
    case Kind::kString: return "string";
    case Kind::kArray: return members[0].canonical() + "[]";
    case Kind::kTuple: break;
  }
  std::string out = "(";
  for (const Type& t : members) out += (out.size() > 1 ? "," : "") + t.canonical();
  return out + ")";
}

Result<Type> parse_type(std::string_view text) {
  Parser parser(text);
  auto out = parser.type(0);
  if (out && !parser.end()) return parser.bad("text behind the type");
  return out;
}

Result<Signature> Signature::parse(std::string_view text) {
  Parser parser(text);
  Signature out;
  out.name_ = parser.word();
  if (out.name_.empty() || std::isdigit(static_cast<unsigned char>(out.name_[0])))
    return parser.bad("expected a name");
  auto parameters = parser.parameters();
  if (!parameters) return parameters.error();
  if (!parser.end()) return parser.bad("text behind the signature");
  out.parameters_ = std::move(*parameters);

  out.canonical_ = out.name_ + "(";
  for (std::size_t i = 0; i < out.parameters_.size(); ++i)
    out.canonical_ += (i ? "," : "") + out.parameters_[i].type.canonical();
  out.canonical_ += ")";
  out.topic_ = keccak256(out.canonical_);
  std::copy_n(out.topic_.bytes.begin(), out.selector_.size(), out.selector_.begin());
  return out;
}

}  // namespace anduin::chain::abi
