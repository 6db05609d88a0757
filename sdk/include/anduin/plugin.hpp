// The C++20 layer that venue authors write against: derive from Venue, override what the venue needs, call the
// protected members to say what should happen, end the file with ANDUIN_PLUGIN(YourClass).
// Thread: one call at a time per object; objects share nothing, so no mutable globals.
// Lifetime: frames, replies and views are valid until the callback returns; texts handed out are copied by the host.
// Compiled into the plugin, no ABI promise of its own: plugin.h is the border.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "anduin/decimal.hpp"
#include "anduin/json.hpp"
#include "anduin/json_reader.hpp"
#include "anduin/plugin.h"

namespace anduin {

using ConnId = std::uint32_t;        ///< a connection, numbered by the plugin
using RequestId = std::uint32_t;
using TimerId = std::uint32_t;
using InstrumentId = std::uint32_t;

/// Thrown when the venue refuses the credentials: the host stops dialling this account and says so.
struct AuthRefused : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Thrown by a constructor when the options cannot work together; `pointer` is a JSON pointer into the options.
struct BadOption : std::runtime_error {
  BadOption(std::string pointer_, const std::string& what) : std::runtime_error(what), pointer(std::move(pointer_)) {}
  std::string pointer;
};

namespace venue {

/// The options of the pipeline file, checked against the manifest's schema, defaults filled in.
class Options {
 public:
  Options(const char* text, std::size_t size) : root_(json::View::parse(text, size)) {}
  [[nodiscard]] bool is_account() const { return root_["instance"] == "account"; }
  [[nodiscard]] std::string text(std::string_view name) const { return root_["options"][name].text(); }
  [[nodiscard]] std::int64_t integer(std::string_view name) const { return root_["options"][name].i64(); }
  /// A list, or "a,b" written as one text.
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const {
    std::vector<std::string> out;
    const json::View v = root_["options"][name];
    for (const json::View e : v) out.push_back(e.text());
    if (!v.is_array()) {
      const std::string all = v.text();
      for (std::size_t at = 0; at < all.size();) {
        const std::size_t comma = std::min(all.find(',', at), all.size());
        if (comma > at) out.push_back(all.substr(at, comma - at));
        at = comma + 1;
      }
    }
    return out;
  }

