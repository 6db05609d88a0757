#include "plugins/support/plugin_bench.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace anduin::test {
namespace {

using nlohmann::json;

struct Image {
  const and_plugin_v1* table;
  json manifest;
};

/// Loaded once a program and never unloaded.
const Image& image(const std::string& venue) {
  static std::map<std::string, Image> loaded;
  const auto it = loaded.find(venue);
  if (it != loaded.end()) return it->second;
  const std::string file = ANDUIN_BINARY_DIR "/plugins/anduin-" + venue + ".so";
  void* const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) throw std::runtime_error(dlerror());
  const auto* const table = static_cast<const and_plugin_v1*>(dlsym(handle, "anduin_plugin_v1"));
  if (!table) throw std::runtime_error(file + " has no plugin table");
  return loaded.emplace(venue, Image{table, json::parse(std::string(table->manifest, table->manifest_len))}).first->second;
}

std::string text(const and_rec& r, const and_ref& ref) {
  return {reinterpret_cast<const char*>(&r) + ref.off, ref.len};
}
std::optional<std::string> number(const and_dec& d) {
  if (d.flags & AND_DEC_ABSENT) return std::nullopt;
  const auto wide = static_cast<Decimal::Unsigned>(static_cast<std::uint64_t>(d.hi)) << 64U | d.lo;
  return Decimal(static_cast<Decimal::Mantissa>(wide), d.exp10).to_string();
}
template <class T>
const T& as(const and_rec& r) {
  return reinterpret_cast<const T&>(r);
}

/// Texts with the zero bytes that a host owes behind them.
struct Padded {
  std::string bytes;
  std::uint32_t size;
  explicit Padded(const std::string& s) : bytes(s + std::string(64, '\0')), size(static_cast<std::uint32_t>(s.size())) {}
  [[nodiscard]] and_bytes view() const {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), size, static_cast<std::uint32_t>(bytes.size())};
  }
};

}  // namespace

std::string SentRequest::query(const std::string& name) const {
  std::size_t at = target.find('?');
  while (at != std::string::npos) {
    const std::size_t start = at + 1, end = std::min(target.find('&', start), target.size());
    const std::string pair = target.substr(start, end - start);
    if (pair.starts_with(name + "=")) return pair.substr(name.size() + 1);
    at = target.find('&', start);
  }
  return {};
}

const json& PluginBench::manifest(const std::string& venue) { return image(venue).manifest; }

PluginBench::PluginBench(const std::string& venue, bool account, json options, std::int64_t start_ms)
    : now_ms(start_ms), table_(image(venue).table) {
  for (const auto& [name, schema] : manifest(venue).at("config").at("properties").items())
    if (!options.contains(name)) options[name] = schema.at("default");
  create(account, options);
}

PluginBench::PluginBench(const and_plugin_v1& table, bool account, const json& options, std::int64_t start_ms)
    : now_ms(start_ms), table_(&table) {
  create(account, options);
}

void PluginBench::create(bool account, const json& options) {
  host_.size = sizeof(host_);
  host_.ctx = this;
  host_.emit = &PluginBench::emit;
  host_.get_ext = [](void*, const char*) -> const void* { return nullptr; };
  const Padded config(json{{"instance", account ? "account" : "public"}, {"options", options}}.dump());
  create_code = table_->create(&host_, config.view(), &instance_);
}

PluginBench::~PluginBench() {
  if (instance_) table_->destroy(instance_);
}

int PluginBench::step(std::uint16_t kind, std::uint32_t id, std::int32_t code, const std::string& data, const std::string& meta) {
  const Padded d(data), m(meta);
  and_in in{};
  in.size = sizeof(in);
  in.kind = kind;
  in.id = id;
  in.code = code;
  in.seq = ++seq_;
  in.mono_ns = static_cast<std::uint64_t>(now_ms) * 1'000'000;
  in.wall_ms = now_ms;
  in.data = d.view();
  in.meta = m.view();
  const and_in* const one = &in;
  return table_->step(instance_, &one, 1);
}

