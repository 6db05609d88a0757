// One account of a venue as most of them are: a private stream with a login, signed requests that are repeated until
// they are answered, history read up to now at every connect, the venue's clock, whose key it is, and closes that are
// emitted once whichever way shows them first. The cursor moves by history alone.
// Derive, say what the venue's messages look like. Thread and lifetime: as Venue says.
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "anduin/history.hpp"
#include "anduin/recent_ids.hpp"
#include "anduin/rest.hpp"

namespace anduin {

class AccountVenue : public Venue, protected HistorySweep::Reader {
 public:
  struct Policy {
    std::string_view rest = "rest";       ///< endpoint of signed requests
    std::string_view rest_rate = "rest";  ///< rate class that a ban closes
    std::string_view stream = "private";  ///< endpoint of the private socket; "" = history only
    std::string_view clock_path;          ///< GET without a key that tells the venue's time; "" = there is none
    std::uint64_t sweep_ms = 60'000;      ///< between two looks into the history while the stream is well
    std::uint64_t rotate_ms = 0;          ///< a socket older than this is replaced, the new one first; 0 = never
    std::uint64_t ban_ms = 10 * 60'000;   ///< how long Verdict::kBanned lasts
  };
  /// A GET as it is sent: target with its query, a template like every text of venue::Request.
  struct SignedGet {
    std::string target, headers, sign, args, rate = "rest";
    std::uint32_t cost = 1;
    std::string_view endpoint = {};  ///< "" = Policy.rest
  };

 protected:
  struct Session {  ///< one private socket
    ConnId connection = 0;
    bool open = false, logged_in = false, streams = false, waits_for_clock = false;
    std::uint64_t number = 0;  ///< counts openings: answers to an older one are not awaited
    std::string awaited = {};  ///< what the socket owes us
  };

  explicit AccountVenue(Policy policy) : policy_(policy) {}
  /// In the constructor: a history to be read, with a cursor of its own.
  HistorySweep& add_history(std::string name, HistorySweep::Policy policy) {
    return histories_.emplace_back(static_cast<Reader&>(*this), std::move(name), policy);
  }

  // -- what the venue says of itself ------------------------------------------------------------------------------
  [[nodiscard]] virtual Answer judge(const venue::Reply& reply) = 0;
  [[nodiscard]] virtual SignedGet signed_get(std::string_view path, const std::string& query) = 0;
  /// One sentence for a kAuth answer: what is wrong, and what a person should do.
  [[nodiscard]] virtual std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) = 0;
  /// The venue's time in ms from the answer of `clock_path`; 0 = it does not say.
  [[nodiscard]] virtual std::int64_t clock_of(const Answer&) { return 0; }
  /// Closes do without this request: its failure is reported, and ends nothing.
  [[nodiscard]] virtual bool is_optional(std::string_view) const { return false; }
  /// A kAuth code that means "not permitted for this request", where a key may do the rest.
  [[nodiscard]] virtual bool is_missing_right(std::int64_t) const { return false; }
  /// Opens the socket: override where the address comes from a request (tokens).
  virtual void dial_session(Session& s) { open(s.connection, policy_.stream); }
  /// The socket is open, the clock known: send the login and expect() its answer.
  virtual void log_in(Session& s) = 0;
  /// Subscribe to what tells of closes; call streaming() when that is acknowledged.
  virtual void subscribe(Session& s) = 0;
  virtual void take_private(Session& s, const venue::Frame& frame) = 0;
  /// Ask whose key this is, then account(). At the start, after every login, once a day.
  virtual void ask_key() = 0;
  /// Ask for the balance, then balance(), then balance_answered() with a failure or nothing.
  virtual void ask_balance() { balance_answered("this venue plugin does not offer balances"); }

  // -- requests ---------------------------------------------------------------------------------------------------
  /// A signed GET that is repeated until the venue answers: `done` sees kOk or kRequest, or kAuth for a missing right
  /// of an optional request. A refused key ends in AuthRefused. `path` is a constant: it outlives the request.
  void get(std::string_view path, const std::string& query, std::function<void(const Answer&)> done) {
    call(path, query, std::move(done), 0);
  }
  /// Reads pages: `page` takes an answer and gives the query of the next page, "" after the last. A page that cannot
  /// be had or a cursor that repeats fail the whole; more than kPagesMax pages are HistorySweep::kTooMany.
  void read_pages(std::string_view path, const std::string& query,
                  std::function<std::string(const Answer&)> page, HistorySweep::Done done) {
    auto pages = std::make_shared<Pages>();
    pages->path = path;
    pages->page = std::move(page);
    pages->done = std::move(done);
    read_page(pages, query);
  }
  static constexpr std::size_t kPagesMax = 500;

