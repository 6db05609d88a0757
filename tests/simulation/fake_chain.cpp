#include "simulation/fake_chain.hpp"

#include <algorithm>
#include <cstring>

namespace anduin::simulation {
namespace {

constexpr const char* kCredited = "PnlCredited(address,uint256,bytes32)";
constexpr const char* kSeized = "CollateralSeized(address,uint256,uint256,bytes32)";
constexpr std::size_t kPoolPerSender = 16;
constexpr std::uint64_t kGasUsed = 61'000;

struct Call {
  char kind = 0;  ///< c, s, x (capped), u (usedRefIds)
  Address user;
  U256 amount;
  Hash ref_id;
};

U256 word_number(const Bytes& data, std::size_t at) {
  U256 out = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    out <<= 8;
    out |= data[at + i];
  }
  return out;
}

Hash word_hash(const Bytes& data, std::size_t at) {
  Hash out;
  std::memcpy(out.bytes.data(), data.data() + at, 32);
  return out;
}

Bytes word_of(const U256& value) {
  Bytes out(32);
  U256 rest = value;
  for (std::size_t i = 32; i-- > 0;) {
    out[i] = static_cast<std::uint8_t>(rest & 0xff);
    rest >>= 8;
  }
  return out;
}

Hash padded(const Address& a) {
  Hash out;
  std::memcpy(out.bytes.data() + 12, a.bytes.data(), 20);
  return out;
}

std::optional<Call> parse(const Bytes& data) {
  if (data.size() < 4) return std::nullopt;
  const std::uint32_t selector = static_cast<std::uint32_t>(data[0]) << 24U |
                                 static_cast<std::uint32_t>(data[1]) << 16U |
                                 static_cast<std::uint32_t>(data[2]) << 8U | data[3];
  Call out;
  if (selector == 0x0f2c61e5 && data.size() == 36) {
    out.kind = 'u';
    out.ref_id = word_hash(data, 4);
    return out;
  }
  if (data.size() != 100) return std::nullopt;
  out.kind = selector == 0x247c55b2   ? 'c'
             : selector == 0xc6dade2f ? 's'
             : selector == 0x454db17e ? 'x'
                                      : char{0};
  if (out.kind == 0) return std::nullopt;
  std::memcpy(out.user.bytes.data(), data.data() + 16, 20);
  out.amount = word_number(data, 36);
  out.ref_id = word_hash(data, 68);
  return out;
}

Bytes duplicate_error() { return {0xc5, 0x19, 0x27, 0x71}; }

}  // namespace

FakeChain::FakeChain(const Address& vault, bool duplicate_check, SeededRandom& dice)
    : vault_(vault), duplicate_check_(duplicate_check), dice_(dice) {
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
  std::uint64_t out = 0;
  for (const auto& b : blocks_) {
    if (b.head.number > h) break;
    for (const auto& t : b.transactions) out += t.decoded.sender == who ? 1U : 0U;
  }
  return out;
}

bool FakeChain::used(const Hash& ref_id, std::uint64_t h) const {
  for (const auto& b : blocks_) {
    if (b.head.number > h) break;
    for (const auto& t : b.transactions) {
      const auto call = parse(t.decoded.transaction.data);
      if (call && call->ref_id == ref_id && b.receipts.at(t.decoded.hash).success) return true;
    }
  }
  return false;
}

const chain::Receipt* FakeChain::receipt(const Hash& hash) const {
  for (auto b = blocks_.rbegin(); b != blocks_.rend(); ++b) {
    if (const auto it = b->receipts.find(hash); it != b->receipts.end()) return &it->second;
  }
  return nullptr;
}

const chain::Receipt* FakeChain::orphaned_receipt(const Hash& hash) const {
  const auto it = orphans_.find(hash);
  return it == orphans_.end() ? nullptr : &it->second;
}

