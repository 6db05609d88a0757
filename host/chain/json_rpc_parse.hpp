// JSON-RPC results into chain words; private to this room (it names the JSON library).
// Pure functions, any thread. They throw Misread, which JsonRpcNode turns into a kProtocol error with the
// method's name.
#pragma once
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "chain/node.hpp"

namespace anduin::chain::rpc {

using Json = nlohmann::json;

/// The answer has another shape than the method promises. Never leaves the room.
struct Misread : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A member that must be there.
const Json& member(const Json& object, const char* key);
U256 quantity(const Json& value, const char* what);
std::uint64_t quantity_u64(const Json& value, const char* what);
/// 0x and an even number of digits; may be empty.
Bytes bytes(const Json& value, const char* what);
Hash hash(const Json& value, const char* what);
Address address(const Json& value, const char* what);

Block block(const Json& value);
Log log(const Json& value);
/// Nothing for a receipt outside a block (a preconfirmation).
std::optional<Receipt> receipt(const Json& value);
FeeSuggestion fee_history(const Json& value, const U256& tip_min);

/// The `error` member of an answer.
struct RpcError {
  std::int64_t code = 0;
  std::string message;
  std::optional<Bytes> data;  ///< where it is hex, or a text that ends in hex ("Reverted 0x...")
};
RpcError error(const Json& value);
/// The execution reverted (as opposed to: the node could not answer).
bool is_revert(const RpcError& e);

/// Parameter forms.
Json block_parameter(const BlockId& id);
Json filter_parameter(const LogFilter& filter);

}  // namespace anduin::chain::rpc
