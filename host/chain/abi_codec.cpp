// Values to bytes and back: heads of 32-byte words, tails behind them at offsets from the start of their
// group.
#include <algorithm>

#include "chain/abi.hpp"

namespace anduin::chain::abi {

namespace {

constexpr std::size_t kWord = 32;

Error misfit(const Type& type) {
  return {ErrorKind::kBadRequest, "abi", "the value does not fit " + type.canonical()};
}
Error broken(const std::string& why) { return {ErrorKind::kProtocol, "abi", why}; }

/// Bytes that a type takes in the head of its group.
std::size_t head_size(const Type& type) {
  if (type.dynamic() || type.kind != Kind::kTuple) return kWord;
  std::size_t out = 0;
  for (const Type& t : type.members) out += head_size(t);
  return out;
}

void append_number(Bytes& out, const U256& value) {
  const auto word = to_word(value);
  out.insert(out.end(), word.begin(), word.end());
}

void append_padded(Bytes& out, std::span<const std::uint8_t> data) {
  out.insert(out.end(), data.begin(), data.end());
  out.resize(out.size() + (kWord - data.size() % kWord) % kWord);
}

bool fits(const U256& value, unsigned bits) { return bits == 256 || (value >> bits) == 0; }

using Types = std::vector<const Type*>;
std::optional<Error> append_group(Bytes& out, const Types& types, std::span<const Value> values);

Types pointers(std::span<const Type> types) {
  Types out;
  out.reserve(types.size());
  for (const Type& t : types) out.push_back(&t);
  return out;
}

std::optional<Error> append_list(Bytes& out, const Type& type, const Value::List& list) {
  if (type.kind == Kind::kTuple) {
    if (list.size() != type.members.size()) return misfit(type);
    return append_group(out, pointers(type.members), list);
  }
  append_number(out, list.size());
  return append_group(out, Types(list.size(), &type.members[0]), list);
}

/// One value in the place of its encoding: a word, a static tuple, or a tail.
std::optional<Error> append_value(Bytes& out, const Type& type, const Value& value) {
  switch (type.kind) {
    case Kind::kUint:
      if (const auto* x = value.get<U256>(); x && fits(*x, type.size))
        return append_number(out, *x), std::nullopt;
      break;
    case Kind::kBool:
      if (const auto* x = value.get<bool>()) return append_number(out, *x ? 1 : 0), std::nullopt;
      break;
    case Kind::kAddress:
      if (const auto* x = value.get<Address>()) {
        out.resize(out.size() + kWord - x->bytes.size());
        out.insert(out.end(), x->bytes.begin(), x->bytes.end());
        return std::nullopt;
      }
      break;
    case Kind::kFixedBytes:
      if (const auto* x = value.get<Hash>(); x && type.size == kWord)
        return append_padded(out, x->bytes), std::nullopt;
      if (const auto* x = value.get<Bytes>(); x && x->size() == type.size && type.size != kWord)
        return append_padded(out, *x), std::nullopt;
      break;
    case Kind::kBytes:
      if (const auto* x = value.get<Bytes>())
        return append_number(out, x->size()), append_padded(out, *x), std::nullopt;
      break;
    case Kind::kString:
      if (const auto* x = value.get<std::string>()) {
        append_number(out, x->size());
        append_padded(out, std::span(reinterpret_cast<const std::uint8_t*>(x->data()), x->size()));
        return std::nullopt;
      }
      break;
    case Kind::kArray:
    case Kind::kTuple:
      if (const auto* x = value.get<Value::List>()) return append_list(out, type, *x);
      break;
  }
  return misfit(type);
}

std::optional<Error> append_group(Bytes& out, const Types& types, std::span<const Value> values) {
  std::size_t offset = 0;
  for (const Type* t : types) offset += head_size(*t);
  Bytes tail;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const bool dynamic = types[i]->dynamic();
    if (dynamic) append_number(out, offset + tail.size());
    if (auto error = append_value(dynamic ? tail : out, *types[i], values[i])) return error;
  }
  out.insert(out.end(), tail.begin(), tail.end());
  return std::nullopt;
}

class Decoder {
 public:
  /// The members of a group whose offsets count from the start of `data`.
  Result<Value::List> group(const Types& types, std::span<const std::uint8_t> data) {
    Value::List out;
    std::size_t at = 0;
    for (const Type* t : types) {
      const std::size_t size = head_size(*t);
      if (size > data.size() - at) return broken("data ends before its values");
      std::span<const std::uint8_t> place = data.subspan(at, size);
      if (t->dynamic()) {
        const auto offset = length(place);
        if (!offset) return offset.error();
        if (*offset > data.size()) return broken("an offset points outside the data");
        place = data.subspan(*offset);
      }
      auto each = value(*t, place);
      if (!each) return each.error();
      out.push_back(std::move(*each));
      at += size;
    }
    return out;
  }

