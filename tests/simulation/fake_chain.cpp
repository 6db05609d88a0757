#include "simulation/fake_chain.hpp"

#include <algorithm>

#include "chain/op_stack.hpp"

namespace anduin::simulation {
namespace {

constexpr std::size_t kPoolPerSender = 16;

}  // namespace

FakeChain::FakeChain(const Address& vault, bool duplicate_check, SeededRandom& dice)
    : vault_(vault, duplicate_check), dice_(dice) {
  for (int i = 0; i < 8; ++i) append({});
}

const FakeBlock* FakeChain::at(const chain::BlockId& id) const {
  if (const auto* tag = std::get_if<chain::Tag>(&id)) {
    const std::uint64_t depth = *tag == chain::Tag::kLatest ? 0
                                : *tag == chain::Tag::kSafe ? kSafeDepth
                                                            : kFinalizedDepth;
    return &blocks_[height() > depth ? height() - depth : 0];
  }
  if (const auto* number = std::get_if<std::uint64_t>(&id)) {
    return *number < blocks_.size() ? &blocks_[*number] : nullptr;
  }
  const auto& hash = std::get<Hash>(id);
  const auto it = std::find_if(blocks_.rbegin(), blocks_.rend(),
                               [&](const FakeBlock& b) { return b.head.hash == hash; });
  return it == blocks_.rend() ? nullptr : &*it;
}

std::uint64_t FakeChain::nonce(const Address& who, std::uint64_t h) const {
  const auto it = sent_by_.find(who);
  if (it == sent_by_.end()) return 0;
  const auto& heights = it->second;
  return static_cast<std::uint64_t>(std::upper_bound(heights.begin(), heights.end(), h) - heights.begin());
}

const chain::Receipt* FakeChain::receipt(const Hash& hash) const {
  const auto it = mined_.find(hash);
  return it == mined_.end() ? nullptr : &blocks_[it->second].receipts.at(hash);
}

const chain::Receipt* FakeChain::orphaned_receipt(const Hash& hash) const {
  const auto it = orphans_.find(hash);
  return it == orphans_.end() ? nullptr : &it->second;
}

FakeVault::Outcome FakeChain::run(const Bytes& data, std::uint64_t h) const {
  const auto call = parse_vault_call(data);
  return call ? vault_.run(*call, h) : FakeVault::Outcome{};
}

std::vector<chain::Log> FakeChain::logs(const chain::LogFilter& f) const {
  std::vector<chain::Log> out;
  for (std::uint64_t n = f.from_block; n <= std::min(f.to_block, height()); ++n) {
    for (const auto& t : blocks_[n].transactions) {
      for (const auto& log : blocks_[n].receipts.at(t.decoded.hash).logs) {
        bool match = log.address == f.address && log.topics.size() >= f.topics.size();
        for (std::size_t i = 0; match && i < f.topics.size(); ++i)
          match = !f.topics[i] || *f.topics[i] == log.topics[i];
        if (match) out.push_back(log);
      }
    }
  }
  return out;
}

chain::SendResult FakeChain::submit(const Bytes& raw) {
  using chain::SendClass;
  const Hash hash = chain::keccak256(raw);
  auto known = decoded_.find(hash);
  if (known == decoded_.end()) {
    auto decoded = chain::decode_transaction(raw);
    if (!decoded) return {SendClass::kPermanent, decoded.error().text};
    known = decoded_.emplace(hash, *decoded).first;
  }
  const chain::DecodedTransaction& d = known->second;
  const auto& tx = d.transaction;
  if (tx.chain_id != kChainId) return {SendClass::kPermanent, "invalid chain id for signer"};
  if (tx.nonce < nonce(d.sender, height())) return {SendClass::kNonceConsumed, "nonce too low"};
  const auto key = std::make_pair(d.sender, tx.nonce);
  if (const auto it = pool_.find(key); it != pool_.end()) {
    if (it->second.decoded.hash == hash) return {SendClass::kAlreadyKnown, "already known"};
    const auto& old = it->second.decoded.transaction;
    if (tx.max_fee * 10 <= old.max_fee * 11 || tx.tip * 10 <= old.tip * 11) {
      return {SendClass::kReplaceUnderpriced, "replacement transaction underpriced"};
    }
  }
  if (tx.max_fee < base_fee_) return {SendClass::kUnderpriced, "max fee per gas less than block base fee"};
  const auto mine =
      std::count_if(pool_.begin(), pool_.end(), [&](const auto& e) { return e.first.first == d.sender; });
  if (static_cast<std::size_t>(mine) >= kPoolPerSender && !pool_.contains(key)) {
    return {SendClass::kPoolFull, "account limit exceeded"};
  }
  pool_[key] = {d, raw};
  return {SendClass::kAccepted, {}};
}

std::vector<PoolTransaction> FakeChain::pick() {
  std::vector<PoolTransaction> out;
  std::map<Address, std::uint64_t> next;
  const auto next_of = [&](const Address& a) -> std::uint64_t& {
    return next.try_emplace(a, nonce(a, height())).first->second;
  };
  const auto stranger = [&](const Address& who, const Bytes& data) {
    PoolTransaction t;
    t.decoded.sender = who;
    t.decoded.transaction.nonce = next_of(who)++;
    t.decoded.transaction.data = data;
    t.decoded.hash = chain::keccak256("stranger" + std::to_string(dice_.next()));
    out.push_back(std::move(t));
  };
  if (foreign_) stranger(*foreign_, {});
  foreign_.reset();
  for (const auto& [who, data] : rivals_) stranger(who, data);
  rivals_.clear();
  for (auto it = pool_.begin(); it != pool_.end();) {
    auto& expected = next_of(it->first.first);
    if (it->first.second < expected) {
      it = pool_.erase(it);
      continue;
    }
    const bool lazy = !calm_ && dice_.below(5) == 0;  // a block that leaves it waiting
    if (it->first.second == expected && it->second.decoded.transaction.max_fee >= base_fee_ && !lazy) {
      ++expected;
      out.push_back(it->second);
      it = pool_.erase(it);
    } else {
      ++it;
    }
  }
  return out;
}

chain::Receipt FakeChain::execute(const PoolTransaction& tx, const FakeBlock& block) {
  chain::Receipt r;
  r.transaction_hash = tx.decoded.hash;
  r.block_number = block.head.number;
  r.block_hash = block.head.hash;
  auto outcome = run(tx.decoded.transaction.data, block.head.number);
  r.gas_used = outcome.gas;
  // A stranger's transaction states no limit here; ours fails when its gas runs out.
  const bool out_of_gas = !tx.raw.empty() && tx.decoded.transaction.gas_limit < outcome.gas;
  r.success = !outcome.revert && !out_of_gas;
  if (!r.success) return r;
  vault_.keep(outcome, block.head.number);
  r.logs = std::move(outcome.logs);
  for (auto& log : r.logs) {
    log.block_number = r.block_number;
    log.block_hash = r.block_hash;
    log.transaction_hash = r.transaction_hash;
  }
  return r;
}

void FakeChain::append(std::vector<PoolTransaction> transactions) {
  FakeBlock b;
  b.head.number = blocks_.size();
  b.head.hash =
      chain::keccak256("block" + std::to_string(b.head.number) + ":" + std::to_string(dice_.next()));
  b.head.timestamp_s = 1'700'000'000 + static_cast<std::int64_t>(b.head.number) * 2;
  b.head.base_fee = base_fee_;
  for (const auto& tx : transactions) {
    b.receipts[tx.decoded.hash] = execute(tx, b);
    mined_[tx.decoded.hash] = b.head.number;
    sent_by_[tx.decoded.sender].push_back(b.head.number);
  }
  b.transactions = std::move(transactions);
  blocks_.push_back(std::move(b));
  // The base fee wanders, now and then by more than a fresh fee covers, so that bumps are needed.
  const auto move = dice_.below(20);
  if (calm_ || move > 2)
    base_fee_ = 1'000'000'000;
  else if (move == 0)
    base_fee_ = U256(6'000'000'000);
  else
    base_fee_ = U256(1'500'000'000);
}

void FakeChain::mine() { append(pick()); }

void FakeChain::remove_last() {
  const std::uint64_t gone = height();
  for (auto& [hash, receipt] : blocks_.back().receipts) {
    mined_.erase(hash);
    orphans_[hash] = std::move(receipt);
  }
  for (const auto& t : blocks_.back().transactions) sent_by_[t.decoded.sender].pop_back();
  vault_.forget(gone);
  blocks_.pop_back();
}

void FakeChain::reorg(std::uint64_t depth, std::optional<bool> come_back) {
  replace(std::min({depth, kReorgMax, height() - kFinalizedDepth}), come_back);
}

void FakeChain::reorg_below_finalized(std::uint64_t depth, bool come_back) {
  replace(std::min(depth, height() - 1), come_back);
}

void FakeChain::replace(std::uint64_t depth, std::optional<bool> come_back) {
  std::vector<PoolTransaction> back;
  for (std::uint64_t i = 0; i < depth; ++i) {
    for (auto& t : blocks_.back().transactions) {
      if (!t.raw.empty() && (come_back ? *come_back : dice_.below(2) == 0)) back.push_back(t);
    }
    remove_last();
  }
  for (auto& t : back) pool_.try_emplace({t.decoded.sender, t.decoded.transaction.nonce}, t);
  for (std::uint64_t i = 0; i <= depth; ++i) mine();
}

void FakeChain::drop_one() {
  if (pool_.empty()) return;
  auto it = pool_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(dice_.below(pool_.size())));
  pool_.erase(it);
}

// ---- the node ----

namespace {

/// A block may go away, by another's reorg, between two questions: naming it then is an error of the node.
Error unknown_block() { return {ErrorKind::kProtocol, "fake node", "unknown block"}; }

}  // namespace

Result<std::uint64_t> ChainNode::chain_id() { return FakeChain::kChainId; }

Result<std::optional<chain::Block>> ChainNode::block(const chain::BlockId& id) {
  const auto* b = chain_.at(id);
  return b != nullptr ? std::optional(b->head) : std::nullopt;
}

Result<std::uint64_t> ChainNode::transaction_count(const Address& who, const chain::BlockId& at) {
  const auto* b = chain_.at(at);
  if (b == nullptr) return unknown_block();
  return chain_.nonce(who, b->head.number);
}

Result<U256> ChainNode::balance(const Address&, const chain::BlockId&) { return U256("100000000000000000000"); }

/// Code everywhere but where an OP-stack chain has its fees: a plain chain.
Result<Bytes> ChainNode::code(const Address& who, const chain::BlockId&) {
  return who == chain::kGasPriceOracle ? Bytes{} : Bytes{1};
}

Result<chain::CallResult> ChainNode::call(const Address&, const Address&, const Bytes& data,
                                          const chain::BlockId& at) {
  const auto* b = chain_.at(at);
  if (b == nullptr) return unknown_block();
  const auto call = parse_vault_call(data);
  if (!call) return chain::CallResult{true, {}, "execution reverted"};
  if (call->kind == VaultCall::Kind::kUsed) {
    const auto word = chain::to_word(chain_.used(call->items.front().ref_id, b->head.number) ? 1 : 0);
    return chain::CallResult{false, Bytes(word.begin(), word.end()), {}};
  }
  const auto outcome = chain_.run(data, b->head.number);
  if (outcome.revert) return chain::CallResult{true, *outcome.revert, "execution reverted"};
  return chain::CallResult{};
}

Result<std::variant<std::uint64_t, chain::CallResult>> ChainNode::estimate_gas(const Address&, const Address&,
                                                                               const Bytes& data) {
  using Answer = std::variant<std::uint64_t, chain::CallResult>;
  const auto outcome = chain_.run(data, chain_.height());
  if (outcome.revert) return Answer{chain::CallResult{true, *outcome.revert, "execution reverted"}};
  return Answer{outcome.gas};
}

Result<chain::FeeSuggestion> ChainNode::suggest_fees() {
  return chain::FeeSuggestion{chain_.base_fee_next(), U256(100'000'000)};
}

Result<chain::SendResult> ChainNode::send_raw(const Bytes& raw) { return chain_.submit(raw); }

Result<std::optional<chain::Receipt>> ChainNode::receipt(const Hash& transaction) {
  const auto* r = chain_.receipt(transaction);
  return r != nullptr ? std::optional(*r) : std::nullopt;
}

Result<std::vector<chain::Log>> ChainNode::logs(const chain::LogFilter& filter) { return chain_.logs(filter); }

}  // namespace anduin::simulation
