#include "chain/json_rpc_node.hpp"

#include <algorithm>

#include "chain/classify.hpp"
#include "chain/json_rpc_parse.hpp"

namespace anduin::chain {

using rpc::Json;

namespace {

/// Answers of nodes that know the method but not the block: geth and the execution API's "unknown block".
bool unknown_block(const rpc::RpcError& e) {
  constexpr std::int64_t kCodeUnknownBlock = -39001;
  return e.code == kCodeUnknownBlock || e.message.find("block not found") != std::string::npos ||
         e.message.find("unknown block") != std::string::npos;
}

Error as_error(const std::string& where, const rpc::RpcError& e) {
  constexpr std::int64_t kCodeMethodNotFound = -32601, kCodeInvalidParameters = -32602, kCodeLimit = -32005;
  constexpr std::int64_t kLimitPauseMs = 1'000;  // the code carries no time; limits are per second
  const std::string text = "the node answers " + std::to_string(e.code) + ": " + e.message;
  if (e.code == kCodeMethodNotFound || e.code == kCodeInvalidParameters)
    return {ErrorKind::kBadRequest, where, text};
  if (e.code == kCodeLimit) return {ErrorKind::kRetryableAfter, where, text, {}, kLimitPauseMs};
  return {ErrorKind::kRetryable, where, text};
}

/// Questions in one batch: geth takes 1,000 by default, vendors of nodes often 100.
constexpr std::size_t kBatchMax = 100;
/// An endpoint that refused a batch is asked one by one for this many calls, then a batch is tried again: the
/// refusal may have been a bad moment.
constexpr unsigned kCallsWithoutBatch = 200;
constexpr const char* kReceiptMethod = "eth_getTransactionReceipt";

/// A JSON-RPC answer: a result, or the node's error.
using Answer = std::variant<Json, rpc::RpcError>;

Json call_parameters(const Address& from, const Address& to, const Bytes& data) {
  // `input` is the name in the execution API; every client since 2023 reads it.
  return {{"from", to_hex(from.bytes)}, {"to", to_hex(to.bytes)}, {"input", to_hex(data)}};
}

std::optional<Receipt> read_receipt(const Json& result, const Hash& transaction) {
  if (result.is_null()) return std::nullopt;
  auto out = rpc::receipt(result);
  if (out && out->transaction_hash != transaction) throw rpc::Misread("the receipt is of another transaction");
  return out;
}

}  // namespace

class JsonRpcNode::Impl {
 public:
  Impl(RpcTransport& transport, JsonRpcOptions options)
      : transport_(transport), options_(std::move(options)) {}

  [[nodiscard]] const JsonRpcOptions& options() const { return options_; }
  [[nodiscard]] std::string where(const char* method) const { return transport_.name() + " " + method; }
  [[nodiscard]] Error misread(const char* method, const std::string& why) const {
    return {ErrorKind::kProtocol, where(method), "cannot read the answer: " + why};
  }

