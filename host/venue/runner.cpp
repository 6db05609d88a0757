#include "venue/runner.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/hex.hpp"
#include "base/log.hpp"

namespace anduin::venue {
namespace {

using nlohmann::json;
using plugin::text_of;

constexpr std::size_t kPaddingBytes = 64;       // plugin.h: readable zero bytes behind every input
constexpr std::size_t kWaitingPerClassMax = 10'000;  // a stuck limiter must not eat the memory of the host
constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::uint64_t kWallFreshNs = 200'000;  // wall times have milliseconds: a fifth of one is not seen
constexpr std::size_t kInflatedMax = 16U << 20U;  // of a frame on an endpoint that names no max_message
constexpr std::int64_t kAuthRetryMs = 300'000;  // after refused credentials: a person has to act, do not hammer

template <class T>
const T& as(const and_rec& r) {
  return reinterpret_cast<const T&>(r);
}

std::string feed_text(std::string_view s) { return std::string(s); }

}  // namespace

Runner::Runner(std::shared_ptr<const plugin::Library> library, RunnerOptions options, Transport& transport,
               Clock& clock, Random& random, RunnerEvents& events)
    : library_(std::move(library)), options_(std::move(options)), transport_(transport), clock_(clock),
      random_(random), events_(events), skew_(clock), restart_backoff_(clock, random) {}

Runner::~Runner() {
  for (auto& [id, c] : connections_)
    if (c.state == Connection::State::kDialing || c.state == Connection::State::kOpen) transport_.close(id);
}

Result<std::unique_ptr<Runner>> Runner::start(std::shared_ptr<const plugin::Library> library, RunnerOptions options,
                                              Transport& transport, Clock& clock, Random& random,
                                              RunnerEvents& events) {
  std::unique_ptr<Runner> runner(
      new Runner(std::move(library), std::move(options), transport, clock, random, events));
  OutboundOptions out = runner->options_.outbound;
  if (!out.venue_now_ms) out.venue_now_ms = [skew = &runner->skew_] { return skew->now_ms(); };
  auto outbound = Outbound::create(runner->library_->manifest(), std::move(out), clock);
  if (!outbound) return outbound.error();
  runner->outbound_ = std::move(*outbound);
  if (auto made = runner->create(); !made) return made.error();
  return runner;
}

Result<void> Runner::create() {
  const json config{{"instance", options_.account.empty() ? "public" : "account"}, {"options", options_.options}};
  auto made = plugin::Instance::create(library_, config.dump(), *this);
  if (!made) return made.error();
  instance_ = std::move(*made);
  json meta = resume_meta();
  meta["feeds"] = options_.feeds;
  std::array<std::uint8_t, 32> entropy{};
  for (std::size_t i = 0; i < entropy.size(); i += 8) {
    const std::uint64_t word = options_.live ? random_.next() : 0;  // replay is exact
    std::memcpy(entropy.data() + i, &word, 8);
  }
  meta["entropy"] = to_hex(entropy).substr(2);
  feed(input(AND_IN_START, 0, 0), options_.watermark, meta);
  if (!wanted_.empty()) {  // after a restart of the instance
    feed(input(AND_IN_SYMBOLS, 0, 0), {}, json{{"added", wanted_}, {"removed", json::array()}});
  }
  return {};
}

// A poisoned instance is built anew on fresh connections: its state is gone, its backfill brings back what it missed.
void Runner::restart_later(const std::string& why) {
  if (restart_) return;
  events_.on_error({ErrorKind::kFatal, options_.label, "the plugin stopped: " + why + "; it is started anew"}, true);
  clear_connections("the plugin stopped");
  if (!options_.live) return;
  restart_ = transport_.after(restart_backoff_.next_ms(), [this] {
    later([this] { restart_.reset(); });
    instance_.reset();
    if (auto made = create(); !made) {
      restart_.reset();
      restart_later(made.error().to_string());
    }
  });
}

void Runner::clear_connections(const std::string& why) {
  for (auto& [id, c] : connections_) {
    if (c.state == Connection::State::kDialing || c.state == Connection::State::kOpen) transport_.close(id);
    withdraw_prices(id);
    events_.on_connection(id, false, why);
  }
  connections_.clear();
  ++connections_forgotten_;
  timers_.clear();
  requests_.clear();
  waiting_.clear();
  wake_.clear();
}

// -- inputs ---------------------------------------------------------------------------------------------------------

and_in Runner::input(std::uint16_t kind, std::uint32_t id, std::int32_t code) const {
  and_in in{};
  in.size = sizeof(and_in);
  in.kind = kind;
  in.id = id;
  in.code = code;
  return in;
}

json Runner::resume_meta() const { return json{{"settle_from", options_.settle_from_ms}}; }

/// One input with its own copies of data and meta; for everything but frames.
void Runner::feed(and_in in, std::string_view data, const json& meta) {
  std::string data_copy(data);
  data_copy.append(kPaddingBytes, '\0');
  std::string meta_copy = meta.is_null() ? std::string() : meta.dump();
  const std::size_t meta_size = meta_copy.size();
  meta_copy.append(kPaddingBytes, '\0');
  const auto bytes = [](const std::string& s, std::size_t size) {
    return and_bytes{reinterpret_cast<const std::uint8_t*>(s.data()), static_cast<std::uint32_t>(size),
                     static_cast<std::uint32_t>(s.size())};
  };
  in.seq = ++seq_;
  in.mono_ns = clock_.mono_ns();
  in.wall_ms = skew_.now_ms();
  in.data = bytes(data_copy, data.size());
  in.meta = bytes(meta_copy, meta_size);
  const and_in* const one = &in;
  step({&one, 1});
}

void Runner::step(std::span<const and_in* const> inputs) {
  if (!instance_) return;
  inputs_ = inputs;
  const std::int32_t code = instance_->step(inputs);
  inputs_ = {};
  events_.on_step_end();
  if (code == AND_E_AUTH) {
    account_refused_ = true;
    for (auto& [id, c] : connections_) {
      if (c.endpoint && c.endpoint->auth) lost(id, 0, "the venue refused the credentials", true);
    }
    account_refused_ = false;
  }
  if (instance_ && instance_->poisoned())
    later([this, why = instance_->misbehaviour()] { restart_later(why.empty() ? "it reported a fatal error" : why); });
}

void Runner::set_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
  for (const auto& name : removed) std::erase(wanted_, name);
  wanted_.insert(wanted_.end(), added.begin(), added.end());
  feed(input(AND_IN_SYMBOLS, 0, 0), {}, json{{"added", added}, {"removed", removed}});
}