 private:
  json::View root_;
};

struct Frame {
  ConnId connection;
  bool binary;
  std::string_view text;
  [[nodiscard]] json::View json() const { return json::View::parse(text.data(), text.size()); }
  [[nodiscard]] json::Reader reader() const { return {text.data(), text.size()}; }
};

struct Reply {
  int status;             ///< HTTP status, or AND_HTTP_TRANSPORT / AND_HTTP_REFUSED
  std::string_view body;
  json::View meta;
  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
  [[nodiscard]] json::View json() const { return json::View::parse(body.data(), body.size()); }
  /// A header by its lower-case name; absent unless the manifest names it under `reply_headers`.
  [[nodiscard]] json::View header(std::string_view name) const { return meta["headers"][name]; }
  /// Why there is no answer.
  [[nodiscard]] std::string reason() const { return meta["reason"].text(); }
};

struct Request {
  std::string_view endpoint;             ///< id in the manifest
  std::string_view target;               ///< path and query, a template
  std::string_view method = "GET";
  std::string_view body = {};            ///< a template
  std::string_view headers = {};         ///< "Name: value\n" lines, a template
  std::string_view sign = {};            ///< a sign program of the manifest
  std::string_view args = {};            ///< JSON object: its arguments
  std::string_view rate = {};            ///< a rate class of the manifest
  std::uint32_t cost = 1;
  std::uint32_t timeout_ms = 10'000;
  bool idempotent = true;                ///< may be repeated on a broken keep-alive connection
};

struct OpenOptions {
  std::string_view url = {}, target = {}, headers = {};
  std::uint32_t decode = AND_DECODE_NONE;
};
struct SendOptions {
  std::string_view sign = {}, args = {}, rate = {};
  std::uint32_t cost = 1;
  bool binary = false;
};

struct InstrumentInfo {
  std::string_view native = {}, base = {}, quote = {}, settle = {}, market = {}, aliases = {};
  std::uint32_t kind = AND_KIND_UNKNOWN;
  std::optional<Decimal> contract_size = {}, tick = {};
  std::uint32_t flags = 0;
  std::string_view key = {};  ///< what makes it unique where native names repeat over markets; empty = native
};

struct ClosedPosition {
  std::string_view id;      ///< by the venue sheet's rule; the same from stream and history
  std::string_view symbol;  ///< native
  std::string_view market, currency, fee_currency;
  std::string_view pnl_raw, fee_raw;  ///< the venue's own characters
  std::string_view hold = {};         ///< why a person must look, if so
  bool is_long = true;
  std::uint32_t origin = AND_ORIGIN_STREAM;
  std::int64_t closed_ms = 0;
  std::optional<Decimal> entry = {}, exit = {}, size = {}, fee = {}, funding = {};
  Decimal pnl;
  std::uint32_t flags = 0;  ///< AND_CLOSE_*
};

struct AccountInfo {
  std::string_view uid = {}, detail = {};
  std::uint32_t can_trade = AND_TRI_UNKNOWN, can_withdraw = AND_TRI_UNKNOWN, can_transfer = AND_TRI_UNKNOWN,
                ip_bound = AND_TRI_UNKNOWN, sub_account = AND_TRI_UNKNOWN;
  std::int64_t expires_ms = 0;
};

/// A request that came in through the host's webhook listener; the host has proven who sent it.
struct Inbound {
  std::uint32_t id;        ///< for reply()
  std::uint64_t seq;       ///< CloseResult::seq of the closes emitted for it
  std::string_view body;
  std::string path, identity;  ///< identity: the key's public name
  [[nodiscard]] json::View json() const { return json::View::parse(body.data(), body.size()); }
};
/// What became of a close that an inbound request reported: it is durable now, whatever the outcome.
struct CloseResult {
  std::uint64_t seq;    ///< of the request
  std::string id;       ///< the close id
  std::string outcome;  ///< accepted, duplicate, conflict, held, refused
  std::string ref_id, reason;
};

/// Where an account instance resumes. Handed to every dial and open.
struct Resume {
  std::string_view watermark;     ///< the last durable cursor; empty = none yet
  std::int64_t settle_from_ms;    ///< nothing before this is settled
};

}  // namespace venue

namespace detail {

inline and_dec to_abi(const Decimal& d) {
  const auto m = static_cast<Decimal::Unsigned>(d.mantissa());
  return {static_cast<std::uint64_t>(m), static_cast<std::int64_t>(m >> 64U), d.exp10(), 0};
}
inline and_dec to_abi(const std::optional<Decimal>& d) { return d ? to_abi(*d) : and_dec{0, 0, 0, AND_DEC_ABSENT}; }

/// Lays a record out: the fixed part, then its texts.
template <class Fixed>
class Record {
 public:
  Record(std::vector<char>& buffer, std::uint16_t kind, std::uint32_t id, std::uint32_t flags, std::uint64_t seq)
      : buffer_(buffer) {
    buffer_.assign(sizeof(Fixed), '\0');
    auto& h = *reinterpret_cast<and_rec*>(&fixed());
    h.kind = kind;
    h.fixed = sizeof(Fixed);
    h.id = id;
    h.flags = flags;
    h.ref_seq = seq;
  }
  [[nodiscard]] Fixed& fixed() { return *reinterpret_cast<Fixed*>(buffer_.data()); }
  Record& text(and_ref Fixed::*field, std::string_view value) {
    if (value.empty()) return *this;
    const auto off = static_cast<std::uint32_t>(buffer_.size());
    buffer_.insert(buffer_.end(), value.begin(), value.end());
    fixed().*field = {off, static_cast<std::uint32_t>(value.size())};
    return *this;
  }
  [[nodiscard]] const and_rec* done() {
    buffer_.resize((buffer_.size() + 7) & ~std::size_t{7}, '\0');
    auto* h = reinterpret_cast<and_rec*>(buffer_.data());
    h->size = static_cast<std::uint32_t>(buffer_.size());
    return h;
  }