int PluginBench::start(std::int64_t settle_from_ms, const std::string& watermark) {
  settle_from_ms_ = settle_from_ms;
  watermark_ = watermark;
  return step(AND_IN_START, 0, 0, watermark, json{{"settle_from", settle_from_ms}, {"feeds", {"prices", "instruments", "positions", "balance"}}}.dump());
}
void PluginBench::connect() {
  const auto due = dialled;
  const std::string meta = json{{"settle_from", settle_from_ms_}, {"attempt", 0}}.dump();
  for (const std::uint32_t c : due) step(AND_IN_DIAL_DUE, c, 0, watermark_, meta);
  for (const auto& [c, endpoint] : endpoints) opened(c);
}
int PluginBench::opened(std::uint32_t c) {
  return step(AND_IN_OPENED, c, 0, watermark_, json{{"settle_from", settle_from_ms_}}.dump());
}
int PluginBench::frame(std::uint32_t c, const std::string& t) { return step(AND_IN_FRAME, c, 1, t, ""); }
int PluginBench::closed(std::uint32_t c, const std::string& reason) {
  return step(AND_IN_CLOSED, c, 1006, "", json{{"reason", reason}}.dump());
}
int PluginBench::symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  return step(AND_IN_SYMBOLS, 0, 0, "", json{{"added", added}, {"removed", removed}}.dump());
}
int PluginBench::query_balance() { return step(AND_IN_QUERY, 1, 0, "", R"({"what":"balance"})"); }
int PluginBench::cursor(const std::string& watermark) {
  watermark_ = watermark;
  return step(AND_IN_CURSOR, 0, 0, watermark, json{{"settle_from", settle_from_ms_}}.dump());
}

std::vector<SentRequest> PluginBench::open_requests(const std::string& path) const {
  std::vector<SentRequest> out;
  std::copy_if(open.begin(), open.end(), std::back_inserter(out), [&](const SentRequest& r) { return r.path() == path; });
  return out;
}
int PluginBench::answer(const std::string& path, const std::string& body, int status, const std::string& containing,
                  const json& headers) {
  for (const SentRequest& r : open)
    if (r.path() == path && r.target.find(containing) != std::string::npos) return answer(SentRequest(r), body, status, headers);
  throw std::runtime_error("nobody asks for " + path);
}
int PluginBench::answer(const SentRequest& request, const std::string& body, int status, const json& headers) {
  std::erase_if(open, [&](const SentRequest& r) { return r.id == request.id; });
  return step(AND_IN_HTTP_DONE, request.id, status, body, json{{"headers", headers}, {"reason", "test"}}.dump());
}

void PluginBench::advance(std::int64_t ms) {
  const std::int64_t to = now_ms + ms;
  while (!timers_.empty() && timers_.begin()->first <= to) {
    const auto [due, id] = *timers_.begin();
    timers_.erase(timers_.begin());
    now_ms = std::max(now_ms, due);
    step(AND_IN_TIMER, id, 0, "", "");
  }
  now_ms = to;
}

std::int32_t PluginBench::emit(void* ctx, const and_rec* rec) {
  static_cast<PluginBench*>(ctx)->take(*rec);
  return AND_OK;
}