void Runner::query_balance() { feed(input(AND_IN_QUERY, 1, 0), {}, json{{"what", "balance"}}); }

void Runner::inbound(std::uint32_t id, std::string_view body, const std::string& path, const std::string& identity) {
  current_connection_ = 0;
  feed(input(AND_IN_INBOUND, id, 0), body, json{{"method", "POST"}, {"path", path}, {"identity", identity}});
}

void Runner::close_result(const CloseResult& r) {
  feed(input(AND_IN_CLOSE_RESULT, 0, 0), {},
       json{{"ref_seq", r.ref_seq}, {"id", r.id}, {"outcome", r.outcome}, {"ref_id", r.ref_id}, {"reason", r.reason}});
}

void Runner::set_watermark(std::string watermark, bool failed) {
  options_.watermark = std::move(watermark);
  if (failed) feed(input(AND_IN_CURSOR, 0, 0), options_.watermark, resume_meta());
}

void Runner::set_account_verdict(bool allowed, const std::string& why) {
  const bool first = !account_allowed_ && allowed;
  account_allowed_ = allowed;
  if (first) {
    for (auto& [id, c] : connections_)
      if (c.state == Connection::State::kIdle) ask_dial(id);
    return;
  }
  if (allowed) return;
  for (auto& [id, c] : connections_) {
    if (c.state == Connection::State::kDialing || c.state == Connection::State::kOpen) transport_.close(id);
    c.state = Connection::State::kIdle;
    c.redial.reset();
    c.watchdog.reset();
    c.pinger.reset();
    events_.on_connection(id, false, why);
  }
}

// -- connections ----------------------------------------------------------------------------------------------------

void Runner::ask_dial(std::uint32_t id) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  Connection& c = it->second;
  if (options_.live && !options_.account.empty() && !account_allowed_) {
    c.state = Connection::State::kIdle;  // waits for set_account_verdict
    return;
  }
  c.state = Connection::State::kAsked;
  json meta = resume_meta();
  meta["attempt"] = c.losses;
  feed(input(AND_IN_DIAL_DUE, id, 0), options_.watermark, meta);
  // A plugin that needs a token first answers later; if it never does, it is asked again.
  const auto again = connections_.find(id);
  if (again != connections_.end() && again->second.state == Connection::State::kAsked && options_.live)
    again->second.redial = transport_.after(again->second.backoff.next_ms() + 15'000, [this, id] { ask_dial(id); });
}