 private:
  std::vector<char>& buffer_;
};

/// Native names to small ids; open addressing, no allocation on a hit.
class NameTable {
 public:
  /// The id of the name, or 0 (ids begin with 1).
  [[nodiscard]] InstrumentId find(std::string_view name) const {
    if (slots_.empty()) return 0;
    for (std::size_t i = hash(name) & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const InstrumentId id = slots_[i];
      if (id == 0 || names_[id - 1] == name) return id;
    }
  }
  InstrumentId add(std::string_view name) {
    names_.emplace_back(name);
    if (names_.size() * 2 > slots_.size()) {
      slots_.assign(slots_.empty() ? 64 : slots_.size() * 2, 0);
      for (std::size_t i = 0; i < names_.size(); ++i) place(static_cast<InstrumentId>(i + 1));
    } else {
      place(static_cast<InstrumentId>(names_.size()));
    }
    return static_cast<InstrumentId>(names_.size());
  }
  [[nodiscard]] const std::string& name(InstrumentId id) const { return names_[id - 1]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 private:
  static std::size_t hash(std::string_view s) {
    const auto word = [&s](std::size_t at, auto as) {
      std::memcpy(&as, s.data() + at, sizeof as);
      return std::uint64_t{as};
    };
    std::uint64_t h = s.size() * 0x9E3779B97F4A7C15U;
    const auto mix = [&h](std::uint64_t w) {
      h = (h ^ w) * 0xFF51AFD7ED558CCDU;
      h ^= h >> 32U;
    };
    // Whole words, the last ones overlapping: no copy of a length that is not known.
    if (s.size() >= 8) {
      for (std::size_t at = 0; at + 8 < s.size(); at += 8) mix(word(at, std::uint64_t{}));
      mix(word(s.size() - 8, std::uint64_t{}));
    } else if (s.size() >= 4) {
      mix(word(0, std::uint32_t{}) << 32U | word(s.size() - 4, std::uint32_t{}));
    } else {
      for (const char c : s) mix(static_cast<unsigned char>(c));
    }
    return h;
  }
  void place(InstrumentId id) {
    std::size_t i = hash(names_[id - 1]) & (slots_.size() - 1);
    while (slots_[i] != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = id;
  }
  std::vector<std::string> names_;
  std::vector<InstrumentId> slots_;
};

struct Glue;

}  // namespace detail

/// One instance: the public side of a venue, or one account. Override what the venue needs.
class Venue {
 public:
  virtual ~Venue() = default;
  Venue() = default;
  Venue(const Venue&) = delete;
  Venue& operator=(const Venue&) = delete;

  /// Once, first. Ask for instruments here, and dial() the connections that are wanted.
  virtual void on_start() {}
  /// Native names to subscribe and to unsubscribe; the host resolved them from the instrument list.
  virtual void on_symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed) {
    (void)added, (void)removed;
  }
  /// A connection is due: open() it, now or after a request for a token.
  virtual void on_dial(ConnId) {}
  /// It is open: log in, subscribe.
  virtual void on_open(ConnId) {}
  virtual void on_close(ConnId, int code, std::string_view reason) { (void)code, (void)reason; }
  virtual void on_frame(const venue::Frame&) {}
  /// Somebody wants the balance: request it, then balance().
  virtual void on_balance_query() { failed("balance", "this venue plugin does not offer balances"); }
  /// The outcome of a commit failed: emit again from the cursor in resume().
  virtual void on_cursor() {}
  /// A request of the manifest's `inbound` endpoint: reply() now, or after on_close_result.
  virtual void on_inbound(const venue::Inbound&) {}
  /// A close emitted from on_inbound is durable, or refused for good.
  virtual void on_close_result(const venue::CloseResult&) {}

 protected:
  // -- connections ------------------------------------------------------------------------------------------------
  /// Keeps a connection alive from now on: on_dial at once, and again after every loss, with back-off, for ever.
  void dial(ConnId c) { emit_plain(AND_REC_DIAL, c, 0); }
  /// The answer to on_dial; endpoint is an id of the manifest.
  void open(ConnId c, std::string_view endpoint, const venue::OpenOptions& o = {}) {
    detail::Record<and_rec_open> r(buffer_, AND_REC_OPEN, c, 0, seq_);
    r.fixed().decode = o.decode;
    r.text(&and_rec_open::endpoint, endpoint).text(&and_rec_open::url, o.url);
    r.text(&and_rec_open::target, o.target).text(&and_rec_open::headers, o.headers);
    emit(r.done());
  }
  void close(ConnId c, std::string_view reason) { emit_close(c, 0, reason); }
  /// Closes and dials again after back-off.
  void redial(ConnId c, std::string_view reason) { emit_close(c, AND_CLOSE_REDIAL, reason); }
  /// The payload is a template: {{key}}, {{sig}}, {{ts_ms}}, ... are filled by the host when it is sent.
  void send(ConnId c, std::string_view payload, const venue::SendOptions& o = {}) {
    detail::Record<and_rec_send> r(buffer_, AND_REC_SEND, c, 0, seq_);
    r.fixed().opcode = o.binary ? 2 : 1;
    r.fixed().cost = o.cost;
    r.text(&and_rec_send::payload, payload).text(&and_rec_send::sign, o.sign);
    r.text(&and_rec_send::args, o.args).text(&and_rec_send::rate, o.rate);
    emit(r.done());
  }

