// The Solidity contract ABI as far as settlement needs it: calls, return data, events and errors from
// signature texts. Values are plain; Signature is immutable after parse. Any thread.
#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "chain/types.hpp"

namespace anduin::chain::abi {

enum class Kind : std::uint8_t { kUint, kAddress, kBool, kFixedBytes, kBytes, kString, kArray, kTuple };

struct Type {
  Kind kind = Kind::kUint;
  unsigned size = 256;        ///< bits of kUint, bytes of kFixedBytes
  std::vector<Type> members;  ///< the one element type of kArray (dynamic length), the members of kTuple
  [[nodiscard]] bool dynamic() const;
  [[nodiscard]] std::string canonical() const;
  bool operator==(const Type&) const = default;
};

/// kUint: U256; kBool: bool; kAddress: Address; bytes32: Hash; other bytesN and bytes: Bytes; kString:
/// std::string (bytes as they are, not checked for UTF-8); kArray and kTuple: a vector of values.
struct Value {
  using List = std::vector<Value>;
  std::variant<U256, bool, Address, Hash, Bytes, std::string, List> v;

  Value() = default;
  explicit Value(U256 x) : v(std::move(x)) {}
  explicit Value(bool x) : v(x) {}
  explicit Value(const Address& x) : v(x) {}
  explicit Value(const Hash& x) : v(x) {}
  explicit Value(Bytes x) : v(std::move(x)) {}
  explicit Value(std::string x) : v(std::move(x)) {}
  explicit Value(List x) : v(std::move(x)) {}
  explicit Value(const char*) = delete;  // would become a bool

  template <class T>
  [[nodiscard]] const T* get() const {
    return std::get_if<T>(&v);
  }
  /// For messages: numbers decimal, bytes hex, lists in parentheses.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Value&) const = default;
};

struct Parameter {
  Type type;
  std::string name;  ///< may be empty
  bool indexed = false;
};

using Selector = std::array<std::uint8_t, 4>;

/// `creditPnl(address,uint256,bytes32)`, `Seized(address indexed user,uint256 amount)`, tuples as
/// `batchSettle((uint8,address,uint256,bytes32)[])`. `uint` means uint256. No int, fixed-length array or
/// function type.
class Signature {
 public:
  /// kBadRequest with the place when the text is no signature or uses a type outside the list above.
  static Result<Signature> parse(std::string_view text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }
  [[nodiscard]] const std::string& canonical() const { return canonical_; }
  [[nodiscard]] const Selector& selector() const { return selector_; }
  [[nodiscard]] const Hash& topic() const { return topic_; }
  /// Selector and arguments. kBadRequest when the values do not fit the types.
  [[nodiscard]] Result<Bytes> encode_call(std::span<const Value> arguments) const;
  /// Arguments behind a selector that must be this one. kProtocol otherwise.
  [[nodiscard]] Result<std::vector<Value>> decode_call(std::span<const std::uint8_t> data) const;
  /// An event's values in the order of its parameters. Indexed dynamic parameters come as their 32-byte
  /// hash.
  [[nodiscard]] Result<std::vector<Value>> decode_log(std::span<const Hash> topics,
                                                      std::span<const std::uint8_t> data) const;

 private:
  std::string name_, canonical_;
  std::vector<Parameter> parameters_;
  Selector selector_{};
  Hash topic_;
};

/// kBadRequest on trailing text or a type outside the list at Signature.
Result<Type> parse_type(std::string_view text);
Result<Bytes> encode(std::span<const Type> types, std::span<const Value> values);
/// Strict where it protects: every offset and length inside the data, addresses, bools and small integers
/// in range, at most kDecodedValuesMax values and kDecodedBytesMax. Bytes behind the last value are
/// allowed, as every contract compiler allows them.
Result<std::vector<Value>> decode(std::span<const Type> types, std::span<const std::uint8_t> data);

/// Return data of a batch can be large; a hostile node must not make us allocate without end.
inline constexpr std::size_t kDecodedValuesMax = 65'536;
/// The same for the sum of all strings, whose offsets may point to one place many times.
inline constexpr std::size_t kDecodedBytesMax = 16U << 20U;

/// A revert: a custom error by its configured signature, Error(string), Panic(uint256), or unknown bytes.
struct Revert {
  std::string name;  ///< "DuplicateRefId", "Error", "Panic"; empty when no signature matches
  std::vector<Value> arguments;
  Bytes data;
  [[nodiscard]] std::string to_string() const;
};
/// Never fails: undecodable bytes keep their data and an empty name.
Revert decode_revert(std::span<const std::uint8_t> data, std::span<const Signature> errors);

}  // namespace anduin::chain::abi
