#include "chain/rpc_pool.hpp"

#include "chain/http_transport.hpp"
#include "chain/rpc_pool_ask.hpp"

namespace anduin::chain {
namespace {

/// How many blocks the pool remembers by number: the settled block and what is looked at above it.
constexpr std::size_t kSeenMax = 4'096;
/// With every endpoint out, another try of all of them at most this often.
constexpr std::uint64_t kProbeAllNs = 1'000'000'000;
/// The pace of the chain is measured over at least this many blocks.
constexpr std::uint64_t kPaceBlocks = 4;

bool same_block(const std::optional<Block>& a, const std::optional<Block>& b) {
  return a.has_value() == b.has_value() && (!a || a->hash == b->hash);
}

bool same_logs(const std::vector<Log>& a, const std::vector<Log>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Log& x, const Log& y) {
    return x.address == y.address && x.topics == y.topics && x.data == y.data && x.block_hash == y.block_hash &&
           x.transaction_hash == y.transaction_hash;
  });
}

/// Preference within the usable ones: what lags is asked last.
int rank(EndpointState s) { return s == EndpointState::kLagging ? 1 : 0; }

}  // namespace

RpcPool::RpcPool(std::uint64_t chain_id, std::vector<Member> members, Clock& clock)
    : clock_(clock), chain_id_(chain_id) {
  const bool threaded = members.size() > 1;
  for (auto& member : members) {
    endpoints_.push_back(std::make_unique<RpcEndpoint>(std::move(member), chain_id, clock, threaded));
  }
}

RpcPool::~RpcPool() = default;

Result<std::unique_ptr<RpcPool>> RpcPool::over_http(std::uint64_t chain_id, const std::vector<std::string>& urls,
                                                    Clock& clock) {
  if (urls.empty()) return Error{ErrorKind::kBadRequest, "rpc", "no endpoint is given"};
  std::vector<Member> members;
  for (const std::string& url : urls) {
    auto transport = HttpTransport::create(url);
    if (!transport) return transport.error();
    std::string name = (*transport)->name();
    // Two URLs of one vendor differ in the path only, which holds the key.
    const auto twins = std::count_if(members.begin(), members.end(),
                                     [&](const Member& m) { return m.name.starts_with(name); });
    if (twins > 0) name += " #" + std::to_string(twins + 1);
    auto node = std::make_unique<JsonRpcNode>(**transport);
    members.push_back({std::move(name), std::move(*transport), std::move(node)});
  }
  return std::make_unique<RpcPool>(chain_id, std::move(members), clock);
}

RpcPool::Endpoints RpcPool::usable() {
  Endpoints out;
  const auto collect = [&] {
    out.clear();
    for (const auto& e : endpoints_) {
      const EndpointState s = e->state();
      if (e->usable() && s != EndpointState::kStale && s != EndpointState::kUntrue) out.push_back(e.get());
    }
  };
  for (const auto& e : endpoints_) e->probe_if_due(false);
  collect();
  const std::uint64_t now = clock_.mono_ns();
  if (out.empty() && endpoints_.size() > 1 && now - probed_ns_ >= kProbeAllNs) {
    probed_ns_ = now;
    Endpoints all;
    for (const auto& e : endpoints_) all.push_back(e.get());
    Round<bool>::ask(
        all, [](RpcEndpoint& e) { return e.check_again(); },
        [](const Round<bool>::Answers& a) { return std::any_of(a.begin(), a.end(), [](const auto& x) { return x && *x; }); });
    collect();
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const RpcEndpoint* a, const RpcEndpoint* b) { return rank(a->state()) < rank(b->state()); });
  return out;
}

void RpcPool::compare_endpoints() {
  EndpointHealth::Others others;
  others.block_ms = block_ms_;
  for (const auto& e : endpoints_) {
    if (!e->usable()) continue;
    others.best_head = std::max(others.best_head, e->head());
    others.best_finalized = std::max(others.best_finalized, e->finalized());
  }
  for (const auto& e : endpoints_) e->compare(others);
}

void RpcPool::remember(const Block& block) {
  seen_[block.number] = block;
  if (seen_.size() > kSeenMax) seen_.erase(seen_.begin());
}

std::optional<std::uint64_t> RpcPool::height_of(const BlockId& id) const {
  if (const auto* number = std::get_if<std::uint64_t>(&id)) return *number;
  if (const auto* hash = std::get_if<Hash>(&id)) {
    for (auto it = seen_.rbegin(); it != seen_.rend(); ++it) {
      if (it->second.hash == *hash) return it->first;
    }
  }
  return std::nullopt;
}