  // -- requests and timers ----------------------------------------------------------------------------------------
  /// Sends a request; `done` runs exactly once, with the answer or with the reason why there is none.
  RequestId http(const venue::Request& q, std::function<void(const venue::Reply&)> done) {
    const RequestId id = ++last_request_;
    requests_.emplace(id, std::move(done));
    detail::Record<and_rec_http> r(buffer_, AND_REC_HTTP, id, q.idempotent ? AND_HTTP_IDEMPOTENT : 0U, seq_);
    r.fixed().timeout_ms = q.timeout_ms;
    r.fixed().cost = q.cost;
    r.text(&and_rec_http::endpoint, q.endpoint).text(&and_rec_http::method, q.method);
    r.text(&and_rec_http::target, q.target).text(&and_rec_http::headers, q.headers);
    r.text(&and_rec_http::body, q.body).text(&and_rec_http::sign, q.sign);
    r.text(&and_rec_http::args, q.args).text(&and_rec_http::rate, q.rate);
    emit(r.done());
    return id;
  }
  /// Runs `fn` once after `delay_ms`.
  TimerId after(std::uint64_t delay_ms, std::function<void()> fn) {
    const TimerId id = ++last_timer_;
    timers_.emplace(id, std::move(fn));
    detail::Record<and_rec_timer> r(buffer_, AND_REC_TIMER, id, 0, seq_);
    r.fixed().delay_ms = delay_ms;
    emit(r.done());
    return id;
  }
  void cancel(TimerId id) {
    if (timers_.erase(id) == 0) return;
    detail::Record<and_rec_timer> r(buffer_, AND_REC_TIMER, id, AND_TIMER_CANCEL, seq_);
    emit(r.done());
  }

  /// The answer to an inbound request, once. After a few seconds without one the host answers 503 by itself.
  void reply(std::uint32_t inbound, std::int32_t status, std::string_view body,
             std::string_view content_type = "application/json") {
    detail::Record<and_rec_reply> r(buffer_, AND_REC_REPLY, inbound, 0, seq_);
    r.fixed().status = status;
    r.text(&and_rec_reply::content_type, content_type).text(&and_rec_reply::body, body);
    emit(r.done());
  }