 private:
  Result<Value> value(const Type& type, std::span<const std::uint8_t> data) {
    if (++count_ > kDecodedValuesMax) return broken("more values than we read");
    switch (type.kind) {
      case Kind::kUint:
      case Kind::kBool:
      case Kind::kAddress:
      case Kind::kFixedBytes: return word(type, data);
      case Kind::kBytes:
      case Kind::kString: return text(type, data);
      case Kind::kArray: return array(type, data);
      case Kind::kTuple: break;
    }
    auto members = group(pointers(type.members), data);
    if (!members) return members.error();
    return Value(std::move(*members));
  }

  static Result<Value> word(const Type& type, std::span<const std::uint8_t> data) {
    if (data.size() < kWord) return broken("data ends inside a word");
    const auto bytes = data.first(kWord);
    const auto zeros = [](std::span<const std::uint8_t> s) {
      return std::all_of(s.begin(), s.end(), [](std::uint8_t b) { return b == 0; });
    };
    if (type.kind == Kind::kFixedBytes) {
      if (!zeros(bytes.subspan(type.size))) return broken(type.canonical() + " is not padded with zeros");
      if (type.size != kWord) return Value(Bytes(bytes.begin(), bytes.begin() + type.size));
      Hash out;
      std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
      return Value(out);
    }
    if (type.kind == Kind::kAddress) {
      Address out;
      if (!zeros(bytes.first(kWord - out.bytes.size()))) return broken("an address is too large");
      std::copy(bytes.end() - 20, bytes.end(), out.bytes.begin());
      return Value(out);
    }
    U256 number = from_big_endian(bytes);
    if (type.kind == Kind::kBool) {
      if (number > 1) return broken("a bool is neither 0 nor 1");
      return Value(number == 1);
    }
    if (!fits(number, type.size)) return broken(type.canonical() + " is too large");
    return Value(std::move(number));
  }

  /// The word at the front as a size_t.
  static Result<std::size_t> length(std::span<const std::uint8_t> data) {
    if (data.size() < kWord) return broken("data ends inside a length or offset");
    const U256 number = from_big_endian(data.first(kWord));
    if (number > U256{UINT32_MAX}) return broken("a length or offset is beyond any message");
    return static_cast<std::size_t>(number);
  }

  Result<Value> text(const Type& type, std::span<const std::uint8_t> data) {
    const auto size = length(data);
    if (!size) return size.error();
    if (*size > data.size() - kWord) return broken("data ends inside " + type.canonical());
    if (*size > kDecodedBytesMax - bytes_) return broken("more bytes than we read");
    bytes_ += *size;
    const auto body = data.subspan(kWord, *size);
    if (type.kind == Kind::kString) return Value(std::string(body.begin(), body.end()));
    return Value(Bytes(body.begin(), body.end()));
  }

