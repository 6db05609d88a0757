// The pool over endpoints that say what a test wants: what counts, what does not, and who is asked again.
#include "chain/rpc_pool.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "support/result.hpp"

using namespace anduin;
using namespace anduin::chain;

namespace {

constexpr std::uint64_t kChain = 8453;

Hash hash_of(std::uint64_t number, std::uint8_t branch = 0) {
  Hash h;
  h.bytes[0] = branch;
  for (int i = 0; i < 8; ++i) h.bytes[static_cast<std::size_t>(31 - i)] = static_cast<std::uint8_t>(number >> (8 * i));
  h.bytes[1] = 0xb1;
  return h;
}

/// What one endpoint believes; the test changes it between calls.
struct Belief {
  std::atomic<std::uint64_t> chain{kChain};
  std::uint64_t head = 100, finalized = 90, nonce = 5;
  std::uint8_t branch = 0;  ///< of the blocks above `forked_at`
  std::uint64_t forked_at = 1'000'000;
  std::atomic<bool> down{false};
  bool eip1898 = true, used = false;
  std::map<Hash, Receipt> receipts;
  std::vector<Log> logs;
  SendResult on_send{SendClass::kAccepted, {}};
  bool send_lost = false;
  std::atomic<int> calls{0}, sends{0}, by_number{0};

