#include "feed.hpp"

#include <algorithm>

namespace anduin::kraken {
namespace {

constexpr std::uint64_t kListRetryMsMin = 2'000;
constexpr std::uint64_t kListRetryMsMax = 60'000;
/// New listings appear a few times a week; descriptions are idempotent.
constexpr std::uint64_t kListRefreshMs = 6 * 3'600'000;
/// The venue acknowledges within milliseconds; a lost subscription is asked for again, then reported.
constexpr std::uint64_t kAckWaitMs = 10'000;
constexpr int kSubscribeTriesMax = 3;
/// A book that breaks again and again is asked for more and more slowly.
constexpr std::uint64_t kResyncDelayMs = 1'000;
constexpr int kResyncDoublingsMax = 6;
constexpr std::int64_t kResyncCalmMs = 120'000;

}  // namespace

void Feed::start() {
  request_list();
  if (host_.wants_feed("prices")) host_.dial(connection_);
}

void Feed::request_list(std::string_view rest_endpoint, std::string_view target, std::string_view rate) {
  host_.http({.endpoint = rest_endpoint, .target = target, .rate = rate, .timeout_ms = 30'000},
             [this](const venue::Reply& reply) {
    std::size_t rows = 0;
    std::string why = reply.reason();
    if (reply.status > 0) {
      try {
        rows = describe_all(reply);
        why = "HTTP " + std::to_string(reply.status) + ": " + std::string(reply.body.substr(0, 200));
      } catch (const BadFrame& e) {
        why = e.what();
      }
    }
    if (rows == 0) {
      host_.error(AND_E_PROTOCOL, "instruments", "no instrument list: " + why);
      list_retry_ms_ = std::clamp(list_retry_ms_ * 2, kListRetryMsMin, kListRetryMsMax);
      host_.after(list_retry_ms_, [this] { request_list(); });
      return;
    }
    list_retry_ms_ = 0;
    if (!list_done_) host_.listed();
    list_done_ = true;
    host_.after(kListRefreshMs, [this] { request_list(); });
  });
}

bool Feed::is_ours(const std::string& native) const {
  // Names of the two markets never look alike: PF_XBTUSD, XBT/USD.
  const bool futures_name = native.size() > 2 && native[2] == '_';
  return listed_.contains(native) || futures_name == (market_ == Market::kFutures);
}

void Feed::symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  std::vector<std::string> fresh, gone;
  for (const std::string& name : removed) {
    if (wanted_.erase(name) == 0) continue;
    gone.push_back(name);
    unacknowledged_.erase(name);
    Slot& s = slot(name);
    s.muted = true;
    s.book_live = false;
    no_quote(s);
  }
  for (const std::string& name : added) {
    if (!is_ours(name) || !wanted_.insert(name).second) continue;
    fresh.push_back(name);
    slot(name).muted = false;
  }
  if (!open_) return;
  if (!gone.empty()) unsubscribe(gone);
  if (!fresh.empty()) await(fresh);
}

void Feed::opened() {
  open_ = true;
  unacknowledged_.clear();
  resyncs_.clear();
  forget_books();
  if (!wanted_.empty()) await({wanted_.begin(), wanted_.end()});
}

void Feed::closed() {
  open_ = false;
  unacknowledged_.clear();
  forget_books();
}

void Feed::await(const std::vector<std::string>& natives) {
  for (const std::string& name : natives) ++unacknowledged_[name];
  subscribe(natives);
  if (ack_timer_ != 0) return;
  ack_timer_ = host_.after(kAckWaitMs, [this] { check_acknowledged(); });
}

void Feed::check_acknowledged() {
  ack_timer_ = 0;
  if (!open_) return;
  std::vector<std::string> again;
  for (auto it = unacknowledged_.begin(); it != unacknowledged_.end();) {
    if (it->second < kSubscribeTriesMax) {
      again.push_back(it->first);
      ++it;
      continue;
    }
    host_.error(AND_E_PROTOCOL, it->first, "the venue does not answer the subscription of " + it->first);
    it = unacknowledged_.erase(it);
  }
  if (!again.empty()) await(again);
}

void Feed::acknowledged(std::string_view native) {
  const auto it = unacknowledged_.find(native);
  if (it == unacknowledged_.end()) return;
  unacknowledged_.erase(it);
  if (unacknowledged_.empty()) host_.ready("prices", endpoint_);
}

void Feed::refused(std::string_view native, std::string_view why) {
  const auto it = unacknowledged_.find(native);
  if (it != unacknowledged_.end()) unacknowledged_.erase(it);
  host_.error(AND_E_PROTOCOL, native, "subscription refused: " + std::string(why));
}

Slot& Feed::slot(std::string_view wire_name) {
  if (const auto at = wire_.find(wire_name)) return *by_wire_[at - 1];
  const std::string native = native_of(wire_name);
  Slot* found = nullptr;
  for (const auto& s : slots_) {
    if (s->native == native) found = s.get();
  }
  if (found == nullptr) {
    slots_.push_back(std::make_unique<Slot>());
    found = slots_.back().get();
    found->native = native;
    found->id = host_.instrument(native);
  }
  (void)wire_.add(wire_name);
  by_wire_.push_back(found);
  return *found;
}

void Feed::quote(Slot& s, const Decimal& bid, const Decimal& ask, const Decimal& bid_size, const Decimal& ask_size,
                 std::int64_t venue_ms, std::uint32_t flags) {
  if (s.muted) return;
  if (bid.sign() <= 0 || ask.sign() <= 0) return no_quote(s);
  if (!(bid < ask)) return;
  s.priced = true;
  host_.price(s.id, bid, ask, bid_size, ask_size, venue_ms, flags);
}

void Feed::quote_top(Slot& s, std::int64_t venue_ms) {
  if (s.book.bids().empty() || s.book.asks().empty()) return no_quote(s);
  const OrderBook::Level &bid = s.book.best_bid(), &ask = s.book.best_ask();
  quote(s, bid.price, ask.price, bid.size, ask.size, venue_ms);
}

void Feed::no_quote(Slot& s) {
  if (!s.priced) return;
  s.priced = false;
  host_.withdraw(s.id);
}

void Feed::break_book(Slot& s, const std::string& why) {
  s.book_live = false;
  s.book.clear();
  s.crossed = 0;
  no_quote(s);
  resubscribe(s.native, why);
}

void Feed::forget_books() {
  for (const auto& s : slots_) {
    s->book_live = false;
    s->crossed = 0;
    s->book.clear();
    s->priced = false;  // the host withdraws what came from a lost connection
  }
}

void Feed::resubscribe(const std::string& native, const std::string& why) {
  host_.resync("prices", native + ": " + why);
  if (!open_ || !wanted_.contains(native)) return;
  Resyncs& r = resyncs_[native];
  if (host_.now_ms() - r.last_ms > kResyncCalmMs) r.in_a_row = 0;
  r.last_ms = host_.now_ms();
  const int doublings = std::min(r.in_a_row++, kResyncDoublingsMax);
  const auto again = [this, native] {
    if (!open_ || !wanted_.contains(native)) return;
    unsubscribe({native});
    await({native});
  };
  if (doublings == 0) again();
  else host_.after(kResyncDelayMs << doublings, again);
}

}  // namespace anduin::kraken
