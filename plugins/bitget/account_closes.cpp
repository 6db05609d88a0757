// Closes of an account: what the stream announces, the record that history shows of it, and the history as a whole.
#include <algorithm>
#include <limits>

#include "account.hpp"

namespace anduin::bitget {
namespace {

constexpr std::string_view kUnifiedHistory = "/api/v3/position/history-position",
                           kClassicHistory = "/api/v2/mix/position/history-position";
constexpr std::int64_t kPushMarginMs = 60'000;  // a push and its row agree on the time better than this
constexpr std::int64_t kNowMs = 5'000;          // a window that ends so near to now is read without an end
// So long a push with figures waits for its row: longer than a ban. It rounds elsewhere, and history is read for ever.
constexpr std::uint64_t kTellMs = 15 * 60'000;
constexpr std::int64_t kHoldMs = 3'600'000;     // so long a push without figures holds the cursor: then it was none

}  // namespace

// -- what the stream tells ------------------------------------------------------------------------------------------

void Account::take_closed(const json::View& data, const Product& product) {
  const std::string complaint = each_row(data, "positions-history", "posId", [&](const json::View& row) {
    CloseRow told = parse_classic_push(row, product);
    const std::string id = told.id;
    await(id, product, std::move(told));
  });
  if (!complaint.empty()) sweep_soon("a push of closed positions could not be read");
}

void Account::take_positions(const json::View& data) {
  const std::string complaint = each_row(data, "position", "symbol", [&](const json::View& row) {
    const auto ended = lifetimes_.take(row);
    if (!ended || recorded_.contains(ended->key())) return;  // the venue repeats itself
    const Product* product = product_of(ended->symbol);
    if (!product) return sweep_soon("the position in " + ended->symbol + " has ended");
    if (std::find(products_.begin(), products_.end(), product) != products_.end())
      return await(ended->key(), *product, std::nullopt);
    if (!std::exchange(other_product_noted_, true))
      warn("closes of " + std::string(product->rest) + " (" + ended->symbol +
           ") are not settled: the account's market leaves them out");
  });
  if (!complaint.empty()) sweep_soon("a push of positions could not be read");
}

/// The record is looked for at once, and its figures are settled: history will show the same for ever.
void Account::await(const std::string& key, const Product& product, std::optional<CloseRow> told) {
  if (is_emitted(key)) return;
  const bool has_figures = told.has_value();
  if (!awaited_.try_emplace(key, Awaited{&product, now_ms(), std::move(told)}).second) return;
  chase(key, [this, &product] { look(product); });
  if (has_figures) after(kTellMs, [this, key] { settle_as_told(key); });
}

void Account::settle_as_told(const std::string& key) {
  const auto it = awaited_.find(key);
  if (it == awaited_.end() || !it->second.told) return;
  const CloseRow told = std::move(*it->second.told);
  awaited_.erase(it);
  warn("close " + key + " is settled as the stream told it: history does not show it yet");
  if (emit_close(position_of(told, AND_ORIGIN_STREAM))) as_told_.emplace(key, told);
}

// -- the record -----------------------------------------------------------------------------------------------------

std::string_view Account::history_path() const { return is_unified() ? kUnifiedHistory : kClassicHistory; }

/// Queries are signed with their names in order.
std::string Account::newest(const Product& product) const {
  return is_unified() ? "category=" + std::string(product.rest) + "&limit=100"
                      : "limit=100&productType=" + std::string(product.rest);
}

/// One request looks for everything that is awaited of a product.
void Account::look(const Product& product) {
  Look& l = looks_[&product];
  if (l.running) {
    l.again = true;
    return;
  }
  std::int64_t since = std::numeric_limits<std::int64_t>::max();
  for (const auto& [key, awaited] : awaited_)
    if (awaited.product == &product) since = std::min(since, awaited.since_ms);
  if (since == std::numeric_limits<std::int64_t>::max()) return;
  l.running = true;
  l.again = false;
  read_pages(
      history_path(), newest(product),
      [this, &product, since](const Answer& answer) {
        std::vector<CloseRow> found;
        std::int64_t newest_ms = 0;
        const std::string next = take_page(answer, product, found, newest_ms, nullptr);
        emit_all(found);
        return newest_ms < since - kPushMarginMs ? std::string() : next;
      },
      [this, &product](const std::string& failure) {
        if (!failure.empty()) report(history_path(), failure);
        looked(product);
      });
}

void Account::looked(const Product& product) {
  Look& l = looks_[&product];
  l.running = false;
  if (l.again) look(product);
}

/// The rows of one page, the time of its newest, and the query of the next page: "" behind an empty one. A row that
/// cannot be read is reported and spoils the proof, not the others.
std::string Account::take_page(const Answer& answer, const Product& product, std::vector<CloseRow>& found,
                               std::int64_t& newest_ms, HistorySweep* sweep) {
  const auto [list, end, cursor] = answer.result.get<"list", "endId", "cursor">();
  if (!list.is_array() && list.raw() != "null") throw BadFrame("an answer without a list");
  bool any = false;
  newest_ms = 0;
  for (const json::View row : list) {
    any = true;
    std::int64_t time_ms = 0;
    try {
      const auto [utime, utime2, updated] = row.get<"utime", "uTime", "updatedTime">();
      time_ms = (is_unified() ? updated : utime.absent() ? utime2 : utime).i64();
      newest_ms = std::max(newest_ms, time_ms);
      found.push_back(is_unified() ? parse_unified_row(row, product) : parse_classic_row(row, product));
    } catch (const std::exception& e) {
      report(history_path(), e.what());
      if (sweep) sweep->unreadable(e.what(), time_ms);
      if (time_ms == 0) newest_ms = std::numeric_limits<std::int64_t>::max();  // older or not: go on
    }
  }
  const std::string next = is_unified() ? cursor.text() : end.text();
  if (!any || next.empty() || next == "null") return "";
  if (next.find_first_not_of("0123456789") != std::string::npos)  // it would have to be signed as it is, unescaped
    throw BadFrame("the page cursor '" + next + "' is no number");
  return is_unified() ? "category=" + std::string(product.rest) + "&cursor=" + next + "&limit=100"
                      : "idLessThan=" + next + "&limit=100&productType=" + std::string(product.rest);
}

/// Oldest first, those of one time in the order of their ids: the same on every run.
void Account::emit_all(std::vector<CloseRow>& found) {
  std::sort(found.begin(), found.end(), [](const CloseRow& a, const CloseRow& b) {
    if (a.closed_ms != b.closed_ms) return a.closed_ms < b.closed_ms;
    return a.id.size() != b.id.size() ? a.id.size() < b.id.size() : a.id < b.id;
  });
  for (const CloseRow& row : found) emit_row(row);
}

void Account::emit_row(const CloseRow& row) {
  const std::string lifetime = row.lifetime();
  const bool announced = awaited_.erase(row.id) + awaited_.erase(lifetime) > 0;
  caught(lifetime);
  (void)recorded_.add(lifetime);
  const bool known_figures = !figures_.add(row.id + "=" + row.net_text + "@" + std::to_string(row.closed_ms));
  if (emit_close(position_of(row, announced ? AND_ORIGIN_STREAM : AND_ORIGIN_HISTORY)) || known_figures) return;
  // Other figures than this instance has settled: from a push, which rounds, or the venue has changed its mind.
  const auto told = as_told_.find(row.id);
  const bool rounds = told != as_told_.end() && !differs(told->second, row);
  if (told != as_told_.end()) as_told_.erase(told);
  if (rounds) return;
  warn("close " + row.id + " was settled with other figures than history shows now");
  emit_again(position_of(row, AND_ORIGIN_HISTORY));
}

// -- history --------------------------------------------------------------------------------------------------------

const Product& Account::product_of_sweep(const HistorySweep& sweep) const {
  for (const Product* p : products_)
    if (p->name == sweep.name()) return *p;
  return *products_.front();
}

/// Newest first, by the time of the close. Whether startTime and endTime mean that time or the opening's is not
/// documented: what is near to now is read without them, and so is everything of a classic account. Older windows of a
/// unified account need them; together they hold every opening since the first.
void Account::read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) {
  if (generation_ == Generation::kUnknown)
    return when_known(
        [this, &sweep, from_ms, to_ms, done = std::move(done)] { read_window(sweep, from_ms, to_ms, done); });
  std::erase_if(awaited_, [&](const auto& a) {
    const bool given_up = now_ms() - a.second.since_ms > kHoldMs;
    if (given_up) warn("no record of " + a.first + " within an hour: was it closed? Look at Bitget's own list");
    return given_up;
  });
  const Product& product = product_of_sweep(sweep);
  auto& covered = read_[&product];
  if (covered.first != 0 && covered.first <= from_ms && to_ms <= covered.second) return done("");
  const bool whole = !is_unified() || now_ms() - to_ms <= kNowMs;
  const std::string range = whole ? "" : "&startTime=" + std::to_string(from_ms);
  const std::string ending = whole ? "" : "endTime=" + std::to_string(to_ms) + "&";
  const auto ranged = [this, range, ending](const std::string& query) {
    const std::size_t limit = query.find("limit=");
    return query.empty() ? query : query.substr(0, limit) + ending + query.substr(limit) + range;
  };
  const auto found = std::make_shared<std::vector<CloseRow>>();
  const std::int64_t asked_ms = now_ms();
  read_pages(
      history_path(), ranged(newest(product)),
      [this, &sweep, &product, found, from_ms, ranged](const Answer& answer) {
        std::int64_t newest_ms = 0;
        const std::string next = take_page(answer, product, *found, newest_ms, &sweep);
        return newest_ms < from_ms ? std::string() : ranged(next);
      },
      [this, &product, found, from_ms, asked_ms, done = std::move(done)](const std::string& failure) {
        emit_all(*found);  // what was read is true, whatever became of the rest
        if (failure.empty()) switched_ = false;
        if (failure.empty() && !is_unified()) read_[&product] = {from_ms, asked_ms};
        done(failure == HistorySweep::kTooMany ? "more closed positions than can be read: set a later settle_from"
                                               : failure);
      });
}

std::int64_t Account::oldest_waiting_ms(const HistorySweep& sweep) const {
  const Product& product = product_of_sweep(sweep);
  std::int64_t oldest = 0;
  for (const auto& [key, awaited] : awaited_) {
    if (awaited.product != &product) continue;
    const std::int64_t since =
        (awaited.told ? std::min(awaited.told->closed_ms, awaited.since_ms) : awaited.since_ms) - kPushMarginMs;
    if (oldest == 0 || since < oldest) oldest = since;
  }
  return oldest;
}

void Account::forget_waiting() {
  for (const auto& [key, awaited] : awaited_) caught(key);
  awaited_.clear();
  as_told_.clear();
  recorded_.clear();
  figures_.clear();
  read_.clear();
}

}  // namespace anduin::bitget