void Runner::on_open(std::uint32_t id, std::uint64_t generation) {
  const auto it = connections_.find(id);
  if (it == connections_.end() || it->second.generation != generation) return;
  Connection& c = it->second;
  c.state = Connection::State::kOpen;
  c.opened_mono_ns = c.last_alive_mono_ns = clock_.mono_ns();
  c.backoff.opened();
  events_.on_connection(id, true, c.url);
  if (options_.live) {
    watch(id);
    start_ping(id);
  }
  current_connection_ = id;
  feed(input(AND_IN_OPENED, id, 0), options_.watermark, resume_meta());
}

void Runner::on_frames(std::uint32_t id, std::uint64_t generation, std::span<const FrameBytes> frames) {
  const auto it = connections_.find(id);
  if (it == connections_.end() || it->second.generation != generation || frames.empty()) return;
  Connection& c = it->second;
  const std::uint64_t forgotten = connections_forgotten_;
  const std::shared_ptr<Inflate> keep = c.inflate;  // the step may forget the connection, not its bytes
  if (keep) frames = decompressed(c, frames);
  if (frames.empty()) return;
  const std::uint64_t mono = clock_.mono_ns();
  if (mono - wall_read_mono_ns_ > kWallFreshNs) {
    wall_read_mono_ns_ = mono;
    wall_ms_ = skew_.now_ms(mono);
  }
  const std::int64_t wall = wall_ms_;
  batch_.resize(frames.size());
  batch_pointers_.resize(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const FrameBytes& f = frames[i];
    batch_[i] = {.size = sizeof(and_in), .kind = AND_IN_FRAME, .flags = 0, .id = id, .code = f.binary ? 2 : 1,
                 .seq = ++seq_,
                 .mono_ns = f.mono_ns != 0 ? f.mono_ns : mono,
                 .wall_ms = f.wall_ms != 0 ? f.wall_ms : wall,
                 .data = {f.data, f.size, f.capacity},
                 .meta = {f.data + f.size, 0, f.capacity - f.size}};
    batch_pointers_[i] = &batch_[i];
  }
  frames_ += frames.size();
  current_connection_ = id;
  data_seen_ = false;
  step(batch_pointers_);
  if (connections_forgotten_ != forgotten) return;  // it may be gone, or another one may have its number now
  if (data_seen_ || (c.endpoint && !c.endpoint->liveness_by_data)) c.last_alive_mono_ns = mono;
}

/// A damaged frame is reported and left out; the connection goes on.
std::span<const FrameBytes> Runner::decompressed(Connection& c, std::span<const FrameBytes> frames) {
  const std::size_t bytes_max = c.endpoint && c.endpoint->message_bytes_max > 0 ? c.endpoint->message_bytes_max : kInflatedMax;
  c.inflate->clear();
  for (const FrameBytes& f : frames)
    if (auto added = c.inflate->add(f, bytes_max); !added)
      events_.on_error({ErrorKind::kProtocol, c.url, added.error().text, manifest().venue_name}, false);
  return c.inflate->frames();
}

void Runner::on_pong(std::uint32_t) {}  // a pong is no data: liveness is by payload

void Runner::on_closed(std::uint32_t id, std::uint64_t generation, int code, const std::string& reason) {
  const auto it = connections_.find(id);
  if (it == connections_.end() || it->second.generation != generation) return;
  if (it->second.state != Connection::State::kDialing && it->second.state != Connection::State::kOpen) return;
  it->second.state = Connection::State::kIdle;
  lost(id, code, reason, false);
}

/// A connection is gone: tell everybody, dial again after back-off. `cut` says that we still hold the socket.
void Runner::lost(std::uint32_t id, int code, const std::string& reason, bool cut) {
  const auto it = connections_.find(id);
  if (it == connections_.end()) return;
  Connection& c = it->second;
  if (cut && (c.state == Connection::State::kDialing || c.state == Connection::State::kOpen)) transport_.close(id);
  c.state = Connection::State::kIdle;
  c.generation = ++generation_;
  c.backoff.closed();
  c.watchdog.reset();
  c.pinger.reset();
  ++c.losses;
  withdraw_prices(id);
  events_.on_connection(id, false, reason);
  if (options_.live) {
    const std::int64_t wait = account_refused_ ? kAuthRetryMs : c.backoff.next_ms();
    c.redial = transport_.after(wait, [this, id] { ask_dial(id); });
  }
  const auto tell = [this, id, code, reason] {
    feed(input(AND_IN_CLOSED, id, code), {}, json{{"reason", reason}});
  };
  if (inputs_.empty()) tell();
  else later(tell);
}