  [[nodiscard]] Block block(std::uint64_t n) const {
    return {n, hash_of(n, n > forked_at ? branch : 0), static_cast<std::int64_t>(n), 7};
  }
};

class Believer final : public Node {
 public:
  explicit Believer(Belief& b) : b_(b) {}
  Result<std::uint64_t> chain_id() override { return up<std::uint64_t>(b_.chain); }
  Result<std::optional<Block>> block(const BlockId& id) override {
    std::optional<Block> out;
    if (const auto* tag = std::get_if<Tag>(&id)) {
      out = b_.block(*tag == Tag::kLatest ? b_.head : b_.finalized);
    } else if (const auto* number = std::get_if<std::uint64_t>(&id)) {
      if (*number <= b_.head) out = b_.block(*number);
    } else {
      for (std::uint64_t n = 0; n <= b_.head; ++n) {
        if (b_.block(n).hash == std::get<Hash>(id)) out = b_.block(n);
      }
    }
    return up(out);
  }
  Result<std::uint64_t> transaction_count(const Address&, const BlockId& at) override {
    if (auto r = at_block(at); !r) return r.error();
    return up(b_.nonce);
  }
  Result<U256> balance(const Address&, const BlockId&) override { return up(U256{1}); }
  Result<Bytes> code(const Address&, const BlockId&) override { return up(Bytes{1}); }
  Result<CallResult> call(const Address&, const Address&, const Bytes&, const BlockId& at) override {
    if (auto r = at_block(at); !r) return r.error();
    return up(CallResult{false, Bytes{static_cast<std::uint8_t>(b_.used)}, {}});
  }
  Result<std::variant<std::uint64_t, CallResult>> estimate_gas(const Address&, const Address&, const Bytes&) override {
    return up(std::variant<std::uint64_t, CallResult>(std::uint64_t{21'000}));
  }
  Result<FeeSuggestion> suggest_fees() override { return up(FeeSuggestion{7, 1}); }
  Result<SendResult> send_raw(const Bytes&) override {
    ++b_.sends;
    if (b_.send_lost) return Error{ErrorKind::kRetryable, "believer", "no answer in time"};
    return up(b_.on_send);
  }
  Result<std::optional<Receipt>> receipt(const Hash& h) override {
    const auto found = b_.receipts.find(h);
    return up(found == b_.receipts.end() ? std::optional<Receipt>() : std::optional(found->second));
  }
  Result<std::vector<Log>> logs(const LogFilter&) override { return up(b_.logs); }

 private:
  Result<void> at_block(const BlockId& at) {
    if (std::holds_alternative<std::uint64_t>(at)) ++b_.by_number;
    if (!std::holds_alternative<Hash>(at)) return {};
    if (!b_.eip1898) return Error{ErrorKind::kBadRequest, "believer", "-32602: invalid argument"};
    const auto there = block(at);
    if (there && !*there) return Error{ErrorKind::kRetryable, "believer", "-32000: header for hash not found"};
    return {};
  }
  template <class T>
  Result<T> up(T value) {
    ++b_.calls;
    if (b_.down) return Error{ErrorKind::kRetryable, "believer", "connection refused"};
    return value;
  }
  Belief& b_;
};

struct Pool {
  ManualClock clock;
  std::vector<std::unique_ptr<Belief>> say;
  std::unique_ptr<RpcPool> pool;

  explicit Pool(std::size_t n) {
    std::vector<RpcPool::Member> members;
    for (std::size_t i = 0; i < n; ++i) {
      say.push_back(std::make_unique<Belief>());
      members.push_back({"rpc http://node" + std::to_string(i), nullptr, std::make_unique<Believer>(*say[i])});
    }
    pool = std::make_unique<RpcPool>(kChain, std::move(members), clock);
  }
  RpcPool* operator->() { return pool.get(); }
  Belief& operator[](std::size_t i) { return *say[i]; }
  EndpointStatus status(std::size_t i) { return pool->status()[i]; }
  /// Asks for the head until nobody's state changes by it any more.
  void look() {
    for (int i = 0; i < 4; ++i) (void)pool->block(Tag::kLatest);
    settle();
  }
  /// Waits until every question under way is answered: a head nobody waits for still comes in.
  void settle() {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (const auto& each : say) (void)each->calls.load();  // counted after what an answer reads: it may change now
  }
  Receipt receipt_in(const Block& b, const Hash& tx) {
    Receipt r;
    r.transaction_hash = tx;
    r.success = true;
    r.block_number = b.number;
    r.block_hash = b.hash;
    return r;
  }
};

const Address kWho{};
const Hash kTx = hash_of(0xabcdef, 9);

}  // namespace

TEST_CASE("pool: one endpoint behaves as it does alone, and is never paused") {
  Pool p(1);
  CHECK(*p->chain_id() == kChain);
  CHECK((*p->block(Tag::kLatest))->number == 100);
  CHECK((*p->block(Tag::kFinalized))->number == 90);
  CHECK(*p->transaction_count(kWho, hash_of(90)) == 5);
  CHECK_FALSE(p->receipt(kTx)->has_value());
  p[0].down = true;
  for (int i = 0; i < 5; ++i) CHECK(p->block(Tag::kLatest).error().kind == ErrorKind::kRetryable);
  CHECK(p.status(0).state == EndpointState::kFailing);
  p[0].down = false;
  CHECK(p->block(Tag::kLatest));
  CHECK(p.status(0).state == EndpointState::kHealthy);
}

TEST_CASE("pool: wrong chain behind a URL is banned and visible, and looked at again later") {
  Pool p(3);
  p[1].chain = 1;
  CHECK(*p->chain_id() == kChain);
  CHECK(p.status(1).state == EndpointState::kBanned);
  CHECK_THAT(p.status(1).why, Catch::Contains("chain 1, not 8453"));
  const int before = p[1].sends;
  CHECK(p->send_raw({1})->what == SendClass::kAccepted);
  p.settle();
  CHECK(p[1].sends == before);
  p[1].nonce = 99;
  CHECK(*p->transaction_count(kWho, hash_of(90)) == 5);

  p[1].chain = kChain;
  p.clock.advance_ms(kRecheckMs + 1);
  p.look();
  CHECK(p.status(1).state == EndpointState::kHealthy);

  Pool all(2);
  all[0].chain = all[1].chain = 1;
  CHECK(all->chain_id().error().kind == ErrorKind::kBadRequest);
  CHECK(all->block(Tag::kLatest).error().kind == ErrorKind::kRetryable);
}

TEST_CASE("pool: three failures in a row pause an endpoint for a minute, then for twice as long") {
  Pool p(2);
  p.look();
  p[0].down = true;
  // Two that must agree: while one fails and is not yet given up, nothing is decided.
  CHECK_FALSE(p->transaction_count(kWho, hash_of(90)));
  for (int i = 0; i < 4; ++i) (void)p->transaction_count(kWho, hash_of(90));
  CHECK(p.status(0).state == EndpointState::kPaused);
  CHECK(*p->transaction_count(kWho, hash_of(90)) == 5);
  CHECK((*p->block(Tag::kFinalized))->number == 90);
  const int calls = p[0].calls;
  p.clock.advance_ms(kPauseMs - 1);
  p.look();
  CHECK(p[0].calls == calls);  // not asked during its pause
  p.clock.advance_ms(2);
  p.look();
  CHECK(p[0].calls == calls + 1);  // one probe, which fails: twice as long now
  p.clock.advance_ms(kPauseMs + 2);
  p.look();
  CHECK(p[0].calls == calls + 1);
  p.clock.advance_ms(kPauseMs);
  p[0].down = false;
  p.look();
  p.look();
  CHECK(p.status(0).state == EndpointState::kHealthy);
}

TEST_CASE("pool: with every endpoint out, all are tried again at once and not after their pauses") {
  Pool p(2);
  p[0].down = p[1].down = true;
  for (int i = 0; i < 8; ++i) CHECK_FALSE(p->block(Tag::kLatest));
  CHECK(p.status(0).state == EndpointState::kPaused);
  p[0].down = p[1].down = false;
  p.clock.advance_ms(2'000);
  p.look();
  CHECK(p->block(Tag::kLatest));
  CHECK(p.status(0).state == EndpointState::kHealthy);
}

TEST_CASE("pool: the same bytes go to every endpoint, and the answers merge to the most telling one") {
  Pool p(3);
  p.look();
  const auto answers = [&](SendClass a, SendClass b, SendClass c) {
    p[0].on_send = {a, "a"};
    p[1].on_send = {b, "b"};
    p[2].on_send = {c, "c"};
    const auto got = p->send_raw({1, 2, 3});
    p.settle();
    return got ? got->what : SendClass::kRevert;
  };
  using enum SendClass;
  CHECK(answers(kNonceGap, kAccepted, kPoolFull) == kAccepted);
  CHECK(p[0].sends == 1);
  CHECK(p[1].sends == 1);
  CHECK(p[2].sends == 1);
  CHECK(answers(kPermanent, kUnderpriced, kPoolFull) == kUnderpriced);
  CHECK(answers(kUnknown, kNonceConsumed, kReplaceUnderpriced) == kNonceConsumed);
  CHECK(answers(kPermanent, kPermanent, kUnknown) == kUnknown);
  CHECK(answers(kPermanent, kPermanent, kPermanent) == kPermanent);
  // A payload is given up only when nobody can have taken it.
  p[2].send_lost = true;
  CHECK_FALSE(p->send_raw({1}));
  p[1].on_send = {kInsufficientFunds, "no money"};
  const auto named = p->send_raw({1});
  REQUIRE(named);
  CHECK(named->what == kInsufficientFunds);
  CHECK_THAT(named->message, Catch::Contains("node1") && Catch::Contains("no money"));
}

TEST_CASE("pool: a hanging endpoint does not hold up a send that another has taken") {
  // Method: the second endpoint waits for a gate that opens only after the send has returned.
  class Hanging final : public Node {
   public:
    explicit Hanging(std::atomic<bool>& gate, Belief& b) : gate_(gate), calm_(b) {}
    Result<std::uint64_t> chain_id() override { return calm_.chain_id(); }
    Result<std::optional<Block>> block(const BlockId& id) override { return calm_.block(id); }
    Result<std::uint64_t> transaction_count(const Address& w, const BlockId& b) override { return calm_.transaction_count(w, b); }
    Result<U256> balance(const Address& w, const BlockId& b) override { return calm_.balance(w, b); }
    Result<Bytes> code(const Address& w, const BlockId& b) override { return calm_.code(w, b); }
    Result<CallResult> call(const Address& f, const Address& t, const Bytes& d, const BlockId& b) override { return calm_.call(f, t, d, b); }
    Result<std::variant<std::uint64_t, CallResult>> estimate_gas(const Address& f, const Address& t, const Bytes& d) override { return calm_.estimate_gas(f, t, d); }
    Result<FeeSuggestion> suggest_fees() override { return calm_.suggest_fees(); }
    Result<SendResult> send_raw(const Bytes& raw) override {
      while (!gate_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return calm_.send_raw(raw);
    }
    Result<std::optional<Receipt>> receipt(const Hash& h) override { return calm_.receipt(h); }
    Result<std::vector<Log>> logs(const LogFilter& f) override { return calm_.logs(f); }

   private:
    std::atomic<bool>& gate_;
    Believer calm_;
  };
  ManualClock clock;
  Belief quick, slow;
  std::atomic<bool> gate{false};
  std::vector<RpcPool::Member> members;
  members.push_back({"slow", nullptr, std::make_unique<Hanging>(gate, slow)});
  members.push_back({"quick", nullptr, std::make_unique<Believer>(quick)});
  RpcPool pool(kChain, std::move(members), clock);
  CHECK(pool.send_raw({1})->what == SendClass::kAccepted);
  CHECK(slow.sends == 0);
  gate = true;
}

TEST_CASE("pool: positive facts need their block at a second endpoint, negative facts need two that have reached it") {
  Pool p(3);
  p.look();
  const Block mined = p[0].block(95);

  SECTION("a receipt of one endpoint, its block at two") {
    p[0].receipts[kTx] = p.receipt_in(mined, kTx);
    const auto got = p->receipt(kTx);
    REQUIRE(got);
    REQUIRE(*got);
    CHECK((*got)->block_hash == mined.hash);
  }
  SECTION("no receipt at two") {
    const auto got = p->receipt(kTx);
    REQUIRE(got);
    CHECK_FALSE(*got);
  }
  SECTION("endpoint lies (receipt for unknown block): passed on as not canonical, and distrusted after three") {
    auto lie = p.receipt_in(mined, kTx);
    lie.block_hash = hash_of(95, 0xee);
    p[0].receipts[kTx] = lie;
    for (unsigned i = 0; i < kUntrueMax; ++i) {
      const auto got = p->receipt(kTx);
      REQUIRE(got);
      REQUIRE(*got);
      CHECK((*p->block((*got)->block_number))->hash != (*got)->block_hash);
    }
    CHECK(p.status(0).state == EndpointState::kUntrue);
    CHECK_FALSE(*p->receipt(kTx));  // the other two: none
  }
  SECTION("preconfirmed receipt (flashblock): above the head, by number absent") {
    p[0].receipts[kTx] = p.receipt_in(Block{101, hash_of(101), 0, 7}, kTx);
    const auto got = p->receipt(kTx);
    REQUIRE(got);
    REQUIRE(*got);
    CHECK_FALSE(*p->block((*got)->block_number));
    CHECK(p.status(0).state == EndpointState::kHealthy);
  }
  SECTION("endpoint lags: not used for negative facts") {
    p[0].head = p[1].head = 120;
    p[2].head = 99;
    p.look();
    CHECK(p.status(2).state == EndpointState::kLagging);
    CHECK((*p->block(Tag::kLatest))->number == 120);
    p[0].down = true;  // one of the two that have reached the head does not answer
    const auto got = p->receipt(kTx);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == ErrorKind::kRetryable);
    p[0].down = false;
    CHECK(p->receipt(kTx));
    LogFilter filter{{}, 0, 120, {}};
    p[0].down = true;
    CHECK(p->logs(filter).error().kind == ErrorKind::kRetryable);
    p[2].head = 120;
    CHECK(p->logs(filter));
  }
  SECTION("the endpoints disagree: never a guess, and a third decides") {
    p[0].nonce = 6;
    CHECK(*p->transaction_count(kWho, hash_of(90)) == 5);
    p[1].nonce = 7;
    const auto count = p->transaction_count(kWho, hash_of(90));
    REQUIRE_FALSE(count);
    CHECK(count.error().kind == ErrorKind::kRetryable);
    CHECK_THAT(count.error().text, Catch::Contains("disagree"));
    p[0].used = true;
    CHECK(p->call(kWho, kWho, {}, hash_of(90))->data == Bytes{0});
    p[0].logs.resize(1);
    CHECK(p->logs({{}, 0, 90, {}})->empty());
  }
}

TEST_CASE("pool: the head and the finalized block are those that two have reached, and the same at both") {
  Pool p(3);
  p[0].head = 103;
  p[0].finalized = 100;
  p[1].head = 102;
  p[1].finalized = 95;
  CHECK((*p->block(Tag::kFinalized))->number == 95);
  p[1].finalized = 90;
  CHECK((*p->block(Tag::kFinalized))->number == 90);

  Pool two(2);
  two[0].head = 110;
  CHECK((*two->block(Tag::kLatest))->number == 100);
  two[1].branch = 3;
  two[1].forked_at = 80;
  const auto finalized = two->block(Tag::kFinalized);
  REQUIRE_FALSE(finalized);
  CHECK(finalized.error().kind == ErrorKind::kRetryable);
}

TEST_CASE("pool: lagging head, and finalized stops advancing, demote an endpoint so that others decide") {
  Pool p(2);
  p.look();
  (void)p->block(Tag::kFinalized);
  for (int i = 0; i < 40; ++i) {
    p.clock.advance_ms(2'000);
    ++p[0].head;
    p.look();
  }
  CHECK(p.status(1).state == EndpointState::kStale);
  CHECK_THAT(p.status(1).why, Catch::Contains("head stands at block 100"));
  CHECK((*p->block(Tag::kLatest))->number == 140);
  p[0].nonce = 6;
  CHECK(*p->transaction_count(kWho, hash_of(90)) == 6);
  p[1].head = 141;  // it is back
  p.look();
  p.look();
  CHECK(p.status(1).state == EndpointState::kHealthy);

  Pool q(3);
  for (int minute = 0; minute < 50; ++minute) {
    q.clock.advance_ms(60'000);
    for (std::size_t i = 0; i < 3; ++i) q[i].head += 30;
    q[0].finalized += 30;
    q[1].finalized += 30;
    q.look();
    (void)q->block(Tag::kFinalized);
  }
  q.look();
  CHECK(q.status(2).state == EndpointState::kStale);
  CHECK_THAT(q.status(2).why, Catch::Contains("finalized block stands at 90"));
  CHECK(q.status(0).state == EndpointState::kHealthy);
}

TEST_CASE("pool: a chain that stands still makes nobody stale") {
  Pool p(2);
  p.look();
  p.clock.advance_ms(3'600'000);
  p.look();
  CHECK(p.status(0).state == EndpointState::kHealthy);
  ++p[0].head;  // one sees the new block a moment earlier
  p.look();
  CHECK(p.status(1).state == EndpointState::kHealthy);
  // An hour in which nobody asked: what was known before it proves nothing.
  p.clock.advance_ms(3'600'000);
  p[0].head = p[1].head = 2'000;
  p.look();
  CHECK(p.status(0).state == EndpointState::kHealthy);
  CHECK(p.status(1).state == EndpointState::kHealthy);
}

TEST_CASE("pool: a count at the head is asked for at one and the same block") {
  Pool p(2);
  p[0].head = 101;  // one sees the next block a moment earlier, and a count of its own there
  REQUIRE((*p->block(Tag::kLatest))->number == 100);
  CHECK(*p->transaction_count(kWho, Tag::kLatest) == 5);
  p[1].eip1898 = false;
  CHECK(*p->transaction_count(kWho, Tag::kLatest) == 5);
  CHECK(p[1].by_number >= 1);
  Pool fresh(2);  // before any look at the head
  CHECK(*fresh->transaction_count(kWho, Tag::kLatest) == 5);
}

TEST_CASE("pool: reads that decide name the block by hash, by number where EIP-1898 is missing") {
  Pool p(2);
  p[1].eip1898 = false;
  p.look();
  const auto settled = p->block(Tag::kFinalized);
  REQUIRE(settled);
  CHECK(*p->transaction_count(kWho, (*settled)->hash) == 5);
  CHECK(p[0].by_number == 0);
  CHECK(p[1].by_number == 1);
  const int before = p[1].calls;
  CHECK(*p->transaction_count(kWho, (*settled)->hash) == 5);
  CHECK(p[1].by_number == 2);
  CHECK(p[1].calls == before + 2);  // remembered: the count and the block's hash, no try by hash
  CHECK(p->call(kWho, kWho, {}, (*settled)->hash));
  // By number, another branch cannot answer for it.
  p[1].branch = 4;
  p[1].forked_at = 50;
  CHECK(p->transaction_count(kWho, (*settled)->hash).error().kind == ErrorKind::kRetryable);
}