void PluginBench::take(const and_rec& r) {
  switch (r.kind) {
    case AND_REC_DIAL: dialled.push_back(r.id); break;
    case AND_REC_OPEN: {
      const auto& o = as<and_rec_open>(r);
      opens.push_back({r.id, text(r, o.endpoint), text(r, o.url), text(r, o.target), text(r, o.headers), o.decode});
      endpoints[r.id] = opens.back().endpoint;
      break;
    }
    case AND_REC_CLOSE: (r.flags & AND_CLOSE_REDIAL ? redialled : dropped).push_back(r.id); break;
    case AND_REC_SEND: {
      const auto& s = as<and_rec_send>(r);
      frames.push_back({r.id, text(r, s.payload), text(r, s.sign), text(r, s.args), text(r, s.rate)});
      break;
    }
    case AND_REC_HTTP: {
      const auto& h = as<and_rec_http>(r);
      SentRequest q{r.id,           text(r, h.endpoint), text(r, h.method), text(r, h.target), text(r, h.headers),
                    text(r, h.body), text(r, h.sign),     text(r, h.args),   text(r, h.rate),   h.cost};
      open.push_back(q);
      requests.push_back(std::move(q));
      break;
    }
    case AND_REC_TIMER: {
      std::erase_if(timers_, [&](const auto& t) { return t.second == r.id; });
      if (!(r.flags & AND_TIMER_CANCEL)) timers_.emplace(now_ms + static_cast<std::int64_t>(as<and_rec_timer>(r).delay_ms), r.id);
      break;
    }
    case AND_REC_INSTRUMENT: {
      const auto& i = as<and_rec_instrument>(r);
      names_[r.id] = text(r, i.native);
      instruments.push_back({r.id, i.kind, r.flags, text(r, i.native), text(r, i.base), text(r, i.quote), text(r, i.settle),
                             text(r, i.market), text(r, i.aliases), number(i.tick).value_or(""), number(i.contract_size).value_or("")});
      break;
    }
    case AND_REC_PRICE: {
      const auto& p = as<and_rec_price>(r);
      prices.push_back({r.id, names_[r.id], number(p.bid).value_or(""), number(p.ask).value_or(""),
                        number(p.bid_size).value_or(""), number(p.ask_size).value_or(""), p.venue_ms,
                        (r.flags & AND_PRICE_WITHDRAWN) != 0, (r.flags & AND_PRICE_TIME_UNUSABLE) != 0});
      break;
    }
    case AND_REC_FUNDING: {
      const auto& f = as<and_rec_funding>(r);
      fundings.push_back({names_[r.id], number(f.rate).value_or(""), number(f.next_rate), f.due_ms, f.venue_ms});
      break;
    }
    case AND_REC_CLOSE_POS: {
      const auto& c = as<and_rec_close_pos>(r);
      closes.push_back({text(r, c.close_id), text(r, c.symbol), text(r, c.market), c.side == AND_SIDE_LONG ? "long" : "short",
                        text(r, c.currency), text(r, c.fee_currency), text(r, c.pnl_raw), text(r, c.fee_raw), text(r, c.hold),
                        c.origin == AND_ORIGIN_HISTORY ? "history" : "stream", number(c.entry), number(c.exit),
                        number(c.size), number(c.pnl), number(c.fee), number(c.funding), c.closed_ms, r.flags});
      order.push_back("close");
      break;
    }
    case AND_REC_WATERMARK:
      watermarks.push_back(text(r, as<and_rec_watermark>(r).cursor));
      order.push_back("watermark");
      break;
    case AND_REC_BALANCE: {
      const auto& b = as<and_rec_balance>(r);
      balances.push_back({text(r, b.currency), number(b.total).value_or(""), number(b.available).value_or("")});
      break;
    }
    case AND_REC_STATUS: {
      const auto& s = as<and_rec_status>(r);
      statuses.push_back({text(r, s.feed), s.state == AND_STATE_READY ? "ready" : s.state == AND_STATE_RESYNC ? "resync" : "failed",
                          text(r, s.detail)});
      break;
    }
    case AND_REC_COVERAGE: {
      const auto& c = as<and_rec_coverage>(r);
      coverage.push_back({c.from_ms, c.to_ms, c.proven != 0, text(r, c.reason)});
      order.push_back("coverage");
      break;
    }
    case AND_REC_ACCOUNT: {
      const auto& a = as<and_rec_account>(r);
      accounts.push_back({text(r, a.uid), text(r, a.detail), a.can_trade, a.can_withdraw, a.can_transfer, a.ip_bound,
                          a.sub_account, a.expires_ms});
      break;
    }
    case AND_REC_CLOCK: clocks.emplace_back(r.id, as<and_rec_clock>(r).venue_ms); break;
    case AND_REC_LOG:
      if (as<and_rec_log>(r).level >= AND_LOG_WARN) warnings.push_back(text(r, as<and_rec_log>(r).text));
      break;
    case AND_REC_ERROR: errors.push_back(text(r, as<and_rec_error>(r).where) + ": " + text(r, as<and_rec_error>(r).text)); break;
    default: break;
  }
}

}  // namespace anduin::test
