#include "chain/strict_node.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "chain/json_rpc_node.hpp"
#include "chain/op_stack.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"

namespace anduin::test {

using chain::Address;
using chain::Hash;
using chain::Tag;
using chain::U256;
using nlohmann::json;
using Client = StrictRules::Client;

namespace {

/// What goes into the `error` member.
struct Refusal {
  std::int64_t code;
  std::string text;
  std::string data = {};
};

/// One client's words. Sources: host/chain/classify.cpp.
struct Words {
  std::int64_t code;
  const char *known, *low, *gap, *replace, *base_fee, *funds, *intrinsic, *cap, *full, *chain;
};
const Words& words(Client c) {
  static const Words kGeth{-32000, "already known", "nonce too low: next nonce 9, tx nonce 3",
                           "nonce too high: address 0x70, tx: 9 state: 3", "replacement transaction underpriced",
                           "max fee per gas less than block base fee: address 0x70, maxFeePerGas: 1, baseFee: 7",
                           "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1",
                           "intrinsic gas too low: gas 1, minimum needed 2",
                           "transaction gas limit too high (cap: 16777216, tx: 20000000)", "account limit exceeded",
                           "invalid chain id for signer: have 1 want 31337"};
  static const Words kReth{-32003, "already known", "nonce too low: next nonce 9, tx nonce 3", "nonce too high",
                           "replacement transaction underpriced", "max fee per gas less than block base fee",
                           "insufficient funds for gas * price + value: have 0 want 1", "intrinsic gas too low",
                           "exceeds max transaction gas limit", "txpool is full", "invalid chain ID"};
  static const Words kNethermind{-32010, "AlreadyKnown", "OldNonce, Current nonce: 9, nonce of rejected tx: 3",
                                 "NonceGap, Future nonce. Expected nonce: 3", "ReplacementNotAllowed",
                                 "FeeTooLow, MaxFeePerGas too low", "InsufficientFunds, Balance is 0",
                                 "intrinsic gas too low", "GasLimitExceeded, Gas limit: 16777216",
                                 "txpool is full", "invalid chain id"};
  static const Words kBesu{-32000, "Known transaction", "Nonce too low",
                           "Transaction nonce is too distant from current sender nonce",
                           "Replacement transaction underpriced", "Gas price below current base fee",
                           "Upfront cost exceeds account balance", "Intrinsic gas exceeds gas limit",
                           "Transaction gas limit exceeds block gas limit", "txpool is full", "Wrong chainId"};
  static const Words kErigon{-32000, "INTERNAL_ERROR: existing tx with same hash", "INTERNAL_ERROR: nonce too low",
                             "nonce too high", "INTERNAL_ERROR: could not replace existing tx",
                             "INTERNAL_ERROR: fee too low", "INTERNAL_ERROR: insufficient funds",
                             "INTERNAL_ERROR: IntrinsicGas", "gas limit is too high", "spammer", "invalid chain id"};
  switch (c) {
    case Client::kReth: return kReth;
    case Client::kNethermind: return kNethermind;
    case Client::kBesu: return kBesu;
    case Client::kErigon: return kErigon;
    case Client::kGeth: break;
  }
  return kGeth;
}

/// The new fee outbids the old one: geth takes 10 % more, reth only what is above that.
bool outbids(Client c, const U256& now, const U256& old) {
  return c == Client::kReth ? now * 100 > old * 110 : now * 100 >= old * 110;
}

/// 21,000 and the calldata, at least the floor of EIP-7623.
std::uint64_t intrinsic_gas(const Bytes& data) {
  const auto zero = static_cast<std::uint64_t>(std::count(data.begin(), data.end(), 0));
  const std::uint64_t other = data.size() - zero;
  return 21'000 + std::max(zero * 4 + other * 16, (zero + other * 4) * 10);
}

std::string quantity(std::uint64_t n) { return chain::to_quantity(U256(n)); }

json block_json(const chain::Block& b, const U256& base_fee) {
  return {{"number", quantity(b.number)},
          {"hash", b.hash.to_string()},
          {"timestamp", quantity(static_cast<std::uint64_t>(b.timestamp_s))},
          {"baseFeePerGas", chain::to_quantity(base_fee)}};
}

json log_json(const chain::Log& l) {
  json topics = json::array();
  for (const Hash& t : l.topics) topics.push_back(t.to_string());
  return {{"address", to_hex(l.address.bytes)},       {"topics", topics},
          {"data", to_hex(l.data)},                   {"blockNumber", quantity(l.block_number)},
          {"blockHash", l.block_hash.to_string()},    {"transactionHash", l.transaction_hash.to_string()},
          {"logIndex", "0x0"},                        {"removed", false}};
}

json receipt_json(const chain::Receipt& r) {
  json logs = json::array();
  for (const auto& l : r.logs) logs.push_back(log_json(l));
  return {{"transactionHash", r.transaction_hash.to_string()},
          {"blockHash", r.block_hash.to_string()},
          {"blockNumber", quantity(r.block_number)},
          {"status", r.success ? "0x1" : "0x0"},
          {"gasUsed", quantity(r.gas_used)},
          {"logs", logs}};
}

Address address_of(const json& v) { return *Address::parse(v.get<std::string>()); }

}  // namespace

struct StrictNode::Impl {
  Impl(StrictWorld& w, StrictRules r) : world(w), rules(r) {}
  StrictWorld& world;
  StrictRules rules;
  StrictFaults faults;
  Counters counters;
  std::map<std::pair<Address, std::uint64_t>, simulation::PoolTransaction> pool;
  net::EventLoop loop{"strict-node"};
  std::unique_ptr<net::HttpServer> server;

