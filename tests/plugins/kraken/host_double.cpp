#include "host_double.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace anduin::test {
namespace {

constexpr std::uint32_t kPadding = 64;

std::string text(const and_rec& r, const and_ref& ref) {
  return {reinterpret_cast<const char*>(&r) + ref.off, ref.len};
}
std::optional<Decimal> decimal(const and_dec& d) {
  if (d.flags & AND_DEC_ABSENT) return std::nullopt;
  const auto m =
      static_cast<Decimal::Mantissa>(static_cast<Decimal::Unsigned>(static_cast<std::uint64_t>(d.hi)) << 64U | d.lo);
  return Decimal(m, d.exp10);
}
std::string plain(const and_dec& d) {
  const auto v = decimal(d);
  return v ? v->to_string() : "";
}

}  // namespace

std::shared_ptr<const plugin::Library> kraken_library() {
  static const auto library = [] {
    auto loaded = plugin::Library::load(std::string(ANDUIN_BINARY_DIR) + "/plugins/anduin-kraken.so");
    if (!loaded) throw std::runtime_error(loaded.error().to_string());
    return *loaded;
  }();
  return library;
}

HostDouble::HostDouble(bool account, const std::string& options, std::int64_t settle_from_ms)
    : library_(kraken_library()), settle_from_ms_(settle_from_ms) {
  host_.size = sizeof(host_);
  host_.ctx = this;
  host_.emit = &emit;
  host_.get_ext = [](void*, const char*) -> const void* { return nullptr; };
  std::string config =
      R"({"instance":")" + std::string(account ? "account" : "public") + R"(","options":)" + options + "}";
  const auto size = static_cast<std::uint32_t>(config.size());
  config.append(kPadding, '\0');
  const std::int32_t code = library_->table().create(
      &host_, {reinterpret_cast<const std::uint8_t*>(config.data()), size, size + kPadding}, &instance_);
  if (code != AND_OK) instance_ = nullptr;
}

HostDouble::~HostDouble() {
  if (instance_) library_->table().destroy(instance_);
}

std::int32_t HostDouble::emit(void* ctx, const and_rec* rec) {
  static_cast<HostDouble*>(ctx)->take_record(*rec);
  return AND_OK;
}

void HostDouble::take_record(const and_rec& r) {
  switch (r.kind) {
    case AND_REC_DIAL:
      dials.push_back(r.id);
      break;
    case AND_REC_OPEN:
      opens.push_back(text(r, reinterpret_cast<const and_rec_open&>(r).endpoint));
      break;
    case AND_REC_CLOSE:
      redials.push_back(r.id);
      break;
    case AND_REC_SEND: {
      const auto& s = reinterpret_cast<const and_rec_send&>(r);
      sends.push_back({r.id, text(r, s.payload), text(r, s.sign), text(r, s.args), text(r, s.rate)});
      break;
    }
    case AND_REC_HTTP: {
      const auto& h = reinterpret_cast<const and_rec_http&>(r);
      requests.push_back({r.id, text(r, h.endpoint), text(r, h.method), text(r, h.target), text(r, h.body),
                          text(r, h.headers), text(r, h.sign), text(r, h.rate), h.cost});
      break;
    }
    case AND_REC_TIMER:
      if (r.flags & AND_TIMER_CANCEL)
        timers_.erase(r.id);
      else
        timers_[r.id] = now_ms + static_cast<std::int64_t>(reinterpret_cast<const and_rec_timer&>(r).delay_ms);
      break;
    case AND_REC_INSTRUMENT: {
      const auto& i = reinterpret_cast<const and_rec_instrument&>(r);
      names_[r.id] = text(r, i.native);
      instruments.push_back({text(r, i.native), text(r, i.base), text(r, i.quote), text(r, i.settle), text(r, i.market),
                             text(r, i.aliases), i.kind, r.flags});
      break;
    }
    case AND_REC_PRICE: {
      const auto& p = reinterpret_cast<const and_rec_price&>(r);
      const auto value = [](const and_dec& d) { return decimal(d).value_or(Decimal()); };
      prices.push_back({names_[r.id], value(p.bid), value(p.ask), value(p.bid_size), value(p.ask_size), p.venue_ms,
                        (r.flags & AND_PRICE_WITHDRAWN) != 0, (r.flags & AND_PRICE_TIME_UNUSABLE) != 0});
      break;
    }
    case AND_REC_CLOSE_POS: {
      const auto& c = reinterpret_cast<const and_rec_close_pos&>(r);
      closes.push_back({text(r, c.close_id), text(r, c.symbol), text(r, c.market), text(r, c.currency),
                        text(r, c.pnl_raw), text(r, c.hold), c.side == AND_SIDE_LONG, c.origin, r.flags, c.closed_ms,
                        plain(c.entry), plain(c.exit), plain(c.size), plain(c.pnl), plain(c.fee)});
      break;
    }
    case AND_REC_WATERMARK:
      watermarks.push_back(text(r, reinterpret_cast<const and_rec_watermark&>(r).cursor));
      watermark = watermarks.back();  // durable at once
      break;
    case AND_REC_BALANCE: {
      const auto& b = reinterpret_cast<const and_rec_balance&>(r);
      balances.push_back({text(r, b.currency), plain(b.total), plain(b.available)});
      break;
    }
    case AND_REC_STATUS: {
      const auto& s = reinterpret_cast<const and_rec_status&>(r);
      static const char* const kStates[] = {"", "ready", "resync", "failed"};
      statuses.push_back(text(r, s.feed) + " " + kStates[s.state] + " " + text(r, s.detail));
      break;
    }
    case AND_REC_COVERAGE: {
      const auto& c = reinterpret_cast<const and_rec_coverage&>(r);
      coverages.push_back({c.from_ms, c.to_ms, c.proven != 0, text(r, c.reason)});
      break;
    }
    case AND_REC_ACCOUNT: {
      const auto& a = reinterpret_cast<const and_rec_account&>(r);
      accounts.push_back(
          {text(r, a.uid), text(r, a.detail), a.can_trade, a.can_withdraw, a.can_transfer, a.ip_bound, a.expires_ms});
      break;
    }
    case AND_REC_CLOCK:
      clocks.emplace_back(r.id, reinterpret_cast<const and_rec_clock&>(r).venue_ms);
      break;
    case AND_REC_LOG:
      warnings.push_back(text(r, reinterpret_cast<const and_rec_log&>(r).text));
      break;
    case AND_REC_ERROR: {
      const auto& e = reinterpret_cast<const and_rec_error&>(r);
      errors.push_back(text(r, e.where) + ": " + text(r, e.text));
      break;
    }
    default:
      break;
  }
}

