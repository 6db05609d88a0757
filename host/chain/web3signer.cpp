#include "chain/web3signer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "chain/transaction.hpp"

namespace anduin::chain {
namespace {

using Json = nlohmann::json;

/// Of what a service says in an error, as much as fits into a line.
constexpr std::size_t kQuotedBytesMax = 200;

}  // namespace

Web3Signer::Web3Signer(RpcTransport& transport, const Address& address, Options options)
    : transport_(transport), address_(address), options_(options) {}

/// The result as JSON text.
Result<std::string> Web3Signer::ask(const std::string& method, const std::string& params_json) {
  const std::string where = "web3signer at " + transport_.name() + ", " + method;
  const std::uint64_t id = ++id_;
  const auto answer = transport_.post("{\"jsonrpc\":\"2.0\",\"id\":" + std::to_string(id) + ",\"method\":\"" +
                                          method + "\",\"params\":" + params_json + "}",
                                      options_.timeout_ms);
  if (!answer) return Error{answer.error().kind, where, answer.error().text, {}, answer.error().retry_after_ms};
  const Json doc = Json::parse(*answer, nullptr, false);
  if (!doc.is_object()) return Error{ErrorKind::kProtocol, where, "the answer is no JSON object"};
  if (const auto error = doc.find("error"); error != doc.end() && !error->is_null()) {
    const std::string text = error->is_object() && error->contains("message") && (*error)["message"].is_string()
                                 ? (*error)["message"].get<std::string>()
                                 : error->dump();
    // It knows us and says no: an account it does not hold, a method it does not offer.
    return Error{ErrorKind::kAuth, where, "refused: " + text.substr(0, kQuotedBytesMax)};
  }
  const auto result = doc.find("result");
  if (result == doc.end() || doc.value("id", Json()) != Json(id))
    return Error{ErrorKind::kProtocol, where, "the answer is not one to this question"};
  return result->dump();
}

Result<Bytes> Web3Signer::ask_bytes(const std::string& method, const std::string& params_json) {
  const auto text = ask(method, params_json);
  if (!text) return text.error();
  const Json result = Json::parse(*text);
  auto bytes = result.is_string() && result.get_ref<const std::string&>().starts_with("0x")
                   ? from_hex(result.get_ref<const std::string&>())
                   : std::nullopt;
  if (!bytes) return Error{ErrorKind::kProtocol, "web3signer at " + transport_.name(), method + " gave no bytes"};
  return std::move(*bytes);
}

Result<Bytes> Web3Signer::sign_raw(const Transaction& t) {
  Json fields{{"from", address_.to_string()},
              {"nonce", to_quantity(t.nonce)},
              {"gas", to_quantity(t.gas_limit)},
              {"maxFeePerGas", to_quantity(t.max_fee)},
              {"maxPriorityFeePerGas", to_quantity(t.tip)},
              {"value", to_quantity(t.value)},
              {"data", to_hex(t.data)},
              {"chainId", to_quantity(t.chain_id)}};
  if (t.to) fields["to"] = t.to->to_string();
  return ask_bytes("eth_signTransaction", Json::array({fields}).dump());
}

Result<SafeSignature> Web3Signer::sign_safe(const Hash& safe_tx_hash) {
  const auto bytes = ask_bytes("eth_sign", Json::array({address_.to_string(), safe_tx_hash.to_string()}).dump());
  if (!bytes) return bytes.error();
  SafeSignature out{};
  if (bytes->size() != out.size())
    return Error{ErrorKind::kProtocol, "web3signer at " + transport_.name(), "eth_sign gave no signature"};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  // v is 0 and 1 in some services, 27 and 28 in most; plus 4 is how a Safe is told of the message prefix.
  out[64] = static_cast<std::uint8_t>(out[64] + (out[64] < 2 ? 31 : 4));
  return out;
}

Result<void> Web3Signer::verify() {
  const auto text = ask("eth_accounts", "[]");
  if (!text) return text.error();
  const Json accounts = Json::parse(*text);
  if (!accounts.is_array())
    return Error{ErrorKind::kProtocol, "web3signer at " + transport_.name(), "eth_accounts gave no list"};
  for (const Json& account : accounts) {
    if (account.is_string() && Address::parse(account.get<std::string>()) == address_) return {};
  }
  return Error{ErrorKind::kBadRequest, "web3signer at " + transport_.name(),
               "does not hold the key of " + address_.to_string() + " (it has " + std::to_string(accounts.size()) +
                   (accounts.size() == 1 ? " account)" : " accounts)")};
}

}  // namespace anduin::chain