  using Method = json (Impl::*)(const json& params);
  void handle(const net::ServerRequest& request, const net::Responder& respond);
  json answer(const json& question, bool& cut);
  json dispatch(const std::string& method, const json& p, bool& cut);

  [[nodiscard]] std::uint64_t head() const {
    const std::uint64_t h = world.chain_.height();
    return h > faults.lag ? h - faults.lag : 0;
  }
  /// The block of a parameter; throws Refusal for an unknown one.
  chain::BlockId block_id(const json& p) const;
  const simulation::FakeBlock* find(const chain::BlockId& id) const;
  const simulation::FakeBlock& must_find(const json& p) const;
  json submit(const Bytes& raw, bool& cut);
  void take(const Bytes& raw);
  json receipt(const Hash& hash) const;
  json call(const json& p);
  [[nodiscard]] U256 cost(const chain::Transaction& tx, std::size_t bytes) const;
};

chain::BlockId StrictNode::Impl::block_id(const json& p) const {
  if (p.is_object()) {
    if (faults.no_eip1898)
      throw Refusal{-32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string"};
    return *Hash::parse(p.at("blockHash").get<std::string>());
  }
  const auto text = p.get<std::string>();
  if (text == "latest" || text == "pending") return head();
  if (text == "safe") {
    const std::uint64_t depth = simulation::FakeChain::kSafeDepth;
    return std::min(head(), world.chain_.height() - depth);
  }
  if (text == "finalized") {
    const std::uint64_t n = std::min(head(), world.chain_.height() - simulation::FakeChain::kFinalizedDepth);
    return faults.finalized_stands_at ? std::min(n, *faults.finalized_stands_at) : n;
  }
  return chain::parse_quantity_u64(text).value();
}

const simulation::FakeBlock* StrictNode::Impl::find(const chain::BlockId& id) const {
  const auto* b = world.chain_.at(id);
  return b != nullptr && b->head.number <= head() ? b : nullptr;
}

const simulation::FakeBlock& StrictNode::Impl::must_find(const json& p) const {
  const auto* b = find(block_id(p));
  if (b == nullptr) throw Refusal{-32000, p.is_object() ? "header for hash not found" : "header not found"};
  return *b;
}

U256 StrictNode::Impl::cost(const chain::Transaction& tx, std::size_t bytes) const {
  U256 out = tx.max_fee * tx.gas_limit + tx.value;
  if (world.op_stack_) out += world.op_stack_->l1_wei_per_byte * bytes + world.op_stack_->operator_wei;
  return out;
}

/// The pool's rules, in the order in which geth checks them.
void StrictNode::Impl::take(const Bytes& raw) {
  const Words& say = words(rules.client);
  const auto refuse = [&](const char* text) { throw Refusal{say.code, text}; };
  const auto decoded = chain::decode_transaction(raw);
  if (!decoded) throw Refusal{-32602, "rlp: " + decoded.error().text};
  const auto& tx = decoded->transaction;
  if (tx.chain_id != simulation::FakeChain::kChainId) refuse(say.chain);
  if (tx.gas_limit > rules.gas_cap) refuse(say.cap);
  if (tx.gas_limit < intrinsic_gas(tx.data)) refuse(say.intrinsic);
  const std::uint64_t next = world.chain_.nonce(decoded->sender, head());
  const auto key = std::make_pair(decoded->sender, tx.nonce);
  const auto held = pool.find(key);
  if (held != pool.end() && held->second.decoded.hash == decoded->hash) refuse(say.known);
  if (tx.nonce < next) refuse(say.low);
  if (tx.max_fee < world.base_fee_) refuse(say.base_fee);
  U256 spent = cost(tx, raw.size());
  std::size_t own = 0;
  bool gap = false;
  for (std::uint64_t n = next; n < tx.nonce; ++n) gap |= !pool.contains({decoded->sender, n});
  for (const auto& [place, other] : pool) {
    if (place.first != decoded->sender || place.second == tx.nonce) continue;
    spent += cost(other.decoded.transaction, other.raw.size());
    ++own;
  }
  if (spent > rules.balance) refuse(say.funds);
  if (held != pool.end()) {
    const auto& old = held->second.decoded.transaction;
    if (!outbids(rules.client, tx.max_fee, old.max_fee) || !outbids(rules.client, tx.tip, old.tip))
      refuse(say.replace);
  } else {
    if (gap && !rules.queue_gaps) refuse(say.gap);
    // What can be mined next is let through (reth), so that a pool full of later nonces does not lock itself.
    if (own >= rules.account_slots && tx.nonce > next) refuse(say.full);
  }
  pool[key] = {*decoded, raw};
}

json StrictNode::Impl::submit(const Bytes& raw, bool& cut) {
  ++counters.sends;
  try {
    if (!faults.send_answer.empty()) throw Refusal{faults.send_code, faults.send_answer};
    take(raw);
  } catch (const Refusal& r) {
    counters.refusals.push_back(r.text);
    throw;
  }
  ++counters.accepted;
  if (faults.lost_replies > 0) {
    --faults.lost_replies;
    cut = true;
  }
  return chain::keccak256(raw).to_string();
}

json StrictNode::Impl::receipt(const Hash& hash) const {
  if (faults.no_receipts) return nullptr;
  if (const auto* r = world.chain_.receipt(hash); r != nullptr && r->block_number <= head()) {
    if (!faults.lies) return receipt_json(*r);
    chain::Receipt other = *r;
    other.block_hash = chain::keccak256("a block that nobody has");
    other.logs.clear();
    return receipt_json(other);
  }
  if (!faults.preconfirms) return nullptr;
  for (const auto& [place, tx] : pool) {
    if (tx.decoded.hash != hash) continue;
    chain::Receipt early;
    early.transaction_hash = hash;
    early.success = true;
    early.block_number = world.chain_.height() + 1;
    early.block_hash = chain::keccak256("preconfirmed");
    early.gas_used = 61'000;
    return receipt_json(early);
  }
  return nullptr;
}

json StrictNode::Impl::call(const json& p) {
  const json& tx = p.at(0);
  const Address to = address_of(tx.at("to"));
  const Bytes data = *from_hex(tx.at("input").get<std::string>());
  const auto& at = must_find(p.at(1));
  if (to == chain::kGasPriceOracle) {
    if (!world.op_stack_) return "0x";
    const U256 argument = chain::from_big_endian(std::span(data).subspan(4));
    const bool l1 = std::equal(data.begin(), data.begin() + 4, chain::l1_fee_upper_bound_call(0).begin());
    return to_hex(chain::to_word(l1 ? argument * world.op_stack_->l1_wei_per_byte : world.op_stack_->operator_wei));
  }
  const auto r = world.calm_.call({}, to, data, at.head.number);
  if (!r) throw Refusal{-32000, r.error().text};
  if (r->reverted) throw Refusal{3, r->message, to_hex(r->data)};
  return to_hex(r->data);
}

json StrictNode::Impl::dispatch(const std::string& method, const json& p, bool& cut) {
  auto& chain_ = world.chain_;
  if (method == "eth_chainId") return quantity(faults.chain_id != 0 ? faults.chain_id : chain_.kChainId);
  if (method == "eth_getBlockByNumber" || method == "eth_getBlockByHash") {
    const bool by_hash = method == "eth_getBlockByHash";
    const auto* b = find(by_hash ? chain::BlockId(*Hash::parse(p.at(0).get<std::string>())) : block_id(p.at(0)));
    return b == nullptr ? json() : block_json(b->head, world.base_fee_);
  }
  if (method == "eth_getTransactionCount") {
    const std::uint64_t n = chain_.nonce(address_of(p.at(0)), must_find(p.at(1)).head.number);
    return quantity(n > faults.stale_nonces ? n - faults.stale_nonces : 0);
  }
  if (method == "eth_getBalance") return chain::to_quantity(rules.balance);
  if (method == "eth_getCode") {
    return address_of(p.at(0)) == chain::kGasPriceOracle && !world.op_stack_ ? "0x" : "0x01";
  }
  if (method == "eth_call") return call(p);
  if (method == "eth_estimateGas") {
    const Bytes data = *from_hex(p.at(0).at("input").get<std::string>());
    const auto gas = world.calm_.estimate_gas({}, address_of(p.at(0).at("to")), data);
    if (!gas) throw Refusal{-32000, gas.error().text};
    if (const auto* reverted = std::get_if<chain::CallResult>(&*gas))
      throw Refusal{3, reverted->message, to_hex(reverted->data)};
    return quantity(std::get<std::uint64_t>(*gas));
  }
  if (method == "eth_feeHistory") {
    json tips = json::array();
    for (int i = 0; i < 5; ++i) tips.push_back({"0x5f5e100"});
    const std::string fee = chain::to_quantity(world.base_fee_);
    return {{"baseFeePerGas", {fee, fee, fee, fee, fee, fee}}, {"reward", tips}};
  }
  if (method == "eth_sendRawTransaction") return submit(*from_hex(p.at(0).get<std::string>()), cut);
  if (method == "eth_getTransactionReceipt") return receipt(*Hash::parse(p.at(0).get<std::string>()));
  if (method == "eth_getLogs") {
    chain::LogFilter f;
    f.address = address_of(p.at(0).at("address"));
    f.from_block = chain::parse_quantity_u64(p.at(0).at("fromBlock").get<std::string>()).value();
    f.to_block = std::min(head(), chain::parse_quantity_u64(p.at(0).at("toBlock").get<std::string>()).value());
    for (const auto& t : p.at(0).at("topics"))
      f.topics.push_back(t.is_null() ? std::optional<Hash>() : Hash::parse(t.get<std::string>()));
    json out = json::array();
    for (const auto& l : chain_.logs(f)) out.push_back(log_json(l));
    return out;
  }
  throw Refusal{-32601, "the method " + method + " does not exist/is not available"};
}

json StrictNode::Impl::answer(const json& q, bool& cut) {
  json out = {{"jsonrpc", "2.0"}, {"id", q.at("id")}};
  try {
    out["result"] = dispatch(q.at("method").get<std::string>(), q.at("params"), cut);
  } catch (const Refusal& r) {
    out["error"] = {{"code", r.code}, {"message", r.text}};
    if (!r.data.empty()) out["error"]["data"] = r.data;
  } catch (const std::exception& e) {
    out["error"] = {{"code", -32602}, {"message", e.what()}};
  }
  return out;
}

void StrictNode::Impl::handle(const net::ServerRequest& request, const net::Responder& respond) {
  net::HttpResponse response;
  response.headers = {{"Content-Type", "application/json"}};
  bool cut = false;
  {
    const std::lock_guard lock(world.mutex_);
    ++counters.requests;
    const json q = json::parse(request.body, nullptr, false);
    if (faults.down) {
      response.status = 503;
      response.body = "upstream unavailable";
    } else if (q.is_array() && faults.no_batch) {
      response.status = 400;
      response.body = "batch requests are not supported";
    } else if (q.is_array()) {
      ++counters.batches;
      json all = json::array();
      for (const auto& each : q) all.push_back(answer(each, cut));
      response.body = all.dump();
    } else {
      response.body = answer(q, cut).dump();
    }
  }
  if (cut) return respond.cut();
  respond(std::move(response));
}

StrictNode::StrictNode(StrictWorld& world, StrictRules rules) : impl_(std::make_unique<Impl>(world, rules)) {
  net::HttpHandlers handlers;
  handlers.on_request = [impl = impl_.get()](net::ServerRequest request, net::Responder respond) {
    impl->handle(request, respond);
  };
  auto server = net::HttpServer::listen(impl_->loop, {}, std::move(handlers));
  if (!server) throw std::runtime_error(server.error().to_string());
  impl_->server = std::move(*server);
  impl_->loop.start();
  const std::lock_guard lock(world.mutex_);
  world.nodes_.push_back(this);
}

StrictNode::~StrictNode() {
  impl_->loop.stop();
  const std::lock_guard lock(impl_->world.mutex_);
  std::erase(impl_->world.nodes_, this);
}

std::string StrictNode::url() const { return "http://127.0.0.1:" + std::to_string(impl_->server->port()); }

void StrictNode::faults(const std::function<void(StrictFaults&)>& change) {
  const std::lock_guard lock(impl_->world.mutex_);
  change(impl_->faults);
}

void StrictNode::rules(const std::function<void(StrictRules&)>& change) {
  const std::lock_guard lock(impl_->world.mutex_);
  change(impl_->rules);
}

std::size_t StrictNode::pooled() {
  const std::lock_guard lock(impl_->world.mutex_);
  return impl_->pool.size();
}

void StrictNode::drop_pool() {
  const std::lock_guard lock(impl_->world.mutex_);
  impl_->pool.clear();
}

StrictNode::Counters StrictNode::counters() {
  const std::lock_guard lock(impl_->world.mutex_);
  return impl_->counters;
}

StrictWorld::StrictWorld(const Address& vault, bool duplicate_check)
    : chain_(vault, duplicate_check, dice_), calm_(chain_) {
  chain_.set_calm();
  for (int i = 0; i < 12; ++i) chain_.mine();
}

void StrictWorld::mine(unsigned blocks) {
  const std::lock_guard lock(mutex_);
  for (unsigned i = 0; i < blocks; ++i) {
    // The best offer for each nonce, of all pools.
    std::map<std::pair<Address, std::uint64_t>, simulation::PoolTransaction> best;
    for (const StrictNode* node : nodes_) {
      for (const auto& [place, tx] : node->impl_->pool) {
        const auto [held, fresh] = best.try_emplace(place, tx);
        if (!fresh && held->second.decoded.transaction.max_fee < tx.decoded.transaction.max_fee) held->second = tx;
      }
    }
    for (const auto& [place, tx] : best) {
      if (tx.decoded.transaction.max_fee >= base_fee_) chain_.submit(tx.raw);
    }
    chain_.mine();
    for (StrictNode* node : nodes_) {
      std::erase_if(node->impl_->pool, [&](const auto& entry) {
        return entry.first.second < chain_.nonce(entry.first.first, chain_.height());
      });
    }
  }
}

void StrictWorld::reorg(std::uint64_t depth) {
  const std::lock_guard lock(mutex_);
  chain_.reorg(depth, false);
}

void StrictWorld::use_key(const Address& who) {
  const std::lock_guard lock(mutex_);
  chain_.use_key(who);
}

void StrictWorld::rival(const Address& who, const Bytes& calldata) {
  const std::lock_guard lock(mutex_);
  chain_.rival(who, calldata);
}

std::uint64_t StrictWorld::height() {
  const std::lock_guard lock(mutex_);
  return chain_.height();
}

std::vector<chain::VaultEvent> StrictWorld::events(const chain::Vault& vault) {
  const std::lock_guard lock(mutex_);
  return *vault.events(calm_, 0, chain_.height());
}

void StrictWorld::set_base_fee(const U256& wei) {
  const std::lock_guard lock(mutex_);
  base_fee_ = wei;
}

void StrictWorld::set_op_stack(std::optional<OpStack> fees) {
  const std::lock_guard lock(mutex_);
  op_stack_ = std::move(fees);
}

}  // namespace anduin::test