void Runner::watch(std::uint32_t id) {
  Connection& c = connections_.at(id);
  const auto* endpoint = c.endpoint;
  const std::int64_t idle_ms = endpoint ? endpoint->idle_ms : 60'000;
  if (idle_ms <= 0) return;
  c.watchdog = transport_.after(std::max<std::int64_t>(idle_ms / 4, 50), [this, id, idle_ms] {
    const auto it = connections_.find(id);
    if (it == connections_.end() || it->second.state != Connection::State::kOpen) return;
    // A public connection without a subscription has nothing to say.
    const bool expects = !options_.account.empty() || !wanted_.empty();
    const auto silent_ms = static_cast<std::int64_t>((clock_.mono_ns() - it->second.last_alive_mono_ns) / kNsPerMs);
    if (expects && silent_ms >= idle_ms) {
      lost(id, 0, "silent for " + std::to_string(silent_ms) + " ms: half-open or dead", true);
      return;
    }
    if (!expects) it->second.last_alive_mono_ns = clock_.mono_ns();
    watch(id);
  });
}

void Runner::start_ping(std::uint32_t id) {
  Connection& c = connections_.at(id);
  const auto* endpoint = c.endpoint;
  if (!endpoint || endpoint->ping.every_ms == 0) return;
  c.pinger = transport_.after(endpoint->ping.every_ms, [this, id, endpoint] {
    const auto it = connections_.find(id);
    if (it == connections_.end() || it->second.state != Connection::State::kOpen) return;
    if (endpoint->ping.text.empty()) transport_.ping(id);
    else if (!transport_.send(id, endpoint->ping.text, false)) return lost(id, 0, "cannot send a ping", true);
    start_ping(id);
  });
}

void Runner::withdraw_prices(std::uint32_t connection) {
  for (std::uint32_t id = 0; id < instrument_connection_.size(); ++id)
    if (instrument_connection_[id] == connection) {
      instrument_connection_[id] = 0;
      events_.on_withdrawn(id, true);
    }
}

std::vector<Runner::ConnectionView> Runner::connections() const {
  std::vector<ConnectionView> out;
  for (const auto& [id, c] : connections_)
    out.push_back({id, c.url, c.state == Connection::State::kOpen, c.last_alive_mono_ns, c.losses});
  return out;
}

// -- records --------------------------------------------------------------------------------------------------------