bool FakeChain::would_revert(const Bytes& data) const {
  const auto call = parse(data);
  return call && duplicate_check_ && used(call->ref_id, height());
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

chain::Receipt FakeChain::execute(const PoolTransaction& tx, const FakeBlock& block,
                                  const std::set<Hash>& used_here) {
  chain::Receipt r;
  r.transaction_hash = tx.decoded.hash;
  r.block_number = block.head.number;
  r.block_hash = block.head.hash;
  r.gas_used = kGasUsed;
  r.success = true;
  const auto call = parse(tx.decoded.transaction.data);
  if (!call || call->kind == 'u') return r;
  if (duplicate_check_ && (used_here.contains(call->ref_id) || used(call->ref_id, block.head.number - 1))) {
    r.success = false;
    return r;
  }
  chain::Log log;
  log.address = vault_;
  log.block_number = r.block_number;
  log.block_hash = r.block_hash;
  log.transaction_hash = r.transaction_hash;
  log.topics = {chain::keccak256(call->kind == 'c' ? kCredited : kSeized), padded(call->user),
                call->ref_id};
  log.data = word_of(call->amount);
  if (call->kind != 'c') {
    const Bytes moved = word_of(call->kind == 'x' ? std::min(call->amount, U256(kCapUnits)) : call->amount);
    log.data.insert(log.data.end(), moved.begin(), moved.end());
  }
  r.logs.push_back(std::move(log));
  return r;
}

void FakeChain::append(std::vector<PoolTransaction> transactions) {
  FakeBlock b;
  b.head.number = blocks_.size();
  b.head.hash =
      chain::keccak256("block" + std::to_string(b.head.number) + ":" + std::to_string(dice_.next()));
  b.head.timestamp_s = 1'700'000'000 + static_cast<std::int64_t>(b.head.number) * 2;
  b.head.base_fee = base_fee_;
  std::set<Hash> used_here;
  for (const auto& tx : transactions) {
    auto receipt = execute(tx, b, used_here);
    const auto call = parse(tx.decoded.transaction.data);
    if (call && receipt.success) used_here.insert(call->ref_id);
    b.receipts[tx.decoded.hash] = std::move(receipt);
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

void FakeChain::reorg(std::uint64_t depth, std::optional<bool> come_back) {
  depth = std::min({depth, kReorgMax, height() - kFinalizedDepth});
  std::vector<PoolTransaction> back;
  for (std::uint64_t i = 0; i < depth; ++i) {
    for (auto& [hash, receipt] : blocks_.back().receipts) orphans_[hash] = receipt;
    for (auto& t : blocks_.back().transactions) {
      if (!t.raw.empty() && (come_back ? *come_back : dice_.below(2) == 0)) back.push_back(t);
    }
    blocks_.pop_back();
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

std::optional<Error> FakeNode::fault() {
  if (!hit(rates_.rpc_error)) return std::nullopt;
  return Error{ErrorKind::kRetryable, "fake node", "connection reset"};
}

Result<std::uint64_t> FakeNode::chain_id() { return FakeChain::kChainId; }

Result<std::optional<chain::Block>> FakeNode::block(const chain::BlockId& id) {
  if (auto e = fault()) return *e;
  const auto* b = chain_.at(id);
  return b != nullptr ? std::optional(b->head) : std::nullopt;
}

Result<std::uint64_t> FakeNode::transaction_count(const Address& who, const chain::BlockId& at) {
  if (auto e = fault()) return *e;
  const auto* b = chain_.at(at);
  if (b == nullptr) return Error{ErrorKind::kProtocol, "fake node", "unknown block"};
  return chain_.nonce(who, b->head.number);
}

Result<U256> FakeNode::balance(const Address&, const chain::BlockId&) {
  if (auto e = fault()) return *e;
  return U256("100000000000000000000");
}

Result<Bytes> FakeNode::code(const Address&, const chain::BlockId&) { return Bytes{1}; }

Result<chain::CallResult> FakeNode::call(const Address&, const Address&, const Bytes& data,
                                         const chain::BlockId& at) {
  if (auto e = fault()) return *e;
  const auto* b = chain_.at(at);
  if (b == nullptr) return Error{ErrorKind::kProtocol, "fake node", "unknown block"};
  const auto call = parse(data);
  if (!call) return chain::CallResult{true, {}, "execution reverted"};
  if (call->kind == 'u')
    return chain::CallResult{false, word_of(chain_.used(call->ref_id, b->head.number) ? 1 : 0), {}};
  if (chain_.would_revert(data)) return chain::CallResult{true, duplicate_error(), "execution reverted"};
  return chain::CallResult{};
}

Result<std::variant<std::uint64_t, chain::CallResult>> FakeNode::estimate_gas(const Address&,
                                                                              const Address&,
                                                                              const Bytes& data) {
  using Answer = std::variant<std::uint64_t, chain::CallResult>;
  if (auto e = fault()) return *e;
  if (chain_.would_revert(data))
    return Answer{chain::CallResult{true, duplicate_error(), "execution reverted"}};
  return Answer{kGasUsed};
}

Result<chain::FeeSuggestion> FakeNode::suggest_fees() {
  if (auto e = fault()) return *e;
  return chain::FeeSuggestion{chain_.base_fee_next(), U256(100'000'000)};
}

Result<chain::SendResult> FakeNode::send_raw(const Bytes& raw) {
  if (hit(rates_.crash_at_send)) {
    if (dice_.below(2) == 0) chain_.submit(raw);
    throw Crash{};
  }
  if (auto e = fault()) return *e;
  auto answer = chain_.submit(raw);
  if (hit(rates_.lost_reply)) return Error{ErrorKind::kRetryable, "fake node", "timeout"};
  return answer;
}

Result<std::optional<chain::Receipt>> FakeNode::receipt(const Hash& transaction) {
  if (auto e = fault()) return *e;
  if (hit(rates_.stale_receipt)) {
    const auto* orphan = chain_.orphaned_receipt(transaction);
    return orphan != nullptr ? std::optional(*orphan) : std::nullopt;
  }
  const auto* r = chain_.receipt(transaction);
  return r != nullptr ? std::optional(*r) : std::nullopt;
}

Result<std::vector<chain::Log>> FakeNode::logs(const chain::LogFilter& filter) {
  if (auto e = fault()) return *e;
  return chain_.logs(filter);
}

}  // namespace anduin::simulation