  [[nodiscard]] Json request(std::uint64_t id, const char* method, Json parameters) const {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(parameters)}};
  }

  Result<Answer> ask(const char* method, Json parameters) {
    const std::uint64_t id = ++last_id_;
    const Json request = this->request(id, method, std::move(parameters));
    const auto body = transport_.post(request.dump(), options_.timeout_ms);
    if (!body) return body.error();
    Json answer = Json::parse(*body, nullptr, false);
    if (answer.is_discarded() || !answer.is_object()) return misread(method, "not a JSON object");
    try {
      if (const auto error = answer.find("error"); error != answer.end() && !error->is_null())
        return Answer(rpc::error(*error));
      // Another id is the answer to another question (a proxy that mixes connections).
      if (rpc::member(answer, "id") != id) return misread(method, "the id is of another request");
      return Answer(std::move(answer.at("result")));
    } catch (const std::exception& e) {
      return misread(method, e.what());
    }
  }

  /// One batch; answers in the order of the questions. An Error also when the endpoint takes no batches.
  Result<std::vector<Answer>> ask_batch(const char* method, std::vector<Json> parameters) {
    const std::uint64_t first = last_id_ + 1;
    const std::size_t count = parameters.size();
    last_id_ += count;
    Json body = Json::array();
    for (std::size_t i = 0; i < count; ++i) body.push_back(request(first + i, method, std::move(parameters[i])));
    const auto text = transport_.post(body.dump(), options_.timeout_ms);
    if (!text) return text.error();
    Json answers = Json::parse(*text, nullptr, false);
    if (!answers.is_array() || answers.size() != count)
      return misread(method, "not one answer for each question of a batch");
    std::vector<std::optional<Answer>> found(count);
    try {
      for (Json& answer : answers) {
        const Json& id = rpc::member(answer, "id");
        if (!id.is_number_unsigned() || id < first || id >= first + count)
          return misread(method, "an id is of another request");
        auto& place = found[id.get<std::uint64_t>() - first];
        if (place) return misread(method, "two answers to one question");
        const auto error = answer.find("error");
        place = error != answer.end() && !error->is_null() ? Answer(rpc::error(*error))
                                                           : Answer(std::move(answer.at("result")));
      }
    } catch (const std::exception& e) {
      return misread(method, e.what());
    }
    std::vector<Answer> out;
    for (auto& each : found) out.push_back(std::move(*each));
    return out;
  }

  /// An answer to eth_call: data, or the revert.
  [[nodiscard]] Result<CallResult> call_result(const char* method, Answer answer) const {
    if (auto* error = std::get_if<rpc::RpcError>(&answer)) {
      if (!rpc::is_revert(*error)) return as_error(where(method), *error);
      return CallResult{true, error->data.value_or(Bytes{}), std::move(error->message)};
    }
    try {
      return CallResult{false, rpc::bytes(std::get<Json>(answer), "return data"), {}};
    } catch (const rpc::Misread& e) {
      return misread(method, e.what());
    }
  }

  /// True: ask one by one, this endpoint refused a batch a short while ago.
  bool batches_refused() {
    if (calls_without_batch_ == 0) return false;
    --calls_without_batch_;
    return true;
  }
  void batch_was_refused() { calls_without_batch_ = kCallsWithoutBatch; }

  /// Asks and reads a result; a node's error becomes our Error.
  template <class T, class Read>
  Result<T> get(const char* method, Json parameters, Read read) {
    auto answer = ask(method, std::move(parameters));
    if (!answer) return answer.error();
    if (const auto* error = std::get_if<rpc::RpcError>(&*answer)) return as_error(where(method), *error);
    try {
      return read(std::get<Json>(*answer));
    } catch (const rpc::Misread& e) {
      return misread(method, e.what());
    }
  }

 private:
  RpcTransport& transport_;
  JsonRpcOptions options_;
  std::uint64_t last_id_ = 0;
  unsigned calls_without_batch_ = 0;
};

JsonRpcNode::JsonRpcNode(RpcTransport& transport, JsonRpcOptions options)
    : impl_(std::make_unique<Impl>(transport, std::move(options))) {}
JsonRpcNode::~JsonRpcNode() = default;

Result<std::uint64_t> JsonRpcNode::chain_id() {
  return impl_->get<std::uint64_t>("eth_chainId", Json::array(),
                                   [](const Json& r) { return rpc::quantity_u64(r, "chain id"); });
}

Result<std::optional<Block>> JsonRpcNode::block(const BlockId& id) {
  const auto* by_hash = std::get_if<Hash>(&id);
  const char* method = by_hash ? "eth_getBlockByHash" : "eth_getBlockByNumber";
  Json which = by_hash ? Json(by_hash->to_string()) : rpc::block_parameter(id);
  auto answer = impl_->ask(method, Json::array({std::move(which), false}));
  if (!answer) return answer.error();
  if (const auto* error = std::get_if<rpc::RpcError>(&*answer)) {
    if (unknown_block(*error)) return std::optional<Block>();
    return as_error(impl_->where(method), *error);
  }
  const Json& result = std::get<Json>(*answer);
  if (result.is_null()) return std::optional<Block>();
  try {
    const Block out = rpc::block(result);
    if (by_hash && out.hash != *by_hash) throw rpc::Misread("the block has another hash than asked for");
    const auto* number = std::get_if<std::uint64_t>(&id);
    if (number && out.number != *number) throw rpc::Misread("the block has another number than asked for");
    return std::optional(out);
  } catch (const rpc::Misread& e) {
    return impl_->misread(method, e.what());
  }
}