std::int32_t HostDouble::step(std::uint16_t kind, std::uint32_t id, std::int32_t code, const std::string& data,
                              const std::string& meta) {
  if (!instance_) return AND_E_CONFIG;
  std::string d = data + std::string(kPadding, '\0'), m = meta + std::string(kPadding, '\0');
  and_in in{};
  in.size = sizeof(in);
  in.kind = kind;
  in.id = id;
  in.code = code;
  in.seq = ++seq_;
  in.wall_ms = now_ms;
  in.mono_ns = static_cast<std::uint64_t>(now_ms) * 1'000'000;
  in.data = {reinterpret_cast<const std::uint8_t*>(d.data()), static_cast<std::uint32_t>(data.size()),
             static_cast<std::uint32_t>(d.size())};
  in.meta = {reinterpret_cast<const std::uint8_t*>(m.data()), static_cast<std::uint32_t>(meta.size()),
             static_cast<std::uint32_t>(m.size())};
  const and_in* const one = &in;
  return library_->table().step(instance_, &one, 1);
}

std::string HostDouble::resume_meta() const { return R"({"settle_from":)" + std::to_string(settle_from_ms_) + "}"; }

std::int32_t HostDouble::start() { return step(AND_IN_START, 0, 0, watermark, resume_meta()); }
std::int32_t HostDouble::dial_due(std::uint32_t c) { return step(AND_IN_DIAL_DUE, c, 0, watermark, resume_meta()); }
std::int32_t HostDouble::opened(std::uint32_t c) { return step(AND_IN_OPENED, c, 0, watermark, resume_meta()); }
std::int32_t HostDouble::closed(std::uint32_t c) { return step(AND_IN_CLOSED, c, 1006, "", R"({"reason":"cut"})"); }
std::int32_t HostDouble::frame(const std::string& t, std::uint32_t c) { return step(AND_IN_FRAME, c, 1, t, ""); }
std::int32_t HostDouble::cursor() { return step(AND_IN_CURSOR, 0, 0, watermark, resume_meta()); }
std::int32_t HostDouble::query_balance() { return step(AND_IN_QUERY, 1, 0, "", R"({"what":"balance"})"); }

std::int32_t HostDouble::symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  return step(AND_IN_SYMBOLS, 0, 0, "", nlohmann::json{{"added", added}, {"removed", removed}}.dump());
}

std::int32_t HostDouble::answer(const SeenRequest& request, const std::string& body, int status) {
  std::erase_if(requests, [&](const SeenRequest& r) { return r.id == request.id; });
  return step(AND_IN_HTTP_DONE, request.id, status, body, R"({"headers":{}})");
}

std::int32_t HostDouble::no_answer(const SeenRequest& request) {
  std::erase_if(requests, [&](const SeenRequest& r) { return r.id == request.id; });
  return step(AND_IN_HTTP_DONE, request.id, AND_HTTP_TRANSPORT, "", R"({"reason":"timed out"})");
}

void HostDouble::pass(std::int64_t ms) {
  const std::int64_t until = now_ms + ms;
  for (;;) {
    const auto next = std::min_element(timers_.begin(), timers_.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (next == timers_.end() || next->second > until) break;
    now_ms = std::max(now_ms, next->second);
    const std::uint32_t id = next->first;
    timers_.erase(next);
    step(AND_IN_TIMER, id, 0, "", "");
  }
  now_ms = until;
}

SeenRequest HostDouble::take(const std::string& target) {
  const auto it = std::find_if(requests.begin(), requests.end(),
                               [&](const SeenRequest& r) { return r.target.starts_with(target); });
  if (it == requests.end()) return {};
  SeenRequest r = *it;
  requests.erase(it);
  return r;
}

bool HostDouble::asked(const std::string& target) const {
  return std::any_of(requests.begin(), requests.end(),
                     [&](const SeenRequest& r) { return r.target.starts_with(target); });
}

SeenRequest HostDouble::reply(const std::string& target, const std::string& body, int status) {
  const SeenRequest r = take(target);
  INFO("no open request for " << target);
  REQUIRE(r.id != 0);
  answer(r, body, status);
  return r;
}

}  // namespace anduin::test