Result<std::uint64_t> RpcPool::chain_id() {
  // All of them, so that a wrong one is seen at the start and not when it is needed.
  Endpoints all;
  for (const auto& e : endpoints_) all.push_back(e.get());
  const auto answers = Round<std::uint64_t>::ask(
      all, [](RpcEndpoint& e) { return e.ask<std::uint64_t>([](Node& n) { return n.chain_id(); }); });
  for (const auto& answer : answers) {
    if (*answer) return **answer;
  }
  // A wrong chain says more than a node that is away; but the one that is away may be the right one.
  for (const auto& answer : answers) {
    if (answer->error().kind != ErrorKind::kBadRequest) return answer->error();
  }
  return answers.front()->error();
}

Result<std::optional<Block>> RpcPool::block(const BlockId& id) {
  if (const auto* tag = std::get_if<Tag>(&id)) return *tag == Tag::kLatest ? latest() : tagged(*tag);
  if (const auto* number = std::get_if<std::uint64_t>(&id)) return numbered(*number);
  auto found = agreed<std::optional<Block>>(
      "a block", std::nullopt,
      [id](RpcEndpoint& e) { return e.ask<std::optional<Block>>([&](Node& n) { return n.block(id); }); }, same_block);
  if (found && *found) remember(**found);
  return found;
}

/// Asks those that decide nothing now, so that their return is seen. Waits for nobody.
void RpcPool::look_at_others(const Endpoints& deciding, Tag tag) {
  for (const auto& e : endpoints_) {
    if (!e->usable() || e->busy() || std::find(deciding.begin(), deciding.end(), e.get()) != deciding.end()) continue;
    (void)e->post([e = e.get(), tag] { (void)ask_tag(*e, tag); });
  }
}

Result<std::optional<Block>> RpcPool::ask_tag(RpcEndpoint& e, Tag tag) {
  auto block = e.ask<std::optional<Block>>([tag](Node& n) { return n.block(tag); });
  if (block && *block && tag == Tag::kLatest) e.note_head((*block)->number);
  if (block && *block && tag == Tag::kFinalized) e.note_finalized((*block)->number);
  return block;
}

/// The highest head that as many endpoints as must agree have reached.
Result<std::optional<Block>> RpcPool::latest() {
  Endpoints whom = usable();
  if (whom.empty()) return no_endpoint();
  const std::size_t need = std::min(kAgreeMin, whom.size());
  // One that lags would set the pace by answering first; it is asked when too few others are left.
  const auto lags = std::stable_partition(whom.begin(), whom.end(), [](const RpcEndpoint* e) {
    return e->state() != EndpointState::kLagging;
  });
  if (static_cast<std::size_t>(lags - whom.begin()) >= need) whom.erase(lags, whom.end());
  using Answer = std::optional<Block>;
  canonical_.clear();
  look_at_others(whom, Tag::kLatest);
  const auto answers = Round<Answer>::ask(
      whom, [](RpcEndpoint& e) { return ask_tag(e, Tag::kLatest); },
      [need](const Round<Answer>::Answers& so_far) {
        return static_cast<std::size_t>(std::count_if(so_far.begin(), so_far.end(), [](const auto& a) {
                 return a && *a && **a;
               })) >= need;
      });
  std::vector<Block> heads;
  Error last = no_endpoint();
  for (const auto& answer : answers) {
    if (!answer) continue;
    if (!*answer)
      last = answer->error();
    else if (**answer)
      heads.push_back(***answer);
  }
  compare_endpoints();
  if (heads.size() < need) return last;
  std::sort(heads.begin(), heads.end(), [](const Block& a, const Block& b) { return a.number > b.number; });
  const Block head = heads[need - 1];
  remember(head);
  head_floor_ = head.number;
  const std::uint64_t now = clock_.mono_ns();
  if (!pace_from_ || head.number < pace_from_->first.number)
    pace_from_ = {head, now};
  else if (head.number >= pace_from_->first.number + kPaceBlocks) {
    block_ms_ = static_cast<std::int64_t>((now - pace_from_->second) / 1'000'000 / (head.number - pace_from_->first.number));
    pace_from_ = {head, now};
  }
  return std::optional(head);
}

/// Safe or finalized: the highest that as many as must agree have reached, and the same block at both.
Result<std::optional<Block>> RpcPool::tagged(Tag tag) {
  const Endpoints whom = usable();
  if (whom.empty()) return no_endpoint();
  const std::size_t need = std::min(kAgreeMin, whom.size());
  using Answer = std::optional<Block>;
  look_at_others(whom, tag);
  const auto answers = Round<Answer>::ask(whom, [tag](RpcEndpoint& e) { return ask_tag(e, tag); });
  std::vector<Block> blocks;
  std::size_t answered = 0;
  Error last = no_endpoint();
  for (const auto& answer : answers) {
    if (!*answer) {
      last = answer->error();
      continue;
    }
    ++answered;
    if (**answer) blocks.push_back(***answer);
  }
  if (answered < need) return last;
  if (blocks.size() < need) return Answer();
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.number > b.number; });
  const Block chosen = blocks[need - 1];
  if (need > 1 && confirmed_[tag] != chosen.hash) {
    const auto there = numbered(chosen.number);
    if (!there) return there.error();
    if (!*there || (*there)->hash != chosen.hash)
      return Error{ErrorKind::kRetryable, "rpc",
                   "the endpoints disagree about the " + std::string(tag == Tag::kSafe ? "safe" : "finalized") +
                       " block " + std::to_string(chosen.number)};
    confirmed_[tag] = chosen.hash;
  }
  remember(chosen);
  return Answer(chosen);
}

