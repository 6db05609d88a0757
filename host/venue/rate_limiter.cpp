#include "venue/rate_limiter.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace anduin::venue {
namespace {

using nlohmann::json;

constexpr std::int64_t kBanDefaultMs = 600'000;  // Bybit's and Kraken's address bans last ten minutes
constexpr std::int64_t kRefusedMaxMs =
    300'000;  // Bitget's penalty after an overrun, the longest of the seven
constexpr std::int64_t kStatedMaxMs = 86'400'000;  // a venue that asks for more than a day is misread
constexpr std::int64_t kDurationBelow =
    100'000'000'000;  // reset headers: less is a duration, else ms since the epoch
constexpr std::int64_t kPerMsMax = 86'400'000;
constexpr std::int64_t kTokensMax = 1'000'000;
constexpr unsigned kDoublingsMax = 8;

Error bad(std::string where, std::string text) {
  return {ErrorKind::kBadRequest, std::move(where), std::move(text)};
}

std::optional<std::int64_t> digits(std::string_view text) {
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || out < 0) return std::nullopt;
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

std::optional<std::string_view> header(const HeaderList& headers, std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (const auto& [n, value] : headers)
    if (lower(n) == name) return value;
  return std::nullopt;
}

std::int64_t bounded(std::int64_t ms) { return std::clamp<std::int64_t>(ms, 0, kStatedMaxMs); }

/// A reset as headers write it: a moment of the venue's time or a duration. Milliseconds from now.
std::int64_t until_reset_ms(std::int64_t reset, std::int64_t venue_ms) {
  return bounded(reset < kDurationBelow ? reset : reset - venue_ms);
}

}  // namespace

std::optional<std::int64_t> retry_after_ms(std::string_view value, std::int64_t now_ms) {
  if (const auto seconds = digits(value))
    return bounded(std::min<std::int64_t>(*seconds, kStatedMaxMs / 1000) * 1000);
  std::tm when{};
  const std::string text(value);
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &when) == nullptr) return std::nullopt;
  return bounded(static_cast<std::int64_t>(timegm(&when)) * 1000 - now_ms);
}

Permit Budget::take(std::uint32_t cost, std::int64_t mono_ms) {
  while (!spent_.empty() && spent_.front().mono_ms + per_ms_ <= mono_ms) {
    sum_ -= spent_.front().cost;
    spent_.pop_front();
  }
  if (mono_ms < blocked_until_) return {false, false, blocked_until_ - mono_ms};
  const bool learned = mono_ms < learned_until_;
  if (learned && learned_left_ < cost) return {false, false, learned_until_ - mono_ms};
  if (sum_ + cost <= tokens_) {
    spent_.push_back({mono_ms, cost});
    sum_ += cost;
    if (learned) learned_left_ -= cost;
    return {true, false, 0};
  }
  std::uint64_t left = sum_;
  for (const Spent& s : spent_) {
    left -= s.cost;
    if (left + cost <= tokens_) return {false, false, s.mono_ms + per_ms_ - mono_ms};
  }
  return {false, false, per_ms_};  // cost > tokens: refused before it gets here
}

void Budget::learn(std::uint32_t remaining, std::int64_t until_mono_ms) {
  learned_left_ = remaining;
  learned_until_ = until_mono_ms;
}

void Budget::block_until(std::int64_t mono_ms) { blocked_until_ = std::max(blocked_until_, mono_ms); }

Permit HostBudgets::take(const std::string& key, std::uint32_t tokens, std::int64_t per_ms,
                         std::uint32_t cost, std::int64_t mono_ms) {
  const std::lock_guard lock(mutex_);
  return budgets_.try_emplace(key, tokens, per_ms).first->second.take(cost, mono_ms);
}

void HostBudgets::learn(const std::string& key, std::uint32_t remaining, std::int64_t until_mono_ms) {
  const std::lock_guard lock(mutex_);
  if (const auto it = budgets_.find(key); it != budgets_.end()) it->second.learn(remaining, until_mono_ms);
}

