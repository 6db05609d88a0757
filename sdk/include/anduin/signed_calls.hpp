// Requests of one account: signed, repeated until the venue answers by what its verdict asks for, page by page where
// it pages, with the venue's clock kept known for the stamps. A refused key ends in AuthRefused and is tried again
// minutes later. AccountVenue stands on it. Thread and lifetime: as Venue says.
#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "anduin/history.hpp"
#include "anduin/rest.hpp"

namespace anduin {

class SignedCalls : public Venue {
 public:
  /// A GET as it is sent: target with its query, a template like every text of venue::Request.
  struct SignedGet {
    std::string target, headers, sign, args, rate = "rest";
    std::uint32_t cost = 1;
    std::string_view endpoint = {};  ///< "" = Policy.rest
  };

 protected:
  struct CallPolicy {
    std::string_view rest, rest_rate, clock_path;
    std::uint64_t ban_ms;
  };
  explicit SignedCalls(CallPolicy policy) : policy_(policy) {}

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
  /// Whether closes reach us while requests work: then the feed is ready again after a trouble with requests.
  [[nodiscard]] virtual bool hears_of_closes() const = 0;
  /// The venue's time was asked for, with or without an answer.
  virtual void clock_probed() {}

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

  /// Asks the venue's time now; the read with the shortest round trip counts.
  void probe_clock(unsigned reads) {
    if (clock_asked_ || policy_.clock_path.empty()) return;
    clock_asked_ = true;
    // `*id` is the request's own number, which CLOCK names: it is known before the answer can come.
    const auto id = std::make_shared<RequestId>(0);
    *id = http({.endpoint = policy_.rest, .target = policy_.clock_path, .rate = policy_.rest_rate},
               [this, reads, id](const venue::Reply& reply) { take_clock(reads, *id, reply); });
  }
  [[nodiscard]] bool waits_for_clock() const { return !clock_known_ && clock_asked_; }
  void report(std::string_view where, std::string_view what) { error(AND_E_PROTOCOL, where, what); }
  /// Something that closes need does not work: the feed is behind until recovered().
  void struggle(std::string_view what, const std::string& why) {
    if (struggling_.emplace(what).second && struggling_.size() == 1) resync("positions", why);
  }
  void recovered(std::string_view what) {
    const auto it = struggling_.find(what);
    if (it == struggling_.end()) return;
    struggling_.erase(it);
    if (struggling_.empty() && hears_of_closes()) ready("positions");
  }
  [[nodiscard]] bool struggles() const { return !struggling_.empty(); }
  /// The host has waited, or a person has changed the key: requests leave again.
  void forgive_key() { refused_until_ms_ = 0; }
  [[noreturn]] void refuse(std::int64_t code, const std::string& text, std::string_view path) {
    refused_until_ms_ = now_ms() + static_cast<std::int64_t>(kRefusedMs) - 1;
    const std::string sentence = advice(code, text, path);
    failed("positions", sentence);
    throw AuthRefused(sentence);
  }
  static constexpr unsigned kClockReads = 3;  ///< the one with the shortest round trip counts

 private:
  static constexpr std::uint64_t kClockAgainMs = 10 * 60'000;    ///< clocks drift
  static constexpr std::uint64_t kRetryMs = 1'000, kRetryMaxMs = 60'000;
  static constexpr unsigned kStruggleAfter = 3;                  ///< failures in a row before the feed is called late
  static constexpr std::uint64_t kRefusedMs = 300'000;           ///< a person has to act: look again, do not hammer

  struct Pages {
    std::string_view path;
    std::function<std::string(const Answer&)> page;
    HistorySweep::Done done;
    std::unordered_set<std::string> queries;
  };

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
    clock_probed();
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

  CallPolicy policy_;
  std::int64_t refused_until_ms_ = 0;  ///< the credentials: no request before then
  bool clock_known_ = false, clock_asked_ = false;
  std::set<std::string, std::less<>> struggling_;  ///< paths that the venue does not answer
};

}  // namespace anduin