  // -- what the venue said ----------------------------------------------------------------------------------------
  /// The id of a native name; a name seen for the first time is announced without a description.
  InstrumentId instrument(std::string_view native) {
    if (const InstrumentId id = names_.find(native)) return id;
    return describe({.native = native});
  }
  /// Describes an instrument (again): the host derives its canonical name.
  InstrumentId describe(const venue::InstrumentInfo& i) {
    const std::string_view key = i.key.empty() ? i.native : i.key;
    InstrumentId id = names_.find(key);
    if (id == 0) id = names_.add(key);
    detail::Record<and_rec_instrument> r(buffer_, AND_REC_INSTRUMENT, id, i.flags, seq_);
    r.fixed().kind = i.kind;
    r.fixed().contract_size = detail::to_abi(i.contract_size);
    r.fixed().tick = detail::to_abi(i.tick);
    r.text(&and_rec_instrument::native, i.native).text(&and_rec_instrument::base, i.base);
    r.text(&and_rec_instrument::quote, i.quote).text(&and_rec_instrument::settle, i.settle);
    r.text(&and_rec_instrument::market, i.market).text(&and_rec_instrument::aliases, i.aliases);
    emit(r.done());
    return id;
  }
  /// Best bid and ask; sizes in native contracts, zero where the venue gives none; venue_ms 0 = not said.
  void price(InstrumentId id, const Decimal& bid, const Decimal& ask, const Decimal& bid_size, const Decimal& ask_size,
             std::int64_t venue_ms, std::uint32_t flags = 0) {
    const and_rec_price r{{sizeof(and_rec_price), AND_REC_PRICE, sizeof(and_rec_price), id, flags, seq_},
                          detail::to_abi(bid), detail::to_abi(ask), detail::to_abi(bid_size), detail::to_abi(ask_size),
                          venue_ms};
    emit(&r.h);
  }
  /// No two-sided quote at the moment: the venue leaves the aggregate for this instrument.
  void withdraw(InstrumentId id) {
    const and_dec none{0, 0, 0, AND_DEC_ABSENT};
    const and_rec_price r{{sizeof(and_rec_price), AND_REC_PRICE, sizeof(and_rec_price), id, AND_PRICE_WITHDRAWN, seq_},
                          none, none, none, none, 0};
    emit(&r.h);
  }
  /// The funding rate of a perpetual, a fraction of one interval (positive: longs pay), paid at due_ms (0 = not said).
  void funding(InstrumentId id, const Decimal& rate, const std::optional<Decimal>& next_rate, std::int64_t due_ms,
               std::int64_t venue_ms) {
    const and_rec_funding r{{sizeof(and_rec_funding), AND_REC_FUNDING, sizeof(and_rec_funding), id, 0, seq_},
                            detail::to_abi(rate), detail::to_abi(next_rate), due_ms, venue_ms};
    emit(&r.h);
  }
  void closed(const venue::ClosedPosition& p) {
    using R = and_rec_close_pos;
    detail::Record<R> r(buffer_, AND_REC_CLOSE_POS, 0, p.flags, seq_);
    R& f = r.fixed();
    f.side = p.is_long ? AND_SIDE_LONG : AND_SIDE_SHORT;
    f.origin = p.origin;
    f.closed_ms = p.closed_ms;
    f.entry = detail::to_abi(p.entry);
    f.exit = detail::to_abi(p.exit);
    f.size = detail::to_abi(p.size);
    f.pnl = detail::to_abi(p.pnl);
    f.fee = detail::to_abi(p.fee);
    f.funding = detail::to_abi(p.funding);
    r.text(&R::close_id, p.id).text(&R::symbol, p.symbol).text(&R::market, p.market).text(&R::currency, p.currency);
    r.text(&R::fee_currency, p.fee_currency).text(&R::pnl_raw, p.pnl_raw).text(&R::fee_raw, p.fee_raw);
    r.text(&R::hold, p.hold);
    emit(r.done());
  }
  /// Everything closed() since the last watermark is covered by this cursor once it is durable.
  void watermark(std::string_view cursor, std::uint32_t version = 1) {
    detail::Record<and_rec_watermark> r(buffer_, AND_REC_WATERMARK, 0, 0, seq_);
    r.fixed().version = version;
    r.text(&and_rec_watermark::cursor, cursor);
    emit(r.done());
  }
  void balance(std::string_view currency, const Decimal& total, const Decimal& available) {
    detail::Record<and_rec_balance> r(buffer_, AND_REC_BALANCE, 0, 0, seq_);
    r.fixed().total = detail::to_abi(total);
    r.fixed().available = detail::to_abi(available);
    r.text(&and_rec_balance::currency, currency);
    emit(r.done());
  }
  /// Feeds: "prices", "instruments", "positions", "balance".
  void ready(std::string_view feed, std::string_view detail = {}) { emit_status(feed, AND_STATE_READY, detail); }
  void resync(std::string_view feed, std::string_view detail) { emit_status(feed, AND_STATE_RESYNC, detail); }
  void failed(std::string_view feed, std::string_view detail) { emit_status(feed, AND_STATE_FAILED, detail); }
  /// A backfill looked at [from, to] and has, or could not have, seen all of it.
  void coverage(std::int64_t from_ms, std::int64_t to_ms, bool proven, std::string_view reason = {}) {
    detail::Record<and_rec_coverage> r(buffer_, AND_REC_COVERAGE, 0, 0, seq_);
    r.fixed().from_ms = from_ms;
    r.fixed().to_ms = to_ms;
    r.fixed().proven = proven ? 1 : 0;
    r.text(&and_rec_coverage::reason, reason);
    emit(r.done());
  }
  void account(const venue::AccountInfo& a) {
    detail::Record<and_rec_account> r(buffer_, AND_REC_ACCOUNT, 0, 0, seq_);
    and_rec_account& f = r.fixed();
    f.expires_ms = a.expires_ms;
    f.can_trade = a.can_trade;
    f.can_withdraw = a.can_withdraw;
    f.can_transfer = a.can_transfer;
    f.ip_bound = a.ip_bound;
    f.sub_account = a.sub_account;
    r.text(&and_rec_account::uid, a.uid).text(&and_rec_account::detail, a.detail);
    emit(r.done());
  }
  /// The venue's clock, as answered to a request of ours.
  void clock(RequestId request, std::int64_t venue_ms, std::uint32_t resolution_ms) {
    detail::Record<and_rec_clock> r(buffer_, AND_REC_CLOCK, request, 0, seq_);
    r.fixed().venue_ms = venue_ms;
    r.fixed().resolution_ms = resolution_ms;
    emit(r.done());
  }
  /// A limit that the venue stated in a body: remaining < 0 = not said; reset_ms in venue time, 0 = not said.
  void rate_limit(std::string_view rate, std::int64_t remaining, std::int64_t reset_ms) {
    detail::Record<and_rec_rate> r(buffer_, AND_REC_RATE, 0, 0, seq_);
    r.fixed().remaining = remaining;
    r.fixed().reset_ms = reset_ms;
    r.text(&and_rec_rate::rate, rate);
    emit(r.done());
  }
  void log(std::uint32_t level, std::string_view text) {
    detail::Record<and_rec_log> r(buffer_, AND_REC_LOG, 0, 0, seq_);
    r.fixed().level = level;
    r.text(&and_rec_log::text, text);
    emit(r.done());
  }
  void warn(std::string_view text) { log(AND_LOG_WARN, text); }
  /// Something was wrong with what the venue sent; `where` names the channel, row or member.
  void error(std::int32_t code, std::string_view where, std::string_view text) {
    detail::Record<and_rec_error> r(buffer_, AND_REC_ERROR, 0, 0, seq_);
    r.fixed().code = code;
    r.text(&and_rec_error::text, text).text(&and_rec_error::where, where);
    emit(r.done());
  }