void Runner::on_record(const and_rec& r) {
  switch (r.kind) {
    case AND_REC_PRICE: return on_price(as<and_rec_price>(r));
    case AND_REC_INSTRUMENT: return on_instrument(as<and_rec_instrument>(r));
    case AND_REC_CLOSE_POS: return on_close_pos(as<and_rec_close_pos>(r));
    case AND_REC_WATERMARK: {
      const auto& w = as<and_rec_watermark>(r);
      return events_.on_watermark(std::string(text_of(r, w.cursor)), w.version);
    }
    case AND_REC_DIAL: return on_dial(r.id);
    case AND_REC_OPEN: return on_open_record(as<and_rec_open>(r));
    case AND_REC_CLOSE: return on_close_record(as<and_rec_close>(r));
    case AND_REC_SEND: return enqueue(false, r, text_of(r, as<and_rec_send>(r).rate));
    case AND_REC_HTTP: return enqueue(true, r, text_of(r, as<and_rec_http>(r).rate));
    case AND_REC_TIMER: return on_timer_record(as<and_rec_timer>(r));
    case AND_REC_BALANCE: {
      const auto& b = as<and_rec_balance>(r);
      const auto total = plugin::decimal_of(b.total), available = plugin::decimal_of(b.available);
      if (!total || !available || ((b.total.flags | b.available.flags) & AND_DEC_INEXACT)) return;
      return events_.on_balance({manifest().venue_name, options_.account, std::string(text_of(r, b.currency)), *total, *available});
    }
    case AND_REC_STATUS: {
      const auto& s = as<and_rec_status>(r);
      const auto state = s.state == AND_STATE_READY ? FeedState::kReady : s.state == AND_STATE_FAILED ? FeedState::kFailed : FeedState::kResync;
      return events_.on_status(text_of(r, s.feed), state, text_of(r, s.detail));
    }
    case AND_REC_COVERAGE: {
      const auto& c = as<and_rec_coverage>(r);
      return events_.on_coverage(c.from_ms, c.to_ms, c.proven != 0, text_of(r, c.reason));
    }
    case AND_REC_ACCOUNT: return on_account(as<and_rec_account>(r));
    case AND_REC_CLOCK: return on_clock(as<and_rec_clock>(r));
    case AND_REC_FUNDING: return on_funding(as<and_rec_funding>(r));
    case AND_REC_RATE: {
      const auto& l = as<and_rec_rate>(r);
      return outbound_->learned(text_of(r, l.rate), l.remaining, l.reset_ms);
    }
    case AND_REC_LOG: {
      const auto& l = as<and_rec_log>(r);
      const auto level = l.level >= AND_LOG_WARN ? spdlog::level::warn : l.level == AND_LOG_INFO ? spdlog::level::info : spdlog::level::debug;
      spdlog::log(level, "[{}] {}", options_.label, text_of(r, l.text));
      return;
    }
    case AND_REC_ERROR: {
      const auto& e = as<and_rec_error>(r);
      const ErrorKind kind = e.code == AND_E_AUTH ? ErrorKind::kAuth : e.code == AND_E_FATAL ? ErrorKind::kFatal : ErrorKind::kProtocol;
      return events_.on_error({kind, feed_text(text_of(r, e.where)), feed_text(text_of(r, e.text)), manifest().venue_name}, false);
    }
    case AND_REC_REPLY: {
      const auto& a = as<and_rec_reply>(r);
      return events_.on_reply(r.id, a.status, text_of(r, a.content_type), text_of(r, a.body));
    }
    default: return;
  }
}

void Runner::on_price(const and_rec_price& r) {
  data_seen_ = true;
  if (r.h.flags & AND_PRICE_WITHDRAWN) return events_.on_withdrawn(r.h.id, false);
  if ((r.bid.flags | r.ask.flags) & AND_DEC_ABSENT) return events_.on_withdrawn(r.h.id, false);
  if (r.h.id >= instrument_connection_.size()) instrument_connection_.resize(std::size_t{r.h.id} + 1, 0);
  instrument_connection_[r.h.id] = current_connection_;
  const and_in* const in = input_of(r.h.ref_seq);
  events_.on_price({.instrument = r.h.id,
                    .bid = plugin::decimal_or_zero(r.bid),
                    .ask = plugin::decimal_or_zero(r.ask),
                    .bid_size = plugin::decimal_or_zero(r.bid_size),
                    .ask_size = plugin::decimal_or_zero(r.ask_size),
                    .venue_ms = r.h.flags & AND_PRICE_TIME_UNUSABLE ? 0 : r.venue_ms,
                    .received_mono_ns = in ? in->mono_ns : 0,
                    .received_ms = in ? in->wall_ms : 0});
}

void Runner::on_instrument(const and_rec_instrument& r) {
  InstrumentReport report;
  report.id = r.h.id;
  Instrument& i = report.instrument;
  i.venue = manifest().venue_name;
  i.native = text_of(r.h, r.native);
  i.market = text_of(r.h, r.market);
  i.base = text_of(r.h, r.base);
  i.quote = text_of(r.h, r.quote);
  i.settle = text_of(r.h, r.settle);
  i.kind = r.kind <= AND_KIND_INVERSE_DATED ? static_cast<InstrumentKind>(r.kind) : InstrumentKind::kUnknown;
  i.contract_size = plugin::decimal_of(r.contract_size).value_or(Decimal(1));
  i.tick = plugin::decimal_of(r.tick).value_or(Decimal());
  i.no_canonical = (r.h.flags & AND_INSTRUMENT_NO_CANONICAL) != 0;
  i.pnl_split_over_time = (r.h.flags & AND_INSTRUMENT_PNL_SPLIT) != 0;
  report.described = !i.base.empty() && !i.quote.empty();
  std::string_view aliases = text_of(r.h, r.aliases);
  while (!aliases.empty()) {
    const std::size_t end = std::min(aliases.find('\n'), aliases.size());
    if (end > 0) report.aliases.emplace_back(aliases.substr(0, end));
    aliases.remove_prefix(std::min(end + 1, aliases.size()));
  }
  events_.on_instrument(report);
}