Result<std::uint64_t> JsonRpcNode::transaction_count(const Address& who, const BlockId& at) {
  return impl_->get<std::uint64_t>("eth_getTransactionCount",
                                   Json::array({to_hex(who.bytes), rpc::block_parameter(at)}),
                                   [](const Json& r) { return rpc::quantity_u64(r, "count"); });
}

Result<U256> JsonRpcNode::balance(const Address& who, const BlockId& at) {
  return impl_->get<U256>("eth_getBalance", Json::array({to_hex(who.bytes), rpc::block_parameter(at)}),
                          [](const Json& r) { return rpc::quantity(r, "balance"); });
}

Result<Bytes> JsonRpcNode::code(const Address& who, const BlockId& at) {
  return impl_->get<Bytes>("eth_getCode", Json::array({to_hex(who.bytes), rpc::block_parameter(at)}),
                           [](const Json& r) { return rpc::bytes(r, "code"); });
}

Result<CallResult> JsonRpcNode::call(const Address& from, const Address& to, const Bytes& data,
                                     const BlockId& at) {
  constexpr const char* kMethod = "eth_call";
  auto answer =
      impl_->ask(kMethod, Json::array({call_parameters(from, to, data), rpc::block_parameter(at)}));
  if (!answer) return answer.error();
  return impl_->call_result(kMethod, std::move(*answer));
}

Result<std::variant<std::uint64_t, CallResult>> JsonRpcNode::estimate_gas(const Address& from,
                                                                          const Address& to,
                                                                          const Bytes& data) {
  using Estimate = std::variant<std::uint64_t, CallResult>;
  constexpr const char* kMethod = "eth_estimateGas";
  auto answer = impl_->ask(kMethod, Json::array({call_parameters(from, to, data)}));
  if (!answer) return answer.error();
  if (auto* error = std::get_if<rpc::RpcError>(&*answer)) {
    if (!rpc::is_revert(*error)) return as_error(impl_->where(kMethod), *error);
    return Estimate(CallResult{true, error->data.value_or(Bytes{}), std::move(error->message)});
  }
  try {
    return Estimate(rpc::quantity_u64(std::get<Json>(*answer), "gas"));
  } catch (const rpc::Misread& e) {
    return impl_->misread(kMethod, e.what());
  }
}

Result<FeeSuggestion> JsonRpcNode::suggest_fees() {
  // Five blocks and the median reward: settlement.md section 10. The last base fee is the next block's.
  return impl_->get<FeeSuggestion>(
      "eth_feeHistory", Json::array({"0x5", "latest", Json::array({50})}),
      [&](const Json& r) { return rpc::fee_history(r, impl_->options().tip_min); });
}

Result<SendResult> JsonRpcNode::send_raw(const Bytes& raw) {
  constexpr const char* kMethod = "eth_sendRawTransaction";
  auto answer = impl_->ask(kMethod, Json::array({to_hex(raw)}));
  if (!answer) return answer.error();
  if (auto* error = std::get_if<rpc::RpcError>(&*answer))
    return SendResult{classify_send_error(error->code, error->message), std::move(error->message)};
  try {
    const Hash hash = rpc::hash(std::get<Json>(*answer), "transaction hash");
    if (hash == keccak256(raw)) return SendResult{SendClass::kAccepted, {}};
    return SendResult{SendClass::kUnknown, "the node names another hash: " + hash.to_string()};
  } catch (const rpc::Misread& e) {
    return impl_->misread(kMethod, e.what());
  }
}

Result<std::optional<Receipt>> JsonRpcNode::receipt(const Hash& transaction) {
  return impl_->get<std::optional<Receipt>>(kReceiptMethod, Json::array({transaction.to_string()}),
                                            [&](const Json& r) { return read_receipt(r, transaction); });
}