  /// Calls fn(row) for each element. A row that cannot be read is reported, by its member `name`, and costs no other.
  /// The first complaint; empty when all were read.
  template <class Fn>
  std::string each_row(const json::View& list, std::string_view where, std::string_view name, Fn&& fn) {
    std::string complaint;
    const auto report = [&](const json::View& row, const std::exception& e) {
      error(AND_E_PROTOCOL, std::string(where) + " " + row[name].text(), e.what());
      if (complaint.empty()) complaint = e.what();
    };
    for (const json::View row : list) {
      try {
        fn(row);
      } catch (const BadFrame& e) {
        report(row, e);
      } catch (const DecimalError& e) {
        report(row, e);
      }
    }
    return complaint;
  }

  // -- what the input said ----------------------------------------------------------------------------------------
  /// Wall time of the current input, ms since the Unix epoch UTC.
  [[nodiscard]] std::int64_t now_ms() const { return wall_ms_; }
  /// False when the host started this instance without that feed ("instruments" only, say): no sockets for it.
  [[nodiscard]] bool wants_feed(std::string_view feed) const {
    return !feeds_said_ || std::find(feeds_.begin(), feeds_.end(), feed) != feeds_.end();
  }
  /// Where an account instance resumes; refreshed at start, dial, open and cursor.
  [[nodiscard]] venue::Resume resume() const { return {watermark_, settle_from_ms_}; }

 private:
  friend struct detail::Glue;

  void emit(const and_rec* r) {
    if (host_->emit(host_->ctx, r) != AND_OK) limit_hit_ = true;
  }
  void emit_plain(std::uint16_t kind, std::uint32_t id, std::uint32_t flags) {
    const and_rec r{sizeof(and_rec), kind, sizeof(and_rec), id, flags, seq_};
    emit(&r);
  }
  void emit_close(ConnId c, std::uint32_t flags, std::string_view reason) {
    detail::Record<and_rec_close> r(buffer_, AND_REC_CLOSE, c, flags, seq_);
    r.text(&and_rec_close::reason, reason);
    emit(r.done());
  }
  void emit_status(std::string_view feed, std::uint32_t state, std::string_view detail) {
    detail::Record<and_rec_status> r(buffer_, AND_REC_STATUS, 0, 0, seq_);
    r.fixed().state = state;
    r.text(&and_rec_status::feed, feed).text(&and_rec_status::detail, detail);
    emit(r.done());
  }

