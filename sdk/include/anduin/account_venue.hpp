// One account of a venue as most of them are: a private stream with a login, history read up to now at every connect,
// whose key it is, and closes that are emitted once whichever way shows them first. The cursor moves by history alone.
// Requests: SignedCalls.
// Derive, say what the venue's messages look like. Thread and lifetime: as Venue says.
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>

#include "anduin/history.hpp"
#include "anduin/recent_ids.hpp"
#include "anduin/signed_calls.hpp"

namespace anduin {

class AccountVenue : public SignedCalls, protected HistorySweep::Reader {
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

 protected:
  struct Session {  ///< one private socket
    ConnId connection = 0;
    bool open = false, logged_in = false, streams = false, waits_for_clock = false;
    std::uint64_t number = 0;  ///< counts openings: answers to an older one are not awaited
    std::string awaited = {};  ///< what the socket owes us
  };

  explicit AccountVenue(Policy policy)
      : SignedCalls({policy.rest, policy.rest_rate, policy.clock_path, policy.ban_ms}), policy_(policy) {}
  /// In the constructor: a history to be read, with a cursor of its own.
  HistorySweep& add_history(std::string name, HistorySweep::Policy policy) {
    return histories_.emplace_back(static_cast<Reader&>(*this), std::move(name), policy);
  }

  // -- what the venue says of itself ------------------------------------------------------------------------------
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
    if (!struggles()) ready("positions");
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

  void balance_answered(const std::string& failure) {
    balance_asked_ = false;
    if (!failure.empty()) failed("balance", failure);
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
    forgive_key();
    if (Session* s = session_of(c)) dial_session(*s);
  }
  void on_open(ConnId c) override {
    Session* s = session_of(c);
    if (!s) return;
    reset(*s);
    s->open = true;
    // The login carries a time: with a wrong one the venue would refuse a good key.
    if (!waits_for_clock()) return log_in(*s);
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

 private:
  [[nodiscard]] bool hears_of_closes() const final { return streams() || policy_.stream.empty(); }
  void clock_probed() final {
    for (Session& s : sessions_)
      if (s.waits_for_clock) log_in_now(s);
  }

  static constexpr std::uint64_t kClockWaitMs = 5'000;           ///< a login does not wait longer for the venue's time
  static constexpr std::uint64_t kKeyAgainMs = 24ULL * 3600'000; ///< rights can be widened while we run
  static constexpr std::uint64_t kAnswerMs = 10'000;             ///< login and subscription
  static constexpr std::uint64_t kSweepSoonMs = 2'000;
  static constexpr std::uint64_t kLateRowsMs = 10'000;           ///< REST shows a close seconds after it happened
  static constexpr std::array<std::uint64_t, 7> kChaseMs{300, 700, 1'000, 2'000, 4'000, 8'000, 15'000};
  static constexpr std::string_view kCursorVersion = "v1";

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
  void ask_key_every() {
    after(kKeyAgainMs, [this] {
      ask_key();
      ask_key_every();
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
  unsigned clock_refusals_ = 0;
  bool sweep_soon_ = false, balance_asked_ = false;
  RecentIds emitted_;
  std::unordered_set<std::string> chases_;
};

}  // namespace anduin