void Runner::on_close_pos(const and_rec_close_pos& r) {
  data_seen_ = true;
  CloseReport report;
  ClosedPosition& p = report.position;
  p.venue = manifest().venue_name;
  p.account = options_.account;
  p.id = text_of(r.h, r.close_id);
  p.symbol = p.native_symbol = text_of(r.h, r.symbol);
  p.market = text_of(r.h, r.market);
  p.side = r.side == AND_SIDE_SHORT ? Side::kShort : Side::kLong;
  p.entry_price = plugin::decimal_of(r.entry);
  p.exit_price = plugin::decimal_of(r.exit);
  p.size = plugin::decimal_of(r.size);
  const auto pnl = plugin::decimal_of(r.pnl);
  p.pnl = pnl.value_or(Decimal());
  p.fee = plugin::decimal_of(r.fee).value_or(Decimal());
  p.inside = plugin::decimal_of(r.funding).value_or(Decimal());
  p.pnl_text = text_of(r.h, r.pnl_raw);
  p.fee_text = text_of(r.h, r.fee_raw);
  p.currency = text_of(r.h, r.currency);
  p.fee_currency = text_of(r.h, r.fee_currency);
  if (p.fee_currency.empty()) p.fee_currency = p.currency;
  p.closed_ms = r.closed_ms;
  p.origin = r.origin == AND_ORIGIN_HISTORY ? Origin::kHistory : r.origin == AND_ORIGIN_INBOUND ? Origin::kInbound : Origin::kStream;
  p.entry_derived = (r.h.flags & AND_CLOSE_ENTRY_DERIVED) != 0;
  p.size_derived = (r.h.flags & AND_CLOSE_SIZE_DERIVED) != 0;
  p.hold_reason = text_of(r.h, r.hold);
  if (!pnl) p.hold_reason = "the venue's frame has no pnl";
  if ((r.pnl.flags | r.fee.flags) & AND_DEC_INEXACT) p.hold_reason = "pnl or fee has more digits than can be kept exactly";
  if (r.side != AND_SIDE_LONG && r.side != AND_SIDE_SHORT) p.hold_reason = "the side of the closed position is unknown";
  // A wrong decoder in a plugin is caught here, before money moves: the venue's characters must say the same number.
  if (!p.pnl_text.empty() && pnl) {
    const auto raw = Decimal::parse(p.pnl_text);
    if (!raw || *raw != *pnl) p.hold_reason = "the plugin's pnl " + pnl->to_string() + " is not the venue's text " + p.pnl_text;
  }
  p.evidence = evidence_of(r.h.ref_seq);
  if (const and_in* in = input_of(r.h.ref_seq); in && in->kind == AND_IN_INBOUND)
    p.body.assign(reinterpret_cast<const char*>(in->data.p), in->data.len);
  report.size_in_contracts = (r.h.flags & AND_CLOSE_SIZE_IN_BASE) == 0;
  report.ref_seq = r.h.ref_seq;
  events_.on_close(std::move(report));
}

/// The input a record names; sequence numbers of one step are consecutive.
const and_in* Runner::input_of(std::uint64_t seq) const {
  if (inputs_.empty()) return nullptr;
  const std::uint64_t index = seq - inputs_.front()->seq;
  return inputs_[index < inputs_.size() ? index : 0];
}

std::string Runner::evidence_of(std::uint64_t seq) const {
  const and_in* in = input_of(seq);
  if (!in) return {};
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(in->data.p, in->data.len, digest.data());
  return to_hex(digest).substr(2);
}

void Runner::on_account(const and_rec_account& r) {
  events_.on_account({std::string(text_of(r.h, r.uid)), std::string(text_of(r.h, r.detail)), r.can_trade, r.can_withdraw,
                      r.can_transfer, r.ip_bound, r.sub_account, r.expires_ms});
}

void Runner::on_clock(const and_rec_clock& r) {
  const auto it = requests_.find(r.h.id);
  if (it == requests_.end() || !options_.live) return;
  const InFlight& f = it->second;
  skew_.add({f.sent_mono_ns, f.received_mono_ns, r.venue_ms, r.resolution_ms});
}

void Runner::on_funding(const and_rec_funding& r) {
  const auto rate = plugin::decimal_of(r.rate);
  if (!rate) return;
  events_.on_funding({r.h.id, *rate, plugin::decimal_of(r.next_rate), r.due_ms, r.venue_ms});
}