/// One batch of receipts. What the endpoint does not answer inside the batch is asked once more alone.
Result<void> JsonRpcNode::receipts_of(std::span<const Hash> part,
                                      std::vector<std::optional<Receipt>>& out) {
  std::vector<Json> questions;
  for (const Hash& each : part) questions.push_back(Json::array({each.to_string()}));
  auto answers = impl_->ask_batch(kReceiptMethod, std::move(questions));
  if (!answers) return answers.error();
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto* result = std::get_if<Json>(&(*answers)[i]);
    if (result == nullptr) {
      auto alone = receipt(part[i]);
      if (!alone) return alone.error();
      out.push_back(std::move(*alone));
      continue;
    }
    try {
      out.push_back(read_receipt(*result, part[i]));
    } catch (const rpc::Misread& e) {
      return impl_->misread(kReceiptMethod, e.what());
    }
  }
  return {};
}

Result<std::vector<std::optional<Receipt>>> JsonRpcNode::receipts(std::span<const Hash> transactions) {
  if (transactions.size() < 2 || impl_->batches_refused()) return Node::receipts(transactions);
  std::vector<std::optional<Receipt>> out;
  out.reserve(transactions.size());
  while (out.size() < transactions.size()) {
    const auto rest = transactions.subspan(out.size());
    const std::size_t done = out.size();
    const auto asked = receipts_of(rest.first(std::min(rest.size(), kBatchMax)), out);
    if (asked) continue;
    const ErrorKind kind = asked.error().kind;
    if (kind == ErrorKind::kRetryableAfter || kind == ErrorKind::kAuth) return asked.error();
    // Refused as a batch, or away altogether? One question alone tells.
    out.resize(done);
    if (const auto alone = receipt(rest.front()); !alone) return asked.error();
    impl_->batch_was_refused();
    return Node::receipts(transactions);
  }
  return out;
}

/// One by one where the endpoint refuses batches, as with receipts.
Result<std::vector<CallResult>> JsonRpcNode::calls(const Address& from, const Address& to,
                                                   std::span<const Bytes> data, const BlockId& at) {
  constexpr const char* kMethod = "eth_call";
  if (data.size() < 2 || impl_->batches_refused()) return Node::calls(from, to, data, at);
  std::vector<CallResult> out;
  out.reserve(data.size());
  while (out.size() < data.size()) {
    const auto part = data.subspan(out.size(), std::min(data.size() - out.size(), kBatchMax));
    std::vector<Json> questions;
    for (const Bytes& each : part)
      questions.push_back(Json::array({call_parameters(from, to, each), rpc::block_parameter(at)}));
    auto answers = impl_->ask_batch(kMethod, std::move(questions));
    if (!answers) {
      const ErrorKind kind = answers.error().kind;
      if (kind == ErrorKind::kRetryableAfter || kind == ErrorKind::kAuth) return answers.error();
      if (const auto alone = call(from, to, part.front(), at); !alone) return answers.error();
      impl_->batch_was_refused();
      return Node::calls(from, to, data, at);
    }
    for (Answer& answer : *answers) {
      auto one = impl_->call_result(kMethod, std::move(answer));
      if (!one) return one.error();
      out.push_back(std::move(*one));
    }
  }
  return out;
}

Result<std::vector<Log>> JsonRpcNode::logs(const LogFilter& filter) {
  return impl_->get<std::vector<Log>>(
      "eth_getLogs", Json::array({rpc::filter_parameter(filter)}), [](const Json& r) {
        if (!r.is_array()) throw rpc::Misread("logs are not an array");
        std::vector<Log> out;
        for (const Json& each : r) {
          // Not of the canonical chain: pending (no block) or removed by a reorg.
          const auto removed = each.find("removed");
          if (rpc::member(each, "blockHash").is_null() || (removed != each.end() && *removed == true))
            continue;
          out.push_back(rpc::log(each));
        }
        return out;
      });
}

Result<std::string> JsonRpcNode::raw_call(const std::string& method, const std::string& params_json) {
  Json parameters = Json::parse(params_json, nullptr, false);
  if (!parameters.is_array()) return Error{ErrorKind::kBadRequest, method, "parameters are a JSON array"};
  return impl_->get<std::string>(method.c_str(), std::move(parameters),
                                 [](const Json& r) { return r.dump(); });
}

}  // namespace anduin::chain