  // -- the stream -------------------------------------------------------------------------------------------------
  /// The socket owes an answer within ten seconds, or it is dialled anew. "" = nothing any more.
  void expect(Session& s, std::string_view what) {
    s.awaited = what;
    if (what.empty()) return;
    after(kAnswerMs, [this, &s, number = s.number, what = std::string(what)] {
      if (s.number == number && s.awaited == what) redial(s.connection, "no answer to the " + what);
    });
  }
  void login_accepted(Session& s) {
    expect(s, "");
    s.logged_in = true;
    clock_refusals_ = 0;
    subscribe(s);
    ask_key();
  }
  /// Passing troubles dial again; a stamp outside the window asks the clock once; the rest is the key.
  void login_refused(Session& s, Verdict verdict, std::int64_t code, const std::string& text) {
    expect(s, "");
    if (verdict == Verdict::kServer || verdict == Verdict::kRate || verdict == Verdict::kBanned)
      return redial(s.connection, "login: " + text);
    if (verdict == Verdict::kClock && ++clock_refusals_ < 2) {
      probe_clock(kClockReads);
      return redial(s.connection, "login: " + text);
    }
    refuse(code, text, "the private stream");
  }
  /// What tells of closes is subscribed: history is read for what was closed while nobody listened.
  void streaming(Session& s) {
    expect(s, "");
    if (s.streams) return;
    s.streams = true;
    Session& other = sessions_[&s == &sessions_[0] ? 1 : 0];
    if (&s != &sessions_[active_]) {
      active_ = 1 - active_;
      close(other.connection, "another connection has taken over");
      reset(other);
    }
    replacing_ = false;
    if (struggling_.empty()) ready("positions");
    sweep_all();
    after(kLateRowsMs, [this] { sweep_all(); });
    if (policy_.rotate_ms != 0)
      after(policy_.rotate_ms, [this, &s, number = s.number] {
        if (s.number == number) replace_stream("it is as old as the venue lets it become");
      });
  }
  [[nodiscard]] bool streams() const { return sessions_[0].streams || sessions_[1].streams; }
  /// The venue will end the socket soon: another one takes over before that.
  void replace_stream(std::string_view why) {
    if (replacing_) return;
    replacing_ = true;
    log(AND_LOG_INFO, "another private connection takes over: " + std::string(why));
    dial(sessions_[1 - active_].connection);
  }
  [[nodiscard]] Session& session() { return sessions_[active_]; }

  // -- closes -----------------------------------------------------------------------------------------------------
  /// Emits a close that this instance has not emitted yet. False: it had.
  bool emit_close(const venue::ClosedPosition& p) {
    const std::string id(p.id);
    chases_.erase(id);
    if (!emitted_.add(id)) return false;
    closed(p);
    return true;
  }
  /// Emits it again when its figures may have changed: the host finds out, a difference is a visible conflict.
  void emit_again(const venue::ClosedPosition& p) {
    (void)emitted_.add(std::string(p.id));
    closed(p);
  }
  [[nodiscard]] bool is_emitted(const std::string& id) const { return emitted_.contains(id); }
  /// The stream says that something was closed whose record only a request shows: `ask` runs soon and then more and
  /// more slowly until caught(key), or the close with that id was emitted. Sweeps go on looking after that.
  void chase(const std::string& key, std::function<void()> ask) {
    if (is_emitted(key)) return;
    if (!chases_.insert(key).second) return;
    chase_again(key, std::make_shared<std::function<void()>>(std::move(ask)), 0);
  }
  void caught(const std::string& key) { chases_.erase(key); }
  [[nodiscard]] bool is_chased(const std::string& key) const { return chases_.contains(key); }

