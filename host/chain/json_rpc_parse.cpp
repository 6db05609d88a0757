#include "chain/json_rpc_parse.hpp"

#include <algorithm>

#include "chain/classify.hpp"
#include "chain/json_rpc_node.hpp"

namespace anduin::chain {

std::optional<U256> parse_quantity(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  if (text.empty() || text.size() > 64 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  const std::string even = (text.size() % 2 ? "0" : "") + std::string(text);
  // from_hex would take a second 0x.
  if (even.size() > 1 && (even[1] == 'x' || even[1] == 'X')) return std::nullopt;
  const auto parsed = from_hex(even);
  if (!parsed) return std::nullopt;
  return from_big_endian(*parsed);
}

std::optional<std::uint64_t> parse_quantity_u64(std::string_view text) {
  const auto value = parse_quantity(text);
  if (!value || *value > U256{UINT64_MAX}) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

std::string to_quantity(const U256& value) {
  if (value == 0) return "0x0";
  std::string text = to_hex(to_word(value)).substr(2);
  return "0x" + text.substr(text.find_first_not_of('0'));
}

namespace rpc {

namespace {

/// eth_feeHistory gives one row a block; a node that sends thousands is not answering our five.
constexpr std::size_t kFeeRowsMax = 1024;

const std::string& text(const Json& value, const char* what) {
  if (!value.is_string()) throw Misread(std::string(what) + " is not a string");
  return value.get_ref<const std::string&>();
}

const Json& array(const Json& value, const char* what) {
  if (!value.is_array()) throw Misread(std::string(what) + " is not an array");
  return value;
}

const Json* present(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

const Json& member(const Json& object, const char* key) {
  if (!object.is_object()) throw Misread(std::string("no object around ") + key);
  const auto found = object.find(key);
  if (found == object.end()) throw Misread(std::string(key) + " is missing");
  return *found;
}

U256 quantity(const Json& value, const char* what) {
  const auto out = parse_quantity(text(value, what));
  if (!out) throw Misread(std::string(what) + " is not a quantity");
  return *out;
}

std::uint64_t quantity_u64(const Json& value, const char* what) {
  const auto out = parse_quantity_u64(text(value, what));
  if (!out) throw Misread(std::string(what) + " is not a 64-bit quantity");
  return *out;
}

Bytes bytes(const Json& value, const char* what) {
  const std::string& hex = text(value, what);
  auto out = hex.starts_with("0x") ? from_hex(hex) : std::nullopt;
  if (!out) throw Misread(std::string(what) + " is not hex data");
  return std::move(*out);
}

Hash hash(const Json& value, const char* what) {
  const auto out = Hash::parse(text(value, what));
  if (!out) throw Misread(std::string(what) + " is not a 32-byte hash");
  return *out;
}

Address address(const Json& value, const char* what) {
  const auto out = Address::parse(text(value, what));
  if (!out) throw Misread(std::string(what) + " is not an address");
  return *out;
}

Block block(const Json& value) {
  Block out;
  out.number = quantity_u64(member(value, "number"), "number");
  out.hash = hash(member(value, "hash"), "hash");
  const std::uint64_t time = quantity_u64(member(value, "timestamp"), "timestamp");
  if (time > static_cast<std::uint64_t>(INT64_MAX)) throw Misread("timestamp is beyond any clock");
  out.timestamp_s = static_cast<std::int64_t>(time);
  out.base_fee = quantity(member(value, "baseFeePerGas"), "baseFeePerGas");
  return out;
}

Log log(const Json& value) {
  Log out;
  out.address = address(member(value, "address"), "address");
  for (const Json& topic : array(member(value, "topics"), "topics"))
    out.topics.push_back(hash(topic, "topic"));
  out.data = bytes(member(value, "data"), "data");
  out.block_number = quantity_u64(member(value, "blockNumber"), "blockNumber");
  out.block_hash = hash(member(value, "blockHash"), "blockHash");
  out.transaction_hash = hash(member(value, "transactionHash"), "transactionHash");
  return out;
}

std::optional<Receipt> receipt(const Json& value) {
  Receipt out;
  out.transaction_hash = hash(member(value, "transactionHash"), "transactionHash");
  if (member(value, "blockHash").is_null() || member(value, "blockNumber").is_null()) return std::nullopt;
  out.block_hash = hash(member(value, "blockHash"), "blockHash");
  out.block_number = quantity_u64(member(value, "blockNumber"), "blockNumber");
  const std::uint64_t status = quantity_u64(member(value, "status"), "status");
  if (status > 1) throw Misread("status is neither 0 nor 1");
  out.success = status == 1;
  out.gas_used = quantity_u64(member(value, "gasUsed"), "gasUsed");
  for (const Json& each : array(member(value, "logs"), "logs")) {
    out.logs.push_back(log(each));
    // A log of another block inside the receipt would let an event through that the block does not hold.
    if (out.logs.back().block_hash != out.block_hash ||
        out.logs.back().transaction_hash != out.transaction_hash)
      throw Misread("a log belongs to another block or transaction than its receipt");
  }
  return out;
}

FeeSuggestion fee_history(const Json& value, const U256& tip_min) {
  FeeSuggestion out{0, tip_min};
  const Json& fees = array(member(value, "baseFeePerGas"), "baseFeePerGas");
  if (fees.empty() || fees.size() > kFeeRowsMax) throw Misread("baseFeePerGas has no usable rows");
  out.base_fee_next = quantity(fees.back(), "baseFeePerGas");
  std::vector<U256> tips;
  if (const Json* rows = present(value, "reward")) {
    if (array(*rows, "reward").size() > kFeeRowsMax) throw Misread("reward has too many rows");
    for (const Json& row : *rows) {
      if (!array(row, "reward").empty()) tips.push_back(quantity(row[0], "reward"));
    }
  }
  if (tips.empty()) return out;
  const auto middle = tips.begin() + static_cast<std::ptrdiff_t>(tips.size() / 2);
  std::nth_element(tips.begin(), middle, tips.end());
  out.tip = std::max(tip_min, *middle);
  return out;
}

RpcError error(const Json& value) {
  if (!value.is_object()) throw Misread("error is not an object");
  RpcError out;
  if (const Json* code = present(value, "code"); code && code->is_number_integer())
    out.code = code->get<std::int64_t>();
  if (const Json* message = present(value, "message"); message && message->is_string())
    out.message = message->get<std::string>();
  const Json* data = present(value, "data");
  // Some nodes wrap it once more.
  if (data && data->is_object()) data = present(*data, "data");
  if (data && data->is_string()) {
    const auto& hex = data->get_ref<const std::string&>();
    if (const std::size_t at = hex.find("0x"); at != std::string::npos)
      out.data = from_hex(std::string_view(hex).substr(at));
  }
  return out;
}

bool is_revert(const RpcError& e) { return classify_send_error(e.code, e.message) == SendClass::kRevert; }

Json block_parameter(const BlockId& id) {
  if (const auto* number = std::get_if<std::uint64_t>(&id)) return to_quantity(*number);
  if (const auto* by_hash = std::get_if<Hash>(&id))
    return {{"blockHash", by_hash->to_string()}, {"requireCanonical", true}};
  switch (std::get<Tag>(id)) {
    case Tag::kSafe: return "safe";
    case Tag::kFinalized: return "finalized";
    case Tag::kLatest: break;
  }
  return "latest";
}

Json filter_parameter(const LogFilter& filter) {
  Json topics = Json::array();
  for (const auto& topic : filter.topics) topics.push_back(topic ? Json(topic->to_string()) : Json());
  return {{"address", to_hex(filter.address.bytes)},
          {"fromBlock", to_quantity(filter.from_block)},
          {"toBlock", to_quantity(filter.to_block)},
          {"topics", std::move(topics)}};
}

}  // namespace rpc
}  // namespace anduin::chain