  void take_resume(const and_in& in) {
    watermark_.assign(reinterpret_cast<const char*>(in.data.p), in.data.len);
    const json::View meta = meta_of(in);
    if (const auto from = meta["settle_from"].i64_or_none()) settle_from_ms_ = *from;
  }
  static std::string_view bytes_of(const and_bytes& b) { return {reinterpret_cast<const char*>(b.p), b.len}; }
  static json::View meta_of(const and_in& in) {
    return in.meta.len == 0 ? json::View()
                            : json::View::parse(reinterpret_cast<const char*>(in.meta.p), in.meta.len);
  }

  void dispatch(const and_in& in) {
    seq_ = in.seq;
    wall_ms_ = in.wall_ms;
    switch (in.kind) {
      case AND_IN_FRAME: on_frame({in.id, in.code == 2, bytes_of(in.data)}); break;
      case AND_IN_HTTP_DONE: {
        const auto it = requests_.find(in.id);
        if (it == requests_.end()) break;
        const auto done = std::move(it->second);
        requests_.erase(it);
        done({in.code, bytes_of(in.data), meta_of(in)});
        break;
      }
      case AND_IN_TIMER: {
        const auto it = timers_.find(in.id);
        if (it == timers_.end()) break;
        const auto fn = std::move(it->second);
        timers_.erase(it);
        fn();
        break;
      }
      case AND_IN_START: {
        take_resume(in);
        const json::View feeds = meta_of(in)["feeds"];
        feeds_said_ = feeds.is_array();
        for (const json::View f : feeds) feeds_.push_back(f.text());
        on_start();
        break;
      }
      case AND_IN_SYMBOLS: {
        const json::View meta = meta_of(in);
        std::vector<std::string> added, removed;
        for (const json::View v : meta["added"]) added.push_back(v.text());
        for (const json::View v : meta["removed"]) removed.push_back(v.text());
        on_symbols(added, removed);
        break;
      }
      case AND_IN_DIAL_DUE: take_resume(in); on_dial(in.id); break;
      case AND_IN_OPENED: take_resume(in); on_open(in.id); break;
      case AND_IN_CLOSED: on_close(in.id, in.code, meta_of(in)["reason"].text()); break;
      case AND_IN_CURSOR: take_resume(in); on_cursor(); break;
      case AND_IN_QUERY: on_balance_query(); break;
      case AND_IN_INBOUND: {
        const json::View meta = meta_of(in);
        on_inbound({in.id, in.seq, bytes_of(in.data), meta["path"].text(), meta["identity"].text()});
        break;
      }
      case AND_IN_CLOSE_RESULT: {
        const json::View meta = meta_of(in);
        on_close_result({static_cast<std::uint64_t>(meta["ref_seq"].i64()), meta["id"].text(), meta["outcome"].text(),
                         meta["ref_id"].text(), meta["reason"].text()});
        break;
      }
      default: break;  // kinds of a newer host are not for us
    }
  }

  const and_host_v1* host_ = nullptr;
  std::uint64_t seq_ = 0;
  std::int64_t wall_ms_ = 0;
  std::int64_t settle_from_ms_ = 0;
  std::string watermark_;
  std::vector<std::string> feeds_;
  bool feeds_said_ = false;
  bool limit_hit_ = false;
  bool poisoned_ = false;
  RequestId last_request_ = 0;
  TimerId last_timer_ = 0;
  std::unordered_map<RequestId, std::function<void(const venue::Reply&)>> requests_;
  std::unordered_map<TimerId, std::function<void()>> timers_;
  detail::NameTable names_;
  std::vector<char> buffer_;
};

namespace detail {

/// Emits an ERROR record without a Venue at hand.
inline void emit_error(const and_host_v1* host, std::int32_t code, std::string_view where, std::string_view text,
                       std::uint64_t seq) noexcept {
  try {
    std::vector<char> buffer;
    Record<and_rec_error> r(buffer, AND_REC_ERROR, 0, 0, seq);
    r.fixed().code = code;
    r.text(&and_rec_error::text, text).text(&and_rec_error::where, where);
    (void)host->emit(host->ctx, r.done());
  } catch (...) {  // out of memory while reporting: the return code still says it
  }
}

/// The C functions around a Venue: nothing is thrown across the border.
struct Glue {
  static const and_host_v1*& host(Venue& v) { return v.host_; }

  static void destroy(void* inst) noexcept { delete static_cast<Venue*>(inst); }