void HostBudgets::block(const std::string& key, std::int64_t until_mono_ms) {
  const std::lock_guard lock(mutex_);
  if (const auto it = budgets_.find(key); it != budgets_.end()) it->second.block_until(until_mono_ms);
}

void HostBudgets::ban_venue(const std::string& venue, std::int64_t until_mono_ms) {
  const std::lock_guard lock(mutex_);
  std::int64_t& until = bans_[venue];
  until = std::max(until, until_mono_ms);
}

std::int64_t HostBudgets::banned_until(const std::string& venue) const {
  const std::lock_guard lock(mutex_);
  const auto it = bans_.find(venue);
  return it == bans_.end() ? 0 : it->second;
}

RateLimiter::RateLimiter(std::string venue, Clock& clock, std::shared_ptr<HostBudgets> host)
    : venue_(std::move(venue)), clock_(&clock), host_(std::move(host)) {}

Result<RateLimiter::Class> RateLimiter::parse_class(const json& entry, const std::string& where) {
  if (!entry.is_object()) return bad(where, "write an object with class, tokens, per_ms and scope");
  Class c;
  for (const auto& [name, max] : {std::pair{"tokens", kTokensMax}, {"per_ms", kPerMsMax}}) {
    const json n = entry.value(name, json());
    if (!n.is_number_integer() || n.get<std::int64_t>() < 1 || n.get<std::int64_t>() > max)
      return bad(where + "/" + name, "write a whole number from 1 to " + std::to_string(max));
  }
  c.tokens = entry.at("tokens").get<std::uint32_t>();
  c.per_ms = entry.at("per_ms").get<std::int64_t>();
  const json scope = entry.value("scope", json("account")), serial = entry.value("serial", json(false));
  if (scope != "account" && scope != "host") return bad(where + "/scope", "write \"account\" or \"host\"");
  if (!serial.is_boolean()) return bad(where + "/serial", "write true or false");
  c.host = scope == "host";
  c.serial = serial.get<bool>();
  const json headers = entry.value("headers", json::object());
  for (const auto& [name, to] :
       {std::pair{"remaining", &c.remaining_header}, {"reset_ms", &c.reset_header}}) {
    if (!headers.is_object())
      return bad(where + "/headers", "write {\"remaining\":\"..\",\"reset_ms\":\"..\"}");
    const json h = headers.value(name, json(""));
    if (!h.is_string()) return bad(where + "/headers/" + name, "write the name of a header");
    *to = lower(h.get<std::string>());
  }
  if (!c.host) c.own.emplace(c.tokens, c.per_ms);
  return c;
}

Result<RateLimiter> RateLimiter::create(const json& rates, std::string venue, Clock& clock,
                                        std::shared_ptr<HostBudgets> host) {
  RateLimiter out(std::move(venue), clock, host ? std::move(host) : std::make_shared<HostBudgets>());
  if (rates.is_null()) return out;
  if (!rates.is_array()) return bad("/rates", "write a list of rate classes");
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::string where = "/rates/" + std::to_string(i);
    auto c = parse_class(rates[i], where);
    if (!c) return c.error();
    const json name = rates[i].value("class", json());
    if (!name.is_string() || name.get<std::string>().empty() ||
        out.classes_.contains(name.get<std::string>()))
      return bad(where + "/class", "write a name that no other class has");
    c->key = out.venue_ + "/" + name.get<std::string>();
    out.classes_.emplace(name.get<std::string>(), std::move(*c));
  }
  return out;
}

std::int64_t RateLimiter::now_ms() const {
  return static_cast<std::int64_t>(clock_->mono_ns() / 1'000'000U);
}