Result<std::optional<Block>> RpcPool::numbered(std::uint64_t number) {
  if (const auto known = canonical_.find(number); known != canonical_.end()) return std::optional(known->second);
  auto found = agreed<std::optional<Block>>(
      ("block " + std::to_string(number)).c_str(), std::nullopt,
      [number](RpcEndpoint& e) {
        return e.ask<std::optional<Block>>([&](Node& n) { return n.block(number); });
      },
      same_block);
  if (found && *found) {
    remember(**found);
    if (endpoints_.size() > 1) canonical_[number] = **found;
  }
  return found;
}

/// `latest` of several is the head that was given out: what is not the same block cannot agree.
Result<BlockId> RpcPool::one_block(const BlockId& at) {
  if (endpoints_.size() == 1 || at != BlockId(Tag::kLatest)) return at;
  if (const auto known = seen_.find(head_floor_); head_floor_ != 0 && known != seen_.end())
    return BlockId(known->second.hash);
  const auto head = latest();
  if (!head) return head.error();
  return *head ? BlockId((*head)->hash) : at;
}

Result<std::uint64_t> RpcPool::transaction_count(const Address& who, const BlockId& when) {
  const auto block = one_block(when);
  if (!block) return block.error();
  const BlockId at = *block;
  return decided_at<std::uint64_t>("the signer's nonce", at,
                                   [who](Node& n, const BlockId& b) { return n.transaction_count(who, b); });
}

Result<U256> RpcPool::balance(const Address& who, const BlockId& at) {
  return any<U256>([who, at](Node& n) { return n.balance(who, at); });
}

Result<Bytes> RpcPool::code(const Address& who, const BlockId& at) {
  return decided_at<Bytes>("the code", at, [who](Node& n, const BlockId& b) { return n.code(who, b); });
}

Result<CallResult> RpcPool::call(const Address& from, const Address& to, const Bytes& data, const BlockId& at) {
  auto all = calls(from, to, std::span(&data, 1), at);
  if (!all) return all.error();
  return std::move(all->front());
}

Result<std::vector<CallResult>> RpcPool::calls(const Address& from, const Address& to, std::span<const Bytes> data,
                                               const BlockId& at) {
  using Answers = std::vector<CallResult>;
  // A copy: a slow endpoint may still be asking when this has returned.
  const auto all = std::make_shared<const std::vector<Bytes>>(data.begin(), data.end());
  const auto question = [=](Node& n, const BlockId& b) { return n.calls(from, to, *all, b); };
  // A look at the head is advice (the vault refuses what is wrong); a look at a settled block decides.
  if (at == BlockId(Tag::kLatest)) return any<Answers>([=](Node& n) { return question(n, at); });
  const auto number = height_of(at);
  return agreed<Answers>(
      "what the vault says", number, [=](RpcEndpoint& e) { return e.ask_at<Answers>(at, number, question); },
      [](const Answers& a, const Answers& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const CallResult& x, const CallResult& y) {
          return x.reverted == y.reverted && x.data == y.data;
        });
      });
}

Result<std::variant<std::uint64_t, CallResult>> RpcPool::estimate_gas(const Address& from, const Address& to,
                                                                      const Bytes& data) {
  return any<std::variant<std::uint64_t, CallResult>>([=](Node& n) { return n.estimate_gas(from, to, data); });
}

Result<FeeSuggestion> RpcPool::suggest_fees() {
  return any<FeeSuggestion>([](Node& n) { return n.suggest_fees(); });
}

Result<std::vector<Log>> RpcPool::logs(const LogFilter& filter) {
  return agreed<std::vector<Log>>(
      "the vault's events", filter.to_block,
      [filter](RpcEndpoint& e) { return e.ask<std::vector<Log>>([&](Node& n) { return n.logs(filter); }); },
      same_logs);
}

std::vector<EndpointStatus> RpcPool::status() const {
  std::vector<EndpointStatus> out;
  for (const auto& e : endpoints_) out.push_back(e->status());
  return out;
}

}  // namespace anduin::chain