  // -- history ----------------------------------------------------------------------------------------------------
  void sweep_all() {
    for (HistorySweep& h : histories_) h.sweep();
  }
  void sweep_soon(std::string_view why) {
    if (sweep_soon_) return;
    sweep_soon_ = true;
    log(AND_LOG_INFO, "looking into the history: " + std::string(why));
    after(kSweepSoonMs, [this] {
      sweep_soon_ = false;
      sweep_all();
    });
  }
  [[nodiscard]] std::deque<HistorySweep>& histories() { return histories_; }
  /// All is read again from the durable cursor: forget what waits.
  virtual void forget_waiting() {}

  void report(std::string_view where, std::string_view what) { error(AND_E_PROTOCOL, where, what); }
  void balance_answered(const std::string& failure) {
    balance_asked_ = false;
    if (!failure.empty()) failed("balance", failure);
  }
  /// Something that closes need does not work: the feed is behind until recovered().
  void struggle(std::string_view what, const std::string& why) {
    if (struggling_.emplace(what).second && struggling_.size() == 1) resync("positions", why);
  }
  void recovered(std::string_view what) {
    const auto it = struggling_.find(what);
    if (it == struggling_.end()) return;
    struggling_.erase(it);
    if (struggling_.empty() && (streams() || policy_.stream.empty())) ready("positions");
  }

  // -- Venue ------------------------------------------------------------------------------------------------------
  void on_start() override {
    restore_cursor();
    probe_clock(kClockReads);
    ask_key();
    if (!policy_.stream.empty()) dial(sessions_[0].connection);
    sweep_all();
    sweep_every();
    ask_key_every();
  }
  void on_dial(ConnId c) override {
    refused_until_ms_ = 0;  // the host has waited, or a person has changed the key
    if (Session* s = session_of(c)) dial_session(*s);
  }
  void on_open(ConnId c) override {
    Session* s = session_of(c);
    if (!s) return;
    reset(*s);
    s->open = true;
    // The login carries a time: with a wrong one the venue would refuse a good key.
    if (clock_known_ || !clock_asked_) return log_in(*s);
    s->waits_for_clock = true;
    after(kClockWaitMs, [this, s, number = s->number] {
      if (s->number == number && s->waits_for_clock) log_in_now(*s);
    });
  }
  void on_close(ConnId c, int, std::string_view reason) override {
    Session* s = session_of(c);
    if (!s) return;
    const bool streamed = s->streams;
    reset(*s);
    if (streamed && !streams()) resync("positions", "the private stream is closed: " + std::string(reason));
  }
  void on_frame(const venue::Frame& frame) override {
    if (Session* s = session_of(frame.connection)) take_private(*s, frame);
  }
  void on_balance_query() override {
    if (balance_asked_) return;
    balance_asked_ = true;
    ask_balance();
  }
  void on_cursor() override {
    emitted_.clear();
    forget_waiting();
    restore_cursor();
    sweep_all();
  }

  /// Asks the venue's time now; the read with the shortest round trip counts.
  void probe_clock(unsigned reads) {
    if (clock_asked_ || policy_.clock_path.empty()) return;
    clock_asked_ = true;
    // `*id` is the request's own number, which CLOCK names: it is known before the answer can come.
    const auto id = std::make_shared<RequestId>(0);
    *id = http({.endpoint = policy_.rest, .target = policy_.clock_path, .rate = policy_.rest_rate},
               [this, reads, id](const venue::Reply& reply) { take_clock(reads, *id, reply); });
  }
  static constexpr unsigned kClockReads = 3;