Result<Permit> RateLimiter::acquire(std::string_view rate_class, std::uint32_t cost) {
  const std::int64_t now = now_ms();
  if (const std::int64_t until = host_->banned_until(venue_); now < until)
    return Permit{false, false, until - now};
  if (rate_class.empty()) return Permit{true, false, 0};
  const auto it = classes_.find(rate_class);
  if (it == classes_.end())
    return bad("/rates", "the manifest has no rate class \"" + std::string(rate_class) + "\"");
  Class& c = it->second;
  const std::uint32_t tokens = std::max<std::uint32_t>(cost, 1);
  if (tokens > c.tokens)
    return bad("/rates", "a call of class \"" + std::string(rate_class) + "\" costs " +
                             std::to_string(tokens) + " tokens; it never has more than " +
                             std::to_string(c.tokens));
  if (c.serial && c.busy) return Permit{false, true, 0};
  const Permit permit =
      c.own ? c.own->take(tokens, now) : host_->take(c.key, c.tokens, c.per_ms, tokens, now);
  if (permit.ready && c.serial) c.busy = true;
  return permit;
}

void RateLimiter::release(std::string_view rate_class) {
  if (const auto it = classes_.find(rate_class); it != classes_.end()) it->second.busy = false;
}

void RateLimiter::learn(Class& c, std::int64_t remaining, std::int64_t until_mono_ms) {
  const auto left = static_cast<std::uint32_t>(std::min<std::int64_t>(remaining, kTokensMax));
  if (c.own) c.own->learn(left, until_mono_ms);
  else host_->learn(c.key, left, until_mono_ms);
}

void RateLimiter::block(Class& c, std::int64_t until_mono_ms) {
  if (c.own) c.own->block_until(until_mono_ms);
  else host_->block(c.key, until_mono_ms);
}

Result<void> RateLimiter::feed(std::string_view rate_class, std::int64_t remaining, std::int64_t reset_ms,
                               std::int64_t venue_ms) {
  const auto it = classes_.find(rate_class);
  if (it == classes_.end())
    return bad("/rates", "the manifest has no rate class \"" + std::string(rate_class) + "\"");
  Class& c = it->second;
  if (remaining < 0 && reset_ms <= 0) return {};
  const std::int64_t until = now_ms() + (reset_ms > 0 ? until_reset_ms(reset_ms, venue_ms) : c.per_ms);
  if (remaining < 0) block(c, until);
  else learn(c, remaining, until);
  return {};
}

void RateLimiter::on_reply(std::string_view rate_class, int status, const HeaderList& headers,
                           std::int64_t venue_ms) {
  const auto it = classes_.find(rate_class);
  Class* c = it == classes_.end() ? nullptr : &it->second;
  std::optional<std::int64_t> wait;
  if (const auto h = header(headers, "retry-after")) wait = retry_after_ms(*h, venue_ms);
  std::optional<std::int64_t> reset;
  if (c != nullptr) {
    if (const auto h = header(headers, c->reset_header))
      if (const auto n = digits(*h)) reset = until_reset_ms(*n, venue_ms);
    if (const auto h = header(headers, c->remaining_header))
      if (const auto n = digits(*h)) learn(*c, *n, now_ms() + reset.value_or(c->per_ms));
  }
  if (!wait && reset) wait = reset;
  if (status == 403 || status == 418) {
    host_->ban_venue(venue_, now_ms() + wait.value_or(kBanDefaultMs));
    return;
  }
  if (status != 429) {
    if (c != nullptr) c->refusals = 0;
    return;
  }
  if (c == nullptr) {  // no class to hold back: the whole venue pauses for the time it states, or a second
    host_->ban_venue(venue_, now_ms() + wait.value_or(1'000));
    return;
  }
  c->refusals = std::min(c->refusals + 1, kDoublingsMax);
  const std::int64_t guess =
      std::min(std::max<std::int64_t>(c->per_ms, 1'000) << (c->refusals - 1), kRefusedMaxMs);
  block(*c, now_ms() + wait.value_or(guess));
}

}  // namespace anduin::venue