  Result<Value> array(const Type& type, std::span<const std::uint8_t> data) {
    const auto size = length(data);
    if (!size) return size.error();
    const auto body = data.subspan(kWord);
    // Before anything is allocated; an element takes at least one word of head.
    if (*size > body.size() / kWord || *size > kDecodedValuesMax)
      return broken("an array is longer than its data");
    auto members = group(Types(*size, &type.members[0]), body);
    if (!members) return members.error();
    return Value(std::move(*members));
  }

  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

std::vector<Type> types_of(std::span<const Parameter> parameters) {
  std::vector<Type> out;
  for (const Parameter& p : parameters) out.push_back(p.type);
  return out;
}

}  // namespace

Result<Bytes> encode(std::span<const Type> types, std::span<const Value> values) {
  if (types.size() != values.size())
    return Error{ErrorKind::kBadRequest, "abi", std::to_string(types.size()) + " values expected"};
  Bytes out;
  if (auto error = append_group(out, pointers(types), values)) return *error;
  return out;
}

Result<std::vector<Value>> decode(std::span<const Type> types, std::span<const std::uint8_t> data) {
  return Decoder().group(pointers(types), data);
}

Result<Bytes> Signature::encode_call(std::span<const Value> arguments) const {
  auto body = encode(types_of(parameters_), arguments);
  if (!body) return Error{ErrorKind::kBadRequest, canonical_, body.error().text};
  body->insert(body->begin(), selector_.begin(), selector_.end());
  return body;
}

Result<std::vector<Value>> Signature::decode_call(std::span<const std::uint8_t> data) const {
  if (data.size() < selector_.size() || !std::equal(selector_.begin(), selector_.end(), data.begin()))
    return Error{ErrorKind::kProtocol, canonical_, "another selector"};
  return decode(types_of(parameters_), data.subspan(selector_.size()));
}

Result<std::vector<Value>> Signature::decode_log(std::span<const Hash> topics,
                                                 std::span<const std::uint8_t> data) const {
  const auto bad = [&](const std::string& why) {
    return Error{ErrorKind::kProtocol, "event " + canonical_, why};
  };
  if (topics.empty() || topics[0] != topic_) return bad("another event");
  std::vector<Type> plain;
  std::size_t indexed = 0;
  for (const Parameter& p : parameters_) {
    if (p.indexed)
      ++indexed;
    else
      plain.push_back(p.type);
  }
  if (topics.size() != indexed + 1) return bad("another number of indexed parameters");
  auto body = decode(plain, data);
  if (!body) return bad(body.error().text);

  std::vector<Value> out;
  std::size_t next_topic = 1, next_plain = 0;
  for (const Parameter& p : parameters_) {
    if (!p.indexed) {
      out.push_back(std::move((*body)[next_plain++]));
      continue;
    }
    const Hash& topic = topics[next_topic++];
    if (p.type.dynamic() || p.type.kind == Kind::kTuple) {
      out.emplace_back(topic);
      continue;
    }
    auto value = decode({&p.type, 1}, topic.bytes);
    if (!value) return bad(value.error().text);
    out.push_back(std::move((*value)[0]));
  }
  return out;
}

Revert decode_revert(std::span<const std::uint8_t> data, std::span<const Signature> errors) {
  // What every compiler emits by itself: require with a text, and failed checks.
  static const std::vector<Signature> builtin = {*Signature::parse("Error(string)"),
                                                 *Signature::parse("Panic(uint256)")};
  for (const auto& set : {errors, std::span<const Signature>(builtin)}) {
    for (const Signature& each : set) {
      auto arguments = each.decode_call(data);
      if (arguments) return {each.name(), std::move(*arguments), Bytes(data.begin(), data.end())};
    }
  }
  return {{}, {}, Bytes(data.begin(), data.end())};
}

std::string Value::to_string() const {
  struct Text {
    std::string operator()(const U256& x) const { return x.str(); }
    std::string operator()(bool x) const { return x ? "true" : "false"; }
    std::string operator()(const Address& x) const { return x.to_string(); }
    std::string operator()(const Hash& x) const { return x.to_string(); }
    std::string operator()(const Bytes& x) const { return to_hex(x); }
    std::string operator()(const std::string& x) const { return "\"" + x + "\""; }
    std::string operator()(const List& list) const {
      std::string out = "(";
      for (const Value& each : list) out += (out.size() > 1 ? ", " : "") + each.to_string();
      return out + ")";
    }
  };
  return std::visit(Text{}, v);
}

std::string Revert::to_string() const {
  if (data.empty()) return "no data";
  if (name.empty())
    return "unknown error " + to_hex(std::span(data).first(std::min<std::size_t>(data.size(), 68)));
  return name + Value(arguments).to_string();
}

}  // namespace anduin::chain::abi