 private:
  static constexpr std::uint64_t kClockAgainMs = 10 * 60'000;    ///< clocks drift
  static constexpr std::uint64_t kClockWaitMs = 5'000;           ///< a login does not wait longer for the venue's time
  static constexpr std::uint64_t kKeyAgainMs = 24ULL * 3600'000; ///< rights can be widened while we run
  static constexpr std::uint64_t kAnswerMs = 10'000;             ///< login and subscription
  static constexpr std::uint64_t kRetryMs = 1'000, kRetryMaxMs = 60'000;
  static constexpr unsigned kStruggleAfter = 3;                  ///< failures in a row before the feed is called late
  static constexpr std::uint64_t kRefusedMs = 300'000;           ///< a person has to act: look again, do not hammer
  static constexpr std::uint64_t kSweepSoonMs = 2'000;
  static constexpr std::uint64_t kLateRowsMs = 10'000;           ///< REST shows a close seconds after it happened
  static constexpr std::array<std::uint64_t, 7> kChaseMs{300, 700, 1'000, 2'000, 4'000, 8'000, 15'000};
  static constexpr std::string_view kCursorVersion = "v1";

  struct Pages {
    std::string_view path;
    std::function<std::string(const Answer&)> page;
    HistorySweep::Done done;
    std::unordered_set<std::string> queries;
  };

  Session* session_of(ConnId c) {
    for (Session& s : sessions_)
      if (s.connection == c) return &s;
    return nullptr;
  }
  void reset(Session& s) { s = Session{.connection = s.connection, .number = s.number + 1}; }
  void log_in_now(Session& s) {
    s.waits_for_clock = false;
    if (s.open) log_in(s);
  }
  void take_clock(unsigned reads, RequestId id, const venue::Reply& reply) {
    clock_asked_ = false;
    try {
      const Answer answer = judge(reply);
      if (const std::int64_t ms = answer.ok() ? clock_of(answer) : 0; ms > 0) {
        clock(id, ms, 1);
        clock_known_ = true;
      }
    } catch (const BadFrame& e) {
      report(policy_.clock_path, e.what());
    }
    if (reads > 1) return probe_clock(reads - 1);
    after(kClockAgainMs, [this] { probe_clock(1); });
    for (Session& s : sessions_)
      if (s.waits_for_clock) log_in_now(s);
  }
  void ask_key_every() {
    after(kKeyAgainMs, [this] {
      ask_key();
      ask_key_every();
    });
  }

  void again(std::string_view path, const std::string& query, std::function<void(const Answer&)> done,
             unsigned attempt, std::uint64_t delay_ms) {
    after(delay_ms, [this, path, query, done = std::move(done), attempt] { call(path, query, done, attempt); });
  }
  void call(std::string_view path, const std::string& query, std::function<void(const Answer&)> done,
            unsigned attempt) {
    if (refused_until_ms_ > now_ms()) return again(path, query, std::move(done), attempt, kRetryMaxMs);
    const SignedGet g = signed_get(path, query);
    const auto id = std::make_shared<RequestId>(0);
    *id = http({.endpoint = g.endpoint.empty() ? policy_.rest : g.endpoint, .target = g.target, .headers = g.headers,
                .sign = g.sign, .args = g.args, .rate = g.rate, .cost = g.cost},
               [this, path, query, done = std::move(done), attempt, id](const venue::Reply& reply) {
                 take_answer(path, query, done, attempt, *id, reply);
               });
  }
  void take_answer(std::string_view path, const std::string& query, const std::function<void(const Answer&)>& done,
                   unsigned attempt, RequestId id, const venue::Reply& reply) {
    Answer answer = judge(reply);
    answer.request = id;
    std::string why = std::string(path) + ": " + answer.text + " (" + std::to_string(answer.code) + ")";
    const std::uint64_t growing = std::min(kRetryMs << std::min(attempt, 6U), kRetryMaxMs);
    switch (answer.verdict) {
      case Verdict::kOk:
        recovered(path);
        try {
          return done(answer);
        } catch (const BadFrame& e) {  // an answer without what it must hold is never "nothing there"
          why = std::string(path) + ": " + e.what();
        } catch (const DecimalError& e) {
          why = std::string(path) + ": " + e.what();
        }
        report(path, why);
        if (attempt >= kStruggleAfter) struggle(path, why);
        return again(path, query, done, attempt + 1, growing);
      case Verdict::kRequest:
        if (!is_optional(path)) struggle(path, why);
        return done(answer);
      case Verdict::kAuth:
        if (is_missing_right(answer.code) && is_optional(path)) {
          answer.text = advice(answer.code, answer.text, path);
          return done(answer);
        }
        again(path, query, done, attempt, kRefusedMs);
        if (refused_until_ms_ > now_ms()) return;  // said already, for another request
        refuse(answer.code, answer.text, path);
      case Verdict::kClock:
        // Once at once with the venue's time; then it is load, which some venues call by the same name.
        probe_clock(kClockReads);
        if (attempt > 0) struggle(path, why);
        return again(path, query, done, attempt + 1, attempt == 0 ? kRetryMs : growing);
      case Verdict::kRate: {
        const std::int64_t wait = answer.retry_at_ms - now_ms();
        const auto delay = wait > 0 ? static_cast<std::uint64_t>(wait) + 50 : growing;
        return again(path, query, done, attempt + 1, std::min(delay, kRetryMaxMs));
      }
      case Verdict::kBanned:
        rate_limit(policy_.rest_rate, 0, now_ms() + static_cast<std::int64_t>(policy_.ban_ms));
        warn(why);
        struggle(path, why);
        return again(path, query, done, attempt + 1, policy_.ban_ms);
      case Verdict::kServer:
        if (attempt >= kStruggleAfter) struggle(path, why);
        return again(path, query, done, attempt + 1, growing);
    }
  }
  [[noreturn]] void refuse(std::int64_t code, const std::string& text, std::string_view path) {
    refused_until_ms_ = now_ms() + static_cast<std::int64_t>(kRefusedMs) - 1;
    const std::string sentence = advice(code, text, path);
    failed("positions", sentence);
    throw AuthRefused(sentence);
  }
  void read_page(const std::shared_ptr<Pages>& pages, const std::string& query) {
    if (!pages->queries.insert(query).second) return pages->done("the page cursor repeats");
    if (pages->queries.size() > kPagesMax) return pages->done(std::string(HistorySweep::kTooMany));
    get(pages->path, query, [this, pages](const Answer& answer) {
      if (!answer.ok()) return pages->done(answer.text);
      const std::string next = pages->page(answer);
      if (next.empty()) return pages->done("");
      read_page(pages, next);
    });
  }

  void chase_again(const std::string& key, const std::shared_ptr<std::function<void()>>& ask, std::size_t turn) {
    if (turn == kChaseMs.size()) {
      if (chases_.erase(key) > 0)
        warn("the close " + key + " was announced, and its record does not show: history is looked at again and again");
      return sweep_soon("a close was announced without a record");
    }
    after(kChaseMs[turn], [this, key, ask, turn] {
      if (!chases_.contains(key)) return;
      (*ask)();
      chase_again(key, ask, turn + 1);
    });
  }

  /// The cursor: "v1 linear=1746270400353 inverse=0", the time up to which each history is proven.
  void restore_cursor() {
    const std::string cursor(resume().watermark);
    const bool known = cursor.starts_with(kCursorVersion);
    if (!known && !cursor.empty())
      warn("the stored cursor '" + cursor + "' is of another version: history is read again");
    for (HistorySweep& h : histories_) {
      std::int64_t proven = 0;
      const std::string name = " " + h.name() + "=";
      if (const std::size_t at = cursor.find(name); known && at != std::string::npos)
        std::from_chars(cursor.data() + at + name.size(), cursor.data() + cursor.size(), proven);
      h.resume(proven, resume().settle_from_ms);
    }
  }
  void sweep_every() {
    after(policy_.sweep_ms, [this] {
      sweep_all();
      sweep_every();
    });
  }
  void sweep_later(std::uint64_t delay_ms, std::function<void()> fn) final { after(delay_ms, std::move(fn)); }
  [[nodiscard]] std::int64_t sweep_now() const final { return now_ms(); }
  void sweep_failed(const HistorySweep& sweep, const std::string& why) final {
    report("history " + sweep.name(), "the window is read again: " + why);
  }
  void sweep_covered(std::int64_t from_ms, std::int64_t to_ms, bool proven, const std::string& why_not) final {
    coverage(from_ms, to_ms, proven, why_not);
  }
  void sweep_moved() final {
    std::string cursor(kCursorVersion);
    for (const HistorySweep& h : histories_) cursor += " " + h.name() + "=" + std::to_string(h.proven_ms());
    watermark(cursor);
  }

  Policy policy_;
  std::deque<HistorySweep> histories_;
  std::array<Session, 2> sessions_{Session{.connection = 1}, Session{.connection = 2}};
  unsigned active_ = 0;
  bool replacing_ = false;
  std::int64_t refused_until_ms_ = 0;  ///< the credentials: no request before then
  bool clock_known_ = false, clock_asked_ = false;
  unsigned clock_refusals_ = 0;
  bool sweep_soon_ = false, balance_asked_ = false;
  std::set<std::string, std::less<>> struggling_;  ///< paths that the venue does not answer
  RecentIds emitted_;
  std::unordered_set<std::string> chases_;
};

}  // namespace anduin