  static int32_t step(void* inst, const and_in* const* in, uint32_t n) noexcept {
    auto& v = *static_cast<Venue*>(inst);
    if (v.poisoned_) return AND_E_FATAL;
    int32_t worst = AND_OK;
    for (uint32_t i = 0; i < n; ++i) {
      try {
        v.dispatch(*in[i]);
      } catch (const BadFrame& e) {
        emit_error(v.host_, AND_E_PROTOCOL, "", e.what(), in[i]->seq);
        worst = AND_E_PROTOCOL;
      } catch (const DecimalError& e) {
        emit_error(v.host_, AND_E_PROTOCOL, "", e.what(), in[i]->seq);
        worst = AND_E_PROTOCOL;
      } catch (const AuthRefused& e) {
        emit_error(v.host_, AND_E_AUTH, "", e.what(), in[i]->seq);
        worst = AND_E_AUTH;
      } catch (const std::exception& e) {
        v.poisoned_ = true;
        emit_error(v.host_, AND_E_FATAL, "", e.what(), in[i]->seq);
        return AND_E_FATAL;
      } catch (...) {
        v.poisoned_ = true;
        return AND_E_FATAL;
      }
      if (v.limit_hit_) return AND_E_LIMIT;
    }
    return worst;
  }
  static int32_t save(void*, and_buf*) noexcept { return AND_E_UNSUPPORTED; }
  static int32_t restore(void*, and_bytes) noexcept { return AND_E_UNSUPPORTED; }
  static const void* get_ext(const char*) noexcept { return nullptr; }
};

struct NoAccount;  ///< stands for "this plugin has no account side"

template <class Public, class Account>
struct Instances {
  static int32_t create(const and_host_v1* host, and_bytes config, void** out) noexcept {
    if (!host || host->size < AND_HOST_V1_SIZE_MIN || !out) return AND_E_STATE;
    try {
      const venue::Options options(reinterpret_cast<const char*>(config.p), config.len);
      std::unique_ptr<Venue> made;
      if (!options.is_account()) {
        made = construct<Public>(options);
      } else if constexpr (!std::is_same_v<Account, NoAccount>) {
        made = construct<Account>(options);
      } else {
        emit_error(host, AND_E_UNSUPPORTED, "/instance", "this plugin has prices only, no accounts", 0);
        return AND_E_UNSUPPORTED;
      }
      Glue::host(*made) = host;
      *out = made.release();
      return AND_OK;
    } catch (const BadOption& e) {
      emit_error(host, AND_E_CONFIG, e.pointer, e.what(), 0);
      return AND_E_CONFIG;
    } catch (const std::exception& e) {
      emit_error(host, AND_E_CONFIG, "", e.what(), 0);
      return AND_E_CONFIG;
    } catch (...) {
      return AND_E_CONFIG;
    }
  }
  template <class T>
  static std::unique_ptr<Venue> construct(const venue::Options& options) {
    if constexpr (std::is_constructible_v<T, const venue::Options&>) return std::make_unique<T>(options);
    else return std::make_unique<T>();
  }
};

template <class Public, class Account = NoAccount>
constexpr and_plugin_v1 plugin_table(const char* id, const char* version, const char* manifest, std::uint64_t size) {
  return {sizeof(and_plugin_v1), AND_ABI_MINOR, 0, id, version, &Instances<Public, Account>::create,
          &Glue::destroy, &Glue::step, &Glue::save, &Glue::restore, &Glue::get_ext,
          manifest, size};
}

}  // namespace detail
}  // namespace anduin

// Written by anduin_add_plugin() from the manifest file, which also defines ANDUIN_MANIFEST_SIZE.
extern "C" {
extern const char anduin_manifest[];
extern const char anduin_manifest_id[];
extern const char anduin_manifest_version[];
}

/// At the end of one source file: ANDUIN_PLUGIN(PublicClass) or ANDUIN_PLUGIN(PublicClass, AccountClass).
/// A class may take `const anduin::venue::Options&` in its constructor.
#define ANDUIN_PLUGIN(...)                                                                        \
  extern "C" ANDUIN_EXPORT constinit const and_plugin_v1 anduin_plugin_v1 =                       \
      ::anduin::detail::plugin_table<__VA_ARGS__>(anduin_manifest_id, anduin_manifest_version,    \
                                                  anduin_manifest, ANDUIN_MANIFEST_SIZE)