void Runner::on_timer_record(const and_rec_timer& r) {
  const std::uint32_t id = r.h.id;
  if (r.h.flags & AND_TIMER_CANCEL) {
    timers_.erase(id);
    return;
  }
  timers_[id] = transport_.after(static_cast<std::int64_t>(r.delay_ms), [this, id] {
    const auto it = timers_.find(id);
    if (it == timers_.end()) return;
    const auto keep = std::move(it->second);  // alive until the callback it owns has returned
    timers_.erase(it);
    current_connection_ = 0;
    feed(input(AND_IN_TIMER, id, 0), {}, {});
  });
}

void Runner::on_dial(std::uint32_t id) {
  // An instance that is here for its instrument list only needs no stream.
  if (options_.account.empty() && std::find(options_.feeds.begin(), options_.feeds.end(), "prices") == options_.feeds.end()) return;
  if (!connections_.try_emplace(id, clock_, random_).second) return;
  later([this, id] { ask_dial(id); });
}

void Runner::on_open_record(const and_rec_open& r) {
  const auto it = connections_.find(r.h.id);
  if (it == connections_.end() || it->second.state == Connection::State::kDialing || it->second.state == Connection::State::kOpen) {
    events_.on_error({ErrorKind::kProtocol, options_.label, "the plugin opened a connection that was not due"}, false);
    return;
  }
  Connection& c = it->second;
  c.redial.reset();
  const auto* endpoint = c.endpoint = manifest().endpoint(text_of(r.h, r.endpoint));
  if (options_.live && endpoint && !endpoint->rate.empty() && !may_connect(r.h.id, c)) return;
  auto target = outbound_->open(r, endpoint ? endpoint->open_ms : 10'000);
  if (!target) {
    events_.on_error(target.error(), false);
    const std::uint32_t id = r.h.id;
    c.state = Connection::State::kIdle;
    if (options_.live) c.redial = transport_.after(c.backoff.next_ms(), [this, id] { ask_dial(id); });
    return;
  }
  c.state = Connection::State::kDialing;
  c.generation = ++generation_;
  c.url = target->url;
  c.inflate = r.decode == AND_DECODE_NONE ? nullptr : std::make_shared<Inflate>(r.decode);
  target->connection = r.h.id;
  target->generation = c.generation;
  if (endpoint) target->message_bytes_max = endpoint->message_bytes_max;
  transport_.open(std::move(*target));
}

/// Connecting has its budget per address: over it the plugin is asked again when there is room, so that whatever it
/// signed or fetched for this dial is made anew.
bool Runner::may_connect(std::uint32_t id, Connection& c) {
  const auto permit = outbound_->acquire(c.endpoint->rate, 1);
  if (permit && permit->ready) return true;
  if (!permit) events_.on_error(permit.error(), false);
  c.state = Connection::State::kIdle;
  const std::int64_t wait = permit ? permit->delay_ms : c.backoff.next_ms();
  c.redial = transport_.after(wait, [this, id] { ask_dial(id); });
  return false;
}

void Runner::on_close_record(const and_rec_close& r) {
  const auto it = connections_.find(r.h.id);
  if (it == connections_.end()) return;
  const std::string reason(text_of(r.h, r.reason));
  if (r.h.flags & AND_CLOSE_REDIAL) {
    lost(r.h.id, 0, reason, true);
    return;
  }
  if (it->second.state == Connection::State::kDialing || it->second.state == Connection::State::kOpen) transport_.close(r.h.id);
  withdraw_prices(r.h.id);
  events_.on_connection(r.h.id, false, reason);
  connections_.erase(it);
  ++connections_forgotten_;
}

// -- what leaves ----------------------------------------------------------------------------------------------------

void Runner::enqueue(bool is_http, const and_rec& r, std::string_view rate_class) {
  const std::string key(rate_class);
  auto& queue = waiting_[key];
  if (queue.size() >= kWaitingPerClassMax) {
    const Error why{ErrorKind::kRetryable, options_.label, "more than 10,000 requests wait for rate class '" + key + "'"};
    events_.on_error(why, false);
    if (is_http) refuse_request(r.id, why);
    return;
  }
  Pending p;
  p.is_http = is_http;
  p.record.resize((r.size + 7) / 8);
  std::memcpy(p.record.data(), &r, r.size);
  if (!is_http) {
    const auto it = connections_.find(r.id);
    if (it == connections_.end() || it->second.state != Connection::State::kOpen) return;  // its OPENED sends it again
    p.generation = it->second.generation;
  }
  queue.push_back(std::move(p));
  if (queue.size() == 1) drain(key);
}

void Runner::drain(const std::string& rate_class) {
  auto& queue = waiting_[rate_class];
  while (!queue.empty()) {
    const auto& r = *reinterpret_cast<const and_rec*>(queue.front().record.data());
    const std::uint32_t cost = queue.front().is_http ? as<and_rec_http>(r).cost : as<and_rec_send>(r).cost;
    if (options_.live) {
      const auto permit = outbound_->acquire(rate_class, cost);
      if (!permit) {  // a class that does not exist, or more than it can ever give: this record can never leave
        const Pending p = std::move(queue.front());
        queue.pop_front();
        events_.on_error(permit.error(), false);
        if (p.is_http) refuse_request(reinterpret_cast<const and_rec*>(p.record.data())->id, permit.error());
        continue;
      }
      if (!permit->ready) {
        if (!permit->after_release)
          wake_[rate_class] = transport_.after(permit->delay_ms, [this, rate_class] { drain(rate_class); });
        return;
      }
    }
    const Pending p = std::move(queue.front());
    queue.pop_front();
    const auto& record = *reinterpret_cast<const and_rec*>(p.record.data());
    if (p.is_http) {
      request_now(as<and_rec_http>(record));
    } else {
      const auto it = connections_.find(record.id);
      if (it != connections_.end() && it->second.generation == p.generation) send_now(as<and_rec_send>(record));
    }
  }
}

void Runner::send_now(const and_rec_send& r) {
  Connection& c = connections_.at(r.h.id);
  auto frame = outbound_->frame(r, c.endpoint ? std::string_view(c.endpoint->id) : std::string_view());
  if (!frame) {
    events_.on_error(frame.error(), false);
    return;
  }
  if (!transport_.send(r.h.id, *frame, r.opcode == 2)) {
    const std::uint32_t id = r.h.id;
    later([this, id, generation = c.generation] {
      const auto it = connections_.find(id);
      if (it != connections_.end() && it->second.generation == generation) lost(id, 0, "cannot send", true);
    });
  }
}

void Runner::request_now(const and_rec_http& r) {
  auto call = outbound_->request(r);
  if (!call) {
    events_.on_error(call.error(), false);
    outbound_->answered(text_of(r.h, r.rate), {});
    refuse_request(r.h.id, call.error());
    return;
  }
  InFlight f;
  f.rate_class = text_of(r.h, r.rate);
  f.sent_mono_ns = clock_.mono_ns();
  requests_[r.h.id] = std::move(f);
  transport_.request(std::move(*call));
}

void Runner::refuse_request(std::uint32_t id, const Error& why) {
  later([this, id, text = why.to_string()] {
    feed(input(AND_IN_HTTP_DONE, id, AND_HTTP_REFUSED), {}, json{{"headers", json::object()}, {"reason", text}});
  });
}

void Runner::on_answer(std::uint32_t id, const HttpAnswer& answer) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  it->second.received_mono_ns = clock_.mono_ns();
  const std::string rate_class = it->second.rate_class;
  outbound_->answered(rate_class, answer);
  outbound_->redact_answer(answer.body);
  json headers = json::object();
  for (const auto& [name, value] : answer.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto& wanted = manifest().reply_headers;
    if (std::find(wanted.begin(), wanted.end(), lower) != wanted.end()) headers[lower] = value;
  }
  if (answer.status <= 0) {
    spdlog::debug("[{}] no answer to request {}: {}", options_.label, id, answer.reason);
    events_.on_error({answer.certificate ? ErrorKind::kAuth : ErrorKind::kRetryable, options_.label, answer.reason, manifest().venue_name}, false);
  }
  current_connection_ = 0;
  feed(input(AND_IN_HTTP_DONE, id, answer.status > 0 ? answer.status : AND_HTTP_TRANSPORT), answer.body,
       json{{"headers", headers}, {"reason", answer.reason}});
  requests_.erase(id);
  drain(rate_class);
}

/// Runs after the current step: records are taken inside a step, where the plugin must not be called again.
void Runner::later(std::function<void()> fn) {
  transport_.post([alive = std::weak_ptr<bool>(alive_), fn = std::move(fn)] {
    if (alive.lock()) fn();
  });
}

}  // namespace anduin::venue
